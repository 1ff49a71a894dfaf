"""One step of the picture's detector: a bin of every series at once, against norms, into episodes.

Series are counts (negative binomial), shares (beta-binomial) or levels (a mean of values, normal). Sums over
trailing windows are judged by their exact tails (scan statistics: Glaz, Naus, Wallenstein 2001), days by a
CUSUM of standardised residuals (Page 1954; its limit by Siegmund 1985, section 2.6). State is plain arrays.
Hours count from a whole one: a window of hours holds the hour that runs and whole hours before it.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from corridor.kernels import bands
from corridor.kernels._jit import inline, kernel_across
from corridor.kernels.bands import _count_tail, _log10, _share_tail

COUNT, SHARE, LEVEL = 0, 1, 2
"""Kinds of series."""
X, N, M, S = 0, 1, 2, 3
"""Columns of a sum: observed, of how many (1 for counts), expected, and expected times root of dispersion."""
FINE, HOURS = 12, 24
"""Bins of an hour, and hours that are remembered."""
WINDOWS: Final = (1, 2, 3, 6, 12, 24, 48, 96, 288)
"""Bins over which is summed; from 24 on in hours."""
LOW, HIGH, SLOW_LOW, SLOW_HIGH = 0, 1, 2, 3
"""Tracks of episodes: below and above the norm, suddenly and slowly."""
OPENED, WORSENED, CLOSED = 1, 2, 3
"""Events."""
OPEN, START, SINCE, LAST, SCORE, GRADE, FORM, TOLD, PENDING = 0, 1, 2, 3, 4, 5, 6, 7, 11
"""Columns of an episode: whether it is open, first bin, bin of opening, last bin that was out, largest score,
severity (0 warning, 1 critical), form; from TOLD on four sums up to the last bin out, from PENDING on those since.
Form of LOW: 1 is silence; of the slow tracks: 1 is a shift at once."""
EPISODE: Final = 15
CUSUM_SLACK: Final = 0.5
"""Standard deviations a day that count as none."""
MOST_A_DAY: Final = 3.0
"""One day, however odd, is no new level."""


class Kinds(NamedTuple):
    """S series, the first of them the service.

    kind int8[S]; office bool[S]; rule int64[S], row of the limits; slow bool[S]; parameter float64[S, 2]: of a share
    its intra-class correlation, of a level its deviation between blocks and that of one value; usual float64[S, 2]: a
    whole day's expectation and its deviation, NaN if unknown.
    """

    kind: Any
    office: Any
    rule: Any
    slow: Any
    parameter: Any
    usual: Any


class Limits(NamedTuple):
    """R rules.

    surprise float64[R], -log10 of a tail's probability, over all windows together; ratio
    float64[R, 2], at most and at least; excess float64[R, 2]: least change, least change in hits; windows
    bool[R, 9]; critical float64[R]; slow float64[R], the CUSUM's limit; gap: bins between hits of one episode;
    quiet: expected there.
    """

    surprise: Any
    ratio: Any
    excess: Any
    windows: Any
    critical: Any
    slow: Any
    gap: int
    quiet: float


class Memory(NamedTuple):
    """What is kept.

    fine float64[S, 4, 12]; hours float64[S, 4, 24]; zero float64[S, 3]: first bin of a run
    without any, expected and spread since; day float64[S, 5]: four sums, and 1 if it was out; cusum float64[S, 6]:
    low, high, their first days, days of calm; episodes float64[S, 4, 15].
    """

    fine: Any
    hours: Any
    zero: Any
    day: Any
    cusum: Any
    episodes: Any


@inline
def _surprise(kind, side, s, p0, p1):  # type: ignore[no-untyped-def]
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
def _normal_tail(z):  # type: ignore[no-untyped-def]
    """Ln P(Z >= z); beyond 30 by Mills' ratio."""
    if z < 30.0:
        return math.log(max(0.5 * math.erfc(z / 1.4142135623730951), 1e-300))
    return -0.5 * z * z - math.log(z * 2.5066282746310002)


