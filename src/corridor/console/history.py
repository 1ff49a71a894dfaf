"""One cell of the picture over time: as it stands, and as it stood at the end of each step in which it was renewed."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

Row = tuple[int, ...]
_LAST: Final = -1


class History:
    """Rows of `width` measures, one behind another in one array, each after its step and its end (µs).

    A million numbers in objects of their own would take ten times the memory.
    """

    __slots__ = ("_newest", "_told", "_width")

    def __init__(self, width: int) -> None:
        self._width = width
        self._told = array("q")
        self._newest = _LAST

    def put(self, step: int, end: int, row: Row, upsert: bool) -> None:
        """A row as of `end` (µs), which lies in `step`; of its measures the first `width` are kept.

        The latest end counts, among all rows and among those of a step; with upsert the newest message does.
        """
        told, stride = self._told, self._width + 2
        place = bisect_left(self, step)
        first = place * stride
        if place == len(self) or told[first] != step:
            told[first:first] = array("q", (step, end, *row[: self._width]))
        elif upsert or end >= told[first + 1]:
            told[first : first + stride] = array("q", (step, end, *row[: self._width]))
        if upsert:
            self._newest = _LAST if place == len(self) - 1 else place

    @property
    def end(self) -> int:
        """Of the row as it stands, µs; 0 before the first."""
        return self._told[self._place * (self._width + 2) + 1] if self._told else 0

    @property
    def row(self) -> Row:
        """The row as it stands."""
        if self._newest == _LAST:
            return tuple(self._told[-self._width :]) or (0,) * self._width
        return self._row(self._newest)

    def at(self, step: int) -> Row | None:
        """The row as it stood at the end of a step, None before its first."""
        place = bisect_right(self, step) - 1
        return self._row(place) if place >= 0 else None

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Every row that is kept, with its end (µs)."""
        for place in range(len(self)):
            yield self._told[place * (self._width + 2) + 1], self._row(place)

    @property
    def _place(self) -> int:
        return len(self) - 1 if self._newest == _LAST else self._newest

    def _row(self, place: int) -> Row:
        first = place * (self._width + 2) + 2
        return tuple(self._told[first : first + self._width])

    def __len__(self) -> int:
        return len(self._told) // (self._width + 2)

    def __getitem__(self, place: int) -> int:
        """The step of a row, so that rows can be searched."""
        return self._told[place * (self._width + 2)]
