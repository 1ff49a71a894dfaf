"""What the page asks for, checked: an answer of 400 names the parameter and what to give."""

from collections.abc import Mapping
from typing import Final

from corridor.console.cells import DAY, PERIODS
from corridor.console.consignments import Wanted
from corridor.console.snapshot import View
from corridor.errors import InputError
from corridor.messages.moment import moment

LONGEST: Final = 100
_FILTERS: Final = (
    *(
        "office",
        "importer",
        "declaration",
        "corridor",
        "direction",
        "chapter",
        "origin",
        "group",
        "transport",
    ),
)


def view(asked: Mapping[str, str]) -> View:
    """period=day|week, start=2026-11-24, until=2026-11-24T08:15Z. InputError for anything else."""
    period = asked.get("period", "day")
    if period not in PERIODS:
        raise InputError(f"period {_cut(period)!r}: give {' or '.join(PERIODS)}")
    start, until = _time(asked, "start"), _time(asked, "until")
    if start is not None:
        monday = 3 * DAY if period == "week" else 0
        if (start + monday) % PERIODS[period]:
            raise InputError("start is not where a period begins: give a day, or a Monday for a week")
    elif until is not None:
        raise InputError("until needs start: give the day that is replayed")
    return View(period, start, until)


def wanted(asked: Mapping[str, str]) -> Wanted:
    """from, until and any of the filters. InputError for a time that is none, or a text too long."""
    start, until = _time(asked, "from"), _time(asked, "until")
    filters = {name: value for name in _FILTERS if (value := asked.get(name))}
    for name, value in filters.items():
        if len(value) > LONGEST:
            raise InputError(f"{name} is longer than {LONGEST} characters")
    return Wanted(0 if start is None else start, (1 << 62) if until is None else until, **filters)


def _time(asked: Mapping[str, str], name: str) -> int | None:
    told = asked.get(name)
    if not told:
        return None
    found = moment(f"{told}T00:00:00Z" if len(told) == 10 else told)
    if found is None or not found.usable:
        raise InputError(f"{name} {_cut(told)!r}: give a time such as 2026-11-24T08:15:00Z, or a day")
    return found.microseconds


def _cut(text: str) -> str:
    return text[:40]
