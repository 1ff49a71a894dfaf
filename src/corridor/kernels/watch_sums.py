"""Sums of series over windows that end with the newest bin, from rings of bins and of whole hours."""

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.watch_layout import WINDOWS


@inline
def push(memory, now, t):  # type: ignore[no-untyped-def]
    """Take a bin into the rings; at a whole hour the one before it is laid down."""
    p, hour = t % 12, t // 12
    for i in range(now.shape[0]):
        for c in range(4):
            if p == 0:
                memory.hours[i, c, (hour - 1) % 24] = memory.fine[i, c].sum()
            memory.fine[i, c, p] = now[i, c]
            memory.day[i, c] += now[i, c]
        if now[i, 0] > 0.0:
            memory.zero[i, 0], memory.zero[i, 1], memory.zero[i, 2] = t + 1, 0.0, 0.0
        else:
            memory.zero[i, 1] += now[i, 2]
            memory.zero[i, 2] += now[i, 3]


@inline
def window_sums(fine, hours, p, hour, out):  # type: ignore[no-untyped-def]
    """Sums over all windows: float64[9, 4], from those of one series float64[4, 12] and float64[4, 24]."""
    for c in range(4):
        total, w = 0.0, 0
        for i in range(12):
            total += fine[c, (p - i) % 12]
            if i + 1 == WINDOWS[w]:
                out[w, c] = total
                w += 1
        total = 0.0
        for i in range(p + 1):
            total += fine[c, i]
        for j in range(23):
            total += hours[c, (hour - 1 - j) % 24]
            if 12 * (j + 2) == WINDOWS[w]:
                out[w, c] = total
                w += 1


@inline
def likely_start(fine, hours, p, hour, window, side, kind):  # type: ignore[no-untyped-def]
    """Bins before now at which a change most likely began, and sums since: the largest sum of excess."""
    best, length, bins = -1e300, 1, 0
    total, told = np.zeros(4), np.zeros(4)
    steps = window if window <= 12 else p + window // 12
    for i in range(steps):
        for c in range(4):
            if window <= 12:
                total[c] += fine[c, (p - i) % 12]
            elif i <= p:
                total[c] += fine[c, p - i]
            else:
                total[c] += hours[c, (hour - 1 - (i - p - 1)) % 24]
        bins += 1 if window <= 12 or i <= p else 12
        if kind == 2:
            excess = side * (total[0] - total[2])
        else:
            excess = 0.75 * total[2] - total[0] if side < 0 else total[0] - 1.35 * total[2]
        if excess > best:
            best, length = excess, bins
            told[:] = total
    return length, told


@inline
def common_level(sums, rows, w, ratio, weight):  # type: ignore[no-untyped-def]
    """Weighted median of observed by expected over offices."""
    k, whole = 0, 0.0
    for i in rows:
        if sums[i, w, 2] > 0.0:
            ratio[k], weight[k] = sums[i, w, 0] / sums[i, w, 2], sums[i, w, 2]
            whole += weight[k]
            k += 1
    order, half = np.argsort(ratio[:k], kind="mergesort"), 0.0
    for j in order:
        half += weight[j]
        if half >= 0.5 * whole:
            return ratio[j]
    return 1.0
