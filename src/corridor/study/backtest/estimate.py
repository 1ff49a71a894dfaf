"""Shares with their uncertainty: of all that was seen, and of a population by a random sample of unequal chances."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from corridor.messages.columns import Array

Z: Final = 1.959963984540054
"""95 % of a normal distribution lie within so many deviations."""
LEAST: Final = 30
"""With fewer cases behind it an estimate is told as weak."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval; n: how many cases are behind it. NaN where there are none."""

    value: float
    low: float
    high: float
    n: int

    @property
    def weak(self) -> bool:
        """Whether few cases are behind it."""
        return self.n < LEAST


NOTHING: Final = Estimate(math.nan, math.nan, math.nan, 0)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a weighted share needs of the units sampled, w = 1 / inclusion probability and c = (1 - inclusion) w² of each.

    A unit is drawn as a whole and holds so many cases (size), of which some are hits. n: cases in all; w, w_hit: sums
    of w times size, times hits; w2: of the squares of w times size; c, c_hit, c_hit2: of c times size², size x hits, hits².
    """

    n: float
    w: float
    w_hit: float
    w2: float
    c: float
    c_hit: float
    c_hit2: float

    @classmethod
    def of(cls, hits: Array, inclusion: Array, size: Array | None = None) -> "Sums":
        """Add up k units: bool[k] or float64[k] hits, float64[k] chances above 0, float64[k] sizes (1 if not given)."""
        one = np.ones(len(inclusion)) if size is None else size
        return cls(*(float(column.sum()) for column in columns(np.asarray(hits, np.float64), inclusion, one)))


def columns(hits: Array, inclusion: Array, size: Array) -> list[Array]:
    """What `Sums` adds up, of each unit; hits and size may be float64[R, k], for R shares at once."""
    w = 1.0 / inclusion
    c = (1.0 - inclusion) * w * w
    return [size, w * size, w * hits, (w * size) ** 2, c * size * size, c * size * hits, c * hits * hits]


def wilson(share: float, n: float) -> tuple[float, float]:
    """The interval of a share found in n cases (Wilson 1927); n may be an effective size, so no whole number."""
    if not n > 0:
        return math.nan, math.nan
    if math.isinf(n):
        return share, share
    middle = share + Z * Z / (2 * n)
    half = Z * math.sqrt(max(share * (1 - share), 0.0) / n + Z * Z / (4 * n * n))
    whole = 1 + Z * Z / n
    return min(max((middle - half) / whole, 0.0), share), max(min((middle + half) / whole, 1.0), share)


def share(hits: int, n: int) -> Estimate:
    """The share of hits among n cases that all count alike, with Wilson's interval."""
    return Estimate(hits / n, *wilson(hits / n, n), n) if n else NOTHING


def weighted(sums: Sums) -> Estimate:
    """The share of hits in a population, by a Poisson sample of it: the ratio of two Horvitz-Thompson totals.

    Hájek's estimator; its variance by linearisation (Särndal, Swensson, Wretman 1992, section 5.7) gives an effective
    size of the sample, for which Wilson's interval is taken (as Korn and Graubard 1998 do with another one). Where all
    or none are hits, the effective size is Kish's (1965).
    """
    if not sums.n:
        return NOTHING
    p = min(max(sums.w_hit / sums.w, 0.0), 1.0)
    variance = (sums.c_hit2 - 2 * p * sums.c_hit + p * p * sums.c) / sums.w**2
    if sums.c <= 0:  # all were taken: nothing is uncertain
        size = math.inf
    elif 0 < p < 1 and variance > 0:
        size = p * (1 - p) / variance
    else:
        size = sums.w**2 / sums.w2
    return Estimate(p, *wilson(p, size), int(sums.n))


def ratio(part: Array, whole: Array, inclusion: Array) -> Estimate:
    """The ratio of two totals of a population, part by whole, float64[k] each, by a Poisson sample of it.

    Horvitz-Thompson totals; a normal interval by linearisation, cut at 0 and 1. Where the part is all or nothing of every
    case, Wilson's with Kish's effective size of the amounts.
    """
    w = 1.0 / inclusion
    total = float((w * whole).sum())
    if not total > 0:
        return NOTHING
    value = float((w * part).sum()) / total
    residual = part - value * whole
    half = Z * math.sqrt(float(((1 - inclusion) * (w * residual) ** 2).sum())) / total
    if half == 0 and (inclusion < 1).any():  # all of it or nothing: the sample shows no spread
        low, high = wilson(value, total**2 / float(((w * whole) ** 2).sum()))
        return Estimate(value, low, high, int(np.count_nonzero(whole)))
    return Estimate(value, max(value - half, 0.0), min(value + half, 1.0), int(np.count_nonzero(whole)))
