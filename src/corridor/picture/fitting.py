"""How the norms of the aggregates are estimated; robust, since history holds episodes too.

Rows are (dimension, value, measure, slot, n, expected, dispersion), see norms.py.
Sources: winsorised means (Wilcox 2012, section 3.3); credibility n / (n + k) (Buehlmann 1967); moments of
the negative binomial (Johnson, Kemp, Kotz 2005, section 5.8). Shares: mixes.py.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.picture import rhythms
from corridor.picture.calendar import USUAL
from corridor.picture.hourly import HOUR, Hourly

Array = NDArray[Any]
Row = tuple[str, str, str, int, float, float, float]

REGULAR: Final = "regular"
"""The dimension of importers who are never silent."""
ALWAYS: Final = 0.95
OFTEN: Final = 8.0
"""Declarations a working day."""
MOST_REGULAR: Final = 500
GROUP: Final = 60.0
"""An office's hours are drawn towards its group's as if so many declarations had come at those."""
ALL_HOURS: Final = -1
"""The slot of a norm that holds for every hour; others are hours of the week from Monday 00:00 UTC."""
WEEKS: Final = 8.0
"""After so many weeks an hour of the week weighs as much as its (weekday or weekend, hour) cell."""
DAYS: Final = 2.0
"""The same for the factor of a weekday, in days."""
TOTAL: Final = 20.0
"""A weekday's factor is believed by so many declarations to half."""
LEAST_DISPERSION: Final = 0.004
"""No series is believed steadier than this (a standard deviation of 6 %)."""
SEEN_AT_LEAST: Final = 0.3
"""Declarations taken as seen in an hour that never had one, over all its days: silence is no proof."""


