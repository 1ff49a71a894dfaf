"""The picture's detector: bins of totals in, anomalies out, one an episode; the same fold for files and for streams.

Kinds: picture.silence, picture.drop, picture.spike, picture.slow_shift, picture.level_shift, picture.share_shift,
picture.price_shift, participant.silence, participant.burst, participant.newcomer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import watch as kernel
from corridor.kernels.watch_layout import OPEN, WINDOWS, M, N, S, X
from corridor.messages.anomaly import Anomaly
from corridor.picture import episodes, telling
from corridor.picture.bursts import burst
from corridor.picture.calendar import free_days
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.hourly import COUNTS, PAIRS, PER_LOG, PRICE
from corridor.picture.newcomers import ended, newcomer
from corridor.picture.norms import PictureNorms
from corridor.picture.series import AUTOMATIC, CONTROLS, Rows, known, rows
from corridor.picture.state import State, row_of
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

LONGEST_GAP: Final = 8 * 288
"""After so many bins without anything the detector begins anew: what came before was of another time."""
MOST_FRESH: Final = 2000
"""Rows for categories that norms do not name."""
_OF: Final = {name: i for i, name in enumerate(COUNTS)}


@dataclass(frozen=True)
class Bin:
    """The totals of five minutes.

    at: its number since 1970; cells: k names (see `changes.cell_name`), each once;
    counts: int64[k, 8], columns as in `hourly.COUNTS`.
    """

    at: int
    cells: list[str]
    counts: Array


class Folds(Protocol):
    """What folds bins into a state: a detector, or several in turn."""

    def fold(self, state: State, found: Bin) -> list[Anomaly]:
        """See `Detector.fold`."""

    def standing(self, state: State) -> list[Anomaly]:
        """See `Detector.standing`."""


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

        A bin that was folded before changes nothing.
        """
        told = self._ready(state, found.at)
        if not state.names or found.at < state.at:
            return told
        if state.at < 0 or found.at - state.at > LONGEST_GAP:
            told += episodes.all_closed(self._look(state), found.at, "gap") if state.at >= 0 else []
            state.begin(found.at)
        for at in range(state.at, found.at):
            told += self._step(state, Bin(at, [], np.zeros((0, len(COUNTS)), np.int64)))
        return told + self._step(state, found)

    def standing(self, state: State) -> list[Anomaly]:
        """What was told last of each episode that is still open, with its figures as they are now."""
        told = self._ready(state, state.at - 1)
        return sorted(told + episodes.standing(self._look(state)), key=_in_order)

    def _ready(self, state: State, at: int) -> list[Anomaly]:
        """Rows as the norms and the state know them; anew when either is of another rulebook.

        What is told of are the ends, in bin `at`, of episodes whose rows these norms do not know.
        """
        if (
            self._rows is not None
            and self._rows.names == state.names
            and state.version == (self.version or "")
        ):
            return []
        names = known(self.norms)
        self._known = len(names)
        listed = set(names)
        names += [name for name in state.names if name not in listed and self._mixed(name)]
        told = self._gone(state, set(names), at)
        state.renamed(names)
        state.version = self.version or ""
        self._rows, self._day = rows(names, self.norms), (-1, np.zeros(0))
        return told

    def _gone(self, state: State, staying: set[str], at: int) -> list[Anomaly]:
        keys = [key for key in state.standing if row_of(key)[0] not in staying]
        if not keys:
            return []
        old = rows(state.names, self.norms)
        look = telling.Look(old, state, episodes.sums_now(old, state), self.norms, self.version)
        return episodes.closed(look, keys, at, "norms")

    def _look(self, state: State) -> telling.Look:
        assert self._rows is not None  # `_ready` came before
        self._rows.turn(self._free((state.at - 1) // 288))
        sums = episodes.sums_now(self._rows, state)
        return telling.Look(self._rows, state, sums, self.norms, self.version)

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
        told += episodes.speak(telling.Look(of, state, sums, self.norms, self.version), found.at, events)
        state.at = found.at + 1
        told += self._midnight(state)
        return sorted(told, key=_in_order)

    def _grow(self, state: State, found: Bin) -> None:
        """Rows for origins and chapters never seen at their office; so many that hostile names fill no memory.

        Where there is no room, those go that did not come for a day.
        """
        assert self._rows is not None  # `_ready` came before
        fresh = sorted(name for name in found.cells if name not in self._rows.at and self._mixed(name))
        if not fresh:
            return
        kept = state.names
        if len(kept) - self._known + len(fresh) > MOST_FRESH:
            idle = self._idle(state)
            kept = [name for name in kept if name not in idle]
        room = max(0, MOST_FRESH - (len(kept) - self._known))
        state.left_out("categories", len(fresh[room:]))
        if kept + fresh[:room] != state.names:
            state.renamed(kept + fresh[:room])
            self._rows, self._day = rows(state.names, self.norms), (-1, np.zeros(0))

    def _idle(self, state: State) -> set[str]:
        """Rows that norms do not name, of which a day remembers nothing and no episode is open."""
        memory = state.memory
        busy = memory.fine[:, X].any(1) | memory.hours[:, X].any(1) | memory.episodes[:, :, OPEN].any(1)
        return {state.names[i] for i in np.flatnonzero(~busy) if i >= self._known}

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
        below = np.flatnonzero(of.under >= 0)
        now[of.under[below], M] = 0.0
        for column in (X, M):
            np.add.at(now[:, column], of.under[below], now[below, column])
        return now

    def _expected(self, of: Rows, at: int) -> Array:
        """float64[counted, 2]: expected, and that times the root of dispersion, of one bin; by whole days."""
        if self._day[0] != at // 288:
            of.turn(self._free(at // 288))
            bins = at // 288 * 288 + np.arange(288)
            table = np.zeros((of.counted, 288, 2))
            for i, name in enumerate(of.names[: of.counted]):
                mean, dispersion = (np.nan_to_num(x) for x in self.norms.bins(*cell_of(name), bins))
                spread = mean * np.sqrt(dispersion)
                table[i] = np.stack([mean, spread], axis=1)
                of.kinds.usual[i] = mean.sum(), (mean.sum() + spread.sum() ** 2) ** 0.5
            self._day = at // 288, table
        return np.asarray(self._day[1][:, at % 288])

    def _free(self, day: int) -> bool:
        return bool(free_days([day], self.norms.country)[0])

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
                episodes.release(state, episodes.party(name))
        for event, name in newcomer(state, found.at, seen, self.norms, self.participants):
            told.append(telling.of_newcomer(state, name, found.at, event, self.norms, self.version))
        return told

    def _midnight(self, state: State) -> list[Anomaly]:
        """At the end of a day the episodes of newcomers end."""
        if state.at % 288 or not state.newcomers:
            return []
        told = [
            telling.of_newcomer(state, name, state.at - 1, "closed", self.norms, self.version)
            for name in ended(state)
        ]
        state.newcomers = {}
        return told


def newest(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """The newest anomaly of each episode, and those without one, by time, kind and subject."""
    last: dict[str, Anomaly] = {}
    for anomaly in anomalies:
        last[anomaly.episode.id if anomaly.episode else anomaly.anomaly_id] = anomaly
    return sorted(last.values(), key=_in_order)


def _in_order(anomaly: Anomaly) -> tuple[int, str, tuple[str, str], str]:
    return anomaly.event_time, anomaly.kind, anomaly.subject, anomaly.key
