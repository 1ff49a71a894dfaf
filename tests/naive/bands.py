"""Slow twins of corridor.kernels.bands: whole sums of the probability function, in plain Python."""

import math


def count_probabilities(mean: float, dispersion: float, upto: int) -> list[float]:
    r = 1 / max(dispersion, 1e-6)
    return [
        math.exp(
            math.lgamma(k + r)
            - math.lgamma(r)
            - math.lgamma(k + 1)
            + r * math.log(r / (r + mean))
            + k * math.log(mean / (r + mean))
        )
        for k in range(upto + 1)
    ]


def count_tails(observed: float, mean: float, dispersion: float, upto: int = 20_000) -> tuple[float, float]:
    """P(X <= observed), P(X >= observed); NaN for input without meaning."""
    if not (math.isfinite(observed) and math.isfinite(mean) and math.isfinite(dispersion)):
        return math.nan, math.nan
    if observed < 0 or mean <= 0 or dispersion < 0:
        return math.nan, math.nan
    p = count_probabilities(mean, dispersion, upto)
    k = math.floor(observed)
    return math.fsum(p[: k + 1]), math.fsum(p[k:])


def share_probabilities(n: int, share: float, rho: float) -> list[float]:
    s = 1 / max(rho, 1e-6) - 1
    a, b = share * s, (1 - share) * s
    lbeta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return [
        math.comb(n, k)
        * math.exp(math.lgamma(k + a) + math.lgamma(n - k + b) - math.lgamma(n + a + b) - lbeta)
        for k in range(n + 1)
    ]


def share_tails(hits: float, total: float, share: float, rho: float) -> tuple[float, float]:
    """P(X <= hits), P(X >= hits); NaN for input without meaning."""
    if not all(math.isfinite(x) for x in (hits, total, share, rho)):
        return math.nan, math.nan
    if hits < 0 or math.floor(hits) > math.floor(total) or not 0 < share < 1 or not 0 <= rho < 1:
        return math.nan, math.nan
    p = share_probabilities(math.floor(total), share, rho)
    k = math.floor(hits)
    return math.fsum(p[: k + 1]), math.fsum(p[k:])


def count_band(mean: float, dispersion: float, tail: float) -> tuple[float, float]:
    """The least k with P(X <= k) >= tail, and the same for 1 - tail."""
    if not (math.isfinite(mean) and math.isfinite(dispersion)) or mean < 0 or dispersion < 0:
        return math.nan, math.nan
    if mean == 0:
        return 0.0, 0.0
    found, sum_p, k = [], 0.0, 0
    p = count_probabilities(mean, dispersion, 20_000)
    for q in (tail, 1 - tail):
        while sum_p + p[k] < q:
            sum_p += p[k]
            k += 1
        found.append(float(k))
    return found[0], found[1]
