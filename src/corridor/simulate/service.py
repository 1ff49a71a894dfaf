"""The simulated service: a seed, from which every day of it follows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from zlib import crc32

import numpy as np

from corridor.simulate import amounts, offices, participants, rates, write
from corridor.simulate.batch import Batch
from corridor.simulate.draw import Scene, draw


@dataclass(frozen=True)
class Service:
    """A customs service with its offices, traders, prices and rates; equal seeds, equal services."""

    seed: int = 1
    _established: participants.Traders = field(init=False, repr=False, compare=False)
    _scenes: dict[date, Scene] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_established", participants.established(self.seed))

    def scene(self, day: date) -> Scene:
        """Give the day's traders (newcomers of the last weeks among them), rates and calendar."""
        if day not in self._scenes:
            first = day.toordinal()
            new = [participants.newcomers(self.seed, first - age) for age in range(participants.REMEMBERED)]
            pool = participants.join([self._established, *new])
            edges = np.cumsum(pool.weight) / pool.weight.sum()
            if len(self._scenes) > 7:
                self._scenes.clear()
            self._scenes[day] = Scene(day, pool, edges, rates.on(self.seed, day), offices.is_working(day))
        return self._scenes[day]

    def rng(self, day: date, purpose: str) -> np.random.Generator:
        """Give a stream of random numbers of its own for each day and purpose."""
        return np.random.default_rng([self.seed, day.toordinal(), crc32(purpose.encode())])


def clean(service: Service, day: date, n: int, purpose: str = "clean") -> Batch:
    """N faultless originals of a day in order of registration, numbered by office."""
    batch = draw(service.scene(day), service.rng(day, purpose), n)
    amounts.settle(batch, service.scene(day).rates)
    batch = batch.take(np.argsort(batch.heads["registered"], kind="stable"))
    number(batch, 3_000_001)
    return batch


def number(batch: Batch, first: int) -> None:
    """Give each declaration the next number of its office, in the order of the batch."""
    office = batch.heads["office"]
    order = np.argsort(office, kind="stable")
    starts = np.searchsorted(office[order], np.arange(128))
    batch.heads["sequence"][order] = first + np.arange(len(office)) - starts[office[order]]


def declarations(n: int, seed: int = 1, day: date = date(2026, 11, 24)) -> list[bytes]:
    """N clean declarations of one working day as JSON, in order of registration: material for tests."""
    return write.split(*write.lines(clean(Service(seed), day, n)))


def blocks(service: Service, day: date, n: int, size: int = 20_000) -> Iterator[bytes]:
    """Clean declarations as NDJSON blocks."""
    batch = clean(service, day, n)
    for start in range(0, n, size):
        yield write.lines(batch.take(np.arange(start, min(start + size, n))))[0].tobytes()
