"""Growth: a cell of the picture beside the same cell a week and a year before, at the same time of the day.

A reader has the older rows: of files minute by minute, of a topic the last one of each past window. There the hours of
the service and of offices tell how far the day was by now, the hour that runs in proportion.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from corridor.messages.picture import PictureRow

Measure = Callable[[PictureRow], int]
Cell = tuple[str, int, str, str]
"""Period, window_start, dimension, value."""

WEEK: Final = timedelta(weeks=1)
YEAR: Final = timedelta(weeks=52)
"""The same day of the week, which says more of how much work there is than the date."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = 3_600_000_000
_DAY: Final = 24 * _HOUR
_BY_HOUR: Final = {"service": "hour", "office": "office_hour"}


@dataclass(frozen=True, slots=True)
class Growth:
    """What a measure has grown by, 0.05 is 5 % more; None where there is no history, or it was nothing."""

    week: float | None
    year: float | None


def declarations(row: PictureRow) -> int:
    """How many declarations."""
    return row.declarations


def payments(row: PictureRow) -> int:
    """Duty and VAT, minor units."""
    return row.duty + row.vat


class Past:
    """Older rows of the picture, to be asked how far a cell was at a time.

    rolling: there is a row of each minute in which a cell changed, as in files; else the last of each window, as
    in a topic. Rows may come in any order; of one cell and end the last counts.
    """

    def __init__(self, rows: Iterable[PictureRow], *, rolling: bool) -> None:
        self._rolling = rolling
        self._rows: dict[Cell, dict[int, PictureRow]] = {}
        for row in rows:
            cell = row.period, row.window_start, row.dimension, row.value
            self._rows.setdefault(cell, {})[row.window_end] = row
        days = (
            start for period, start, dimension, _ in self._rows if (period, dimension) == ("day", "service")
        )
        self._first = min(days, default=None)

    def measured(self, of: Measure, cell: Cell, elapsed: int) -> float | None:
        """What `of` measures in a cell, `elapsed` microseconds after its window began; None without history.

        History begins with the first day of the service that is known; a day of which nothing is, had nothing.
        """
        period, start, dimension, value = cell
        if self._first is None or start < self._first:
            return None
        if self._rolling or (period == "day" and elapsed >= _DAY):
            return self._latest(of, cell, start + elapsed)
        if period == "day":
            return self._by_hours(of, cell, elapsed)
        total = 0.0
        for day in range(start, start + elapsed, _DAY):
            part = self.measured(of, ("day", day, dimension, value), min(_DAY, start + elapsed - day))
            if part is None:
                return None
            total += part
        return total

    def _latest(self, of: Measure, cell: Cell, end: int) -> float:
        ends = [at for at in self._rows.get(cell, {}) if at <= end]
        return float(of(self._rows[cell][max(ends)])) if ends else 0.0

    def _by_hours(self, of: Measure, cell: Cell, elapsed: int) -> float | None:
        _, start, dimension, value = cell
        by = _BY_HOUR.get(dimension)
        if by is None:
            return None
        total = 0.0
        for hour in range(start, start + elapsed, _HOUR):
            clock = (_EPOCH + hour * _MICROSECOND).strftime("%Y-%m-%dT%H")
            name = clock if by == "hour" else f"{value}/{clock}"
            whole = self._latest(of, ("day", start, by, name), start + _DAY)
            total += whole * min(1.0, (start + elapsed - hour) / _HOUR)
        return total


def growth(now: PictureRow, past: Past, of: Measure = declarations) -> Growth:
    """How a row has grown against the same cell a week and 52 weeks before, after as much of its window.

    Of a topic, cells other than those of the service and of offices can be compared once their window is whole.
    """
    elapsed = now.window_end - now.window_start

    def grown(ago: timedelta) -> float | None:
        start = now.window_start - ago // _MICROSECOND
        before = past.measured(of, (now.period, start, now.dimension, now.value), elapsed)
        return of(now) / before - 1.0 if before else None

    return Growth(grown(WEEK), grown(YEAR))
