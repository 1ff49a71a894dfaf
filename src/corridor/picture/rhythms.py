"""How the rhythm of a series beyond its hours of the week is estimated: level, growth, odd days, the way an hour fills.

Rows as in fitting.py. All of it is drawn towards "nothing special" by what is known: ratios by the number of declarations
behind them (credibility, Buehlmann 1967), growth by its standard error.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.picture.calendar import HOLIDAY, MONTH_END, day_classes
from corridor.picture.hourly import PER_LOG, PRICE, Hourly

Array = NDArray[Any]
Row = tuple[str, str, str, int, float, float, float]

DAY_US: Final = 86_400_000_000
FILLED: Final = 60.0
"""An hour of the day is taken to fill evenly, as if so many declarations had done so."""
ODD_DAYS: Final = 2.0
"""A ratio of odd days weighs as much as "as usual" after so many of them."""
WEEKS_AT_LEAST: Final = 4
"""Of fewer whole weeks no growth is read."""
MOST_GROWTH: Final = 0.05
PRICED: Final = 30.0
"""Declarations with goods of a chapter and origin that make a norm of price."""
LEAST_BETWEEN: Final = 0.03
"""No mean price is believed steadier than this."""


def level(key: tuple[str, str], daily: Array, usual: Array, first: int) -> Row:
    """Level of the last two weeks and growth a week: float64[days] each, counts and what hours of the week expect.

    `usual` is the mean over the history, so the level is that of its end. Days that are odd must be NaN in `usual`.
    """
    days, end = len(daily), float(first + len(daily) * DAY_US)
    ratio, weight = _weekly(daily, usual)
    if len(ratio) < WEEKS_AT_LEAST:
        return (*key, "level", -1, end, 1.0, 1.0)
    x = np.arange(len(ratio)) - np.average(np.arange(len(ratio)), weights=weight)
    mean = np.average(ratio, weights=weight)
    sxx = float((weight * x * x).sum())
    slope = float((weight * x * (ratio - mean)).sum()) / max(sxx, 1e-9)
    rest = ratio - mean - slope * x
    error = float((weight * rest**2).sum() / max(len(ratio) - 2, 1) / max(sxx, 1e-9)) ** 0.5
    kept = max(0.0, 1.0 - (2.0 * error / slope) ** 2) if slope else 0.0
    slope = float(np.clip(kept * slope / mean, -MOST_GROWTH, MOST_GROWTH))
    reach = float(days / 7 - 0.5 - np.average(np.arange(len(ratio)), weights=weight))
    return (*key, "level", -1, end, max(1.0 + slope * reach, 0.2), 1.0 + slope)


def _weekly(daily: Array, usual: Array) -> tuple[Array, Array]:
    """Ratio of count to expectation of whole weeks counted from the end, oldest first, and the expectations.

    A week's ratio is the weighted median of its days': one odd day moves it little.
    """
    ratios: list[float] = []
    weights: list[float] = []
    for stop in range(len(daily) % 7 + 7, len(daily) + 1, 7):
        x, mean = daily[stop - 7 : stop], usual[stop - 7 : stop]
        kept = np.isfinite(mean) & (mean > 0)
        if kept.any():
            ratios.append(_weighted_median(x[kept] / mean[kept], mean[kept]))
            weights.append(float(mean[kept].sum()))
    return np.array(ratios), np.array(weights)


def odd_days(key: tuple[str, str], daily: Array, usual: Array, sunday: float, classes: Array) -> list[Row]:
    """Ratios of holidays to a Sunday and of the ends of months to their weekdays; float64[days] each."""
    rows: list[Row] = []
    for name, of, expected in (
        ("holiday", HOLIDAY, np.full(len(daily), sunday)),
        ("month_end", MONTH_END, usual),
    ):
        chosen = (classes == of) & np.isfinite(expected) & (expected > 0)
        if chosen.any():
            trust = chosen.sum() / (chosen.sum() + ODD_DAYS)
            trust *= expected[chosen].sum() / (expected[chosen].sum() + 20.0)
            ratio = float(np.median(daily[chosen] / expected[chosen]))
            rows.append((*key, name, -1, float(chosen.sum()), max(1.0 + trust * (ratio - 1.0), 0.05), 0.0))
    return rows


def within(totals: Hourly, first: int, days: int) -> list[Row]:
    """How an hour of the day fills, bin by bin, on weekdays and on weekends, of the service and each office."""
    weekend = (first // DAY_US + 3 + np.arange(days)) % 7 >= 5
    rows: list[Row] = []
    for dimension in ("service", "office"):
        names, (table,) = totals.grid(dimension, first, days * 288, step=1 / 12)
        for name, series in zip(names, table.reshape(-1, days, 24, 12), strict=True):
            for free in (0, 1):
                share = _filling(series[weekend == bool(free)].sum(0))
                slots = np.flatnonzero(np.abs(share.ravel() - 1 / 12) > 1e-3)
                rows += [
                    (dimension, name, "within", free * 288 + int(s), 0.0, float(share.flat[s]), 0.0)
                    for s in slots
                ]
    return rows


def _filling(count: Array) -> Array:
    """float64[24, 12]: shares of the bins, smoothed over three of them, drawn towards an even filling.

    Totals that were given by the hour stand in its first bin: these tell nothing of how it filled.
    """
    whole = count.sum(1, keepdims=True)
    if whole.sum() == count[:, 0].sum():
        return np.full((24, 12), 1 / 12)
    smooth = (np.roll(count, 1, 1) + count + np.roll(count, -1, 1)) / 3
    smooth[:, 0], smooth[:, -1] = (2 * count[:, 0] + count[:, 1]) / 3, (2 * count[:, -1] + count[:, -2]) / 3
    smooth *= whole / np.maximum(smooth.sum(1, keepdims=True), 1e-9)
    return np.asarray((smooth + FILLED / 12) / (whole + FILLED))


def prices(totals: Hourly, first: int, days: int) -> list[Row]:
    """Mean logarithm of the price by chapter and origin; its variance between blocks of six hours, and of one."""
    names, (count, logs) = totals.grid(PRICE, first, days * 4, ("items", "log_price"), step=6)
    rows: list[Row] = []
    for name, n, total in zip(names, count, logs / PER_LOG, strict=True):
        if n.sum() < PRICED:
            continue
        seen = n > 0
        x, m = total[seen] / n[seen], n[seen]
        mean = _weighted_median(x, m)
        scaled = np.abs(x - mean) * np.sqrt(m)
        item = max((1.4826 * _weighted_median(scaled, np.ones_like(m))) ** 2, 0.01)
        many = m >= max(8.0, float(np.median(m)))
        spread = (1.4826 * float(np.median(np.abs(x[many] - mean)))) ** 2 if many.any() else 0.0
        between = max(spread - item / float(np.median(m[many])) if many.any() else 0.0, LEAST_BETWEEN**2)
        size = float(n.sum())
        rows.append((PRICE, name, "log_price", -1, size, float(np.exp(mean)), between))
        rows.append((PRICE, name, "log_price_item", -1, size, 1.0, item))
    return rows


def _weighted_median(x: Array, weight: Array) -> float:
    order = np.argsort(x, kind="stable")
    reached = np.cumsum(weight[order])
    return float(x[order][int(np.searchsorted(reached, reached[-1] / 2))])


def classes_of(first: int, days: int, country: str) -> Array:
    """int8[days]: the classes of a history's days."""
    return day_classes(first // DAY_US + np.arange(days), country)
