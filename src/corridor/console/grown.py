"""What the service has grown by since a week and a year before, from the windows that are kept."""

from collections.abc import Iterator
from typing import Any, Final

from corridor.console.cells import DAY, HOUR, MEASURES, PERIODS
from corridor.console.history import Row
from corridor.console.windows import Window, Windows
from corridor.messages.moment_text import rfc3339
from corridor.messages.picture import ALL, PictureRow
from corridor.picture import growth

_AGO: Final = {"week_before": growth.WEEK, "year_before": growth.YEAR}


def earlier(windows: Windows, window: Window, as_of: int, row: Row) -> dict[str, dict[str, float] | None]:
    """By how long ago: growth of declarations and payments, 0.05 is 5 % more; None where there is no history."""
    rows = [
        one for ago in _AGO.values() for one in _rows(windows, window, int(ago.total_seconds() * 1_000_000))
    ]
    past = growth.Past(rows, rolling=not windows.upsert)
    now = _row(window.period, window.start, as_of, row)
    grown = {name: growth.growth(now, past, of) for name, of in _MEASURES.items()}
    found: dict[str, dict[str, float] | None] = {}
    for name, attribute in (("week_before", "week"), ("year_before", "year")):
        told = {
            of: round(value, 4) for of, one in grown.items() if (value := getattr(one, attribute)) is not None
        }
        found[name] = told or None
    return found


_MEASURES: Final[dict[str, growth.Measure]] = {
    "declarations": growth.declarations,
    "payments": growth.payments,
}


def _rows(windows: Windows, window: Window, ago: int) -> Iterator[PictureRow]:
    """The rows of the window that was so many µs before, with its days and their hours."""
    start = window.start - ago
    for day in range(start, start + window.length, DAY):
        yield from _of("day", day, windows)
    if window.period == "week":
        yield from _of("week", start, windows)


def _of(period: str, start: int, windows: Windows) -> Iterator[PictureRow]:
    found = windows.get(period, start)
    total = windows.total(period, start)
    if found is None or (service := found.service()) is None:
        if total is not None:
            yield _row(period, start, start + PERIODS[period], total)
        return
    for end, row in service.rows():
        yield _row(period, start, end, row)
    for hour, count in enumerate(found.hours.get("", ())):
        at = start + hour * HOUR
        counted = (count, *[0] * (len(MEASURES) - 1))
        yield _row(period, start, at + HOUR, counted, "hour", rfc3339(at)[:13])


def _row(
    period: Any, start: int, end: int, row: Row, dimension: str = "service", value: str = ALL
) -> PictureRow:
    told = dict(zip(MEASURES, row, strict=True))
    return PictureRow(
        window_start=start,
        window_end=end,
        period=period,
        dimension=dimension,
        value=value,
        declarations=told["declarations"],
        items=told["items"],
        customs_value=told["customs_value"],
        grams=told["net_mass_kg"],
        duty=told["duty"],
        vat=told["vat"],
        corridors=(told["green"], told["blue"], told["yellow"], told["red"]),
    )
