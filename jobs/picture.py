"""The Flink job `picture` as a file of its own: python jobs/picture.py --input ... --output ...

Its way, sources to named views to sinks, stands in corridor/flink/picture.py; `corridor run picture` executes the
same statements.
"""

import sys

from corridor.cli import main

if __name__ == "__main__":
    main(["run", "picture", *sys.argv[1:]])
