"""Days and weeks of the picture as they were told: each cell as it stands, and as it stood at each quarter of an hour."""

from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from corridor.console.cells import DAY, HOUR, MEASURES, MOST, PERIODS, Cell, UnreadableError
from corridor.messages.moment import moment

QUARTER: Final = HOUR // 4
"""A past day is replayed in these steps."""
KEPT: Final = {"day": 15, "week": 6}
"""Windows kept whole, those that were renewed last; of older ones the service's totals remain."""
KEPT_TOTALS: Final = 800
_WIDTH: Final = len(MEASURES)
Row = tuple[int, ...]
NOTHING: Final[Row] = (0,) * _WIDTH


class History:
    """One cell: its newest row, and the last row of every quarter of an hour in which it was renewed."""

    __slots__ = ("_ends", "_rows", "_steps", "end", "row")

    def __init__(self) -> None:
        self.end, self.row = 0, NOTHING
        self._steps, self._ends, self._rows = array("i"), array("q"), array("q")

    def put(self, step: int, end: int, row: Row, upsert: bool) -> None:
        """A row as of `end` (µs), in quarter `step` of its day.

        The latest end counts, among all rows and among those of a quarter; with upsert the newest message does.
        """
        place = bisect_left(self._steps, step)
        first = place * _WIDTH
        if place == len(self._steps) or self._steps[place] != step:
            self._steps.insert(place, step)
            self._ends.insert(place, end)
            self._rows[first:first] = array("q", row)
        elif upsert or end >= self._ends[place]:
            self._ends[place] = end
            self._rows[first : first + _WIDTH] = array("q", row)
        if upsert or end >= self.end:
            self.end, self.row = end, row

    def at(self, step: int) -> Row | None:
        """The row as it stood at the end of quarter `step`, None before its first."""
        place = bisect_right(self._steps, step) - 1
        return tuple(self._rows[place * _WIDTH : (place + 1) * _WIDTH]) if place >= 0 else None

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Every row that is kept, with its end (µs)."""
        for place, end in enumerate(self._ends):
            yield end, tuple(self._rows[place * _WIDTH : (place + 1) * _WIDTH])

    def __len__(self) -> int:
        return len(self._steps)


class Window:
    """One day or week. cells: by dimension and value; hours: declarations by hour, by office, "" for the service."""

    def __init__(self, period: str, start: int) -> None:
        self.period, self.start, self.length = period, start, PERIODS[period]
        self.cells: dict[str, dict[str, History]] = {}
        self.hours: dict[str, list[int]] = {}
        self._hour_ends: dict[str, list[int]] = {}
        self.end = start
        """Of the service's newest row, or of any cell's without one: as of when the picture is."""

    def put(self, cell: Cell, upsert: bool) -> None:
        """Take a cell over; upsert: as `History.put`. UnreadableError if there is no place for it."""
        if cell.dimension in {"hour", "office_hour"}:
            self._put_hour(cell, upsert)
            return
        values = self.cells.setdefault(cell.dimension, {})
        if cell.value not in values:
            if len(values) >= MOST[cell.dimension]:
                raise UnreadableError("values")
            values[cell.value] = History()
        values[cell.value].put(-(-(cell.end - self.start) // QUARTER) - 1, cell.end, cell.row, upsert)
        self.end = max(self.end, cell.end)

    def _put_hour(self, cell: Cell, upsert: bool) -> None:
        office, _, told = cell.value.rpartition("/")
        found = moment(f"{told}:00:00Z")
        if (cell.dimension == "hour") == bool(office) or found is None or self.period != "day":
            raise UnreadableError("value")
        hour = (found.microseconds - self.start) // HOUR
        if not 0 <= hour < 24:
            raise UnreadableError("value")
        if office not in self.hours and len(self.hours) > MOST["office"]:
            raise UnreadableError("values")
        ends = self._hour_ends.setdefault(office, [0] * 24)
        if upsert or cell.end >= ends[hour]:
            ends[hour] = cell.end
            self.hours.setdefault(office, [0] * 24)[hour] = cell.row[0]

    def service(self) -> History | None:
        """The service as a whole, once it was told of."""
        return next(iter(self.cells.get("service", {}).values()), None)

    def rows(self, dimension: str, until: int | None = None) -> Iterator[tuple[str, Row]]:
        """Each value with its row as it stands, or as it stood at `until` (µs), in the order of values."""
        step = None if until is None else (until - self.start) // QUARTER - 1
        for value, known in sorted(self.cells.get(dimension, {}).items()):
            row = known.row if step is None else known.at(step)
            if row is not None:
                yield value, row


class Windows:
    """All windows that are kept."""

    def __init__(self, upsert: bool) -> None:
        self.upsert = upsert
        self._kept: dict[str, OrderedDict[int, Window]] = {period: OrderedDict() for period in PERIODS}
        self._totals: dict[str, OrderedDict[int, Row]] = {period: OrderedDict() for period in PERIODS}
        self.backwards: tuple[int, int] | None = None
        """From when to when the picture's clock ran back, the last time it did (µs)."""

    def put(self, cell: Cell) -> None:
        """Take one cell over. UnreadableError, with the word to count it under, for what finds no place."""
        kept = self._kept[cell.period]
        window = kept.get(cell.start)
        if window is None:
            window = kept[cell.start] = Window(cell.period, cell.start)
            while len(kept) > KEPT[cell.period]:
                self._forget(cell.period, *kept.popitem(last=False))
        kept.move_to_end(cell.start)
        known = window.service() if cell.dimension == "service" else None
        if self.upsert and known is not None and cell.end < known.end:
            self.backwards = known.end, cell.end
        window.put(cell, self.upsert)

    def _forget(self, period: str, start: int, window: Window) -> None:
        totals, service = self._totals[period], window.service()
        if service is not None:
            totals[start] = service.row
            while len(totals) > KEPT_TOTALS:
                totals.popitem(last=False)

    def starts(self, period: str) -> list[int]:
        """The windows that are kept whole, ascending."""
        return sorted(self._kept[period])

    def get(self, period: str, start: int) -> Window | None:
        """A window that is kept whole."""
        return self._kept[period].get(start)

    def total(self, period: str, start: int) -> Row | None:
        """The service's row of a window, however old."""
        window = self._kept[period].get(start)
        service = window.service() if window else None
        return service.row if service else self._totals[period].get(start)

    def newest(self, period: str, clock: int) -> int | None:
        """The window to show: that of `clock` (µs) if it was told of, else the newest that is not next to nothing.

        A declaration dated into another year makes a window of its own; it is on offer, yet not what is shown.
        """
        kept, length = self._kept[period], PERIODS[period]
        monday = 3 * DAY if period == "week" else 0
        now = (clock + monday) // length * length - monday
        if now in kept:
            return now
        counts = {start: self._count(window) for start, window in kept.items()}
        least = max(counts.values(), default=0) / 1000
        return max((start for start, count in counts.items() if count >= least), default=None)

    @staticmethod
    def _count(window: Window) -> int:
        service = window.service()
        return service.row[0] if service else 0
