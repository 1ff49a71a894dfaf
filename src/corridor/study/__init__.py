"""Offline, on history: read, fit, measure, convert, demonstrate."""
