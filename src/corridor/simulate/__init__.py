"""A believable customs service with planted cases, for the demo, tests and benchmarks.

It never reads a rulebook. Everything follows from the seed: same seed and day, same bytes.
"""

from corridor.simulate.service import Service, declarations

__all__ = ["Service", "declarations"]
