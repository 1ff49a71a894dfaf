"""The picture's detector: bins of totals in, anomalies out, one an episode; the same fold for files and for streams.

Kinds: picture.silence, picture.drop, picture.spike, picture.slow_shift, picture.level_shift, picture.share_shift,
picture.price_shift, participant.silence, participant.burst, participant.newcomer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import watch as kernel
from corridor.kernels.watch import CLOSED, OPENED, WINDOWS, M, N, S, X
from corridor.messages.anomaly import Anomaly
from corridor.picture import telling
from corridor.picture.bursts import burst
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.hourly import COUNTS, PAIRS, PER_LOG, PRICE
from corridor.picture.newcomers import ended, newcomer
from corridor.picture.norms import PictureNorms
from corridor.picture.series import AUTOMATIC, CONTROLS, Rows, known, rows
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

LONGEST_GAP: Final = 8 * 288
"""After so many bins without anything the detector begins anew: what came before was of another time."""
MOST_FRESH: Final = 2000
"""Rows for categories that norms do not name."""
EXPLAINED: Final = 0.7
"""A burst explains an office's change if it is not much smaller."""
_OF: Final = {name: i for i, name in enumerate(COUNTS)}
_STATES: Final = {1: "opened", 2: "worsened", 3: "closed"}


@dataclass(frozen=True)
class Bin:
    """The totals of five minutes.

    at: its number since 1970; cells: k names (see `changes.cell_name`), each once;
    counts: int64[k, 8], columns as in `hourly.COUNTS`.
    """

    at: int
    cells: list[str]
    counts: Array