def counts(totals: Hourly, first: int, days: int, country: str = "") -> list[Row]:
    """Norms of hourly counts of the service, of each office and of regular importers, with their rhythm.

    Holidays and ends of months are left out of the week's hours and told as ratios to it.
    """
    classes = rhythms.classes_of(first, days, country)
    if (classes == USUAL).sum() < max(7, days // 2):  # too short a history to leave days out
        classes = np.zeros(days, np.int8)
    rows: list[Row] = []
    groups = _shapes(totals.grid("office", first, days * 24)[1][0].reshape(-1, days, 24))
    for dimension, kept in (
        ("service", totals),
        ("office", totals),
        (REGULAR, _regular(totals, first, days)),
    ):
        values, (table,) = kept.grid("importer" if dimension == REGULAR else dimension, first, days * 24)
        for value, series in zip(values, table.reshape(-1, days, 24), strict=True):
            rows += _series((dimension, value), series, first, classes, groups)
    return rows


def _series(key: tuple[str, str], series: Array, first: int, classes: Array, groups: Array) -> list[Row]:
    """All rows of one series of counts float64[days, 24]."""
    weekday = (first // (24 * HOUR) + 3 + np.arange(len(series))) % 7
    plain = classes == USUAL
    shape = groups[_round_the_clock(series)] if key[0] == "office" else None
    expected, dispersion, n = _week(series[plain], weekday[plain], shape)
    slots = np.flatnonzero(n)
    rows: list[Row] = [
        (
            *key,
            "declarations",
            int(slot),
            float(n.flat[slot]),
            float(expected.flat[slot]),
            float(dispersion.flat[slot]),
        )
        for slot in slots
    ]
    if key[0] != REGULAR:
        usual, daily = expected.sum(1)[weekday], series.sum(1)
        rows.append(rhythms.level(key, daily, np.where(plain, usual, np.nan), first))
        rows += rhythms.odd_days(key, daily, usual, float(expected[6].sum()), classes)
    return rows


def _round_the_clock(series: Array) -> int:
    """1 for an office that works by night too, float64[days, 24]: at least two hours in three have their share."""
    hours = series.sum(0)
    return int((hours >= 0.2 * hours.mean()).sum() >= 16)


def _shapes(offices: Array) -> Array:
    """float64[2, 2, 24]: how the hours of weekdays and weekends fill, of offices by day and round the clock."""
    kinds = np.array([_round_the_clock(series) for series in offices], np.int64)
    shapes = np.full((2, 2, 24), 1 / 24)
    for kind in (0, 1):
        total = offices[kinds == kind].sum((0, 1)) if (kinds == kind).any() else np.zeros(24)
        shapes[kind] = (total + 1.0) / (total.sum() + 24.0)
    return shapes


def _regular(totals: Hourly, first: int, days: int) -> Hourly:
    """The importers that come on every working day, so often that a day without them is odd."""
    names, (daily,) = totals.grid("importer", first, days, step=24)
    working = (first // (24 * HOUR) + 3 + np.arange(days)) % 7 < 5
    busy = daily[:, working] if working.any() else daily
    steady = (busy > 0).mean(1) >= ALWAYS if busy.shape[1] else np.zeros(len(names), bool)
    chosen = np.flatnonzero(steady & (busy.mean(1) >= OFTEN)) if busy.shape[1] else np.zeros(0, np.int64)
    most = chosen[np.argsort(-daily[chosen].sum(1), kind="stable")][:MOST_REGULAR]
    return totals.pick("importer", np.array(names, object)[most])


def _week(series: Array, weekday: Array, shape: Array | None) -> tuple[Array, Array, Array]:
    """Estimate expectation, dispersion and days behind it: float64[7, 24] each, from float64[days, 24].

    shape: float64[2, 24], of the group, towards which the hours are drawn where little is known.
    """
    expected, n = np.full((7, 24), np.nan), np.zeros((7, 24))
    capped = series.astype(np.float64)
    for free, days_of_class in enumerate((np.arange(5), np.arange(5, 7))):
        inside = np.isin(weekday, days_of_class)
        if not inside.any():
            continue
        capped[inside] = winsorised(capped[inside])
        base = capped[inside].mean(0)
        if shape is not None:
            own = base.sum() * inside.sum()
            base = (base * own + base.sum() * shape[free] * GROUP) / (own + GROUP)
        for day in days_of_class:
            expected[day], n[day] = _hours_of_day(base, capped[weekday == day]), inside.sum()
    expected = np.maximum(expected, SEEN_AT_LEAST / np.maximum(n, 1.0))
    own = _dispersion(series.ravel(), expected[weekday].ravel())
    dispersion = own + (1.0 / expected + own) / np.maximum(n, 1.0)
    return expected, dispersion, n


def _hours_of_day(base: Array, own: Array) -> Array:
    """Estimate the counts float64[24] of a weekday: its cell times its factor, drawn to its own mean."""
    if not len(own):
        return base
    total, usual = own.sum(), base.sum() * len(own)
    trust = len(own) / (len(own) + DAYS) * usual / (usual + TOTAL)
    scaled = base * (1.0 + trust * (total / usual - 1.0 if usual > 0 else 0.0))
    weight = len(own) / (len(own) + WEEKS)
    return np.asarray(weight * own.mean(0) + (1.0 - weight) * scaled)


def winsorised(x: Array) -> Array:
    """float64[days, ...] drawn in to the median +- 3 robust deviations along its days."""
    median = np.median(x, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(x - median), axis=0), np.sqrt(median + 0.5))
    return np.clip(x, median - 3.0 * spread, median + 3.0 * spread)


def _dispersion(x: Array, mean: Array) -> float:
    """Dispersion of a negative binomial by moments, episodes left out."""
    own = 0.1
    for _ in range(3):
        kept = np.abs(x - mean) <= 4.0 * np.sqrt(mean + own * mean**2) + 2.0
        over = ((x - mean)[kept] ** 2 - mean[kept]).sum()
        own = min(max(float(over / max((mean[kept] ** 2).sum(), 1e-9)), LEAST_DISPERSION), 2.0)
    return own


def importers(totals: Hourly, first: int, days: int) -> list[Row]:
    """How an importer's counts scatter about its own mean, and what a newcomer's first day looks like.

    Rows `day` and `hour` (dispersion of counts about the importer's mean), `newcomer`, `newcomer_value`.
    """
    names, (daily,) = totals.grid("importer", first, days, step=24)
    regular = np.array(names, object)[daily.sum(1) >= days]
    kept = totals.pick("importer", regular)
    rows: list[Row] = []
    for name, step in (("day", 24), ("hour", 1)):
        _, (x,) = kept.grid("importer", first, days * 24 // step, step=step)
        shape = totals.grid("service", first, days * 24 // step, step=step)[1][0].sum(0)
        mean = x.sum(1, keepdims=True) * shape / max(shape.sum(), 1.0)
        own = _dispersion(x.ravel(), mean.ravel()) if len(x) else 1.0
        rows.append(("importer", name, "declarations", ALL_HOURS, float(len(x)), 1.0, own))
    return rows + _newcomers(totals, first, days, (names, daily))


def _newcomers(totals: Hourly, first: int, days: int, known: tuple[list[str], Array]) -> list[Row]:
    """First days of importers not seen in the days before: how many declarations, of what value each."""
    names, daily = known
    debut = (daily > 0).argmax(1)
    late = np.flatnonzero(debut >= min(7, days // 2))
    values, (worth,) = totals.grid("importer", first, days, ("customs_value",), step=24)
    if values != names or not len(late):
        return []
    count = daily[late, debut[late]]
    each = worth[late, debut[late]] / np.maximum(count, 1.0)
    logs = np.log(each[each > 0]) if (each > 0).any() else np.zeros(1)
    more = float(np.minimum(count - 1.0, 2.0).mean())
    spread = max(float(1.4826 * np.median(np.abs(logs - np.median(logs)))), 0.3)
    scatter = max(_dispersion(count - 1.0, np.full(len(count), max(more, 0.01))), 0.5)
    key, n = ("importer", "newcomer"), float(len(late))
    return [
        (*key, "declarations", ALL_HOURS, n, 1.0 + more, scatter),
        ("importer", "newcomer_value", "customs_value", ALL_HOURS, n, float(np.exp(np.median(logs))), spread),
    ]
