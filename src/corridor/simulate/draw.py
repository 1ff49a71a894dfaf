"""Declarations of one day before any intention: who, where, when, which goods, how much, from where."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.simulate import catalogue, offices, routes
from corridor.simulate.batch import MASS_MAX, Array, Batch, empty
from corridor.simulate.geography import HOME
from corridor.simulate.participants import GOODS_SLOTS, Traders
from corridor.simulate.texts import PROCEDURES

EPOCH: Final = date(1970, 1, 1).toordinal()
DAY_MS: Final = 86_400_000
UNUSUAL: Final = 0.004
"""Honest items whose origin is that of other goods: what is rare is not yet fraud."""
_LOT_BY_MODE: Final = np.array([1, 1.5, 1.6, 1, 0.1, 0.01, 1, 3, 1, 1])
_DECLARED_BY: Final = (  # direction: procedures and shares
    (("40", 0.90), ("51", 0.025), ("53", 0.025), ("61", 0.015), ("78", 0.035)),
    (("10", 0.93), ("23", 0.04), ("31", 0.03)),
    (("80", 1.0),),
)
_ITEMS: Final = np.cumsum((np.arange(200) + 1.0) ** -2.1) / np.sum((np.arange(200) + 1.0) ** -2.1)


@dataclass(frozen=True)
class Scene:
    """What holds for a whole day: its date, the traders who may come, the exchange rates."""

    day: date
    traders: Traders
    edges: NDArray[np.float64]  # cumulative weights of the traders
    rates: NDArray[np.float64]  # by CURRENCIES
    working: bool


def mix(*columns: Array) -> Array:
    """u8: a hash of integer columns; habits are hashes, so that a trader keeps them for ever."""
    h = np.full(np.broadcast(*columns).shape, 0x9E3779B97F4A7C15, np.uint64)
    for column in columns:
        h ^= np.asarray(column).astype(np.uint64)
        h *= np.uint64(0xBF58476D1CE4E5B9)
        h ^= h >> np.uint64(29)
        h *= np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(32)
    return h


def draw(scene: Scene, rng: np.random.Generator, n: int) -> Batch:
    """N declarations of the scene's day, priced but without amounts (see `amounts.py`)."""
    trader = np.searchsorted(scene.edges, rng.random(n)).clip(0, len(scene.traders) - 1)
    return draw_for(scene, rng, trader)


def draw_for(scene: Scene, rng: np.random.Generator, trader: Array) -> Batch:
    """Draw declarations of given traders (rows of the pool), one each."""
    counts = 1 + np.searchsorted(_ITEMS, rng.random(len(trader))).clip(0, 199)
    batch = empty(counts)
    batch.heads["trader"] = trader
    batch.heads["direction"] = scene.traders.direction[trader]
    _place(scene, rng, batch.heads)
    _goods(scene, rng, batch)
    _route(scene, rng, batch)
    _parties(scene, rng, batch.heads)
    value(scene, rng, batch)
    return batch


def _place(scene: Scene, rng: np.random.Generator, heads: Array) -> None:
    """Office and time: on days off only offices that work round the clock."""
    table, n = offices.load(), len(heads)
    which = np.searchsorted((0.74, 0.93), rng.random(n))
    office = scene.traders.offices[heads["trader"], which]
    if not scene.working:
        shut = ~table.always_open[office]
        office[shut] = scene.traders.offices[heads["trader"][shut], 2]
    quarter = table.quarter[office, rng.integers(0, offices.SLOTS, n)].astype(np.int64)
    local = quarter * 900_000 + rng.integers(0, 900_000, n)
    start = (scene.day.toordinal() - EPOCH) * DAY_MS
    heads["office"] = heads["id_office"] = office
    heads["registered"] = start + (local - table.offset[office] * 3_600_000) % DAY_MS
    heads["zone"] = np.where(office % 4 == 1, table.offset[office], 0)
    heads["date"] = scene.day.day * 10_000 + scene.day.month * 100 + scene.day.year % 100


