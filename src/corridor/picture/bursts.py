"""Participants far over their own norm: counts of an importer against its daily mean.

The mean comes from the rulebook's participants (a newcomer's from the first days of others in history), its
hours from the service's, its scatter from the fitted histories.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import count_tails
from corridor.messages.tokens import token
from corridor.picture.hourly import SERVICE
from corridor.picture.norms import PictureNorms
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

WINDOWS: Final = (1, 3, 12, 36, 96)
"""Bins over which an importer's declarations are summed, five minutes to eight hours."""
SHORT: Final = 36
"""Up to here hours scatter, beyond days do."""
SURPRISE: Final = 6.0 + float(np.log10(len(WINDOWS)))
RATIO: Final = 3.0
LEAST: Final = 5.0
"""Declarations over the norm."""
WORKING_BINS: Final = 96.0
"""An importer may lodge all of a day's declarations in these, whatever the hours of the service are."""
LEAST_DAILY: Final = 0.05
"""No known importer is expected to come less often than once in twenty days."""
OVER: Final = 36
"""A burst ends when so many bins went by without."""
MOST: Final = 1000
"""Bursts that are told of at a time; half of them may be of importers that no rulebook knows."""
MOST_REMEMBERED: Final = 200_000
"""Importers and bins of the last hours; of more, those go that no rulebook knows, the oldest first."""


def burst(
    state: State, t: int, seen: dict[str, int], norms: PictureNorms, participants: ParticipantTable
) -> list[tuple[str, str]]:
    """Take the importers of bin t with their declarations; (event, importer) of bursts that opened or ended.

    Without a table of participants nobody's norm is known. Of a burst is kept: start, since, last (bins), n, mean,
    spread, score, effects, whether the importer is known, and the event and bin in which it was told last. What a
    burst told of is forgotten when it ends.
    """
    week = norms.counts.get(("service", SERVICE))
    events: list[tuple[str, str]] = []
    if week is not None and len(participants.roles["importer"].numbers):
        _remember(state, t, seen, participants)
        events = _found(state, t, sorted(seen), norms, participants, _pace(norms, t, week)) if seen else []
    return events + _over(state, t)


def _found(
    state: State, t: int, names: list[str], norms: PictureNorms, participants: ParticipantTable, pace: Array
) -> list[tuple[str, str]]:
    """The bursts of those who came in bin t: those that opened; others are prolonged."""
    events = []
    daily, by_day, by_hour, known = own_norms(names, norms, participants)
    of = {name: i for i, name in enumerate(names)}
    row = np.array([of.get(name, -1) for name in state.importers], np.int64)
    back, count = t - state.recent[:, 0], state.recent[:, 1]
    best = _best(row, back, count, len(names), pace, daily, (by_hour, by_day))
    for i in np.flatnonzero(best[0] >= SURPRISE):
        if names[i] not in state.bursts and not _room(state, bool(known[i])):
            state.left_out("bursts", 1)
            continue
        own = row == i
        event = _told(
            state, names[i], t, (back[own], count[own]), (best[0][i], int(best[1][i])), daily[i] * pace
        )
        state.bursts[names[i]] |= {"spread": float(by_hour[i]), "known": bool(known[i])}
        events += [(event, names[i])] if event else []
    return events


def _room(state: State, known: bool) -> bool:
    """Whether one more burst may be told of: invented importers leave half to those who are known."""
    if known or len(state.bursts) >= MOST:
        return len(state.bursts) < MOST
    return sum(not b.get("known", True) for b in state.bursts.values()) < MOST // 2


def _over(state: State, t: int) -> list[tuple[str, str]]:
    """Bursts that ended before bin t; what they told of is told by no other."""
    last = {name: b["last"] for name, b in sorted(state.bursts.items()) if t - b["last"] > OVER}
    if last:
        at = zip(state.importers, state.recent[:, 0].tolist(), strict=True)
        kept = [i for i, (name, bin_) in enumerate(at) if bin_ > last.get(name, -1)]
        state.importers, state.recent = [state.importers[i] for i in kept], state.recent[kept]
    return [("closed", name) for name in last]


