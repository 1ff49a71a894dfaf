"""Traders and their habits: Zipf activity, goods, offices, brokers; newcomers every day.

A trader is the national party of a declaration: importer of imports and transits, exporter of exports.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.simulate import catalogue, offices

ESTABLISHED: Final = 12_000
NEWCOMERS: Final = 14
"""New traders a day."""
REMEMBERED: Final = 45
"""Days for which a newcomer stays in the pool."""
BROKERS: Final = 420
GOODS_SLOTS: Final = 32
FIRST_BROKER: Final = 7_701_000_000
FIRST_NEWCOMER: Final = 9_600_000_000
_DIRECTIONS = (0.76, 0.18, 0.06)


@dataclass(frozen=True)
class Traders:
    """t traders as columns; the first ESTABLISHED of a day's pool are there every day."""

    weight: NDArray[np.float64]  # declarations a day by those of others
    direction: NDArray[np.int8]  # 0 import, 1 export, 2 transit
    number: NDArray[np.int64]  # ten-digit taxpayer number
    goods: NDArray[np.int16]  # [t, GOODS_SLOTS] goods for a uniform slot
    offices: NDArray[np.int8]  # [t, 3]: usual, second, one that works round the clock
    declarant: NDArray[np.int64]  # [t, 2]: usual, second
    price: NDArray[np.float64]  # its price level
    risk: NDArray[np.float64]  # inclination to fraud, mean about 1

    def __len__(self) -> int:
        return len(self.weight)


def _goods(rng: np.random.Generator, direction: NDArray[np.int8]) -> NDArray[np.int16]:
    """Each trader's goods: one main good, further ones mostly of the same sector."""
    table = catalogue.load()
    t, kinds = len(direction), 12
    export = direction == 1
    flows = [np.cumsum(w) / np.sum(w) for w in (table.weight, table.export)]
    draw = rng.random((t, kinds))
    picks = np.where(export[:, None], np.searchsorted(flows[1], draw), np.searchsorted(flows[0], draw))
    main = picks[:, 0]
    for flow, chosen in ((table.weight, ~export), (table.export, export)):
        for sector in np.unique(table.sector[main[chosen]]):
            of = np.flatnonzero((table.sector == sector) & (flow > 0))
            rows = np.flatnonzero(chosen & (table.sector[main] == sector))
            edges = np.cumsum(flow[of]) / np.sum(flow[of])
            near = of[np.searchsorted(edges, rng.random((len(rows), kinds - 1)))]
            stay = rng.random((len(rows), kinds - 1)) < 0.82
            picks[rows, 1:] = np.where(stay, near, picks[rows, 1:])
    breadth = np.minimum(1 + rng.geometric(0.22, t), kinds)
    slot = np.minimum(rng.geometric(0.38, (t, GOODS_SLOTS)) - 1, breadth[:, None] - 1)
    return np.take_along_axis(picks, slot, 1).astype(np.int16)


def _offices(rng: np.random.Generator, direction: NDArray[np.int8]) -> NDArray[np.int8]:
    """Usual and second office by the office's share of the direction, third one round the clock."""
    table = offices.load()
    chosen = np.empty((len(direction), 3), np.int8)
    for d in range(3):
        rows = np.flatnonzero(direction == d)
        edges = np.cumsum(table.share[d])
        chosen[rows, :2] = np.searchsorted(edges / edges[-1], rng.random((len(rows), 2)))
        open_share = np.cumsum(table.share[d] * table.always_open)
        chosen[rows, 2] = np.searchsorted(open_share / open_share[-1], rng.random(len(rows)))
    return chosen


def draw(rng: np.random.Generator, weight: NDArray[np.float64], number: NDArray[np.int64]) -> Traders:
    """Traders with the given activity and numbers; everything else is drawn."""
    t = len(weight)
    direction = np.searchsorted(np.cumsum(_DIRECTIONS), rng.random(t)).clip(0, 2).astype(np.int8)
    share = np.cumsum(1.0 / (np.arange(BROKERS) + 6.0))
    brokers = np.searchsorted(share / share[-1], rng.random((t, 2))) * 7919 % BROKERS
    declarant = FIRST_BROKER + brokers * 1237
    own = rng.random(t) < 0.35
    declarant[own, 0] = number[own]
    inclined = rng.random(t) < 0.09
    return Traders(
        weight=weight,
        direction=direction,
        number=number,
        goods=_goods(rng, direction),
        offices=_offices(rng, direction),
        declarant=declarant,
        price=np.exp(rng.normal(0.0, 0.07, t)),
        risk=np.where(inclined, rng.gamma(2.0, 4.0, t), rng.gamma(0.7, 0.35, t)),
    )


def established(seed: int) -> Traders:
    """Draw the traders that are there on every day: Zipf with exponent 1 and a flat head."""
    rng = np.random.default_rng([seed, 0x7472])
    number = np.unique(rng.integers(1_000_000_000, 7_700_000_000, ESTABLISHED + 200))
    number = rng.permutation(number)[:ESTABLISHED]
    return draw(rng, 1.0 / (np.arange(ESTABLISHED) + 9.0), number)


def newcomers(seed: int, ordinal: int) -> Traders:
    """Those who appear on one day (proleptic ordinal), the same whenever they are asked for."""
    rng = np.random.default_rng([seed, ordinal, 0x6E65])
    number = FIRST_NEWCOMER + ordinal * 100 + np.arange(NEWCOMERS)
    return draw(rng, rng.gamma(0.8, 0.0004, NEWCOMERS), number)


def join(parts: list[Traders]) -> Traders:
    """One pool of several."""
    return Traders(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Traders)})
