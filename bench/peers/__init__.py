"""The ways that the race compares Corridor with, one module each."""
