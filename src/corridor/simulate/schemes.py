"""Schemes of participants: a sudden burst, a new importer with high values, a consignment split into many.

Each gives extra declarations, tied to a case by `heads["case"]`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from corridor.simulate import amounts, catalogue, offices
from corridor.simulate.batch import Array, Batch, join
from corridor.simulate.cases import Case
from corridor.simulate.draw import DAY_MS, EPOCH, Scene, draw_for, value
from corridor.simulate.participants import ESTABLISHED, FIRST_NEWCOMER
from corridor.simulate.rates import CURRENCIES

BURSTS: Final = 2.0
NEW_IMPORTERS: Final = 3.0
SPLITS: Final = 4.0
"""Cases on a day of 25,000 declarations; at least one each, whatever the size of the day."""
SPLIT_BELOW: Final = 50_000_000
"""Hundredths of the national currency: split consignments stay just below it (500,000.00)."""
_HOUR: Final = 3_600_000


@dataclass
class Extras:
    """Extra declarations and the cases they belong to, counted from 1."""

    batches: list[Batch]
    cases: list[Case]

    def add(self, batch: Batch, case: Case) -> None:
        """Append a case with its declarations."""
        self.cases.append(case)
        batch.heads["case"] = len(self.cases)
        self.batches.append(batch)


def schemes(scene: Scene, rng: np.random.Generator, n: int) -> Extras:
    """All schemes of a day of n declarations; on days off only half as many."""
    found = Extras([], [])
    scale = n / 25_000 * (1.0 if scene.working else 0.5)
    for plan, daily in ((_burst, BURSTS), (_new_importer, NEW_IMPORTERS), (_split, SPLITS)):
        for index in range(max(1, round(daily * scale))):
            found.add(*plan(scene, rng, n, index))
    return found


def joined(batch: Batch, extras: Extras) -> Batch:
    """Put the day's declarations together with the schemes'."""
    return join([batch, *extras.batches])


def _start_of(scene: Scene) -> int:
    return (scene.day.toordinal() - EPOCH) * DAY_MS


def _pick(scene: Scene, rng: np.random.Generator, low: int, high: int) -> int:
    """Choose an established importer between two ranks of activity."""
    ranks = np.arange(low, min(high, ESTABLISHED))
    ranks = ranks[scene.traders.direction[ranks] == 0]
    return int(rng.choice(ranks))


def _window(
    scene: Scene, rng: np.random.Generator, batch: Batch, hours: tuple[float, float]
) -> tuple[int, int]:
    """Put the declarations at one office into one window of its busy hours; gives start and stop, ms."""
    office = int(batch.heads["office"][0])
    if not scene.working and not offices.load().always_open[office]:
        office = int(scene.traders.offices[batch.heads["trader"][0], 2])
    local = rng.uniform(9.5, 13.0)
    begin = int((local - offices.load().offset[office]) * _HOUR) % DAY_MS
    length = int(rng.uniform(*hours) * _HOUR)
    begin = min(begin, DAY_MS - length - 1)
    batch.heads["office"] = batch.heads["id_office"] = office
    batch.heads["zone"] = offices.load().offset[office] if office % 4 == 1 else 0
    batch.heads["registered"] = _start_of(scene) + begin + rng.integers(0, length, len(batch))
    return _start_of(scene) + begin, _start_of(scene) + begin + length


def _case(scene: Scene, batch: Batch, kind: str, window: tuple[int, int], deviation: float) -> Case:
    return Case(
        kind, "importer", f"{int(batch.heads['importer'][0]):010d}",
        offices.load().codes[batch.heads["office"][0]], *window, deviation,
    )  # fmt: skip


def _burst(scene: Scene, rng: np.random.Generator, n: int, index: int) -> tuple[Batch, Case]:
    """Plant an importer of one to four declarations a day that files dozens in an hour or so."""
    trader = _pick(scene, rng, 700, 3000)
    size = int(np.clip(n / 600, 14, 45) * rng.uniform(0.85, 1.2))
    batch = draw_for(scene, rng, np.full(size, trader))
    window = _window(scene, rng, batch, (0.8, 1.3))
    daily = float(scene.traders.weight[trader] / scene.traders.weight.sum() * n)
    return batch, _case(scene, batch, "importer_burst", window, size / daily)


def _new_importer(scene: Scene, rng: np.random.Generator, n: int, index: int) -> tuple[Batch, Case]:
    """Plant an importer never seen before, with dear goods of high duty in lots of four to eight times."""
    table = catalogue.load()
    trader = _pick(scene, rng, 3000, ESTABLISHED)
    batch = draw_for(scene, rng, np.full(int(rng.integers(3, 7)), trader))
    dear = np.flatnonzero((table.duty_rate >= 0.08) & (table.usd_kg >= 7) & (table.weight >= 8))
    good = rng.choice(dear)
    batch.items["good"] = batch.items["true_good"] = good
    origin = table.origin[good, rng.integers(0, catalogue.SLOTS)]
    batch.items["origin"] = batch.items["true_origin"] = origin
    value(scene, rng, batch)
    factor = rng.uniform(4.0, 8.0)
    usual = table.lot_kg[good] * 0.5
    total = batch.items["net"].sum() / 1000 / len(batch)
    _enlarge(batch, max(1.0, factor * usual / max(total, 1e-3)))
    batch.heads["importer"] = FIRST_NEWCOMER + scene.day.toordinal() * 100 + 50 + index % 50
    batch.heads["declarant"] = batch.heads["importer"]
    window = _window(scene, rng, batch, (3.0, 6.0))
    return batch, _case(scene, batch, "new_importer_high_value", window, factor)


def _enlarge(batch: Batch, factor: float) -> None:
    """Larger lots at the same prices."""
    for name in ("net", "gross"):
        batch.items[name] = np.rint(batch.items[name] * factor / 100).astype(np.int64) * 100 + 100
    batch.items["gross"] = np.maximum(batch.items["gross"], batch.items["net"])
    counted = batch.items["quantity"] > 0
    quantity = np.maximum(np.rint(batch.items["quantity"] * factor / 1000), 1).astype(np.int64) * 1000
    batch.items["quantity"] = np.where(counted, quantity, -1)
    batch.items["packages"] = np.rint(batch.items["packages"] * factor).astype(np.int64)


def _split(scene: Scene, rng: np.random.Generator, n: int, index: int) -> tuple[Batch, Case]:
    """Plant one consignment declared in six to ten parts in a day, each just below a round value."""
    size = int(rng.integers(6, 11))
    trader = _pick(scene, rng, 4000, ESTABLISHED)
    batch = draw_for(scene, rng, np.full(size, trader))
    batch = Batch(batch.heads, batch.items[batch.offsets[:-1]], np.arange(size + 1))
    table, good = catalogue.load(), int(batch.items["good"][0])
    divisible = np.flatnonzero((table.kg_unit * table.usd_kg < 500) & (table.weight > 8))
    if good not in divisible:  # one car is worth more than the limit
        good = int(rng.choice(divisible))
        batch.items["good"] = batch.items["true_good"] = good
        batch.items["origin"] = batch.items["true_origin"] = table.origin[
            good, rng.integers(0, catalogue.SLOTS)
        ]
    for column in ("good", "true_good", "origin", "true_origin", "variant", "currency"):
        batch.items[column] = batch.items[column][0]
    for column in ("dispatch", "mode", "terms", "exporter", "exporter_country", "declarant", "procedure"):
        batch.heads[column] = batch.heads[column][0]
    value(scene, rng, batch)
    batch.items["usd_kg"] = batch.items["usd_kg"][0] * np.exp(rng.normal(0.0, 0.01, size))
    batch.items["true_usd_kg"] = batch.items["usd_kg"]
    batch.items["freight"] = batch.items["freight"][0]
    _fill(scene, rng, batch)
    window = _window(scene, rng, batch, (2.0, 6.0))
    return batch, _case(scene, batch, "splitting", window, float(size))


def _fill(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Choose masses so that each customs value is 88-99 % of SPLIT_BELOW."""
    table, items = catalogue.load(), batch.items
    rate = scene.rates[CURRENCIES.index("USD")]
    wanted = SPLIT_BELOW * rng.uniform(0.88, 0.985, len(items)) / 100
    kg: Array = wanted / (items["usd_kg"] * rate * (1 + items["freight"]))
    unit_kg = table.kg_unit[items["good"]]
    pieces = np.maximum(np.floor(kg / np.where(unit_kg > 0, unit_kg, 1.0)), 1)
    tare = items["gross"] / items["net"]
    items["net"] = np.maximum(np.floor(np.where(unit_kg > 0, pieces * unit_kg, kg) * 1000), 1).astype(
        np.int64
    )
    items["gross"] = np.maximum(np.rint(items["net"] * tare), items["net"]).astype(np.int64)
    items["quantity"] = np.where(unit_kg > 0, pieces * 1000, -1).astype(np.int64)
    items["packages"] = np.maximum(np.rint(items["gross"] / 20_000), 1).astype(np.int64)
    items["item_no"] = 1
    amounts.settle(batch, scene.rates)
