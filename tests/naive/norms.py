"""Slow twin of kernels/norms.py."""

import math

NAN = float("nan")


def score(cell, level, x, factor=1.0):
    """cell: (median, centre, scale, p1, p5, p95, p99, fence_low, fence_high) or None; factor: what its month brings."""
    if cell is None or not (x > 0 and math.isfinite(x)):
        return (NAN,) * 5
    x = x / factor
    median, centre, scale, p1, p5, p95, p99, low, high = cell
    band = 0 if x < p1 else 1 if x < p5 else 4 if x > p99 else 3 if x > p95 else 2
    log = math.log(x) if x > 0 else -math.inf  # the factor may leave nothing of the smallest doubles
    return ((log - median) / scale, x / centre, float(band), float(level), float(x < low or x > high))
