"""The picture's detector: how fast it is, and what it finds on simulated weeks and on NAB, beside other ways.

Speed: one core, one step a bin of five minutes over as many series as are named.

Simulated weeks (`corridor.simulate`, 40 offices, --size declarations a working day): norms from --history days
before; then weeks without anything, for false alarms, and weeks in which episodes are planted. What was tuned (the
constants of `picture/series.py`) was tuned on seed 1; the figures are of other seeds, given as --seeds. An episode
counts as found if an anomaly of a kind that answers it opens at its subject while it lasts. "In time" is within 15
minutes of the planted beginning; an episode is *visible* if a watcher who knew when it begins, and what it is, would
be sure within those 15 minutes at the same limit: of an office that lodges two declarations an hour nobody can say
after 15 minutes that it is silent. Slow ones show after days: for them the delay is told.

NAB (numenta/NAB @ ea702d7: realTraffic, artificialWithAnomaly, artificialNoAnomaly), scored by windows: a window is found
if an alarm opens in it; alarms outside are false, those within six hours of one counted once; the first 15 % of each series
are probation, as NAB has it. Every way has one set of settings for all series, and none was tuned on them. Corridor's
detector takes a value as the mean of a bin of five minutes, its norm being the hours of the day learned each midnight on
all days before. The bands are those that users of Prometheus run (grafana/promql-anomaly-detection): an hour's mean or
24 hours' median with two deviations, and the same a day and a week ago, the widest of them counting; an alarm needs two
values outside. HalfSpaceTrees is river's (Tan, Ting, Liu 2011), with its defaults on the value scaled
by MinMaxScaler, at the 99.5 % quantile of its scores so far.

    python bench/detector.py --nab NAB [--seeds 11 ...] [--size 25000] > bench/results/detector.txt
"""

import argparse
import csv
import json
import math
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from side_by_side import machine

from corridor.kernels import watch
from corridor.kernels.bands import count_tails, share_tails
from corridor.kernels.watch import COUNT, LEVEL, Kinds, M, N, X
from corridor.picture.detector import Detector
from corridor.picture.hourly import BIN, HOUR, PER_LOG, Hourly, merge
from corridor.picture.norms import PictureNorms, fit
from corridor.picture.replay import bins
from corridor.picture.series import CATEGORIES, COUNTED, DECIDED, MISFIT, PRICED, limits
from corridor.picture.state import State, memory_of
from corridor.rulebook.participants import ParticipantTable
from corridor.simulate import Options, Service, catalogue
from corridor.simulate.day import day as simulated
from corridor.simulate.followups import QUIET
from corridor.simulate.offices import load as offices

START = date(2026, 8, 31)
DAY = 24 * HOUR
AUTOMATIC = 0.8
IN_TIME = 3


# Speed


def speed(count: int, steps: int = 24) -> float:
    """Seconds a step over `count` series of counts, a hundredth of them out of their norm."""
    rng = np.random.default_rng(1)
    kinds = Kinds(
        np.full(count, COUNT, np.int8), np.zeros(count, bool), np.full(count, COUNTED), np.ones(count, bool),
        np.zeros((count, 2)), np.full((count, 2), np.nan),
    )  # fmt: skip
    rule, memory = limits(0.05, np.zeros(count, np.int64), count), memory_of(count)
    mean = rng.gamma(1.0, 4.0, count) + 0.05
    sums, events = np.zeros((count, 9, 4)), np.zeros((count, 4), np.int8)
    seconds = []
    for t in range(steps):
        level = np.where(np.arange(count) % 100 == 1, 0.0 if t > 6 else 1.0, 1.0)
        now = np.stack([rng.poisson(mean * level), np.ones(count), mean, mean * 0.1], axis=1)
        begun = time.perf_counter()
        watch.step(now, t, kinds, rule, memory, sums, events)
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[4:]))


# Simulated weeks


@dataclass
class Goods:
    """Declarations as columns, and their goods items: what totals are made of."""

    heads: pd.DataFrame
    items: pd.DataFrame


