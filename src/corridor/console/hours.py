"""Declarations by hour of a day, from the cells of hours where there are any, else from how the totals grew."""

from corridor.console.cells import HOUR
from corridor.console.windows import Window

QUARTERS = 4
Hours = list[int | None]


def by_hour(window: Window, office: str, as_of: int, replayed: bool) -> Hours:
    """24 counts of a day; None from `as_of` (µs) on. office: "" for the service.

    A day that is replayed shows the hour in which it stands as far as it had come, if the totals tell.
    """
    cells = window.cells.get("office" if office else "service", {})
    totals = cells.get(office) if office else next(iter(cells.values()), None)
    told = window.hours.get(office)
    if told is not None and not (
        replayed and totals is not None and 2 * len(totals) > sum(n > 0 for n in told)
    ):
        return _cut(list(told), window.start, as_of)
    counts: Hours = [None] * 24
    if totals is not None:
        before = 0
        for hour in range(24):
            last = min(window.start + (hour + 1) * HOUR, as_of)
            row = totals.at(-(-(last - window.start) * QUARTERS // HOUR) - 1)
            stands = row[0] if row else 0
            counts[hour], before = max(stands - before, 0), stands
    return _cut(counts, window.start, as_of)


def so_far(expected: list[float | None], start: int, as_of: int) -> float | None:
    """The sum of hourly expectations up to `as_of` (µs), the hour that runs in part; None without a norm."""
    if all(one is None for one in expected):
        return None
    shares = (min(max((as_of - start) / HOUR - hour, 0.0), 1.0) for hour in range(len(expected)))
    return round(sum((one or 0.0) * share for one, share in zip(expected, shares, strict=True)), 1)


def _cut(counts: Hours, start: int, as_of: int) -> Hours:
    return [n if start + hour * HOUR < as_of else None for hour, n in enumerate(counts)]
