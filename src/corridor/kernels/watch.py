"""One step of the picture's detector: a bin of every series at once, against norms, into episodes.

Series are counts (negative binomial), shares (beta-binomial) or levels (a mean of values, normal). Sums over
trailing windows are judged by their exact tails (scan statistics: Glaz, Naus, Wallenstein 2001), days by a
CUSUM of standardised residuals (Page 1954; its limit by Siegmund 1985, section 2.6). State is plain arrays.
Hours count from a whole one: a window of hours holds the hour that runs and whole hours before it.
"""

from typing import Any

import numpy as np

from corridor.kernels import bands, watch_layout, watch_slow, watch_sudden, watch_sums, watch_tails
from corridor.kernels._jit import kernel_across
from corridor.kernels.watch_layout import Kinds, Limits, Memory
from corridor.kernels.watch_slow import common_shift, slowly
from corridor.kernels.watch_sudden import judge
from corridor.kernels.watch_sums import common_level, push, window_sums

__all__ = ["step", "sums_of"]

PARTS = (bands, watch_layout, watch_tails, watch_sums, watch_sudden, watch_slow)
"""Modules whose steps are compiled into this one's."""


@kernel_across(*PARTS)
def sums_of(fine: Any, hours: Any, p: int, hour: int, out: Any) -> None:
    """Sums of one series over all windows, float64[9, 4], after bin p of an hour."""
    window_sums(fine, hours, p, hour, out)


@kernel_across(*PARTS)
def step(now: Any, t: int, kinds: Kinds, limits: Limits, memory: Memory, sums: Any, events: Any) -> None:
    """Take bin t of all series. now: float64[S, 4]; out: sums float64[S, 9, 4] by window, events int8[S, 4].

    The service is looked at without what its offices were found to lack or to have too much of.
    """
    push(memory, now, t)
    n = now.shape[0]
    for i in range(n):
        for track in range(4):
            if memory.episodes[i, track, 0] > 0.0:
                for c in range(4):
                    memory.episodes[i, track, 11 + c] += now[i, c]
        window_sums(memory.fine[i], memory.hours[i], t % 12, t // 12, sums[i])
    rows = np.flatnonzero(kinds.office)
    level, ratio, weight = np.ones(9), np.empty(len(rows)), np.empty(len(rows))
    if len(rows) >= 5:
        for w in range(9):
            level[w] = common_level(sums, rows, w, ratio, weight)
    scratch, hourly = np.zeros(4), (t + 1) % 12 == 0
    explained, common = np.zeros(9), 0.0
    if (t + 1) % 288 == 0:
        common = common_shift(kinds, memory.day)
    for j in range(n):
        i = j + 1 if j + 1 < n else 0  # the service last
        if i == 0:
            for w in range(9):
                sums[0, w, 0] -= explained[w]
        found = judge(i, sums[i], kinds, limits, memory, level, t, scratch)
        events[i, 0], events[i, 1] = found[0], found[1]
        if kinds.office[i] and (memory.episodes[i, 0, 0] > 0.0 or memory.episodes[i, 1, 0] > 0.0):
            for w in range(9):
                explained[w] += sums[i, w, 0] - sums[i, w, 2]
        events[i, 2] = events[i, 3] = 0
        if hourly and kinds.slow[i]:
            excused = kinds.office[i] and (memory.episodes[0, 0, 0] > 0.0 or memory.episodes[0, 1, 0] > 0.0)
            found = slowly(i, kinds, limits, memory, t, excused, common)
            events[i, 2], events[i, 3] = found[0], found[1]
        elif (t + 1) % 288 == 0:
            memory.day[i, :] = 0.0
