"""The slow tracks of a series: a CUSUM of its days."""

import math

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.watch_layout import MOST_A_DAY
from corridor.kernels.watch_sudden import hit


@inline
def common_shift(kinds, day):  # type: ignore[no-untyped-def]
    """Weighted median of a day's shifts over all levels, of at least five: a currency that fell moves all prices."""
    n, k, whole = day.shape[0], 0, 0.0
    shift, weight = np.empty(n), np.empty(n)
    for i in range(n):
        if kinds.kind[i] == 2 and day[i, 1] >= 12.0:
            shift[k], weight[k] = (day[i, 0] - day[i, 2]) / day[i, 1], day[i, 1]
            whole += weight[k]
            k += 1
    if k >= 5:
        half = 0.0
        for j in np.argsort(shift[:k], kind="mergesort"):
            half += weight[j]
            if half >= 0.5 * whole:
                return shift[j]
    return 0.0


@inline
def deviation(i, kinds, day, common):  # type: ignore[no-untyped-def]
    """How many standard deviations a day lies off; 0 where too little is known.

    The shift that is common to all levels may excuse one, never accuse it.
    """
    kind = kinds.kind[i]
    if kind == 0:
        if not (day[2] >= 5.0):
            return 0.0
        return (day[0] - day[2]) / math.sqrt(day[2] + day[3] ** 2)
    if not day[1] >= 12.0:
        return 0.0
    if kind == 1:
        p = day[2] / day[1]
        spread = day[1] * p * (1.0 - p) * (1.0 + (day[1] - 1.0) * kinds.parameter[i, 0])
        return (day[0] - day[2]) / math.sqrt(spread) if spread > 0.0 else 0.0
    a, b = kinds.parameter[i, 0], kinds.parameter[i, 1]
    shift = (day[0] - day[2]) / day[1]
    if shift * common > 0.0:
        shift = max(shift - common, 0.0) if shift > 0.0 else min(shift - common, 0.0)
    return shift / math.sqrt(a * a + b * b / day[1])


@inline
def slowly(i, kinds, limits, memory, t, excused, common):  # type: ignore[no-untyped-def]
    """Both slow tracks of series i, at each whole hour; at the end of a day it is laid down. Their events.

    An episode ends when the days' deviations, smoothed, are back below half a standard deviation.
    """
    day, events = memory.day[i], [0, 0]
    over = (t + 1) % 288 == 0
    part, z = 1.0, 0.0
    if over:
        z = deviation(i, kinds, day, common)
    elif kinds.kind[i] == 0 and kinds.usual[i, 0] >= 5.0:
        z = (day[0] - day[2]) / kinds.usual[i, 1]
        part = min(day[2] / kinds.usual[i, 0], 1.0)
    if day[4] > 0.0 or excused:
        z, part = 0.0, 0.0
    for track in range(2):
        side = 2.0 * track - 1.0
        step = min(max(side * z, -MOST_A_DAY), MOST_A_DAY)
        value = max(memory.cusum[i, track] + step - 0.5 * part, 0.0)
        episode, limit = memory.episodes[i, 2 + track], limits.slow[kinds.rule[i]]
        told = np.zeros(4)
        if over:
            if memory.cusum[i, track] == 0.0 and value > 0.0:
                memory.cusum[i, 2 + track] = t - 287
                memory.cusum[i, 4 + track] = step
            memory.cusum[i, track] = min(value, limit + 3.0)
            if episode[0] > 0.0:
                memory.cusum[i, 4 + track] = 0.7 * memory.cusum[i, 4 + track] + 0.3 * step
                if memory.cusum[i, 4 + track] < 0.5:
                    episode[0], memory.cusum[i, track] = 0.0, 0.0
                    events[track] = 3
                    continue
        if value >= limit and (episode[0] == 0.0 or step >= 0.5):
            if not over and memory.cusum[i, track] == 0.0:
                continue  # one day alone is the sudden tracks'
            days = max((t - memory.cusum[i, 2 + track]) / 288.0, 1.0)
            form = 1.0 if memory.cusum[i, 4 + track] >= 0.6 * (value / days) else 0.0
            form = max(form, episode[6]) if episode[0] == 0.0 else episode[6]
            for c in range(4):
                told[c] = day[c]
            length = int(t + 1 - memory.cusum[i, 2 + track])
            if episode[0] == 0.0:
                memory.cusum[i, 4 + track] = 3.0
            events[track] = hit(episode, t, value, form, 1e300, length, told)
    if over:
        day[:] = 0.0
    return events