def goods(seed: int, when: date, size: int) -> Goods:
    """A quiet day of the service: originals in their time, four in five released automatically."""
    made = simulated(Service(seed), when, size, Options(planted=False, mix=QUIET)).originals
    table, places = catalogue.load(), offices()
    heads = pd.DataFrame(
        {
            "at": made.heads["registered"].astype(np.int64) * 1000,
            "office": np.array(places.codes, object)[made.heads["office"]],
            "importer": made.heads["importer"].astype(np.int64),
            "automatic": np.random.default_rng([seed, when.toordinal()]).random(len(made)) < AUTOMATIC,
        }
    )
    chapters = np.array([code[:2] for code in table.hs], object)
    items = pd.DataFrame(
        {
            "row": made.owner(),
            "origin_country": np.array(table.countries, object)[made.items["origin"]],
            "hs_chapter": chapters[made.items["good"]],
            "value": made.items["value"],
            "log": np.log(np.maximum(made.items["value"], 1) / np.maximum(made.items["net"], 1)),
        }
    )
    return Goods(heads, items)


def totals(day: Goods) -> Hourly:
    """Totals by bin, as the job makes them."""
    heads = day.heads.assign(hour=day.heads["at"] // BIN * BIN)
    parts = [
        _counted(heads, "service", pd.Series("all", index=heads.index)),
        _counted(heads, "office", heads["office"]),
    ]
    parts.append(_counted(heads, "importer", heads["importer"].astype(str)))
    for name in ("origin_country", "hs_chapter"):
        each = day.items.drop_duplicates(["row", name])
        own = heads.loc[each["row"].to_numpy()].reset_index(drop=True)
        parts.append(_counted(own, f"office/{name}", own["office"] + "/" + each[name].to_numpy()))
    items = day.items.assign(hour=heads["hour"].reindex(day.items["row"]).to_numpy())
    logs = np.rint(items["log"] * PER_LOG).astype(np.int64)
    cell = items["hs_chapter"] + "/" + items["origin_country"]
    each = (
        items.assign(cell=cell, log_price=logs)
        .groupby(["row", "cell", "hour"], sort=False)["log_price"]
        .mean()
        .reset_index()
    )
    each = each.assign(log_price=np.rint(each["log_price"]).astype(np.int64), items=1)
    sums = each.groupby(["cell", "hour"])
    price = sums[["items", "log_price"]].sum().reset_index(names=["value", "hour"]).assign(dimension="price")
    frame = pd.concat([*parts, price.assign(declarations=price["items"])], ignore_index=True).fillna(0)
    counts = ("declarations", "items", "customs_value", "green", "blue", "yellow", "red", "log_price")
    given = {name: frame[name].to_numpy() for name in counts if name in frame}
    return Hourly.of(
        frame["hour"].to_numpy(), frame["dimension"].to_numpy(object), frame["value"].to_numpy(object), given
    )


def _counted(heads: pd.DataFrame, dimension: str, value: "pd.Series[str]") -> pd.DataFrame:
    grouped = heads.assign(value=value.to_numpy(), declarations=1, green=heads["automatic"].astype(np.int64))
    grouped = grouped.assign(red=1 - grouped["green"])
    sums = (
        grouped.groupby(["value", "hour"], sort=False)[["declarations", "green", "red"]].sum().reset_index()
    )
    return sums.assign(dimension=dimension)


@dataclass
class Planted:
    """An episode of a kind (SUDDEN or SLOW) at an anomaly's subject, from begin to end (microseconds).

    visible: whether one who knows of it would be sure in time.
    """

    kind: str
    subject: str
    begin: int
    end: int
    visible: bool
    answers: tuple[str, ...]


SUDDEN = {
    "silence of an office": ("picture.silence", "picture.drop"),
    "drop to a fifth": ("picture.drop", "picture.silence"),
    "spike to three times": ("picture.spike",),
    "origin's share + 40 points": ("picture.share_shift",),
    "automatic share halved": ("picture.share_shift",),
    "price of a chapter and origin halved": ("picture.price_shift",),
    "silence of a regular importer": ("participant.silence",),
}
SLOW = {
    "level down by 35 %": ("picture.level_shift", "picture.slow_shift", "picture.drop", "picture.silence"),
    "drift of 5 % a day": ("picture.level_shift", "picture.slow_shift", "picture.drop", "picture.silence"),
}


def plant(
    days: list[Goods], first: date, norms: PictureNorms, rng: np.random.Generator, limit: float
) -> list[Planted]:
    """Change some working days: every day other offices, so that none is changed twice in a week; the planted episodes."""
    names = np.array(offices().codes, object)
    free, out = list(rng.permutation(names[:24])), list[Planted]()
    for n in range(5):
        midnight = _micros(first + timedelta(n))
        for kind in list(SUDDEN)[:5]:
            if free:
                out.append(_plant_office(days[n], kind, str(free.pop()), midnight, norms, rng, limit))
        out += _plant_price(days[n], midnight, norms, rng)
    return out + _plant_importer(days, first, norms, rng)


def _plant_office(
    day: Goods,
    kind: str,
    office: str,
    midnight: int,
    norms: PictureNorms,
    rng: np.random.Generator,
    limit: float,
) -> Planted:
    bins_ = midnight // BIN + np.arange(288)
    usual, spread = norms.bins("office", office, bins_)
    busy = np.flatnonzero(usual >= np.nanquantile(usual, 0.7))
    at = int(rng.choice(busy[busy < 240]))
    begin, end = int(bins_[at] * BIN), int(bins_[at] * BIN) + 4 * HOUR
    heads, items = day.heads, day.items
    inside = (heads["office"] == office) & (heads["at"] >= begin) & (heads["at"] < end)
    expected, a = float(usual[at : at + IN_TIME].sum()), float(spread[at])
    if kind.startswith(("silence", "drop")):
        kept = 0.0 if kind.startswith("silence") else 0.2
        gone = inside & (rng.random(len(heads)) >= kept)
        day.items = items[~items["row"].isin(heads.index[gone])]
        day.heads = heads[~gone]
        visible = _sure(kept * expected, expected, a, limit)
    elif kind.startswith("spike"):
        _copy(day, heads.index[inside], 2, rng)
        visible = _sure(3 * expected, expected, a, limit)
    elif kind.startswith("automatic"):
        day.heads.loc[inside & (rng.random(len(heads)) < 0.5), "automatic"] = False
        told = norms.share("office/automatic", office, "automatic")
        visible = _sure_of_share(
            1 - 0.5 * told.expected, expected, 1 - told.expected, told.rho, limit + MISFIT[DECIDED]
        )
    else:
        rows = heads.index[inside]
        chosen = rows[rng.random(len(rows)) < 0.4]
        day.items = items.assign(origin_country=items["origin_country"].mask(items["row"].isin(chosen), "PY"))
        told = norms.share("office/origin_country", office, "PY")
        visible = _sure_of_share(0.4, expected, told.expected, told.rho, limit + math.log10(CATEGORIES))
    return Planted(kind, office, begin, end, visible, SUDDEN[kind])


def _sure(observed: float, expected: float, dispersion: float, limit: float) -> bool:
    """Whether 15 minutes suffice, in 19 of 20 cases, for one who knows of the change."""
    luck = 1.645 * math.sqrt(observed) * (1.0 if observed < expected else -1.0)
    seen = max(observed + luck, 0.0)
    low, high = count_tails(seen, max(expected, 1e-6), dispersion)
    return bool(-min(low[0], high[0]) >= limit and abs(seen - expected) >= 5.0)


def _sure_of_share(share: float, n: float, usual: float, rho: float, limit: float) -> bool:
    """The same for a share of n declarations that rose."""
    hits = share * n - 1.645 * math.sqrt(max(n * share * (1 - share), 0.0))
    if not n > hits >= 12.0 + usual * n:
        return False
    return bool(-share_tails(hits, n, usual, rho)[1][0] >= limit)


def _copy(day: Goods, rows: "pd.Index[int]", times: int, rng: np.random.Generator) -> None:
    """Declare the rows so many times more, some minutes off."""
    heads, items = [day.heads], [day.items]
    for _ in range(times):
        base = int(max(h.index.max() for h in heads)) + 1
        new = day.heads.loc[rows].copy()
        new["at"] += rng.integers(-120, 120, len(new)) * 1_000_000
        new["importer"] = rng.integers(10**9, 2 * 10**9, len(new))
        number = pd.Series(np.arange(base, base + len(new)), index=rows)
        own = day.items[day.items["row"].isin(rows)].copy()
        own["row"] = own["row"].map(number)
        heads.append(new.set_index(number.to_numpy()))
        items.append(own)
    day.heads, day.items = pd.concat(heads), pd.concat(items, ignore_index=True)


def _plant_price(day: Goods, midnight: int, norms: PictureNorms, rng: np.random.Generator) -> list[Planted]:
    """Half the price of one of the commonest chapters and origins, for six hours."""
    cell = day.items["hs_chapter"] + "/" + day.items["origin_country"]
    common = [name for name in cell.value_counts().index[:40] if name in norms.prices]
    name = str(rng.choice(common))
    begin = midnight + int(rng.integers(6, 9)) * HOUR
    at = day.heads["at"].reindex(day.items["row"]).to_numpy()
    inside = (cell == name).to_numpy() & (at >= begin) & (at < begin + 6 * HOUR)
    day.items = day.items.assign(log=np.where(inside, day.items["log"] + math.log(0.5), day.items["log"]))
    kind = "price of a chapter and origin halved"
    soon = (cell == name).to_numpy() & (at >= begin) & (at < begin + IN_TIME * BIN)
    n = int(day.items["row"][soon].nunique())
    price = norms.prices[name]
    spread = (price.between**2 + price.within**2 / max(n, 1)) ** 0.5
    sure = n >= 12 and (math.log(2) - 1.645 * price.within / max(n, 1) ** 0.5) / spread >= 6.1
    return [Planted(kind, name, begin, begin + 6 * HOUR, sure, SUDDEN[kind])]


def _plant_importer(
    days: list[Goods], first: date, norms: PictureNorms, rng: np.random.Generator
) -> list[Planted]:
    regular = sorted(value for dimension, value in norms.counts if dimension == "regular")
    kind, out = "silence of a regular importer", list[Planted]()
    for name in rng.permutation(regular)[:4]:
        n = int(rng.integers(0, 4))
        begin = _micros(first + timedelta(n))
        for day in days[n : n + 2]:
            gone = day.heads["importer"].astype(str) == str(name)
            day.items = day.items[~day.items["row"].isin(day.heads.index[gone])]
            day.heads = day.heads[~gone]
        out.append(Planted(kind, str(name), begin, begin + 2 * DAY, False, SUDDEN[kind]))
    return out


def plant_slowly(days: list[Goods], first: date, rng: np.random.Generator) -> list[Planted]:
    """Ten days in which some offices lose declarations for good."""
    names, out = rng.permutation(np.array(offices().codes, object)[:20])[:8], list[Planted]()
    for i, office in enumerate(map(str, names)):
        kind = list(SLOW)[i % 2]
        for n, day in enumerate(days):
            kept = 0.65 if i % 2 == 0 else max(1.0 - 0.05 * (n + 1), 0.4)
            gone = (day.heads["office"] == office) & (rng.random(len(day.heads)) >= kept)
            day.items = day.items[~day.items["row"].isin(day.heads.index[gone])]
            day.heads = day.heads[~gone]
        out.append(
            Planted(kind, office, _micros(first), _micros(first + timedelta(len(days))), True, SLOW[kind])
        )
    return out


def _micros(when: date) -> int:
    return int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()) * 1_000_000


