"""Episodes: hours in a row that leave their norm are one event, found by sums over trailing windows.

A short window sees a sharp change at once, a long one a small change in time; each is judged by the exact
tail of its sum (scan statistics: Glaz, Naus, Wallenstein 2001), and hits that touch become one episode.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import count_tails, share_tails

Array = NDArray[Any]

WINDOWS: Final = (1, 2, 3, 4, 6, 8)
"""Hours over which counts are summed."""
SHARE_WINDOWS: Final = (3, 6, 12, 24)
LEAST_SHARE_COUNT: Final = 12.0
"""A share has shifted when at least so many declarations more or fewer than usual belong to it."""
GAP: Final = 2
"""Hits at most so many hours apart belong to one episode."""
QUIET: Final = 3.0
"""So do hits with fewer expected declarations between them: a night interrupts nothing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a sum of a window is told: one set of defaults for all series, no tuning a series.

    surprise: -log10 of the tail's probability; low and high: at most and at least this ratio of
    observed to expected; excess: at least so far from the expectation (declarations, or share).
    """

    surprise: float
    low: float
    high: float
    excess: float


@dataclass(frozen=True, slots=True)
class Episode:
    """One series out of its norm from hour index `start` to `stop`, both included.

    side: -1 below, +1 above; first: the hour at whose end it could be told; score: the largest surprise.
    """

    series: int
    side: int
    start: int
    stop: int
    first: int
    score: float


@dataclass(frozen=True, slots=True)
class Series:
    """Counts float64[v, t] with their norms; `total` set: counts among it, and `mean` is a share.

    dispersion: of the negative binomial, or the intra-class correlation of the share.
    """

    observed: Array
    mean: Array
    dispersion: Array
    total: Array | None = None


def find(series: Series, side: int, limits: Limits, windows: tuple[int, ...] = WINDOWS) -> list[Episode]:
    """Episodes of all series on one side (-1 below, +1 above the norm), by series and time."""
    if not series.observed.size:
        return []
    scores = np.stack([surprise(series, side, w, limits) for w in windows])
    best, length = scores.max(0), np.asarray(windows)[scores.argmax(0)]
    out = _out(series, side, limits)
    limit = limits.surprise + np.log10(len(windows))
    found: list[Episode] = []
    for v in np.flatnonzero(((best >= limit) & out).any(1)):
        expected = series.mean[v] * (1.0 if series.total is None else series.total[v])
        hits = np.flatnonzero((best[v] >= limit) & out[v])
        for group in _groups(hits, length[v], expected):
            start, stop = max(int(min(group - length[v, group] + 1)), 0), int(group[-1])
            start += int(out[v, start:].argmax())
            found.append(Episode(int(v), side, start, stop, int(group[0]), float(best[v, group].max())))
    return found


def sums(x: Array, window: int) -> Array:
    """Trailing sums over `window` hours, shorter at the start: float64[v, t]."""
    total = np.cumsum(np.nan_to_num(x), axis=-1)
    out = total.copy()
    out[..., window:] -= total[..., :-window]
    return np.asarray(out)


def pooled(mean: Array, dispersion: Array, window: int) -> Array:
    """Dispersion of a sum whose hours stray together: the cautious case."""
    total = sums(mean, window)
    return np.asarray((sums(mean * np.sqrt(dispersion), window) / np.maximum(total, 1e-300)) ** 2)


def surprise(series: Series, side: int, window: int, limits: Limits) -> Array:
    """-log10 of the tail's probability, float64[v, t]; 0 where the change is too small to matter."""
    score, observed = np.zeros(series.observed.shape), sums(series.observed, window)
    if series.total is None:
        usual = sums(series.mean, window)
        far = _far(observed, usual, side, limits, limits.excess)
        among = pooled(series.mean, series.dispersion, window)
        observed = np.maximum(observed, 0.0)
        tails = count_tails(observed[far], usual[far], among[far]) if far.any() else None
    else:
        total = sums(series.total, window)
        usual = total * series.mean
        far = _far(observed, usual, side, limits, np.maximum(limits.excess * total, LEAST_SHARE_COUNT))
        rho = np.broadcast_to(series.dispersion, far.shape)
        p = np.broadcast_to(series.mean, far.shape)
        tails = share_tails(observed[far], total[far], p[far], rho[far]) if far.any() else None
    if tails is not None:
        score[far] = -np.nan_to_num(tails[0] if side < 0 else tails[1])
    return score


def _far(observed: Array, usual: Array, side: int, limits: Limits, excess: Array | float) -> Array:
    if side < 0:
        return np.asarray((observed <= limits.low * usual) & (usual - observed >= excess))
    return np.asarray((observed >= limits.high * usual) & (observed - usual >= excess) & (usual > 0))


def _out(series: Series, side: int, limits: Limits) -> Array:
    """bool[v, t]: the hour itself is out, so a window's memory does not prolong an episode."""
    usual = series.mean if series.total is None else series.mean * series.total
    if side < 0:
        return np.asarray((series.observed <= limits.low * usual) & (usual > 0))
    return np.asarray((series.observed >= limits.high * usual) & (series.observed > 0))


def _groups(hits: Array, length: Array, expected: Array) -> list[Array]:
    """Split hits where neither few hours nor a quiet stretch lies between them and the next window."""
    between = [float(np.nansum(expected[a + 1 : max(b - length[b] + 1, a + 1)])) for a, b in pairwise(hits)]
    near = hits[1:] - length[hits[1:]] - hits[:-1] <= GAP
    return np.split(hits, np.flatnonzero(~near & (np.asarray(between) >= QUIET)) + 1)


def joined(episodes: list[Episode]) -> list[Episode]:
    """Join episodes of one series and side that overlap or nearly touch."""
    out: list[Episode] = []
    for e in sorted(episodes, key=lambda e: (e.series, e.side, e.start, e.stop)):
        last = out[-1] if out else None
        if last and (last.series, last.side) == (e.series, e.side) and e.start - last.stop <= GAP + 1:
            stop, first = max(last.stop, e.stop), min(last.first, e.first)
            out[-1] = replace(last, stop=stop, first=first, score=max(last.score, e.score))
        else:
            out.append(e)
    return out