@inline
def _far(kind, side, s, ratio, excess):  # type: ignore[no-untyped-def]
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
def _sums(fine, hours, p, hour, out):  # type: ignore[no-untyped-def]
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
def _eased(s, level, side, kind):  # type: ignore[no-untyped-def]
    """The service's level may excuse an office, never accuse it."""
    if kind == 0:
        factor = min(level, 1.0) if side < 0 else max(level, 1.0)
        s[2] *= max(factor, 1e-3)
        s[3] *= max(factor, 1e-3)


@inline
def _level(sums, rows, w, ratio, weight):  # type: ignore[no-untyped-def]
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


@inline
def _push(memory, now, t):  # type: ignore[no-untyped-def]
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
def _start(fine, hours, p, hour, window, side, kind):  # type: ignore[no-untyped-def]
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
def _still(s, side, kind, ratio, excess, p0, p1):  # type: ignore[no-untyped-def]
    """Whether what came since an episode was last out is out by itself: a window's memory prolongs nothing."""
    if kind == 2:
        far = s[1] > 0.0 and side * (s[0] - s[2]) / s[1] >= excess[0] / 2
    else:
        far = s[2] > 0.0 and (s[0] <= ratio[0] * s[2] if side < 0 else s[0] >= ratio[1] * s[2])
    return far and _surprise(kind, side, s, p0, p1) >= 3.0


@inline
def _hit(episode, t, score, form, critical, length, told):  # type: ignore[no-untyped-def]
    """Open or prolong an episode; the event."""
    grade = 1.0 if score >= critical else 0.0
    if episode[0] == 0.0:
        episode[:] = 0.0
        episode[0], episode[1], episode[2], episode[3] = 1.0, t - length + 1, t, t
        episode[4], episode[5], episode[6] = score, grade, form
        for c in range(4):
            episode[7 + c] = told[c]
        return 1
    episode[3], episode[4] = t, max(episode[4], score)
    for c in range(4):
        episode[7 + c] += episode[11 + c]
        episode[11 + c] = 0.0
    if form == 0.0 and episode[6] > 0.0 and critical < 1e299 and episode[7] > 0.05 * episode[9]:
        episode[6] = 0.0  # not silent after all
    if grade > episode[5] or form > episode[6]:
        episode[5], episode[6] = max(grade, episode[5]), max(form, episode[6])
        return 2
    return 0


