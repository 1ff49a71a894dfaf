"""The Flink job `decide` as a file of its own, for a cluster.

    flink run -d -pyexec PYTHON -pyclientexec PYTHON -py jobs/decide.py --kafka HOST:PORT --state URI ...

Its way, sources to named views to sinks, stands in corridor/flink/decide.py; `corridor run decide` executes the
same statements, and `python jobs/decide.py ...` is the same command.
"""

import sys

from corridor.cli import main

if __name__ == "__main__":
    main(["run", "decide", *sys.argv[1:]])