def _remember(state: State, t: int, seen: dict[str, int], participants: ParticipantTable) -> None:
    kept = np.flatnonzero(state.recent[:, 0] > t - WINDOWS[-1])
    state.importers = [state.importers[i] for i in kept] + sorted(seen)
    new = np.array([(t, seen[name]) for name in sorted(seen)], np.int64).reshape(-1, 2)
    state.recent = np.concatenate([state.recent[kept], new])
    if len(state.importers) > MOST_REMEMBERED:
        _bound(state, participants)


def _bound(state: State, participants: ParticipantTable) -> None:
    """Make room for a while: a tenth of what may be remembered."""
    tokens = np.array([token(name) for name in state.importers], np.int64)
    known = np.asarray(participants.lookup("importer", tokens).known, bool)
    order = np.lexsort((state.recent[:, 0], known))
    kept = np.sort(order[len(order) - MOST_REMEMBERED * 9 // 10 :])
    state.left_out("importers", len(order) - len(kept))
    state.importers, state.recent = [state.importers[i] for i in kept], state.recent[kept]


def _pace(norms: PictureNorms, t: int, week: Array) -> Array:
    """float64[96]: what part of a day's declarations belongs to each of the last bins, the newest first."""
    usual = np.nan_to_num(norms.bins("service", SERVICE, np.arange(t, t - WINDOWS[-1], -1))[0])
    spread = usual / (np.nanmean(week[0]) * 24.0)
    return np.maximum(spread, np.where(usual > 0, 1.0 / WORKING_BINS, 0.0))


def _best(
    row: Array, back: Array, count: Array, n: int, pace: Array, daily: Array, scatter: tuple[Array, Array]
) -> Array:
    """float64[2, n]: the largest surprise over the windows and which window gave it."""
    best = np.zeros((2, n))
    for window in WINDOWS:
        inside = (row >= 0) & (back < window)
        observed = np.bincount(row[inside], count[inside], n)
        mean = daily * pace[:window].sum()
        far = (observed >= RATIO * mean) & (observed - mean >= LEAST) & (mean > 0)
        if far.any():
            score = np.zeros(n)
            score[far] = -count_tails(observed[far], mean[far], scatter[window > SHORT][far])[1]
            better = score > best[0]
            best[:, better] = score[better], np.full(int(better.sum()), float(window))
    return best


def _told(
    state: State, name: str, t: int, own: tuple[Array, Array], best: tuple[float, int], pace: Array
) -> str | None:
    back, count = own
    found = state.bursts.get(name)
    if found is None:
        first = int(back[back < best[1]].max())
        n, mean = float(count[back <= first].sum()), float(pace[: first + 1].sum())
        state.bursts[name] = {"start": t - first, "since": t, "last": t, "n": n, "mean": mean, "score": best[0],
                              "told": t, "event": "opened", "effects": []}  # fmt: skip
        return "opened"
    new = t - found["last"]
    found["n"] += float(count[back < new].sum())
    found["mean"] += float(pace[:new].sum())
    found["last"], found["score"] = t, max(found["score"], best[0])
    return None


def own_norms(
    names: list[str], norms: PictureNorms, participants: ParticipantTable
) -> tuple[Array, Array, Array, Array]:
    """Mean a day, dispersion of days and of hours, float64[v] each; whether it is the importer's own, bool[v]."""
    found = participants.lookup("importer", np.array([token(name) for name in names], np.int64))
    newcomer, scatter = norms.importers.get("newcomer", (1.0, 1.0))
    known = np.asarray(found.known) & np.isfinite(found.daily)
    daily = np.where(known, np.maximum(found.daily, LEAST_DAILY), newcomer)
    seen = np.where(known, np.maximum(found.declarations, 1), np.inf)
    day, hour = (np.where(known, norms.importers.get(n, (1.0, 1.0))[1], scatter) for n in ("day", "hour"))
    return daily, day + 1.0 / seen, hour + 1.0 / seen, known