def told(days: list[Goods], norms: PictureNorms) -> tuple[list, float, int]:
    """Openings that the fold tells over some days, seconds a bin, bins."""
    state, detector, found, taken = State(), Detector(norms, ParticipantTable.empty()), [], []
    for day in days:
        made = totals(day)
        first = int(day.heads["at"].min() // DAY * 288)
        for bin_ in bins(made, (first, first + 287)):
            begun = time.perf_counter()
            found += detector.fold(state, bin_)
            taken.append(time.perf_counter() - begun)
    return (
        [a for a in found if a.episode and a.episode.state == "opened"],
        float(np.median(taken)),
        len(state.names),
    )


def weeks(seeds: list[int], clean: int, size: int, history: int, slow: bool) -> None:
    """Print false alarms of clean weeks and what was found of planted ones."""
    false, rows, office_weeks = Counter(), [], 0
    planted_found: dict[str, list[tuple[Planted, float | None]]] = {}
    for seed in seeds:
        rng = np.random.default_rng(seed)
        parts = []
        for n in range(history):
            day = totals(goods(seed, START + timedelta(n), size))
            coarse = np.isin(day.dimension, ("service", "office"))
            parts.append(
                Hourly(
                    np.where(coarse, day.hour, day.hour // HOUR * HOUR),
                    *(getattr(day, f) for f in day.__slots__[1:]),
                )
            )
        norms = PictureNorms.of(fit(merge(parts), "RU"))
        limit = float(limits(norms.alarms, np.zeros(1, np.int64), 1).surprise[COUNTED])
        after = START + timedelta(history)
        openings, seconds, series = told(
            [goods(seed, after + timedelta(n), size) for n in range(clean * 7)], norms
        )
        rows.append((series, seconds))
        office_weeks += clean * len(offices().codes)
        false.update(a.kind for a in openings)
        week = after + timedelta(7 * clean)
        days = [goods(seed, week + timedelta(n), size) for n in range(7)]
        _note(planted_found, plant(days, week, norms, rng, limit), told(days, norms)[0])
        if slow:
            days = [goods(seed, week + timedelta(n), size) for n in range(10)]
            _note(planted_found, plant_slowly(days, week, rng), told(days, norms)[0])
    series, seconds = rows[0]
    print(f"  {series:,} series; one bin takes {seconds * 1e3:.1f} ms with all that is around the kernel")
    print(f"  false alarms: {sum(false.values())} in {office_weeks} office weeks, "
          f"{sum(false.values()) / office_weeks:.3f} an office and week (asked for: {norms.alarms} of each form); "
          + ", ".join(f"{kind} {n}" for kind, n in sorted(false.items())))  # fmt: skip
    _table(planted_found)


def _note(found: dict, planted: list[Planted], openings: list) -> None:
    for episode in planted:
        own = [
            a.event_time
            for a in openings
            if a.subject[1] == episode.subject
            and a.kind in episode.answers
            and episode.begin < a.event_time <= episode.end + HOUR
        ]
        found.setdefault(episode.kind, []).append(
            (episode, (min(own) - episode.begin) / 60e6 if own else None)
        )


def _table(found: dict[str, list[tuple[Planted, float | None]]]) -> None:
    print(
        "  planted                               all: found    visible in 15 min: found, in time    delay: median, 90 %"
    )
    for kind, episodes in found.items():
        hits = [delay for _, delay in episodes if delay is not None]
        seen = [delay for episode, delay in episodes if episode.visible]
        late = np.array(hits) / (1440 if kind in SLOW else 1)
        unit = "d" if kind in SLOW else "min"
        in_time = sum(delay is not None and delay <= 15 for delay in seen)
        shown = f"{len(seen)}: {sum(d is not None for d in seen)}, {in_time}" if kind not in SLOW else "-"
        q = f"{np.median(late):.1f}, {np.quantile(late, 0.9):.1f} {unit}" if len(late) else "-"
        print(f"  {kind:38}{len(hits):3} of {len(episodes):3}     {shown:24}            {q}")
    every = [(e, d) for kind, group in found.items() if kind in SUDDEN for e, d in group if e.visible]
    good = sum(d is not None and d <= 15 for _, d in every)
    print(f"  sudden ones that are visible: {good} of {len(every)} in time ({good / max(len(every), 1):.0%})")


# NAB


def series_of(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, list[tuple[int, int]]]]:
    """Name, times (seconds), values and windows of each series."""
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for group in ("realTraffic", "artificialWithAnomaly", "artificialNoAnomaly"):
        for path in sorted((folder / "data" / group).glob("*.csv")):
            with path.open() as lines:
                rows = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
            spans = [(_seconds(a), _seconds(b)) for a, b in windows[f"{group}/{path.name}"]]
            yield f"{group}/{path.stem}", *map(np.array, zip(*rows, strict=True)), spans


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text.split(".", maxsplit=1)[0]).replace(tzinfo=UTC).timestamp())


