"""How unlikely a sum is under its norm, and whether it lies far enough off to matter."""

import math

from corridor.kernels._jit import inline
from corridor.kernels.bands import _count_tail, _log10, _share_tail


@inline
def _normal_tail(z):  # type: ignore[no-untyped-def]
    """Ln P(Z >= z); beyond 30 by Mills' ratio."""
    if z < 30.0:
        return math.log(max(0.5 * math.erfc(z / 1.4142135623730951), 1e-300))
    return -0.5 * z * z - math.log(z * 2.5066282746310002)


@inline
def surprise(kind, side, s, p0, p1):  # type: ignore[no-untyped-def]
    """-log10 of the tail's probability of one sum, on one side (-1 low, 1 high)."""
    if kind == 0 and not (s[2] > 0.0 and s[2] < 1e15 and s[0] < 1e15 and s[3] >= 0.0):
        return 0.0
    if kind == 0:
        k, r = math.floor(max(s[0], 0.0)), 1.0 / max((s[3] / s[2]) ** 2, 1e-6)
        return -_log10(_count_tail(k, s[2], r, side))
    if kind == 1:
        n, k, p = math.floor(s[1]), math.floor(s[0]), s[2] / s[1]
        if not (0.0 <= k <= n and 0.0 < p < 1.0):
            return 0.0
        total = 1.0 / max(p0, 1e-6) - 1.0
        return -_log10(_share_tail(k, n, p * total, (1.0 - p) * total, side))
    z = side * (s[0] - s[2]) / s[1] / math.sqrt(p0**2 + p1**2 / s[1])
    return -_log10(_normal_tail(z))


@inline
def far(kind, side, s, ratio, excess):  # type: ignore[no-untyped-def]
    """Whether a change is large enough to matter."""
    if kind == 2:
        return s[1] >= excess[1] and side * (s[0] - s[2]) / s[1] >= excess[0]
    if not s[2] > 0.0:
        return False
    least = excess[0] if kind == 0 else max(excess[0] * s[1], excess[1])
    if side < 0:
        return s[0] <= ratio[0] * s[2] and s[2] - s[0] >= least
    return s[0] >= ratio[1] * s[2] and s[0] - s[2] >= least


@inline
def eased(s, level, side, kind):  # type: ignore[no-untyped-def]
    """The service's level may excuse an office, never accuse it."""
    if kind == 0:
        factor = min(level, 1.0) if side < 0 else max(level, 1.0)
        s[2] *= max(factor, 1e-3)
        s[3] *= max(factor, 1e-3)


@inline
def still(s, side, kind, ratio, excess, p0, p1):  # type: ignore[no-untyped-def]
    """Whether what came since an episode was last out is out by itself: a window's memory prolongs nothing."""
    if kind == 2:
        far = s[1] > 0.0 and side * (s[0] - s[2]) / s[1] >= excess[0] / 2
    else:
        far = s[2] > 0.0 and (s[0] <= ratio[0] * s[2] if side < 0 else s[0] >= ratio[1] * s[2])
    return far and surprise(kind, side, s, p0, p1) >= 3.0
