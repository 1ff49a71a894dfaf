"""Corridor: a customs risk engine for streams on Apache Flink."""

__version__ = "0.1.0"
