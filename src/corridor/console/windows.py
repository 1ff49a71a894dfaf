"""Days and weeks of the picture as they were told: each cell as it stands, and as it stood at each quarter of an hour."""

from array import array
from collections.abc import Iterator
from sys import intern
from typing import Final

from corridor.console.cells import DAY, HOUR, MEASURES, MOST, PERIODS, Cell, UnreadableError
from corridor.console.history import History, Row
from corridor.messages.moment import moment

QUARTER: Final = HOUR // 4
"""A past day is replayed in these steps."""
KEPT: Final = {"day": 15, "week": 6}
"""Windows kept whole, the newest; of older ones the service's totals remain."""
KEPT_TOTALS: Final = 800
ASTRAY: Final = 3
"""Among those kept, so many that have no other within NEAR, or are newer than the newest that is not next to nothing:
a wrong date makes one."""
NEAR: Final = 31 * DAY
_FEW: Final = ("origin_country", "hs_chapter", "origin_chapter")
"""Dimensions of which the page shows declarations, items and customs value only; the most cells are theirs."""
_NOTHING: Final = array("q", bytes(8 * 24))


class Window:
    """One day or week. cells: by dimension and value; hours: declarations by hour, by office, "" for the service."""

    def __init__(self, period: str, start: int) -> None:
        self.period, self.start, self.length = period, start, PERIODS[period]
        self.cells: dict[str, dict[str, History]] = {}
        self.hours: dict[str, array[int]] = {}
        self._hour_ends: dict[str, array[int]] = {}
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
            values[intern(cell.value)] = History(3 if cell.dimension in _FEW else len(MEASURES))
        step = -(-(cell.end - self.start) // self._grain(cell.dimension)) - 1
        values[cell.value].put(step, cell.end, cell.row, upsert)
        self.end = max(self.end, cell.end)

    def _grain(self, dimension: str) -> int:
        """The length of a step, µs; weeks are not replayed, and but for the service's hold each hour only."""
        return QUARTER if self.period == "day" or dimension == "service" else HOUR

    def _put_hour(self, cell: Cell, upsert: bool) -> None:
        office, _, told = cell.value.rpartition("/")
        found = moment(f"{told}:00:00Z")
        if (cell.dimension == "hour") == bool(office) or found is None or self.period != "day":
            raise UnreadableError("value")
        hour = (found.microseconds - self.start) // HOUR
        if not 0 <= hour < 24:
            raise UnreadableError("value")
        if office not in self.hours:
            if len(self.hours) > MOST["office"]:
                raise UnreadableError("values")
            self.hours[intern(office)], self._hour_ends[intern(office)] = _NOTHING[:], _NOTHING[:]
        ends = self._hour_ends[office]
        if upsert or cell.end >= ends[hour]:
            ends[hour] = cell.end
            self.hours[office][hour] = cell.row[0]

    def service(self) -> History | None:
        """The service as a whole, once it was told of."""
        return next(iter(self.cells.get("service", {}).values()), None)

    def declarations(self) -> int:
        """Those of the service; 0 before it was told of."""
        service = self.service()
        return service.row[0] if service else 0

    def rows(self, dimension: str, until: int | None = None) -> Iterator[tuple[str, Row]]:
        """Each value with its row as it stands, or as it stood at `until` (µs), in the order of values."""
        step = None if until is None else (until - self.start) // self._grain(dimension) - 1
        for value, known in sorted(self.cells.get(dimension, {}).items()):
            row = known.row if step is None else known.at(step)
            if row is not None:
                yield value, row

    def __len__(self) -> int:
        return sum(map(len, self.cells.values()))


class Windows:
    """All windows that are kept."""

    def __init__(self, upsert: bool) -> None:
        self.upsert = upsert
        self._kept: dict[str, dict[int, Window]] = {period: {} for period in PERIODS}
        self._totals: dict[str, dict[int, History]] = {period: {} for period in PERIODS}
        self._gone: dict[str, set[int]] = {period: set() for period in PERIODS}
        self.backwards: tuple[int, int] | None = None
        """From when to when the picture's clock ran back, the last time it did (µs)."""

    def put(self, cell: Cell) -> None:
        """Take one cell over. UnreadableError, with the word to count it under, for what finds no place."""
        kept, gone = self._kept[cell.period], self._gone[cell.period]
        if cell.start not in kept and cell.start not in gone:
            kept[cell.start] = Window(cell.period, cell.start)
            if len(kept) > KEPT[cell.period]:
                self._forget(cell.period)
        if cell.start in gone:  # a window of which some cells were let go is never shown again
            self._total(cell)
            return
        window = kept[cell.start]
        known = window.service() if cell.dimension == "service" else None
        if self.upsert and known is not None and cell.end < known.end:
            self.backwards = known.end, cell.end
        window.put(cell, self.upsert)

    def _forget(self, period: str) -> None:
        """Let the oldest window go, or a wrong date's if there are many of them."""
        kept = self._kept[period]
        counts = {start: window.declarations() for start, window in kept.items() if window.service()}
        ahead = _ahead(counts)
        astray = [start for start in kept if all(abs(start - one) > NEAR for one in kept if one != start)]
        if len(ahead) > ASTRAY:
            start = max(ahead)
        elif len(astray) > ASTRAY:
            start = min(astray, key=lambda one: (len(kept[one]), one))
        else:
            start = min(kept)
        service = kept.pop(start).service()
        self._gone[period].add(start)
        if service is not None:
            self._remember(period, start, service.end, service.row)

    def _total(self, cell: Cell) -> None:
        if cell.dimension == "service":
            self._remember(cell.period, cell.start, cell.end, cell.row)

    def _remember(self, period: str, start: int, end: int, row: Row) -> None:
        totals = self._totals[period]
        totals.setdefault(start, History(len(MEASURES))).put(0, end, row, self.upsert)
        if len(totals) > KEPT_TOTALS:
            del totals[min(totals)]

    def starts(self, period: str) -> list[int]:
        """The windows that are kept whole, ascending."""
        return sorted(self._kept[period])

    def get(self, period: str, start: int) -> Window | None:
        """A window that is kept whole."""
        return self._kept[period].get(start)

    def total(self, period: str, start: int) -> Row | None:
        """The service's row of a window, however old."""
        window = self._kept[period].get(start)
        service = window.service() if window else self._totals[period].get(start)
        return service.row if service else None

    def newest(self, period: str, clock: int) -> int | None:
        """The window to show: that of `clock` (µs) if it was told of, else the newest that is not next to nothing.

        A declaration dated into another year makes a window of its own; it is on offer, yet not what is shown, and
        ends no day. Next to nothing is less than a thousandth of the busiest window, or one declaration beside several.
        """
        kept, length = self._kept[period], PERIODS[period]
        monday = 3 * DAY if period == "week" else 0
        now = (clock + monday) // length * length - monday
        if now in kept:
            return now
        return _newest({start: window.declarations() for start, window in kept.items()})


def _newest(counts: dict[int, int]) -> int | None:
    """Of windows with their declarations the newest that is not next to nothing."""
    most = max(counts.values(), default=0)
    least = max(most / 1000, min(most, 2))
    return max((start for start, count in counts.items() if count >= least), default=None)


def _ahead(counts: dict[int, int]) -> list[int]:
    """The windows that are newer."""
    newest = _newest(counts)
    return [start for start in counts if newest is not None and start > newest]
