"""Days that are not like others of their weekday: public holidays and the ends of months."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError

Array = NDArray[Any]

EPOCH: Final = date(1970, 1, 1)
USUAL, HOLIDAY, MONTH_END = 0, 1, 2
"""Classes of days."""
LAST_DAYS: Final = 2
"""So many working days are the end of a month."""


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415  # slow to import, and not every norm has a country

    return frozenset(holidays.country_holidays(country, years=year))


def check_country(country: str) -> str:
    """The code if its holidays are known, or "" for none. InputError otherwise."""
    if not country:
        return country
    try:
        _holidays(country, 2026)
    except NotImplementedError:
        raise InputError(
            f"country {country!r}: no calendar of holidays; give a code of ISO 3166-1 such as KZ, or ''"
        ) from None
    return country


def day_classes(days: object, country: str) -> Array:
    """int8[n]: USUAL, HOLIDAY or MONTH_END for days since 1970.

    country: ISO 3166-1 alpha-2 (package `holidays`); "" for a service without holidays. A holiday on a Saturday or
    Sunday is one too; of a month's end the last LAST_DAYS working days count.
    """
    distinct, at = np.unique(np.asarray(days, np.int64), return_inverse=True)
    classes = [_class(EPOCH + timedelta(int(day)), country) for day in distinct]
    return np.array(classes, np.int8)[at.ravel()] if len(distinct) else np.zeros(0, np.int8)


def free_days(days: object, country: str) -> Array:
    """bool[n]: whether days since 1970 are of a weekend, or holidays of the country (1970-01-01 was a Thursday)."""
    number = np.asarray(days, np.int64)
    return np.asarray(((number + 3) % 7 >= 5) | (day_classes(number, country) == HOLIDAY))


@lru_cache(maxsize=4096)
def _class(day: date, country: str) -> int:
    if country and day in _holidays(country, day.year):
        return HOLIDAY
    return MONTH_END if _working(day, country) and _left(day, country) < LAST_DAYS else USUAL


def _working(day: date, country: str) -> bool:
    return day.weekday() < 5 and not (country and day in _holidays(country, day.year))


def _left(day: date, country: str) -> int:
    """Working days of the month after this one."""
    later = (day + timedelta(n) for n in range(1, 32))
    return sum(next_.month == day.month and _working(next_, country) for next_ in later)
