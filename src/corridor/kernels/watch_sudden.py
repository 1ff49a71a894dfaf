"""The sudden tracks of a series: sums over trailing windows and runs of nothing, judged by their exact tails."""

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.watch_sums import likely_start
from corridor.kernels.watch_tails import eased, far, still, surprise


@inline
def hit(episode, t, score, form, critical, length, told):  # type: ignore[no-untyped-def]
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
def expected_since(episode, kind, excess):  # type: ignore[no-untyped-def]
    """What was to be expected since an episode was last out: with little of it a night or a lull interrupts nothing.

    Of a count its norm; of a share its norm, or the least shift that is told where that is more, as of a rare origin;
    of a level how many values there were, since its norm is a mean and may be below zero.
    """
    if kind == 0:
        return episode[13]
    return episode[12] if kind == 2 else max(episode[13], excess[0] * episode[12])


@inline
def judge(i, sums, kinds, limits, memory, level, t, scratch):  # type: ignore[no-untyped-def]
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
            if not limits.windows[rule, w] or not far(kind, side, sums[w], ratio, excess):
                continue
            scratch[:] = sums[w]
            if kinds.office[i]:
                eased(scratch, level[w], side, kind)
                if not far(kind, side, scratch, ratio, excess):
                    continue
            score = surprise(kind, side, scratch, kinds.parameter[i, 0], kinds.parameter[i, 1])
            if score > best:
                best, window = score, w
        form, length, told = 0.0, 0, np.zeros(4)
        if track == 0 and kind == 0 and memory.zero[i, 1] >= excess[0]:
            scratch[0], scratch[1], scratch[2], scratch[3] = 0.0, 1.0, memory.zero[i, 1], memory.zero[i, 2]
            if kinds.office[i]:
                eased(scratch, level[8], side, kind)
            score = surprise(kind, side, scratch, 0.0, 0.0)
            episode = memory.episodes[i, 0]
            before = episode[9] + episode[13] if episode[0] > 0.0 and episode[6] == 0.0 else 0.0
            if score >= limits.surprise[rule] and scratch[2] >= 0.6 * before:
                best, form, length = max(best, score), 1.0, int(t + 1 - memory.zero[i, 0])
                told[2], told[3] = memory.zero[i, 1], memory.zero[i, 2]
        episode = memory.episodes[i, track]
        out = best >= limits.surprise[rule]
        if episode[0] > 0.0 and form == 0.0:
            scratch[:] = episode[11:15]
            if kinds.office[i]:
                eased(scratch, level[4], side, kind)
            out = still(scratch, side, kind, ratio, excess, kinds.parameter[i, 0], kinds.parameter[i, 1])
        if out:
            size = (1, 2, 3, 6, 12, 24, 48, 96, 288)[window]
            if form == 0.0 and episode[0] == 0.0:
                length, told = likely_start(
                    memory.fine[i], memory.hours[i], t % 12, t // 12, size, side, kind
                )
            if form > 0.0 and episode[0] > 0.0 and episode[6] == 0.0:  # a drop that became silence
                episode[1] = t + 1 - length
                episode[7:15] = 0.0
                for c in range(4):
                    episode[11 + c] = told[c]
            events[track] = hit(episode, t, best, form, limits.critical[rule], length, told)
            memory.day[i, 4] = 1.0
        elif (
            episode[0] > 0.0
            and t - episode[3] > limits.gap
            and expected_since(episode, kind, excess) >= limits.quiet
        ):
            episode[0] = 0.0
            events[track] = 3
    return events