def _goods(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Goods of the trader's assortment; origins by habit (70 %) or by the market."""
    table, items = catalogue.load(), batch.items
    owner, m = batch.owner(), len(batch.items)
    trader = batch.heads["trader"][owner]
    good = scene.traders.goods[trader, rng.integers(0, GOODS_SLOTS, m)]
    habit = mix(scene.traders.number[trader], good) % np.uint64(catalogue.SLOTS)
    slot = np.where(rng.random(m) < 0.7, habit.astype(np.int64), rng.integers(0, catalogue.SLOTS, m))
    origin = table.origin[good, slot]
    first = origin[batch.offsets[:-1]][owner]
    origin = np.where((rng.random(m) < 0.85) & table.sold_by[good, first], first, origin)
    odd = np.flatnonzero(rng.random(m) < UNUSUAL)
    origin[odd] = table.origin[rng.permutation(good)[odd], slot[odd]]
    export = batch.heads["direction"][owner] == 1
    origin[export & (rng.random(m) < 0.97)] = table.countries.index(HOME)
    items["good"] = items["true_good"] = good
    items["origin"] = items["true_origin"] = origin
    items["item_no"] = np.arange(m) - batch.offsets[:-1][owner] + 1
    items["variant"] = np.where(rng.random(m) < 0.62, rng.integers(0, 4, m), rng.integers(4, 8, m))


def _route(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Country of dispatch, mode, terms, currency: by habit of trader and origin, or by chance."""
    table, ways, heads = catalogue.load(), routes.load(), batch.heads
    n, head_good = len(heads), batch.items["good"][batch.offsets[:-1]]
    origin = batch.items["origin"][batch.offsets[:-1]]
    number = scene.traders.number[heads["trader"]]
    habit = (mix(number, origin) % np.uint64(routes.SLOTS)).astype(np.int64)
    slot = np.where(rng.random(n) < 0.75, habit, rng.integers(0, routes.SLOTS, n))
    export = heads["direction"] == 1
    dispatch = np.where(export, table.countries.index(HOME), ways.dispatch[origin, slot])
    mode = ways.mode[dispatch, (slot * 7 + rng.integers(0, 300, n)) % routes.SLOTS]
    kind = offices.load().kind[heads["office"]]
    mode[rng.random(n) < table.air[head_good]] = 4
    for name, code, share in (
        ("airport", 4, 0.9),
        ("seaport", 1, 0.85),
        ("road", 3, 0.97),
        ("rail", 2, 0.97),
    ):
        mode[(kind == offices.KINDS.index(name)) & (rng.random(n) < share)] = code
    mode[kind == offices.KINDS.index("post")] = 5
    bulk = np.isin(head_good, np.flatnonzero([code.startswith("27") for code in table.hs]))
    mode[bulk & export & (rng.random(n) < 0.4)] = 7
    heads["dispatch"], heads["mode"] = dispatch, mode
    heads["terms"] = ways.terms[mode, rng.integers(0, routes.SLOTS, n)]
    slot = np.where(rng.random(n) < 0.85, habit, rng.integers(0, routes.SLOTS, n))
    currency = ways.currency[dispatch, slot * 13 % routes.SLOTS]
    batch.items["currency"] = np.repeat(currency, np.diff(batch.offsets))


def _parties(scene: Scene, rng: np.random.Generator, heads: Array) -> None:
    """Make the trader the national party; the other one is foreign and mostly the same one."""
    n, number = len(heads), scene.traders.number[heads["trader"]]
    export = heads["direction"] == 1
    friend = np.searchsorted((0.62, 0.84, 0.94), rng.random(n))
    hashed = mix(number, heads["dispatch"], friend)
    foreign = (hashed % np.uint64(9_000) * np.uint64(1_000) + hashed % np.uint64(997)).astype(np.int64)
    buyers = np.array(
        [catalogue.load().countries.index(c) for c in ("CN", "KZ", "BY", "TR", "UZ", "IN", "DE", "AM")]
    )
    buyer = buyers[(hashed // np.uint64(1 << 20) % np.uint64(len(buyers))).astype(np.int64)]
    heads["importer"] = np.where(export, foreign, number)
    heads["importer_country"] = np.where(export, buyer, -1)
    heads["exporter"] = np.where(export, number, foreign)
    heads["exporter_country"] = np.where(export, -1, heads["dispatch"])
    heads["declarant"] = scene.traders.declarant[heads["trader"], (rng.random(n) < 0.12).astype(np.int64)]
    draws = rng.random(n)
    for d, shares in enumerate(_DECLARED_BY):
        chosen = np.flatnonzero(heads["direction"] == d)
        edges = np.cumsum([share for _, share in shares])
        index = np.searchsorted(edges, draws[chosen]).clip(0, len(shares) - 1)
        heads["procedure"][chosen] = np.array([PROCEDURES.index(name) for name, _ in shares])[index]
    heads["version"] = 1


def value(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Draw masses, units, packages, prices and freight for the goods and origins that stand."""
    _masses(rng, batch)
    _prices(scene, rng, batch)


def _masses(rng: np.random.Generator, batch: Batch) -> None:
    """Log-normal lots by good, less by line when there are many; units, tare, packages."""
    table, items, owner = catalogue.load(), batch.items, batch.owner()
    good, m, counts = items["good"], len(items), np.diff(batch.offsets)
    lot = table.lot_kg[good] * np.exp(rng.normal(0.0, 0.85, m)) * 0.7
    lot *= _LOT_BY_MODE[batch.heads["mode"][owner]] * counts[owner] ** -0.7
    unit_kg = table.kg_unit[good]
    counted = unit_kg > 0
    sample = unit_kg * np.exp(rng.normal(0.0, 0.13, m))
    pieces = np.maximum(np.rint(lot / np.where(counted, sample, 1.0)), 1.0)
    kg = np.where(counted, pieces * sample, lot)
    grams = np.maximum(np.rint(kg * 1000), 5).astype(np.int64)
    step = np.where(grams > 100_000, 100, np.where(grams > 10_000, 10, 1))
    items["net"] = np.minimum((grams + step // 2) // step * step, MASS_MAX)
    items["quantity"] = np.where(counted, pieces * 1000, -1).astype(np.int64)
    tare = 0.015 + 0.055 * np.exp(rng.normal(0.0, 0.6, m))
    items["gross"] = np.rint(items["net"] * (1 + tare) / step).astype(np.int64) * step
    items["gross"] = np.maximum(items["gross"], items["net"])
    package = np.maximum(18.0 * np.exp(rng.normal(0.0, 0.5, m)), unit_kg) * 1000
    items["packages"] = np.maximum(np.rint(items["gross"] / package), 1).astype(np.int64).clip(1, 2_000_000)


def _prices(scene: Scene, rng: np.random.Generator, batch: Batch) -> None:
    """Log-normal prices by good and origin, the trader's level, cheaper in bulk; freight."""
    table, ways, items = catalogue.load(), routes.load(), batch.items
    owner, m = batch.owner(), len(batch.items)
    good, heads = items["good"], batch.heads
    bulk = (items["net"] / (table.lot_kg[good] * 1000)).clip(0.001, 100) ** -0.03
    price = table.usd_kg[good] * table.price[good, items["origin"]] * bulk
    price *= scene.traders.price[heads["trader"][owner]]
    items["usd_kg"] = price * np.exp(rng.normal(0.0, 1.0, m) * table.sigma[good])
    items["true_usd_kg"] = items["usd_kg"]
    mode = heads["mode"][owner]
    freight = ways.freight[mode] * np.exp(rng.normal(0.0, 0.3, m)) / items["usd_kg"]
    items["freight"] = np.where(ways.buyer_pays[heads["terms"][owner]], freight.clip(0.0, 0.25), 0.0)
