"""Episodes planted into quiet days for bench/detector.py: of each kind, at any second, with their answers."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from detector_days import DAY, Goods, micros
from detector_oracle import Watcher

from corridor.picture.hourly import BIN, HOUR
from corridor.picture.norms import PictureNorms
from corridor.simulate.offices import load as offices

SUDDEN = {
    "silence of an office": ("picture.silence", "picture.drop"),
    "drop to a fifth": ("picture.drop", "picture.silence"),
    "spike to three times": ("picture.spike",),
    "origin's share + 40 points": ("picture.share_shift",),
    "automatic share halved": ("picture.share_shift",),
    "price of a chapter and origin halved": ("picture.price_shift",),
    "silence of a regular importer": ("participant.silence",),
}
AT_OFFICES = tuple(SUDDEN)[:5]
PRICE, IMPORTER = tuple(SUDDEN)[5:]
FALLING = ("picture.level_shift", "picture.slow_shift", "picture.drop", "picture.silence")
SLOW = {"level down by 35 %": FALLING, "drift of 5 % a day": FALLING}
ORIGIN = "PY"
"""An origin that hardly comes."""


@dataclass
class Planted:
    """An episode of a kind at an anomaly's subject, from begin to end (microseconds); visible: see Watcher."""

    kind: str
    subject: str
    begin: int
    end: int
    visible: bool = False

    @property
    def answers(self) -> tuple[str, ...]:
        """Kinds of anomalies that tell of it."""
        return (SUDDEN | SLOW)[self.kind]


def plant(days: list[Goods], first: date, watcher: Watcher, rng: np.random.Generator) -> list[Planted]:
    """Change five working days: each office once, each kind at an equal number of them; the planted episodes."""
    names = rng.permutation(np.array(offices().codes, object))
    out = list[Planted]()
    for i, office in enumerate(map(str, names)):
        day = i % 5
        kind = AT_OFFICES[(i + i // 5) % len(AT_OFFICES)]
        out.append(_at_office(days[day], kind, office, micros(first + timedelta(day)), watcher, rng))
    for n in range(10):
        out.append(_price(days[n % 5], micros(first + timedelta(n % 5)), watcher, rng, out))
    return out + _importers(days, first, watcher, rng)


def _at_office(
    day: Goods, kind: str, office: str, midnight: int, watcher: Watcher, rng: np.random.Generator
) -> Planted:
    """One of AT_OFFICES for four hours, from a second of the day's busier half of the time on."""
    begin = _busy("office", office, midnight, watcher.norms, rng)
    told = Planted(kind, office, begin, begin + 4 * HOUR)
    heads, items = day.heads, day.items
    inside = (heads["office"] == office) & (heads["at"] >= begin) & (heads["at"] < told.end)
    if kind.startswith(("silence", "drop")):
        _take(day, inside & (rng.random(len(heads)) >= (0.0 if kind.startswith("silence") else 0.2)))
    elif kind.startswith("spike"):
        _copy(day, heads.index[inside], 2, rng, (begin, told.end))
    elif kind.startswith("automatic"):
        day.heads = heads.assign(automatic=heads["automatic"] & ~(inside & (rng.random(len(heads)) < 0.5)))
    else:
        rows = heads.index[inside]
        chosen = items["row"].isin(rows[rng.random(len(rows)) < 0.4])
        day.items = items.assign(origin_country=items["origin_country"].mask(chosen, ORIGIN))
    told.visible = watcher.office(kind, day, office, begin, ORIGIN)
    return told


def _busy(dimension: str, value: str, midnight: int, norms: PictureNorms, rng: np.random.Generator) -> int:
    """A second in the 30 % of a day's bins in which most is expected."""
    usual = np.nan_to_num(norms.bins(dimension, value, midnight // BIN + np.arange(288))[0])
    busy = np.flatnonzero(usual >= np.quantile(usual, 0.7))
    at = int(rng.choice(busy[busy < 240]))
    return midnight + at * BIN + int(rng.integers(0, BIN // 1_000_000)) * 1_000_000


def _take(day: Goods, gone: "pd.Series[bool]") -> None:
    day.items = day.items[~day.items["row"].isin(day.heads.index[gone])]
    day.heads = day.heads[~gone]


def _copy(
    day: Goods, rows: "pd.Index[int]", times: int, rng: np.random.Generator, span: tuple[int, int]
) -> None:
    """Declare the rows so many times more, up to two minutes off, within the span."""
    heads, items = [day.heads], [day.items]
    for _ in range(times):
        base = int(max(h.index.max() for h in heads)) + 1
        new = day.heads.loc[rows].copy()
        moved = new["at"] + rng.integers(-120, 120, len(new)) * 1_000_000
        new["at"] = moved.clip(span[0], span[1] - 1)
        new["importer"] = rng.integers(10**9, 2 * 10**9, len(new))
        number = pd.Series(np.arange(base, base + len(new)), index=rows)
        own = day.items[day.items["row"].isin(rows)].copy()
        own["row"] = own["row"].map(number)
        heads.append(new.set_index(number.to_numpy()))
        items.append(own)
    day.heads, day.items = pd.concat(heads), pd.concat(items, ignore_index=True)


def _price(
    day: Goods, midnight: int, watcher: Watcher, rng: np.random.Generator, before: list[Planted]
) -> Planted:
    """Half the price of one of the commonest chapters and origins, for six hours."""
    cell = day.items["hs_chapter"] + "/" + day.items["origin_country"]
    used = {one.subject for one in before}
    common = [
        name for name in cell.value_counts().index[:80] if name in watcher.norms.prices and name not in used
    ]
    name = str(rng.choice(common[:40]))
    begin = midnight + 6 * HOUR + int(rng.integers(0, 3 * 3600)) * 1_000_000
    at = day.heads["at"].reindex(day.items["row"]).to_numpy()
    inside = (cell == name).to_numpy() & (at >= begin) & (at < begin + 6 * HOUR)
    day.items = day.items.assign(log=np.where(inside, day.items["log"] + math.log(0.5), day.items["log"]))
    return Planted(PRICE, name, begin, begin + 6 * HOUR, watcher.price(day, name, begin))


def _importers(days: list[Goods], first: date, watcher: Watcher, rng: np.random.Generator) -> list[Planted]:
    """Eight importers that are never silent stay away for two days, from a second of their working time on."""
    regular = sorted(value for dimension, value in watcher.norms.counts if dimension == "regular")
    out = list[Planted]()
    for name in map(str, rng.permutation(regular)[:8]):
        n = int(rng.integers(0, 3))
        begin = _busy("regular", name, micros(first + timedelta(n)), watcher.norms, rng)
        for day in days[n : n + 3]:
            at = day.heads["at"]
            _take(day, (day.heads["importer"].astype(str) == name) & (at >= begin) & (at < begin + 2 * DAY))
        out.append(Planted(IMPORTER, name, begin, begin + 2 * DAY, watcher.importer(name, begin)))
    return out


def plant_slowly(days: list[Goods], first: date, rng: np.random.Generator) -> list[Planted]:
    """Some days in which sixteen offices lose declarations for good; the planted episodes."""
    names, out = rng.permutation(np.array(offices().codes, object))[:16], list[Planted]()
    for i, office in enumerate(map(str, names)):
        for n, day in enumerate(days):
            kept = 0.65 if i % 2 == 0 else max(1.0 - 0.05 * (n + 1), 0.4)
            _take(day, (day.heads["office"] == office) & (rng.random(len(day.heads)) >= kept))
        end = micros(first + timedelta(len(days)))
        out.append(Planted(list(SLOW)[i % 2], office, micros(first), end))
    return out