@inline
def _judge(i, sums, kinds, limits, memory, level, t, scratch):  # type: ignore[no-untyped-def]
    """Both sudden tracks of series i; their events.

    A new episode is seen by windows that begin after the last one only.
    """
    kind, rule = kinds.kind[i], kinds.rule[i]
    events = [0, 0]
    for track in range(2):
        side = 2.0 * track - 1.0
        ratio, excess, best, window = limits.ratio[rule], limits.excess[rule], 0.0, 0
        new = t - memory.episodes[i, track, 3] if memory.episodes[i, track, 0] == 0.0 else 1e300
        for w in range(9):
            if (1, 2, 3, 6, 12, 24, 48, 96, 288)[w] > new:
                break  # what was told of before is not told again
            if not limits.windows[rule, w] or not _far(kind, side, sums[w], ratio, excess):
                continue
            scratch[:] = sums[w]
            if kinds.office[i]:
                _eased(scratch, level[w], side, kind)
                if not _far(kind, side, scratch, ratio, excess):
                    continue
            score = _surprise(kind, side, scratch, kinds.parameter[i, 0], kinds.parameter[i, 1])
            if score > best:
                best, window = score, w
        form, length, told = 0.0, 0, np.zeros(4)
        if track == 0 and kind == 0 and memory.zero[i, 1] >= excess[0]:
            scratch[0], scratch[1], scratch[2], scratch[3] = 0.0, 1.0, memory.zero[i, 1], memory.zero[i, 2]
            if kinds.office[i]:
                _eased(scratch, level[8], side, kind)
            score = _surprise(kind, side, scratch, 0.0, 0.0)
            episode = memory.episodes[i, 0]
            before = episode[9] + episode[13] if episode[0] > 0.0 and episode[6] == 0.0 else 0.0
            if score >= limits.surprise[rule] and scratch[2] >= 0.6 * before:
                best, form, length = max(best, score), 1.0, int(t + 1 - memory.zero[i, 0])
                told[2], told[3] = memory.zero[i, 1], memory.zero[i, 2]
        episode = memory.episodes[i, track]
        hit = best >= limits.surprise[rule]
        if episode[0] > 0.0 and form == 0.0:
            scratch[:] = episode[11:15]
            if kinds.office[i]:
                _eased(scratch, level[4], side, kind)
            hit = _still(scratch, side, kind, ratio, excess, kinds.parameter[i, 0], kinds.parameter[i, 1])
        if hit:
            size = (1, 2, 3, 6, 12, 24, 48, 96, 288)[window]
            if form == 0.0 and episode[0] == 0.0:
                length, told = _start(memory.fine[i], memory.hours[i], t % 12, t // 12, size, side, kind)
            if form > 0.0 and episode[0] > 0.0 and episode[6] == 0.0:  # a drop that became silence
                episode[1] = t + 1 - length
                episode[7:15] = 0.0
                for c in range(4):
                    episode[11 + c] = told[c]
            events[track] = _hit(episode, t, best, form, limits.critical[rule], length, told)
            memory.day[i, 4] = 1.0
        elif episode[0] > 0.0 and t - episode[3] > limits.gap and episode[13] >= limits.quiet:
            episode[0] = 0.0
            events[track] = 3
    return events


@inline
def _deviation(i, kinds, day):  # type: ignore[no-untyped-def]
    """How many standard deviations a day lies off; 0 where too little is known."""
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
    return (day[0] - day[2]) / day[1] / math.sqrt(a * a + b * b / day[1])


@inline
def _slowly(i, kinds, limits, memory, t, excused):  # type: ignore[no-untyped-def]
    """Both slow tracks of series i, at each whole hour; at the end of a day it is laid down. Their events.

    An episode ends when the days' deviations, smoothed, are back below half a standard deviation.
    """
    day, events = memory.day[i], [0, 0]
    over = (t + 1) % 288 == 0
    part, z = 1.0, 0.0
    if over:
        z = _deviation(i, kinds, day)
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
            events[track] = _hit(episode, t, value, form, 1e300, length, told)
    if over:
        day[:] = 0.0
    return events


@kernel_across(bands)
def sums_of(fine: Any, hours: Any, p: int, hour: int, out: Any) -> None:
    """Sums of one series over all windows, float64[9, 4], after bin p of an hour."""
    _sums(fine, hours, p, hour, out)


@kernel_across(bands)
def step(now: Any, t: int, kinds: Kinds, limits: Limits, memory: Memory, sums: Any, events: Any) -> None:
    """Take bin t of all series. now: float64[S, 4]; out: sums float64[S, 9, 4] by window, events int8[S, 4].

    The service is looked at without what its offices were found to lack or to have too much of.
    """
    _push(memory, now, t)
    n = now.shape[0]
    for i in range(n):
        for track in range(4):
            if memory.episodes[i, track, 0] > 0.0:
                for c in range(4):
                    memory.episodes[i, track, 11 + c] += now[i, c]
        _sums(memory.fine[i], memory.hours[i], t % 12, t // 12, sums[i])
    rows = np.flatnonzero(kinds.office)
    level, ratio, weight = np.ones(9), np.empty(len(rows)), np.empty(len(rows))
    if len(rows) >= 5:
        for w in range(9):
            level[w] = _level(sums, rows, w, ratio, weight)
    scratch, hourly = np.zeros(4), (t + 1) % 12 == 0
    explained = np.zeros(9)
    for j in range(n):
        i = j + 1 if j + 1 < n else 0  # the service last
        if i == 0:
            for w in range(9):
                sums[0, w, 0] -= explained[w]
        found = _judge(i, sums[i], kinds, limits, memory, level, t, scratch)
        events[i, 0], events[i, 1] = found[0], found[1]
        if kinds.office[i] and (memory.episodes[i, 0, 0] > 0.0 or memory.episodes[i, 1, 0] > 0.0):
            for w in range(9):
                explained[w] += sums[i, w, 0] - sums[i, w, 2]
        events[i, 2] = events[i, 3] = 0
        if hourly and kinds.slow[i]:
            excused = kinds.office[i] and (memory.episodes[0, 0, 0] > 0.0 or memory.episodes[0, 1, 0] > 0.0)
            found = _slowly(i, kinds, limits, memory, t, excused)
            events[i, 2], events[i, 3] = found[0], found[1]
        elif (t + 1) % 288 == 0:
            memory.day[i, :] = 0.0
