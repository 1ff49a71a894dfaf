"""One day of the service: the order of its making, stated once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from corridor.simulate import amounts, garbage, write
from corridor.simulate.batch import Batch
from corridor.simulate.cases import Case, truth
from corridor.simulate.disturb import disturb
from corridor.simulate.draw import draw
from corridor.simulate.followups import Mix, arrive, followups, together
from corridor.simulate.offices import activity
from corridor.simulate.plant import plant
from corridor.simulate.results import results
from corridor.simulate.schemes import joined, schemes
from corridor.simulate.service import Service, number

BLOCK = 20_000


@dataclass(frozen=True)
class Options:
    """What a day holds beside honest declarations.

    planted: fraud in goods items and schemes of participants; events: what the picture should show (a silent
    office, a jump of a share); garbage: share of records that are garbage; results: inspections too.
    """

    planted: bool = True
    events: bool = False
    garbage: float = 0.0
    results: bool = False
    mix: Mix = field(default_factory=Mix)


@dataclass(frozen=True)
class Day:
    """A day's records in order of arrival, its originals, and the truth about both."""

    date: date
    originals: Batch
    records: Batch
    cases: list[Case]
    results: list[dict[str, Any]]
    _garbage: garbage.Plan

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """Give the records as NDJSON, `size` lines at a time."""
        for start in range(0, len(self.records), size):
            part = self.records.take(np.arange(start, min(start + size, len(self.records))))
            yield self._garbage.spoil(part, *write.lines(part))

    def __iter__(self) -> Iterator[bytes]:
        """Give the records one by one, without line feeds."""
        for block in self.blocks():
            yield from block[:-1].split(b"\n")

    def planted(self) -> list[dict[str, Any]]:
        """Lines of `truth/planted.ndjson`."""
        return truth(self.originals, self.cases, self.date.isoformat())

    def spoiled(self) -> list[dict[str, Any]]:
        """Lines of `truth/garbage.ndjson`."""
        return self._garbage.truth(self.records, self.date)


def day(service: Service, when: date, n: int, options: Options | None = None) -> Day:
    """Make one day; n: originals on a mean working day, so that Sundays and holidays have fewer.

    The same service, date, n and options give the same bytes, whatever other days were made.
    """
    options = options or Options()
    scene, size = service.scene(when), max(1, round(n * activity(when)))
    batch = draw(scene, service.rng(when, "clean"), size)
    cases: list[Case] = []
    if options.planted:
        extras = schemes(scene, service.rng(when, "schemes"), n)
        batch, cases = joined(batch, extras), extras.cases
    if options.events:
        batch = disturb(scene, service.rng(when, "events"), batch, cases)
    if options.planted:
        plant(scene, service.rng(when, "plant"), batch)
    amounts.settle(batch, scene.rates)
    batch = batch.take(np.argsort(batch.heads["registered"], kind="stable"))
    number(batch, 3_000_001)
    arrive(service.rng(when, "arrival"), batch)
    found = results(scene, service.rng(when, "results"), batch, cases) if options.results else []
    parts = [batch, *followups(service, when, n, batch, options.mix)]
    plan = garbage.Plan(service.rng(when, "garbage"), options.garbage)
    return Day(when, batch, together(plan.add(parts)), cases, found, plan)
