"""Forty customs offices: what kind, how large, which hours, which days, which directions."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

import holidays
import numpy as np
from numpy.typing import NDArray

KINDS: Final = ("centre", "airport", "seaport", "road", "rail", "post", "inland")
ROUND_THE_CLOCK: Final = frozenset({"airport", "seaport", "road", "rail"})
"""Kinds that work on Sundays and holidays too."""

_CODES: Final = (
    # code, kind, hours east of UTC; in order of size
    "10131010 centre 3, 10013160 centre 3, 10228010 centre 3, 10702070 seaport 10, 10317120 seaport 3,"
    "10005030 airport 3, 10511010 centre 5, 10216170 seaport 3, 10418010 centre 3, 10323010 centre 3,"
    "10620010 centre 7, 10805010 centre 5, 10702030 centre 10, 10009100 inland 3, 10113110 road 3,"
    "10206020 road 3, 10719110 road 8, 10612050 rail 8, 10313140 road 3, 10002010 airport 3,"
    "10805020 road 5, 10129060 post 3, 10221010 airport 3, 10012020 seaport 2, 10101030 inland 3,"
    "10404050 inland 3, 10609050 road 7, 10408040 inland 3, 10411080 inland 3, 10311010 inland 3,"
    "10503050 inland 5, 10504080 inland 5, 10606060 inland 7, 10704050 road 10, 10707090 seaport 10,"
    "10207050 rail 3, 10102030 inland 3, 10413060 inland 4, 10601020 inland 7, 10716050 airport 10"
)
_HOURS: Final[dict[str, tuple[float, ...]]] = {  # weight of each local hour of the day
    "centre": (0, 0, 0, 0, 0, 0, 0, 1, 5, 10, 12, 12, 9, 9, 11, 12, 12, 10, 6, 3, 1.5, 0.5, 0, 0),
    "inland": (0, 0, 0, 0, 0, 0, 0, 0, 3, 10, 13, 12, 7, 8, 12, 13, 12, 7, 2, 0, 0, 0, 0, 0),
    "post": (0, 0, 0, 0, 0, 0, 1, 4, 8, 10, 10, 9, 8, 8, 9, 9, 8, 6, 5, 3, 1, 0, 0, 0),
    "airport": (3, 2.5, 2, 2, 2, 3, 4, 5, 6, 7, 7, 7, 6, 6, 7, 7, 7, 6, 5, 5, 4.5, 4, 4, 3.5),
    "seaport": (1, 1, 0.8, 0.8, 0.8, 1, 2, 4, 7, 9, 9, 9, 7, 7, 9, 9, 8, 6, 4, 3, 2, 1.5, 1.2, 1),
    "road": (
        3,
        2.8,
        2.5,
        2.5,
        2.5,
        2.8,
        3.5,
        4,
        5,
        5.5,
        5.5,
        5.5,
        5,
        5,
        5.5,
        5.5,
        5,
        5,
        4.5,
        4.5,
        4,
        4,
        3.5,
        3,
    ),
    "rail": (3, 3, 3, 3, 3, 3, 3.5, 4, 4.5, 5, 5, 5, 4.5, 4.5, 5, 5, 4.5, 4.5, 4, 4, 4, 3.5, 3.5, 3),
}
_DIRECTIONS: Final[dict[str, tuple[float, float, float]]] = {  # import, export, transit
    "centre": (1.0, 1.0, 0.15),
    "inland": (1.0, 0.9, 0.1),
    "post": (0.6, 1.0, 0.0),
    "airport": (1.0, 0.5, 0.3),
    "seaport": (1.0, 1.1, 1.5),
    "road": (0.8, 0.6, 4.0),
    "rail": (0.7, 0.8, 3.0),
}
_WEEK: Final = (1.0, 1.05, 1.04, 1.02, 0.94, 0.31, 0.22)
SLOTS: Final = 4096


@dataclass(frozen=True)
class Offices:
    """Offices in order of size.

    codes: texts; kind: i1[o]; offset: i8[o] hours east of UTC; always_open: bool[o];
    share: f8[3, o] weight by direction; quarter: i2[o, SLOTS] the local quarter-hour for a uniform slot.
    """

    codes: tuple[str, ...]
    kind: NDArray[np.int8]
    offset: NDArray[np.int64]
    always_open: NDArray[np.bool_]
    share: NDArray[np.float64]
    quarter: NDArray[np.int16]


@lru_cache(maxsize=1)
def load() -> Offices:
    """Build the forty offices; sizes fall as 1 / (rank + 2) (Zipf)."""
    rows = [part.split() for part in _CODES.split(",")]
    kinds = [row[1] for row in rows]
    size = 1.0 / (np.arange(len(rows)) + 2.0)
    share = size * np.array([_DIRECTIONS[kind] for kind in kinds]).T
    quarter = np.empty((len(rows), SLOTS), np.int16)
    for o, kind in enumerate(kinds):
        hours = np.asarray(_HOURS[kind])
        centre = np.arange(96) / 4.0 + 0.125
        weight = np.interp(centre, np.arange(24) + 0.5, hours) * np.repeat(hours > 0, 4).astype(np.float64)
        quarter[o] = slots(weight, SLOTS)
    return Offices(
        tuple(row[0] for row in rows),
        np.array([KINDS.index(kind) for kind in kinds], np.int8),
        np.array([int(row[2]) for row in rows]),
        np.array([kind in ROUND_THE_CLOCK for kind in kinds]),
        share / share.sum(1, keepdims=True),
        quarter,
    )


def slots(weight: NDArray[np.float64], size: int) -> NDArray[np.int16]:
    """i2[size]: index i fills a part of the slots equal to its weight: a draw is one look-up."""
    edges = np.cumsum(weight) / np.sum(weight)
    return np.minimum(np.searchsorted(edges, (np.arange(size) + 0.5) / size), len(weight) - 1).astype(
        np.int16
    )


@lru_cache(maxsize=64)
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("RU", years=year))


def is_working(day: date) -> bool:
    """Tell whether it is a weekday and no public holiday (calendar: package `holidays`)."""
    return day.weekday() < 5 and day not in _holidays(day.year)


def activity(day: date) -> float:
    """Give the declarations of this day by those of a mean working day: weekday, or Sunday for a holiday."""
    return _WEEK[day.weekday()] if day not in _holidays(day.year) else _WEEK[6]
