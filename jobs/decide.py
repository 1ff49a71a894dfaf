"""The Flink job `decide` as a file of its own: python jobs/decide.py --input ... --output ...

Its way, sources to named views to sinks, stands in corridor/flink/decide.py; `corridor run decide` executes the
same statements.
"""

from corridor.commands.run import decide

if __name__ == "__main__":
    decide()