@dataclass
class Detector:
    """The fold with the norms it goes by. version: of the rulebook that the norms are from."""

    norms: PictureNorms
    participants: ParticipantTable
    version: str | None = None
    _rows: Rows | None = field(default=None, repr=False)
    _known: int = field(default=0, repr=False)
    _day: tuple[int, Array] = field(default=(-1, np.zeros(0)), repr=False)

    def fold(self, state: State, found: Bin) -> list[Anomaly]:
        """Take a bin, and the empty ones before it, into `state`; what is to be told, by time, kind and subject.

        A bin that was closed before is counted in `state.late` and changes nothing else.
        """
        rows_ = self._ready(state)
        if not rows_.names:
            return []
        if found.at < state.at:
            state.late += int(sum(n for name, n in _services(found)))
            return []
        if state.at < 0 or found.at - state.at > LONGEST_GAP:
            state.begin(found.at)
        told: list[Anomaly] = []
        for at in range(state.at, found.at):
            told += self._step(state, Bin(at, [], np.zeros((0, len(COUNTS)), np.int64)))
        return told + self._step(state, found)

    def _ready(self, state: State) -> Rows:
        """Rows as the norms and the state know them; anew when either is of another rulebook."""
        if (
            self._rows is not None
            and self._rows.names == state.names
            and state.version == (self.version or "")
        ):
            return self._rows
        names = known(self.norms)
        self._known = len(names)
        listed = set(names)
        names += [name for name in state.names if name not in listed and self._mixed(name)]
        state.renamed(names)
        state.version = self.version or ""
        self._rows, self._day = rows(names, self.norms), (-1, np.zeros(0))
        return self._rows

    def _mixed(self, name: str) -> bool:
        """Whether a category that norms do not name is of an office whose mix they know."""
        pair, value = cell_of(name)
        return pair in PAIRS and (pair, f"{value.rpartition('/')[0]}/*") in self.norms.shares

    def _step(self, state: State, found: Bin) -> list[Anomaly]:
        self._grow(state, found)
        of = self._rows
        assert of is not None  # `_ready` came before
        now = self._now(of, found)
        sums, events = np.zeros((len(of.names), len(WINDOWS), 4)), np.zeros((len(of.names), 4), np.int8)
        kernel.step(now, found.at, of.kinds, of.limits, state.memory, sums, events)
        told = self._parties(state, found)
        spoken = sorted(zip(*np.nonzero(events), strict=True), key=lambda p: (_order(of, state, *p), *p))
        for row, track in spoken:
            told += self._told(state, found.at, int(row), int(track), int(events[row, track]), sums)
        state.at = found.at + 1
        told += self._midnight(state)
        return sorted(told, key=lambda a: (a.event_time, a.kind, a.subject, a.key))

    def _grow(self, state: State, found: Bin) -> None:
        """Rows for origins and chapters never seen at their office; so many that hostile names fill no memory."""
        assert self._rows is not None  # `_ready` came before
        fresh = [name for name in found.cells if name not in self._rows.at and self._mixed(name)]
        room = MOST_FRESH - (len(state.names) - self._known)
        if fresh and room > 0:
            state.renamed(state.names + sorted(fresh)[:room])
            self._rows, self._day = rows(state.names, self.norms), (-1, np.zeros(0))

    def _now(self, of: Rows, found: Bin) -> Array:
        """float64[S, 4]: what the kernel takes of the bin."""
        now = np.zeros((len(of.names), 4))
        counts = found.counts.astype(np.float64)
        for i, name in enumerate(found.cells):
            dimension, value = cell_of(name)
            if dimension == "office":
                green, blue, yellow, red = counts[i, _OF["green"] : _OF["red"] + 1]
                for row, x in ((AUTOMATIC, green + blue), (CONTROLS, yellow + red)):
                    if (at := of.at.get(cell_name(row, value))) is not None:
                        now[at, X], now[at, N] = x, green + blue + yellow + red
            elif dimension == PRICE and name in of.at:
                now[of.at[name], [X, N]] = counts[i, _OF["log_price"]] / PER_LOG, counts[i, _OF["items"]]
            if (
                dimension != PRICE
                and (at := of.at.get(name if dimension != "importer" else f"regular:{value}")) is not None
            ):
                now[at, X] = counts[i, 0]
        k = of.counted
        now[:k, N] = 1.0
        now[:k, [M, S]] = self._expected(of, found.at)
        mixed = np.flatnonzero(of.office >= 0)
        now[mixed, N] = now[of.office[mixed], X]
        now[k:, M] = np.nan_to_num(of.share[k:]) * now[k:, N]
        return now

    def _expected(self, of: Rows, at: int) -> Array:
        """float64[counted, 2]: expected, and that times the root of dispersion, of one bin; by whole days."""
        if self._day[0] != at // 288:
            bins = at // 288 * 288 + np.arange(288)
            table = np.zeros((of.counted, 288, 2))
            for i, name in enumerate(of.names[: of.counted]):
                mean, dispersion = (np.nan_to_num(x) for x in self.norms.bins(*cell_of(name), bins))
                spread = mean * np.sqrt(dispersion)
                table[i] = np.stack([mean, spread], axis=1)
                of.kinds.usual[i] = mean.sum(), (mean.sum() + spread.sum() ** 2) ** 0.5
            self._day = at // 288, table
        return np.asarray(self._day[1][:, at % 288])

    def _parties(self, state: State, found: Bin) -> list[Anomaly]:
        """Bursts and newcomers among the importers of the bin."""
        seen: dict[str, tuple[int, int]] = {}
        for name, counts in zip(found.cells, found.counts.tolist(), strict=True):
            dimension, value = cell_of(name)
            if dimension == "importer" and counts[0] > 0:
                seen[value] = counts[0], counts[_OF["customs_value"]]
        told: list[Anomaly] = []
        only = {name: n for name, (n, _) in seen.items()}
        for event, name in burst(state, found.at, only, self.norms, self.participants):
            told.append(telling.of_burst(state, name, found.at, event, self.version))
            if event == "closed":
                del state.bursts[name]
        for event, name in newcomer(state, found.at, seen, self.norms, self.participants):
            if name not in state.bursts:
                told.append(telling.of_newcomer(state, name, found.at, event, self.norms, self.version))
        return told

    def _midnight(self, state: State) -> list[Anomaly]:
        """At the end of a day the episodes of newcomers end."""
        if state.at % 288 or not state.newcomers:
            return []
        names = [name for name in ended(state) if name not in state.bursts]
        told = [
            telling.of_newcomer(state, name, state.at - 1, "closed", self.norms, self.version)
            for name in names
        ]
        state.newcomers = {}
        return told

    def _told(self, state: State, at: int, row: int, track: int, event: int, sums: Array) -> list[Anomaly]:
        """One event of the kernel as an anomaly, unless another one tells of it."""
        of = self._rows
        assert of is not None  # `_ready` came before
        name, key = of.names[row], f"{of.names[row]}|{track}"
        dimension, value = cell_of(name)
        episode = state.memory.episodes[row, track]
        group = _group(dimension, value, slow=track > 1)
        if event == OPENED:
            cause = self._cause(state, at, dimension, track, episode)
            if cause:
                effect = telling.effect(of, row, track, episode)
                state.bursts[cause]["effects"].append(effect)
                state.hushed[key] = cause
                state.bursts[cause] |= {"told": at, "event": "worsened"}
                return [telling.of_burst(state, cause, at, "worsened", self.version)]
            if group and state.leads.setdefault(group, key) != key:
                state.hushed[key] = state.leads[group]
        hushed = key in state.hushed
        if event == CLOSED:
            state.hushed.pop(key, None)
            if group and state.leads.get(group) == key:
                del state.leads[group]
            state.standing.pop(key, None)
        if hushed:
            return []
        if event != CLOSED:
            state.standing[key] = [_STATES[event], at]
        look = telling.Look(of, state, sums, self.norms, self.version)
        return [telling.of_episode(look, row, track, at, _STATES[event])]

    def standing(self, state: State) -> list[Anomaly]:
        """What was told last of each episode that is still open, with its figures as they are now."""
        of = self._ready(state)
        sums = np.zeros((len(of.names), len(WINDOWS), 4))
        for i in range(len(of.names)):
            kernel.sums_of(
                state.memory.fine[i],
                state.memory.hours[i],
                (state.at - 1) % 12,
                (state.at - 1) // 12,
                sums[i],
            )
        look, told = telling.Look(of, state, sums, self.norms, self.version), list[Anomaly]()
        for key, (event, at) in sorted(state.standing.items()):
            name, _, track = key.rpartition("|")
            told.append(telling.of_episode(look, of.at[name], int(track), at, event))
        told += [
            telling.of_burst(state, name, b["told"], b["event"], self.version)
            for name, b in state.bursts.items()
        ]
        open_ = [name for name in ended(state) if name not in state.bursts]
        told += [
            telling.of_newcomer(
                state, name, state.newcomers[name]["since"], "opened", self.norms, self.version
            )
            for name in open_
        ]
        return sorted(told, key=lambda a: (a.event_time, a.kind, a.subject, a.key))

    def _cause(self, state: State, at: int, dimension: str, track: int, episode: Array) -> str | None:
        """The importer whose burst this rise of an office or of a category there is."""
        if track != kernel.HIGH or dimension not in ("office", *PAIRS):
            return None
        excess = episode[kernel.TOLD + X] - episode[kernel.TOLD + M]
        for name, found in sorted(state.bursts.items()):
            if at - found["last"] <= 12 and found["n"] - found["mean"] >= EXPLAINED * excess > 0:
                return name
        return None


def _group(dimension: str, value: str, slow: bool) -> str | None:
    """Shares of which one tells for all: origins and chapters of an office; what is released and stopped there.

    What is slow tells for the slow alone: in the days that it lasts, something sudden may come.
    """
    of = "slow:" if slow else ""
    if dimension in PAIRS:
        return of + value.rpartition("/")[0]
    return f"{of}{AUTOMATIC}:{value}" if dimension in (AUTOMATIC, CONTROLS) else None


def _order(of: Rows, state: State, row: int, track: int) -> tuple[int, float]:
    """The strongest share speaks first, a rise before a fall."""
    return -(track % 2), -float(state.memory.episodes[row, track, kernel.SCORE])


def _services(found: Bin) -> Iterable[tuple[str, int]]:
    return (
        (name, int(n))
        for name, n in zip(found.cells, found.counts[:, 0], strict=True)
        if name == "service:all"
    )


def newest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """The newest anomaly of each episode, and those without one, by time, kind and subject."""
    last: dict[str, Anomaly] = {}
    for anomaly in anomalies:
        last[anomaly.episode.id if anomaly.episode else anomaly.anomaly_id] = anomaly
    return sorted(last.values(), key=lambda a: (a.event_time, a.kind, a.subject, a.key))
