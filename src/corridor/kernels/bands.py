"""Tails and bands of counts and shares: how unlikely an hour of the picture is under its norm.

Counts follow a negative binomial of mean m and dispersion a (variance m + a m^2; a -> 0 is Poisson),
shares a beta-binomial of mean p and intra-class correlation rho. Both tails are sums of the
probability function from the observed value outward, on the side that lies beyond the mean, so they
are exact to rounding down to 1e-300 (no normal approximation, which is wrong for small counts).

Source: Johnson, Kemp, Kotz, Univariate Discrete Distributions (2005), sections 5.1 and 6.2.2.
"""

import math

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel

F64 = NDArray[np.float64]

LEAST = -300.0
"""The lowest log10 of a probability that is told apart from zero."""
MIN_DISPERSION = 1e-6
"""Below this a count is Poisson and a share binomial to nine digits; it bounds lgamma's cancellation."""


@inline
def _log10(x: float) -> float:
    """log10 of a probability given as its natural logarithm, bounded by LEAST."""
    y = x / 2.302585092994046
    return 0.0 if y > 0.0 else (y if y > -300.0 else -300.0)


@inline
def _count_tail(k: float, mean: float, r: float, step: float) -> float:
    """Ln of the sum of NB probabilities from k outward: step +1 upward without end, -1 down to 0."""
    log_p = math.lgamma(k + r) - math.lgamma(r) - math.lgamma(k + 1.0) - r * math.log1p(mean / r)
    if k > 0.0:
        log_p += k * math.log(mean / (r + mean))
    total, term, j = 1.0, 1.0, k
    odds = mean / (r + mean)
    for _ in range(1_000_000):
        if step > 0.0:
            term *= (j + r) / (j + 1.0) * odds
        elif j > 0.0:
            term *= j / ((j - 1.0 + r) * odds)
        else:
            break
        j += step
        total += term
        if term < 1e-17 * total:
            break
    return log_p + math.log(total)


@inline
def _share_tail(k: float, n: float, a: float, b: float, step: float) -> float:
    """Ln of the sum of beta-binomial probabilities from k outward: to n (step +1) or to 0 (-1)."""
    log_p = math.lgamma(n + 1.0) - math.lgamma(k + 1.0) - math.lgamma(n - k + 1.0)
    log_p += math.lgamma(k + a) - math.lgamma(a) + math.lgamma(n - k + b) - math.lgamma(b)
    log_p -= math.lgamma(n + a + b) - math.lgamma(a + b)
    total, term, j = 1.0, 1.0, k
    for _ in range(1_000_000):
        if step > 0.0 and j < n:
            term *= (n - j) * (j + a) / ((j + 1.0) * (n - j - 1.0 + b))
        elif step < 0.0 and j > 0.0:
            term *= j * (n - j + b) / ((n - j + 1.0) * (j - 1.0 + a))
        else:
            break
        j += step
        total += term
        if term < 1e-17 * total:
            break
    return log_p + math.log(total)


@inline
def _rest(x: float) -> float:
    """ln(1 - e^x): the other side of a tail."""
    p = math.exp(x)
    return math.log1p(-p) if p < 1.0 else -1e9


@kernel
def _count_tails(observed: F64, mean: F64, dispersion: F64, lower: F64, upper: F64) -> None:
    for i in range(len(observed)):
        k, m, a = math.floor(observed[i]), mean[i], dispersion[i]
        lower[i] = upper[i] = np.nan
        if not (k >= 0.0 and k < 1e15 and m > 0.0 and m < 1e15 and a >= 0.0 and a < 1e15):
            continue
        r = 1.0 / max(a, 1e-6)
        if k > m:
            beyond = _count_tail(k, m, r, 1.0)
            upper[i] = _log10(beyond)
            lower[i] = _log10(_rest(_count_tail(k + 1.0, m, r, 1.0)))
        else:
            beyond = _count_tail(k, m, r, -1.0)
            lower[i] = _log10(beyond)
            upper[i] = 0.0 if k == 0.0 else _log10(_rest(_count_tail(k - 1.0, m, r, -1.0)))


