"""The picture as it stands in a stream: sums of cells by day and week, kept as bytes and folded a batch at a time.

What a batch changes in the cells of one day comes as a `Part`; a `Window` holds the sums of a day or a week. In both a
column of sums that nobody counted in is left out of the bytes: most batches touch few of the 138 counts of decision
times, and a replay none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.picture import MEASURES as PAINTED
from corridor.picture.changes import DAY, KINDS, MEASURES, Changes, Kind
from corridor.picture.times import TIMES

Array = NDArray[Any]

WIDTHS: Final[dict[Kind, int]] = {kind: len(PAINTED) for kind in KINDS} | {"timed": len(PAINTED) + len(TIMES)}
"""Columns of a window's sums: those of messages.picture.MEASURES, then counts of decision times."""
WEEKLY: Final[tuple[Kind, ...]] = ("timed", "parts")
"""Kinds that are told by the week too."""
_ORDER: Final = tuple(KINDS)
_MONDAY: Final = 3
_PLACE: Final = 8
"""Bytes before a part that say where it belongs."""
_LOST: Final = [PAINTED.index("rejected"), PAINTED.index("duplicates")]


@dataclass(frozen=True, slots=True)
class Part:
    """What a batch changes in cells of one kind on one day.

    day: since 1970; moment: the last minute among them; cells: k names; columns: int64[c], those of WIDTHS that
    anything counted in; sums: int64[k, c].
    """

    kind: Kind
    day: int
    moment: int
    cells: list[str]
    columns: Array
    sums: Array

    def pack(self) -> bytes:
        """As bytes; the first eight say where it belongs, see `place_of`."""
        place = self.week * len(_ORDER) + _ORDER.index(self.kind)
        packed = _used(self.columns, self.sums)
        return place.to_bytes(_PLACE, "little", signed=True) + _encode(
            [self.day, self.moment, self.cells, *packed]
        )

    @property
    def week(self) -> int:
        """The day's week, counted from the Monday before 1970-01-01."""
        return (self.day + _MONDAY) // 7


def parts(changes: Mapping[Kind, Changes]) -> Iterator[Part]:
    """What `changes.by_day` gives, day by day."""
    for kind, change in changes.items():
        columns = np.arange(change.sums.shape[1])
        columns[len(MEASURES) :] += len(PAINTED) - len(MEASURES)
        days = change.moment // DAY
        for day in np.unique(days).tolist():
            one = change.take(np.flatnonzero(days == day))
            yield Part(kind, day, int(one.moment[0]), one.cell, columns, one.sums)


def lost(cell: str, minutes: Array, rejected: Array, duplicates: Array) -> Iterator[Part]:
    """What was not decided: int64[n] each, counted in one cell by day."""
    days = minutes // DAY
    for day in np.unique(days).tolist():
        own = days == day
        sums = np.array([[rejected[own].sum(), duplicates[own].sum()]], np.int64)
        yield Part("timed", day, int(minutes[own].max()), [cell], np.array(_LOST), sums)


def place_of(packed: bytes) -> int:
    """Where a part belongs: all of one kind and week belong together."""
    return int.from_bytes(packed[:_PLACE], "little", signed=True)


def kind_of(packed: bytes) -> Kind:
    """The kind of a part's cells."""
    return _ORDER[place_of(packed) % len(_ORDER)]


def unpack(packed: bytes) -> Part:
    """The part of `Part.pack`. InputError if it is none."""
    try:
        day, moment, cells, columns, sums = _decode(packed[_PLACE:])
        return Part(kind_of(packed), day, moment, cells, *_columns(columns, sums, len(cells)))
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise _broken(error) from None


@dataclass(slots=True)
class Window:
    """Cells of one kind as they stand, of one day or week.

    rows: name of a cell -> its row; moment: int64[k], the last minute that changed a cell; sums: int64[k, width].
    """

    width: int
    rows: dict[str, int] = field(default_factory=dict)
    moment: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    sums: Array = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    def fold(self, part: Part) -> Array:
        """Add a part; int64[...], the rows that it changes."""
        before = len(self.rows)
        rows = np.array([self.rows.setdefault(cell, len(self.rows)) for cell in part.cells], np.int64)
        if not before or len(self.rows) > before:
            self._grow(len(self.rows))
        np.maximum.at(self.moment, rows, part.moment)
        if len(rows) == len(np.unique(rows)):
            self.sums[rows[:, None], part.columns] += part.sums
        else:  # a cell that is named twice counts twice
            np.add.at(self.sums, (rows[:, None], part.columns), part.sums)
        return rows

    def _grow(self, n: int) -> None:
        if n <= len(self.moment) and self.sums.shape[1] == self.width:
            return
        moment, sums = np.full(2 * n, np.iinfo(np.int64).min), np.zeros((2 * n, self.width), np.int64)
        moment[: len(self.moment)] = self.moment
        sums[: len(self.sums), : self.sums.shape[1]] = self.sums
        self.moment, self.sums = moment, sums

    def dump(self) -> bytes:
        """As bytes."""
        k = len(self.rows)
        packed = _used(np.arange(self.width), self.sums[:k])
        return _encode([list(self.rows), self.moment[:k].tobytes(), *packed])

    @classmethod
    def load(cls, packed: bytes, width: int) -> "Window":
        """The window of `dump`. InputError if it is none."""
        try:
            cells, moment, columns, sums = _decode(packed)
            numbers, found = _columns(columns, sums, len(cells))
            whole = np.zeros((len(cells), width), np.int64)
            whole[:, numbers] = found
            rows = {cell: row for row, cell in enumerate(cells)}
            return cls(width, rows, np.frombuffer(moment, np.int64).copy(), whole)
        except (msgspec.MsgspecError, TypeError, ValueError, IndexError) as error:
            raise _broken(error) from None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def _used(columns: Array, sums: Array) -> tuple[bytes, bytes]:
    """Columns in which anything stands, and their sums."""
    used = sums.any(axis=0)
    return np.asarray(columns)[used].astype(np.uint8).tobytes(), np.ascontiguousarray(sums[:, used]).tobytes()


def _columns(columns: bytes, sums: bytes, k: int) -> tuple[Array, Array]:
    numbers = np.frombuffer(columns, np.uint8).astype(np.int64)
    return numbers, np.frombuffer(sums, np.int64).reshape(k, len(numbers))


def _broken(error: Exception) -> InputError:
    return InputError(
        f"the picture's state cannot be read ({error}): it was cut short or written by another version of Corridor; "
        "start the job with a new --state"
    )
