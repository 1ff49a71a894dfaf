"""What the picture of the day should show: an office that falls silent, an origin whose share jumps."""

from typing import Final

import numpy as np

from corridor.simulate import catalogue, offices, routes
from corridor.simulate.batch import Batch, join
from corridor.simulate.cases import Case
from corridor.simulate.draw import DAY_MS, EPOCH, Scene, value

SILENT: Final = 2
JUMPS: Final = 2
_HOUR: Final = 3_600_000


def _window(scene: Scene, office: int, local: float, hours: float) -> tuple[int, int]:
    """Start and stop of a window in the office's local hours, in ms since 1970."""
    start = (scene.day.toordinal() - EPOCH) * DAY_MS
    begin = int((local - offices.load().offset[office]) * _HOUR) % DAY_MS
    return start + begin, start + begin + int(hours * _HOUR)


def disturb(scene: Scene, rng: np.random.Generator, batch: Batch, cases: list[Case]) -> Batch:
    """Two offices of the ten largest fall silent for 2.5-3.5 hours; at two others an origin's share jumps."""
    table = offices.load()
    taken = {case.office for case in cases}  # a silence may not swallow a scheme
    busy = [o for o in range(12) if scene.working or table.always_open[o]]
    free = [o for o in rng.permutation(busy) if table.codes[o] not in taken]
    silent = free[:SILENT]
    rest = [o for o in rng.permutation(busy) if o not in silent]
    countries = rng.permutation(["RS", "EG", "TH", "MY", "PK", "AZ", "CZ", "ES"])
    for office, country in zip(rest[:JUMPS], countries, strict=False):
        batch = _jump(scene, rng, batch, cases, int(office), str(country))
    for office in silent:
        batch = _silence(scene, rng, batch, cases, int(office))
    return batch


def _silence(scene: Scene, rng: np.random.Generator, batch: Batch, cases: list[Case], office: int) -> Batch:
    start, stop = _window(scene, office, rng.uniform(10.0, 13.5), rng.uniform(2.5, 3.5))
    code = offices.load().codes[office]
    cases.append(Case("office_silent", "office", code, code, start, stop, 0.0))
    when = batch.heads["registered"]
    silent = (batch.heads["office"] == office) & (when >= start) & (when < stop)
    return batch.take(np.flatnonzero(~silent))


def _jump(
    scene: Scene, rng: np.random.Generator, batch: Batch, cases: list[Case], office: int, name: str
) -> Batch:
    """Half of the office's imports of some hours come from a country that is rare on other days."""
    table, code = catalogue.load(), offices.load().codes[office]
    start, stop = _window(scene, office, rng.uniform(9.5, 11.5), rng.uniform(4.0, 5.0))
    when, heads = batch.heads["registered"], batch.heads
    inside = (heads["office"] == office) & (when >= start) & (when < stop) & (heads["direction"] == 0)
    taken = inside & (heads["case"] == 0) & (rng.random(len(batch)) < 0.5)
    country = table.countries.index(name)
    goods = np.flatnonzero(table.sold_by[:, country] & (table.weight > 0))
    sub = batch.take(np.flatnonzero(taken))
    good = rng.choice(goods, len(sub.items), p=table.weight[goods] / table.weight[goods].sum())
    sub.items["good"] = sub.items["true_good"] = good
    sub.items["origin"] = sub.items["true_origin"] = country
    sub.heads["dispatch"] = routes.load().dispatch[country, rng.integers(0, routes.SLOTS, len(sub))]
    sub.heads["exporter_country"] = sub.heads["dispatch"]
    value(scene, rng, sub)
    items = batch.items[np.repeat(inside, np.diff(batch.offsets))]
    before = float(np.mean(items["origin"] == country)) if len(items) else 0.0
    cases.append(
        Case("share_jump", "office", code, code, start, stop, 0.5 / max(before, 0.002), f"origin {name}")
    )
    sub.heads["case"] = len(cases)
    return join([batch.take(np.flatnonzero(~taken)), sub])
