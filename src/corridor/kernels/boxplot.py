"""What is usual in a cell: robust location and scale, quantiles, and the fences of the adjusted boxplot.

Hubert and Vandervieren, An adjusted boxplot for skewed distributions, Computational Statistics & Data
Analysis 52 (2008); medcouple: Brys, Hubert and Struyf, A robust measure of skewness (2004).
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

SUMMARY: Final = ("median", "mad", "p1", "p5", "p95", "p99", "fence_low", "fence_high")
"""Columns of a summary: median and median absolute deviation of ln x; the others of x."""
MEDCOUPLE_SAMPLE: Final = 61
"""The medcouple compares each pair, so of a large cell it sees so many evenly spaced ranks."""


@inline
def _quantile(ordered: Any, share: Any) -> Any:
    """Linear interpolation between ranks, as numpy.quantile does by default."""
    position = share * (ordered.shape[0] - 1)
    below = math.floor(position)
    above = min(below + 1, ordered.shape[0] - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


@inline
def _medcouple(ordered: Any) -> Any:
    """Medcouple of a sorted sample, in [-1, 1]; ties with the median as in Brys et al., section 2."""
    n = ordered.shape[0]
    centre = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2.0
    low, ties, high = 0, 0, 0
    for i in range(n):
        low += ordered[i] <= centre
        ties += ordered[i] == centre
        high += ordered[i] >= centre
    pairs = np.empty(low * high)
    k = 0
    for i in range(low):
        for j in range(n - high, n):
            below, above = centre - ordered[i], ordered[j] - centre
            if below == 0.0 and above == 0.0:
                place = (i - (low - ties)) + (j - (n - high)) - (ties - 1)
                pairs[k] = np.sign(place)
            else:
                pairs[k] = (above - below) / (above + below)
            k += 1
    pairs.sort()
    return (pairs[(k - 1) // 2] + pairs[k // 2]) / 2.0


@inline
def _thinned(ordered: Any, most: Any) -> Any:
    n = ordered.shape[0]
    if n <= most:
        return ordered.copy()
    out = np.empty(most)
    for i in range(most):
        out[i] = ordered[(i * (n - 1) + (most - 1) // 2) // (most - 1)]
    return out


@kernel
def _summaries(values: Any, starts: Any, most: Any, out: Any) -> None:
    for c in range(starts.shape[0] - 1):
        x = np.sort(values[starts[c] : starts[c + 1]])
        if x.shape[0] == 0:
            out[c, :] = np.nan
            continue
        logs = np.log(x)
        median = _quantile(logs, 0.5)
        deviations = np.sort(np.abs(logs - median))
        out[c, 0], out[c, 1] = median, _quantile(deviations, 0.5)
        out[c, 2], out[c, 3] = _quantile(x, 0.01), _quantile(x, 0.05)
        out[c, 4], out[c, 5] = _quantile(x, 0.95), _quantile(x, 0.99)
        skew = _medcouple(_thinned(x, most))
        q1, q3 = _quantile(x, 0.25), _quantile(x, 0.75)
        reach_low, reach_high = (-4.0, 3.0) if skew >= 0.0 else (-3.0, 4.0)
        out[c, 6] = q1 - 1.5 * math.exp(reach_low * skew) * (q3 - q1)
        out[c, 7] = q3 + 1.5 * math.exp(reach_high * skew) * (q3 - q1)


def summaries(values: Any, starts: Any) -> NDArray[np.float64]:
    """float64[k, 8] in the order of SUMMARY: cell c holds values[starts[c]:starts[c + 1]].

    values: float64[m], positive and finite, in any order within a cell; starts: int64[k + 1]. An empty
    cell gives NaN.
    """
    bounds = readonly(starts, np.int64)
    out = np.empty((len(bounds) - 1, len(SUMMARY)))
    _summaries(readonly(values, np.float64), bounds, MEDCOUPLE_SAMPLE, out)
    return out
