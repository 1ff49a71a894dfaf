"""A believable customs service with planted cases, for the demo, tests and benchmarks.

It never reads a rulebook. Everything follows from the seed: same seed, day and options, same bytes.
"""

from corridor.simulate.day import Day, Options, day
from corridor.simulate.followups import QUIET, Mix
from corridor.simulate.service import Service, blocks, clean, declarations

__all__ = ["QUIET", "Day", "Mix", "Options", "Service", "blocks", "clean", "day", "declarations"]
