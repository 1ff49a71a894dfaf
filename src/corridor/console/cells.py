"""picture.v1 as the page reads it: known fields only, anything else is passed over and counted.

The page outlives versions of the message: fields that came later may be absent or null, unknown ones are ignored.
"""

from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from corridor.messages.moment import moment

MEASURES: Final = (
    *("declarations", "items", "customs_value", "net_mass_kg", "duty", "vat"),
    *("green", "blue", "yellow", "red", "late", "flagged", "rejected", "duplicates"),
    *("p50", "p95", "p99", "planned", "forecast"),
)
"""Columns of a row: counts; money in minor units; grams; seconds of decision in milliseconds."""
UNTOLD: Final = -1
"""In a row: the message does not tell."""
LONGEST: Final = 100
"""Characters of a value."""
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
PERIODS: Final = {"day": DAY, "week": WEEK}
MOST: Final = {
    "service": 1,
    "office": 2_000,
    "direction": 8,
    "corridor": 8,
    "transport_mode": 16,
    "hs_chapter": 120,
    "origin_country": 400,
    "origin_chapter": 12_000,
    "hour": 24,
    "office_hour": 48_000,
}
"""Known dimensions, and how many values of each a window holds at most."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Number = Annotated[float, msgspec.Meta(ge=-9e13, le=9e13)]


class _Seconds(msgspec.Struct):
    p50: _Number | None = None
    p95: _Number | None = None
    p99: _Number | None = None


class _Plan(msgspec.Struct):
    payments: _Number | None = None
    forecast: _Number | None = None


class _Message(msgspec.Struct):
    window_start: str
    window_end: str
    period: str
    dimension: str
    value: str
    declarations: _Count
    items: _Count
    customs_value: _Number
    net_mass_kg: _Number
    duty: _Number
    vat: _Number
    green: _Count
    blue: _Count
    yellow: _Count
    red: _Count
    late: _Count | None = None
    flagged: _Count | None = None
    rejected: _Count | None = None
    duplicates: _Count | None = None
    decide_seconds: _Seconds | None = None
    plan: _Plan | None = None


class Cell(NamedTuple):
    """One message. start, end: microseconds since 1970; row: a number for each of MEASURES."""

    period: str
    start: int
    end: int
    dimension: str
    value: str
    row: tuple[int, ...]


class UnreadableError(ValueError):
    """Why a message is passed over, as the word under which it is counted."""


_decode: Final = msgspec.json.Decoder(_Message).decode


def read(line: bytes) -> Cell:
    """The cell of a message. UnreadableError for what is no picture.v1, of an unknown dimension or a wrong window."""
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise UnreadableError("unreadable") from None
    length = PERIODS.get(found.period)
    if length is None or found.dimension not in MOST:
        raise UnreadableError("dimension")
    start, end = _time(found.window_start), _time(found.window_end)
    monday = 3 * DAY if found.period == "week" else 0
    if start is None or end is None or (start + monday) % length or not start < end <= start + length:
        raise UnreadableError("window")
    if not found.value or len(found.value) > LONGEST:
        raise UnreadableError("value")
    return Cell(found.period, start, end, found.dimension, found.value, _row(found))


def _row(found: _Message) -> tuple[int, ...]:
    seconds, plan = found.decide_seconds or _Seconds(), found.plan or _Plan()
    return (
        found.declarations, found.items, round(found.customs_value * 100), round(found.net_mass_kg * 1000),
        round(found.duty * 100), round(found.vat * 100), found.green, found.blue, found.yellow, found.red,
        *map(_told, (found.late, found.flagged, found.rejected, found.duplicates)),
        *(_scaled(value, 1000) for value in (seconds.p50, seconds.p95, seconds.p99)),
        _scaled(plan.payments, 100), _scaled(plan.forecast, 100),
    )  # fmt: skip


def _told(value: int | None) -> int:
    return UNTOLD if value is None else value


def _scaled(value: float | None, by: int) -> int:
    return UNTOLD if value is None or value < 0 else round(value * by)


@lru_cache(maxsize=8192)
def _time(text: str) -> int | None:
    found = moment(text)
    return found.microseconds if found is not None and found.usable else None


def named(row: tuple[int, ...]) -> dict[str, Any]:
    """A row as the page reads it: amounts in the currency, kilograms and seconds as float, what is not told None."""
    by = (1, 1, 100, 1000, 100, 100, *[1] * 8, 1000, 1000, 1000, 100, 100)
    return {
        name: None if value == UNTOLD else value if unit == 1 else value / unit
        for name, value, unit in zip(MEASURES, row, by, strict=True)
    }