def corridor_alarms(at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Openings of the detector: a level whose norm is the hour of the day, learned each midnight on the days before."""
    kinds = Kinds(
        np.array([COUNT, LEVEL], np.int8), np.zeros(2, bool), np.array([COUNTED, PRICED]), np.array([False, True]),
        np.zeros((2, 2)), np.full((2, 2), np.nan),
    )  # fmt: skip
    rule, memory = limits(0.05, np.array([COUNTED, PRICED]), 1), memory_of(2)
    rule.excess[PRICED] = 0.0, 1.0
    first, last = at[0] // 300, at[-1] // 300
    sums, events, alarms, day = np.zeros((2, 9, 4)), np.zeros((2, 4), np.int8), [], -1
    at_bin = at // 300
    norm, spread = np.zeros(24), (1.0, 1.0)
    for t in range(int(first), int(last) + 1):
        if t // 288 != day:
            day = t // 288
            norm, spread = _norm(at, x, t * 300)
        now = np.zeros((2, 4))
        own = x[at_bin == t]
        now[1, [X, N, M]] = own.sum(), len(own), norm[t // 12 % 24] * len(own)
        kinds.parameter[1] = spread
        watch.step(now, t, kinds, rule, memory, sums, events)
        if (events[1] == watch.OPENED).any():
            alarms.append(t * 300 + 299)
    return np.array(alarms)


def _norm(at: np.ndarray, x: np.ndarray, before: int) -> tuple[np.ndarray, tuple[float, float]]:
    """Median by hour of the day; deviation between hours and of one value."""
    known = at < before
    if known.sum() < 24:
        return np.zeros(24), (1e9, 1e9)
    hour, value = at[known] // 3600 % 24, x[known]
    norm = np.array(
        [np.median(value[hour == h]) if (hour == h).any() else np.median(value) for h in range(24)]
    )
    rest = value - norm[hour]
    groups = pd.Series(rest).groupby(at[known] // 3600)
    means = groups.mean().to_numpy()
    least = 0.02 * float(np.median(np.abs(value))) + 1e-9
    within = max(1.4826 * float(np.median(np.abs(rest))), float(np.std(rest)) / 2, least)
    return norm, (max(1.4826 * float(np.median(np.abs(means))), float(np.std(means)) / 2, least), within)


def adaptive(at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """An hour's mean and two deviations (26 hours' mean of an hour's), with the same of yesterday and last week."""
    s = pd.Series(x, pd.to_datetime(at, unit="s"))
    mean = s.rolling("1h").mean()
    spread = s.rolling("1h").std().fillna(0.0).rolling("26h").mean()
    return _outside(s, mean, 2.0 * spread)


def robust(at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """24 hours' median and two median absolute deviations, with those of yesterday and last week."""
    s = pd.Series(x, pd.to_datetime(at, unit="s"))
    median = s.rolling("24h").median()
    return _outside(s, median, 2.0 * (s - median).abs().rolling("24h").median())


def _outside(s: pd.Series, middle: pd.Series, width: pd.Series) -> np.ndarray:
    low, high = [middle - width], [middle + width]
    for offset in ("1D", "7D"):
        then = pd.DataFrame({"m": middle, "w": width})
        then.index = then.index + pd.Timedelta(offset)
        old = then[~then.index.duplicated()].reindex(s.index, method="ffill", tolerance=pd.Timedelta("1h"))
        low.append(old["m"] - old["w"])
        high.append(old["m"] + old["w"])
    out = (s < pd.concat(low, axis=1).min(axis=1)) | (s > pd.concat(high, axis=1).max(axis=1))
    for_ = out & out.shift(1, fill_value=False)
    opened = for_ & ~for_.shift(1, fill_value=False)
    return s.index[opened].astype("int64").to_numpy() // 10**9


def half_space_trees(at: np.ndarray, x: np.ndarray) -> np.ndarray:
    """River's HalfSpaceTrees with its defaults, told at the 99.5 % quantile of the scores so far."""
    from river import anomaly, compose, preprocessing  # noqa: PLC0415  # a peer, perhaps not there

    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=1))
    scores, alarms, was = [], [], False
    for t, value in zip(at.tolist(), x.tolist(), strict=True):
        score = model.score_one({"x": value})
        model.learn_one({"x": value})
        out = len(scores) > 250 and score > 0 and score >= np.quantile(scores[-4000:], 0.995)
        if out and not was:
            alarms.append(t)
        was = out
        scores.append(score)
    return np.array(alarms)


