"""A believable customs service with planted cases, for the demo, tests and benchmarks."""
