"""Which episodes are told: one tells for many; what it hushed is told when it is done; none is left open.

A burst tells for what it does to an office, the strongest share of an office for its others. `State.hushed` names who
tells for an episode. When that one ends, an episode that is out of its norm in a later bin too speaks for itself.
"""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import watch as kernel
from corridor.kernels.watch_layout import CLOSED, HIGH, LAST, LOW, OPEN, OPENED, SCORE, TOLD, WINDOWS, M, N, X
from corridor.messages.anomaly import Anomaly
from corridor.picture import telling
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.hourly import MIXES, ORIGINS, PAIRS, SERVICE
from corridor.picture.newcomers import ended
from corridor.picture.series import AUTOMATIC, CONTROLS, Rows
from corridor.picture.state import FREE, State, row_of
from corridor.picture.telling import Closing, Look

Array = NDArray[Any]

EXPLAINED: Final = 0.7
"""A burst explains an office's change if it is not much smaller."""
THINNED: Final = 0.5
"""And a share's fall if half of it is that the burst's declarations are of other goods."""
MOST_EFFECTS: Final = 100
"""Of a burst so many effects are told."""
SERVICE_MIX: Final = "the service's origins"
"""The group whose strongest origin tells for the others."""
_STATES: Final = {1: "opened", 2: "worsened", 3: "closed"}


def speak(look: Look, at: int, events: Array) -> list[Anomaly]:
    """What is told of the kernel's events int8[S, 4] in bin `at`, and of what nobody tells of any more."""
    told: list[Anomaly] = []
    for row, track in _ordered(look, zip(*np.nonzero(events), strict=True)):
        told += _told(look, row, track, at, int(events[row, track]))
    return told + _freed(look, at)


def release(state: State, by: str) -> None:
    """Say that an episode, or a party, tells for no other any more."""
    for key, who in state.hushed.items():
        if who == by:
            state.hushed[key] = FREE


def party(name: str) -> str:
    """An importer as one who tells for others."""
    return cell_name("importer", name)


def _told(look: Look, row: int, track: int, at: int, event: int) -> list[Anomaly]:
    """One event of the kernel as an anomaly, unless another one tells of it."""
    state, key = look.state, f"{look.rows.names[row]}|{track}"
    if event == OPENED:
        return _opened(look, row, track, at)
    hushed = key in state.hushed
    if event == CLOSED:
        state.hushed.pop(key, None)
        state.standing.pop(key, None)
        group = _group(*cell_of(look.rows.names[row]), slow=track > 1)
        if group and state.leads.get(group) == key:
            del state.leads[group]
            release(state, key)
    elif not hushed:
        state.standing[key] = [_STATES[event], at]
    return [] if hushed else [telling.of_episode(look, row, track, at, _STATES[event])]


def _opened(look: Look, row: int, track: int, at: int) -> list[Anomaly]:
    """An episode that is out of its norm: told with the burst that causes it, or for its group, or by another of it."""
    state, key = look.state, f"{look.rows.names[row]}|{track}"
    dimension, value = cell_of(look.rows.names[row])
    episode = state.memory.episodes[row, track]
    cause = _cause(state, at, dimension, track, episode)
    if cause:
        burst = state.bursts[cause]
        state.hushed[key] = party(cause)
        if dimension == ORIGINS or track == LOW:
            return []  # what it adds to an office is told
        if len(burst["effects"]) < MOST_EFFECTS:
            burst["effects"].append(telling.effect(look.rows, row, track, episode))
        burst |= {"told": at, "event": "worsened"}
        return [telling.of_burst(state, cause, at, "worsened", look.version)]
    group = _group(dimension, value, slow=track > 1)
    elsewhere = _elsewhere(look, row, track)
    if elsewhere or (group and state.leads.setdefault(group, key) != key):
        state.hushed[key] = elsewhere or state.leads[group or ""]
        return []
    state.standing[key] = ["opened", at]
    return [telling.of_episode(look, row, track, at, "opened")]


def _freed(look: Look, at: int) -> list[Anomaly]:
    """Episodes that nobody tells of any more and that are out of their norm in this bin: each its own now."""
    episodes, found = look.state.memory.episodes, []
    for key, by in look.state.hushed.items():
        name, track = row_of(key)
        row = look.rows.at[name]
        if by == FREE and episodes[row, track, OPEN] and episodes[row, track, LAST] == at:
            found.append((row, track))
    told: list[Anomaly] = []
    for row, track in _ordered(look, found):
        del look.state.hushed[f"{look.rows.names[row]}|{track}"]
        told += _opened(look, row, track, at)
    return told