def nab(folder: Path) -> None:
    """Print precision, recall, F1 and delay by windows of each way."""
    ways = {"Corridor": corridor_alarms, "robust median, 2 MAD": robust, "adaptive mean, 2 sigma": adaptive}
    try:
        from river import anomaly  # noqa: F401, PLC0415  # a peer, perhaps not there

        ways["river HalfSpaceTrees"] = half_space_trees
    except ImportError:
        print("  (river is not there: install bench/requirements-peers.in)")
    print(
        "  way                       windows found   false alarms   precision   recall   F1     delay in windows (median)"
    )
    for name, way in ways.items():
        found = windows = false = hits = 0
        delays: list[float] = []
        for _, at, x, spans in series_of(folder):
            alarms = way(at, x)
            begin = at[0] + 0.15 * (at[-1] - at[0])
            alarms = alarms[alarms >= begin]
            inside = np.zeros(len(alarms), bool)
            for a, b in spans:
                own = (alarms >= a) & (alarms <= b)
                inside |= own
                windows += 1
                if own.any():
                    found += 1
                    delays.append((alarms[own].min() - a) / 3600)
            outside = alarms[~inside]
            false += int((np.diff(outside, prepend=-(10**12)) > 6 * 3600).sum())
        hits = found
        precision, recall = hits / max(hits + false, 1), found / max(windows, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        delay = f"{np.median(delays):.1f} h" if delays else "-"
        print(
            f"  {name:26}{found:3} of {windows:3}      {false:8}      {precision:8.2f}   {recall:6.2f}   {f1:.2f}   {delay}"
        )


def main() -> None:
    """Print all figures."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--nab", type=Path, help="folder of NAB: data/ and labels/")
    arguments.add_argument("--seeds", type=int, nargs="*", default=[11])
    arguments.add_argument("--clean", type=int, default=1, help="weeks without anything, a seed")
    arguments.add_argument("--size", type=int, default=25_000, help="declarations a working day")
    arguments.add_argument("--history", type=int, default=28, help="days that the norms are learned from")
    arguments.add_argument("--sudden", action="store_true", help="plant sudden episodes only")
    given = arguments.parse_args()
    print(machine("numba", "numpy"))
    print("\nSpeed, one core")
    for count in (1_000, 10_000, 100_000):
        seconds = speed(count)
        print(
            f"  {count:>7,} series: {seconds * 1e3:8.1f} ms a bin, {count / seconds * 60:,.0f} series a minute"
        )
    if given.seeds:
        seeds = ", ".join(map(str, given.seeds))
        of = f"{given.size:,} declarations a working day, norms of {given.history} days, seeds {seeds}"
        print(f"\nSimulated weeks, {of}", flush=True)
        weeks(given.seeds, given.clean, given.size, given.history, not given.sudden)
    if given.nab:
        print("\nNAB by windows", flush=True)
        nab(given.nab)


if __name__ == "__main__":
    main()
