"""What the exporter answers when it is asked: its state as families of samples, made under one lock."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from corridor.console.exporter import tables
from corridor.console.exporter.day import Cells, hour_start, seconds
from corridor.console.exporter.families import BUCKETS, FAMILIES, Family
from corridor.console.exporter.offsets import Offsets
from corridor.console.exporter.rulebooks import Rulebooks
from corridor.console.exporter.state import State
from corridor.console.exporter.tables import Rows, Table
from corridor.console.sources import summary

_HOUR: Final = 3_600_000_000


@dataclass(frozen=True)
class Parts:
    """What is told of: what was read, the broker's offsets (None for files), rulebooks (None if none are given).

    run: the folder of a run over files; clock: seconds since 1970, None for such a run: see `Days.today`.
    """

    state: State
    offsets: Offsets | None = None
    rulebooks: Rulebooks | None = None
    clock: Callable[[], float] | None = time.time
    run: Path | None = None


class Exporter(Collector):
    """The metrics of FAMILIES. What is not known has no sample."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """All families that have a sample, in the order of FAMILIES."""
        table = self.table()
        for family in FAMILIES:
            if family.kind == "histogram":
                yield from self._histogram(family)
            elif found := table.get(family.name):
                yield _metric(family, found)

    def describe(self) -> Iterator[Metric]:
        """The families without samples."""
        return (_empty(family) for family in FAMILIES)

    def table(self) -> Table:
        """Samples by family: label values to a finite number. Until all was read at the start, only that it reads."""
        with self._parts.state.lock:
            table = tables.source(self._parts.state, self._parts.offsets)
            cells = dict(self._today())  # read on below, without the lock
            table |= self._of_topics(cells) if self._parts.state.ready else {}
        if self._parts.state.ready:
            table |= self._around(cells)
        return {
            name: {labels: n for labels, n in rows.items() if math.isfinite(n)}
            for name, rows in table.items()
        }

    def _today(self) -> Cells:
        clock, state = self._parts.clock, self._parts.state
        return state.days.today(clock() if clock else None) if state.told("picture") else {}

    def _of_topics(self, cells: Cells) -> Table:
        """What topics tell; nothing of one that came later and was not read up yet, or cannot be read."""
        state = self._parts.state
        table = tables.messages(state)
        if state.told("picture"):
            table |= tables.service(cells) | tables.dimensions(cells) | tables.offices(cells, state.offices)
            table["corridor_picture_silent_seconds"] = {(): time.monotonic() - state.picture_at}
        if state.told("anomalies"):
            table |= tables.anomalies(state.anomalies, state.offices)
        if state.told("decisions"):
            table |= tables.decisions(state.decisions)
        if state.told("rejects"):
            table |= tables.rejects(state.rejects)
        if state.told("conservation"):
            table |= tables.conservation(state.conservation, self._parts.offsets)
        return table

    def _around(self, cells: Cells) -> Table:
        """What a run's summary, rulebooks and norms tell beside the day."""
        service, table = cells.get(("service", "all")), Table()
        event = seconds(service.window_end) if service else 0.0
        table |= {"corridor_event_timestamp_seconds": {(): event}} if service else {}
        if self._parts.run is not None:
            table |= tables.run_over(summary(self._parts.run))
        if self._parts.rulebooks is not None:
            table |= self._of_rulebooks(self._parts.rulebooks, int((event or time.time()) * 1e6))
        return table | self._hour(int(event * 1e6) // _HOUR * _HOUR - _HOUR, cells)

    def _of_rulebooks(self, rulebooks: Rulebooks, moment: int) -> Table:
        found = rulebooks.at(moment)
        states = [("in_force", found.book)] + ([("next", found.next)] if found.next else [])
        table: Table = {
            "corridor_rulebook_info": {(state, book.version): 1.0 for state, book in states},
            "corridor_rulebook_effective_timestamp_seconds": {
                (state,): book.effective_from / 1e6 for state, book in states
            },
            "corridor_rulebook_expiry_timestamp_seconds": {
                (part,): end / 1e6 for part, end in rulebooks.expiries(moment).items()
            },
        }
        if rulebooks.silent is not None:
            table["corridor_registry_silent_seconds"] = {(): rulebooks.silent}
        return table

    def _hour(self, begins: int, cells: Cells) -> Table:
        """The last whole hour beside its norm. begins: µs."""
        hours = {hour_start(cell): cell.declarations for cell in cells.values() if cell.dimension == "hour"}
        if begins not in hours:
            return {}
        rows: Rows = {("observed",): float(hours[begins])}
        band = self._parts.rulebooks.band(begins) if self._parts.rulebooks is not None else None
        if band is not None:
            rows |= {(name,): n for name, n in zip(("expected", "low", "high"), band, strict=True)}
        return {"corridor_service_hour_declarations": rows}

    def _histogram(self, family: Family) -> Iterator[Metric]:
        with self._parts.state.lock:
            if not self._parts.state.told("decisions"):
                return
            decisions = self._parts.state.decisions
            counts, total = list(accumulate(decisions.buckets)), decisions.seconds
        bounds = [*(f"{bound:g}" if bound % 1 else f"{bound:.1f}" for bound in BUCKETS), "+Inf"]
        found = HistogramMetricFamily(family.name, family.help)
        found.add_metric([], list(zip(bounds, counts, strict=True)), total)
        yield found


def _empty(family: Family) -> Metric:
    if family.kind == "histogram":
        return HistogramMetricFamily(family.name, family.help)
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    return made(family.name, family.help, labels=tuple(family.labels))


def _metric(family: Family, rows: dict[tuple[str, ...], float]) -> Metric:
    made = _empty(family)
    assert isinstance(made, GaugeMetricFamily | CounterMetricFamily)
    for labels, number in rows.items():
        made.add_metric(labels, number)
    return made