def _ordered(look: Look, places: Iterable[tuple[Any, Any]]) -> list[tuple[int, int]]:
    """A rise before a fall, and the strongest first: it speaks for others."""
    scores = look.state.memory.episodes[:, :, SCORE]
    return sorted(((int(r), int(t)) for r, t in places), key=lambda p: (-(p[1] % 2), -scores[p], *p))


def _cause(state: State, at: int, dimension: str, track: int, episode: Array) -> str | None:
    """The importer whose burst this rise of an office or of a category there is, or this fall of another's share."""
    if dimension not in ("office", *MIXES) or track > HIGH or (track == LOW and dimension == "office"):
        return None
    x, n, m = (float(episode[TOLD + c]) for c in (X, N, M))
    change, part = (EXPLAINED * (x - m), 1.0) if track == HIGH else (THINNED * (m - x), m / max(n, 1.0))
    for name, found in sorted(state.bursts.items()):
        if at - found["last"] <= 12 and part * (found["n"] - found["mean"]) >= change > 0:
            return name
    return None


def _elsewhere(look: Look, row: int, track: int) -> str | None:
    """The lead that tells of an origin already: the service's for its offices, an office's for most of the service's."""
    state, (dimension, value) = look.state, cell_of(look.rows.names[row])
    origin = value.rpartition("/")[2]
    if dimension == PAIRS[0]:
        service = f"{cell_name(ORIGINS, f'{SERVICE}/{origin}')}|{track}"
        return service if state.leads.get(SERVICE_MIX) == service else None
    if dimension != ORIGINS:
        return None
    for key in sorted(state.leads.values()):
        (pair, at_office), of = cell_of(row_of(key)[0]), row_of(key)[1]
        if (pair, at_office.rpartition("/")[2], of) == (PAIRS[0], origin, track):
            there, here = _excess(state, look.rows.at[row_of(key)[0]], of), _excess(state, row, track)
            if abs(there) >= EXPLAINED * abs(here):
                return key
    return None


def _excess(state: State, row: int, track: int) -> float:
    episode = state.memory.episodes[row, track]
    return float(episode[TOLD + X] - episode[TOLD + M])


def _group(dimension: str, value: str, slow: bool) -> str | None:
    """Shares of which one tells for all: origins and chapters of an office; what is released and stopped there.

    What is slow tells for the slow alone: in the days that it lasts, something sudden may come.
    """
    of = "slow:" if slow else ""
    if dimension == ORIGINS:
        return SERVICE_MIX
    if dimension in PAIRS:
        return of + value.rpartition("/")[0]
    return f"{of}{AUTOMATIC}:{value}" if dimension in (AUTOMATIC, CONTROLS) else None


def closed(look: Look, keys: Iterable[str], at: int, why: Closing) -> list[Anomaly]:
    """The ends of episodes that were told and that nobody will look at again; of rows without a norm no band is told."""
    told = []
    for key in sorted(keys):
        name, track = row_of(key)
        told.append(telling.of_end(look, look.rows.at[name], track, at, why))
    return told


def all_closed(look: Look, at: int, why: Closing) -> list[Anomaly]:
    """The ends of all that is open: episodes of rows, bursts, newcomers. They stay in the state."""
    state = look.state
    told = closed(look, state.standing, at, why)
    for name in sorted(state.bursts):
        told.append(telling.ended_by(telling.of_burst(state, name, at, "closed", look.version), why))
    for name in ended(state):
        end = telling.of_newcomer(state, name, at, "closed", look.norms, look.version)
        told.append(telling.ended_by(end, why))
    return told


def standing(look: Look) -> list[Anomaly]:
    """What was told last of each episode that is still open, with its figures as they are now."""
    state, told = look.state, list[Anomaly]()
    for key, (event, at) in sorted(state.standing.items()):
        name, track = row_of(key)
        told.append(telling.of_episode(look, look.rows.at[name], track, at, event))
    for name, burst in state.bursts.items():
        told.append(telling.of_burst(state, name, burst["told"], burst["event"], look.version))
    for name in ended(state):
        since = state.newcomers[name]["since"]
        told.append(telling.of_newcomer(state, name, since, "opened", look.norms, look.version))
    return told


def sums_now(rows: Rows, state: State) -> Array:
    """float64[S, 9, 4]: sums over all windows up to the bin that was folded last."""
    sums = np.zeros((len(rows.names), len(WINDOWS), 4))
    for i in range(len(rows.names)):
        of = state.memory.fine[i], state.memory.hours[i]
        kernel.sums_of(*of, (state.at - 1) % 12, (state.at - 1) // 12, sums[i])
    return sums
