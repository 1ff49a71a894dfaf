"""Fraud in single goods items: value too low, weight too high, another origin, another code.

Those inclined to it do it more often. Deviations are of a size that a person who knows the norms of
the cell can see: the price at 30-60 % of its median, the weight of a unit at 1.6-2.6 times, an
origin that is not usual for the good, a code close by whose goods have other prices.
"""

from typing import Final

import numpy as np

from corridor.simulate import catalogue
from corridor.simulate.batch import Array, Batch
from corridor.simulate.cases import ITEM_KINDS
from corridor.simulate.draw import Scene
from corridor.simulate.geography import TRANSIT_THROUGH

SHARE: Final = 0.039
"""Planted declarations among imports."""
_KINDS: Final = (0.24, 0.2, 0.22, 0.34)  # shares of ITEM_KINDS[1:]
_AT_MOST: Final = 12  # goods items of a planted declaration


def plant(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Change some items of some imports; keep the truth in the true_ columns, `kind` and `deviation`."""
    counts = np.diff(batch.offsets)
    eligible = (batch.heads["direction"] == 0) & (batch.heads["case"] == 0) & (counts <= _AT_MOST)
    weight = np.minimum(scene.traders.risk[batch.heads["trader"]], 14.0) * eligible
    chance = SHARE * eligible.sum() * weight / max(weight.sum(), 1e-9)
    chosen = np.flatnonzero(rng.random(len(batch)) < chance)
    able = np.where(_able(batch, batch.offsets[chosen]), _KINDS, 1e-9)
    edges = np.cumsum(able / able.sum(1, keepdims=True), axis=1)
    wish = 1 + (rng.random((len(chosen), 1)) > edges).sum(1).clip(0, 3)
    whole = rng.random(len(chosen)) < 0.6
    for i, kind, every in zip(chosen, wish, whole, strict=True):
        items = np.arange(batch.offsets[i], batch.offsets[i + 1])
        if not every:
            items = items[:1]
        for step in range(4):  # the wish, or the next kind that these goods allow
            if _STEPS[(kind - 1 + step) % 4](rng, batch, i, items):
                break


def _able(batch: Batch, first: Array) -> Array:
    """bool[k, 4]: which kinds the first items of declarations would allow, by ITEM_KINDS[1:]."""
    table, items = catalogue.load(), batch.items[first]
    good, origin = items["good"], items["origin"]
    near = table.neighbour[good]
    third = [table.countries.index(name) for name in TRANSIT_THROUGH]
    gain = table.duty[good, origin][:, None] - table.duty[good][:, third]
    return np.stack(
        [
            table.sigma[good] <= 0.3,
            items["quantity"] > 0,
            ((gain >= 0.04) & ~table.sold_by[good][:, third]).sum(1) >= 3,
            (near >= 0) & _seen(items, near),
        ],
        1,
    )


def _seen(items: Array, near: Array) -> Array:
    """bool: whether the price of goods would be odd for the code `near`."""
    table = catalogue.load()
    price = items["usd_kg"] / (table.usd_kg[near] * table.price[near, items["origin"]])
    odd: Array = np.abs(np.log(price)) > np.maximum(0.4, 2.0 * table.sigma[near])
    return odd


def _mark(batch: Batch, items: Array, kind: str, deviation: Array) -> bool:
    batch.items["kind"][items] = ITEM_KINDS.index(kind)
    batch.items["deviation"][items] = deviation
    return len(items) > 0


def usual_price(batch: Batch, items: Array) -> Array:
    """f8: the median price of good and origin, US dollars a kg."""
    table, rows = catalogue.load(), batch.items[items]
    usual: Array = table.usd_kg[rows["good"]] * table.price[rows["good"], rows["origin"]]
    return usual


def _undervalue(rng: np.random.Generator, batch: Batch, row: int, items: Array) -> bool:
    table = catalogue.load()
    items = items[table.sigma[batch.items["good"][items]] <= 0.3]
    usual = usual_price(batch, items)
    ratio = rng.uniform(0.3, 0.6) * np.exp(rng.normal(0.0, 0.04, len(items)))
    batch.items["true_usd_kg"][items] = np.maximum(batch.items["usd_kg"][items], 0.85 * usual)
    batch.items["usd_kg"][items] = usual * ratio
    return _mark(batch, items, "undervaluation", ratio)


def _overstate(rng: np.random.Generator, batch: Batch, row: int, items: Array) -> bool:
    items = items[batch.items["quantity"][items] > 0]
    factor = np.full(len(items), rng.uniform(1.6, 2.6))
    rows = batch.items[items]
    for name in ("net", "gross"):
        batch.items[name][items] = np.rint(rows[name] * factor / 10).astype(np.int64) * 10
    batch.items["gross"][items] = np.maximum(batch.items["gross"][items], batch.items["net"][items])
    for name in ("usd_kg", "true_usd_kg"):  # the invoice stays what it was
        batch.items[name][items] = rows[name] * rows["net"] / batch.items["net"][items]
    return _mark(batch, items, "overstated_weight", factor)


def _switch(rng: np.random.Generator, batch: Batch, row: int, items: Array) -> bool:
    table = catalogue.load()
    third = table.countries.index(TRANSIT_THROUGH[rng.integers(len(TRANSIT_THROUGH))])
    good, origin = batch.items["good"][items], batch.items["origin"][items]
    gain = table.duty[good, origin] - table.duty[good, third]
    worth = (gain >= 0.04) & ~table.sold_by[good, third]
    if not worth.any():
        return False
    items = items[worth]
    batch.items["origin"][items] = third
    batch.heads["dispatch"][row] = batch.heads["exporter_country"][row] = third
    if table.countries[third] != "AE":
        batch.heads["mode"][row] = 3
    return _mark(batch, items, "origin_switch", gain[worth])


def _misclassify(rng: np.random.Generator, batch: Batch, row: int, items: Array) -> bool:
    table = catalogue.load()
    near = table.neighbour[batch.items["good"][items]]
    price = batch.items["usd_kg"][items] / (
        table.usd_kg[near] * table.price[near, batch.items["origin"][items]]
    )
    chosen = (near >= 0) & _seen(batch.items[items], near)
    items, near, price = items[chosen], near[chosen], price[chosen]
    batch.items["good"][items] = near
    kg_unit = table.kg_unit[near]
    same = table.unit[near] == table.unit[batch.items["true_good"][items]]
    counted = (
        np.maximum(np.rint(batch.items["net"][items] / 1000 / np.where(kg_unit > 0, kg_unit, 1)), 1) * 1000
    )
    quantity = np.where(same, batch.items["quantity"][items], counted)
    batch.items["quantity"][items] = np.where(kg_unit > 0, quantity, -1)
    return _mark(batch, items, "misclassification", price)


_STEPS: Final = (_undervalue, _overstate, _switch, _misclassify)