@kernel
def _share_tails(hits: F64, total: F64, share: F64, rho: F64, lower: F64, upper: F64) -> None:
    for i in range(len(hits)):
        k, n, p, c = math.floor(hits[i]), math.floor(total[i]), share[i], rho[i]
        lower[i] = upper[i] = np.nan
        if not (k >= 0.0 and k <= n < 1e15 and p > 0.0 and p < 1.0 and c >= 0.0 and c < 1.0):
            continue
        s = 1.0 / max(c, 1e-6) - 1.0
        a, b = p * s, (1.0 - p) * s
        if k > n * p:
            upper[i] = _log10(_share_tail(k, n, a, b, 1.0))
            lower[i] = 0.0 if k == n else _log10(_rest(_share_tail(k + 1.0, n, a, b, 1.0)))
        else:
            lower[i] = _log10(_share_tail(k, n, a, b, -1.0))
            upper[i] = 0.0 if k == 0.0 else _log10(_rest(_share_tail(k - 1.0, n, a, b, -1.0)))


@inline
def _below(k: float, mean: float, r: float) -> float:
    """P(X <= k) of a negative binomial, as a plain probability."""
    if k > mean:
        return 1.0 - math.exp(_count_tail(k + 1.0, mean, r, 1.0))
    return math.exp(_count_tail(k, mean, r, -1.0))


@inline
def _quantile(q: float, mean: float, r: float) -> float:
    """Find the least k with P(X <= k) >= q: doubling, then halving."""
    low, high = -1.0, max(1.0, math.ceil(mean))
    while _below(high, mean, r) < q and high < 1e15:
        low, high = high, high * 2.0
    while high - low > 1.0:
        middle = math.floor((low + high) / 2.0)
        if _below(middle, mean, r) >= q:
            high = middle
        else:
            low = middle
    return high


@kernel
def _count_bands(mean: F64, dispersion: F64, tail: float, low: F64, high: F64) -> None:
    for i in range(len(mean)):
        m, a = mean[i], dispersion[i]
        low[i] = high[i] = np.nan
        if m == 0.0:
            low[i] = high[i] = 0.0
        elif m > 0.0 and m < 1e12 and a >= 0.0 and a < 1e6:
            r = 1.0 / max(a, 1e-6)
            low[i], high[i] = _quantile(tail, m, r), _quantile(1.0 - tail, m, r)


def _columns(*columns: object) -> list[F64]:
    """Writable float64 copies of one length: so that each kernel is compiled once."""
    return [np.array(c, np.float64, ndmin=1) for c in np.broadcast_arrays(*columns)]  # type: ignore[arg-type]


def count_tails(observed: object, mean: object, dispersion: object) -> tuple[F64, F64]:
    """log10 P(X <= observed) and log10 P(X >= observed) for counts of known norm.

    observed, mean, dispersion: float[n] or scalars (broadcast). Returns two float64[n], at least
    LEAST; NaN where an input is NaN, infinite, negative or the mean is not positive.
    """
    k, m, a = _columns(observed, mean, dispersion)
    lower, upper = np.empty(k.shape), np.empty(k.shape)
    _count_tails(k.ravel(), m.ravel(), a.ravel(), lower.ravel(), upper.ravel())
    return lower, upper


def share_tails(hits: object, total: object, share: object, rho: object) -> tuple[F64, F64]:
    """log10 P(X <= hits) and log10 P(X >= hits) among `total` when `share` is the norm.

    All float[n] or scalars. Returns two float64[n], at least LEAST; NaN where hits > total, the
    share is not inside (0, 1), rho is not inside [0, 1), or an input is NaN or infinite.
    """
    k, n, p, c = _columns(hits, total, share, rho)
    lower, upper = np.empty(k.shape), np.empty(k.shape)
    _share_tails(k.ravel(), n.ravel(), p.ravel(), c.ravel(), lower.ravel(), upper.ravel())
    return lower, upper


def count_bands(mean: object, dispersion: object, tail: float) -> tuple[F64, F64]:
    """Quantiles `tail` and 1 - `tail` of counts: float64[n] each, whole numbers.

    A mean of 0 gives 0 and 0; NaN, infinite or negative inputs give NaN.
    """
    m, a = _columns(mean, dispersion)
    low, high = np.empty(m.shape), np.empty(m.shape)
    _count_bands(m.ravel(), a.ravel(), float(tail), low.ravel(), high.ravel())
    return low, high
