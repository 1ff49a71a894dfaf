"""What a batch of decisions changes: in the picture by minute, in the detector's totals by bin.

A declaration adds to the minute in which it was registered. When a later version supersedes it, the same
amounts are taken back in that version's minute, yet on the superseded one's own day (at its last minute
at the latest), so that every day's final totals hold what stands. A cancellation adds nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.kernels import tally as kernels
from corridor.kernels._jit import readonly
from corridor.kernels.tally import NEVER
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, Declarations
from corridor.messages.contributions import Contributions
from corridor.messages.sums import Cells, label
from corridor.messages.sums import chapters as chapters_of
from corridor.messages.tokens import token
from corridor.picture.hourly import BIN, NO_PRICE, PAIRS, PRICE, SERVICE, log_prices

Array = NDArray[Any]
Labels = Callable[[int], str]

MINUTE: Final = 60_000_000
DAY: Final = 1440
"""Minutes."""
WEEK: Final = 7 * DAY
MONDAY: Final = 3 * DAY
"""1970-01-01 was a Thursday: a week's number counts from the Monday before it."""
SEPARATOR: Final = ":"
"""Between a dimension and a value in the name of a cell; no dimension holds one."""
AMOUNTS: Final = ("items", "customs_value", "grams", "duty", "vat")
MEASURES: Final = ("declarations", *AMOUNTS, *CORRIDORS, "late")
"""Columns of a change's sums; money in minor units."""
_CANCELLATION: Final = FUNCTIONS.index("cancellation")
_ORIGINAL: Final = FUNCTIONS.index("original")
_CHAPTERS: Final = 100
_LONGEST_ORIGIN: Final = 1 << 40
"""Tokens beyond are of no country's code."""


@dataclass(frozen=True, slots=True)
class Changes:
    """k changes of cells.

    moment: int64[k], in minutes or bins since 1970; cell: k texts, see `cell_name`; hashed: int64[k],
    their tokens; sums: int64[k, 11], columns as in MEASURES.
    """

    moment: Array
    cell: list[str]
    hashed: Array
    sums: Array

    def take(self, rows: Array) -> "Changes":
        """Some of the changes."""
        return Changes(
            self.moment[rows], [self.cell[i] for i in rows.tolist()], self.hashed[rows], self.sums[rows]
        )


def cell_name(dimension: str, value: str) -> str:
    """One text for a dimension and a value of it."""
    return f"{dimension}{SEPARATOR}{value}"


def cell_of(name: str) -> tuple[str, str]:
    """The dimension and the value of `cell_name`."""
    dimension, _, value = name.partition(SEPARATOR)
    return dimension, value


def by_minute(
    decided: Contributions, chapters: Cells, origins: Cells, superseded_at: Array, *, added: bool = True
) -> Changes:
    """What n decisions change in the picture, by minute.

    superseded_at: int64[n], microseconds at which the next version was registered, NEVER if none was;
    added: False to take back only, for what was added before.
    """
    registered = np.asarray(decided.registered_at, np.int64)
    own = registered // MINUTE
    then = np.minimum(superseded_at // MINUTE, own // DAY * DAY + DAY - 1)
    counts = decided.function != _CANCELLATION
    back = np.where(superseded_at != NEVER, np.maximum(own, then), NEVER)
    office, offices = pd.factorize(decided.office)
    countries, country = np.unique(origins.key, return_inverse=True)
    names = _Names(
        ("service", 1, lambda i: SERVICE),
        ("direction", len(DIRECTIONS), DIRECTIONS.__getitem__),
        ("corridor", len(CORRIDORS), CORRIDORS.__getitem__),
        ("office", len(offices), lambda i: str(offices[i])),
        ("hs_chapter", _CHAPTERS, lambda i: label("hs_chapter", i)),
        ("origin_country", len(countries), lambda i: label("origin_country", int(countries[i]))),
    )
    heads = names.codes(direction=decided.direction, corridor=decided.corridor, office=office, service=0)
    goods = (names.code("hs_chapter", chapters.key), names.code("origin_country", country))
    if added:
        return _tally(decided, np.where(counts, own, NEVER), back, heads, (chapters, origins), goods, names)
    kept = np.where(counts & (back != NEVER), back, NEVER)
    changes = _tally(decided, kept, np.full(len(own), NEVER), heads, (chapters, origins), goods, names)
    return Changes(changes.moment, changes.cell, changes.hashed, -changes.sums)


def by_day(changes: Changes) -> Changes:
    """Changes summed by day, each at the last minute of its day that is among them: a picture as it stands."""
    day = changes.moment // DAY
    days, of = np.unique(day, return_inverse=True)
    last = np.zeros(len(days), np.int64)
    np.maximum.at(last, of, changes.moment)
    _, first, group = np.unique(
        np.stack([day, changes.hashed], axis=1), axis=0, return_index=True, return_inverse=True
    )
    sums = np.zeros((len(first), changes.sums.shape[1]), np.int64)
    np.add.at(sums, group.ravel(), changes.sums)
    return Changes(last[of[first]], [changes.cell[i] for i in first.tolist()], changes.hashed[first], sums)


def by_bin(
    decided: Contributions, chapters: Cells, origins: Cells, importer: Array, prices: Cells | None = None
) -> Changes:
    """Totals by BIN of n decisions on originals, dimensions as in `hourly`; importer: n texts.

    prices: see `prices`; in their cells the logarithms stand in the place of duty.
    """
    bins = np.asarray(decided.registered_at, np.int64) // BIN
    office, offices = pd.factorize(decided.office)
    party, importers = pd.factorize(importer)
    countries, country = np.unique(origins.key, return_inverse=True)
    by_origin, by_chapter = PAIRS
    places = [
        ("service", 1, lambda i: SERVICE),
        ("office", len(offices), lambda i: str(offices[i])),
        ("importer", len(importers), lambda i: str(importers[i])),
        (
            by_chapter,
            len(offices) * _CHAPTERS,
            lambda i: f"{offices[i // _CHAPTERS]}/{label('hs_chapter', i % _CHAPTERS)}",
        ),
        (
            by_origin,
            len(offices) * len(countries),
            lambda i: (
                f"{offices[i // len(countries)]}/{label('origin_country', int(countries[i % len(countries)]))}"
            ),
        ),
    ]
    goods: tuple[Cells, ...] = chapters, origins
    pairs = _owner(chapters, office) * _CHAPTERS + chapters.key
    codes = [(by_chapter, pairs), (by_origin, _owner(origins, office) * len(countries) + country)]
    if prices is not None:
        priced, at = np.unique(prices.key, return_inverse=True)
        places.append((PRICE, len(priced), lambda i: _price_label(int(priced[i]))))
        codes.append((PRICE, at))
        goods = (*goods, prices)
    names = _Names(*places)
    heads = names.codes(service=0, office=office, importer=party)
    moment = np.where(decided.function == _ORIGINAL, bins, NEVER)
    numbered = tuple(names.code(dimension, place) for dimension, place in codes)
    return _tally(decided, moment, np.full(len(bins), NEVER), heads, goods, numbered, names)


def prices(batch: Declarations) -> Cells:
    """A row for each declaration, chapter and origin with a price: the mean of its items' `log_prices` for duty.

    Goods of one declaration are priced together, so they count once.
    """
    logs, items = log_prices(batch), batch.items
    kept = np.flatnonzero(logs != NO_PRICE)
    origin = items["origin_country"][kept]
    origin = np.where((origin > 0) & (origin < _LONGEST_ORIGIN), origin, 0)
    pair = origin * _CHAPTERS + chapters_of(items["hs_code"][kept])
    owner = batch.declaration_of_item()[kept]
    places, at = np.unique(np.stack([owner, pair]), axis=1, return_inverse=True)
    k = places.shape[1]
    count, total = np.bincount(at.ravel(), minlength=k), np.zeros(k, np.int64)
    np.add.at(total, at.ravel(), logs[kept])
    zero = np.zeros(k, np.int64)
    mean = np.rint(total / np.maximum(count, 1)).astype(np.int64)
    offsets = np.searchsorted(places[0], np.arange(len(batch) + 1))
    return Cells("origin_country", offsets, places[1], np.ones(k, np.int32), zero, zero, mean, zero)


def _price_label(key: int) -> str:
    return f"{label('hs_chapter', key % _CHAPTERS)}/{label('origin_country', key // _CHAPTERS)}"


class _Names:
    """Dense numbers for the cells of several dimensions, and their names back from the numbers."""

    def __init__(self, *dimensions: tuple[str, int, Labels]) -> None:
        self._labels = [labels for _, _, labels in dimensions]
        self._dimensions = [name for name, _, _ in dimensions]
        self._starts = np.cumsum([0, *(size for _, size, _ in dimensions)])
        self._first = dict(zip(self._dimensions, self._starts.tolist(), strict=False))
        self.width = int(self._starts[-1])

    def code(self, dimension: str, place: Array) -> Array:
        """int64[...]: numbers of the cells at these places of a dimension."""
        return np.add(place, self._first[dimension], dtype=np.int64, casting="unsafe")

    def codes(self, **places: Any) -> Array:
        """int64[n, h]: a column for each of some dimensions."""
        columns = np.broadcast_arrays(*(self.code(name, place) for name, place in places.items()))
        return np.stack(columns, axis=1)

    def texts(self, codes: Array) -> tuple[list[str], Array]:
        """The names of cells and their tokens, each made once."""
        distinct, at = np.unique(codes, return_inverse=True)
        of = (np.searchsorted(self._starts, distinct, "right") - 1).tolist()
        names = [
            cell_name(self._dimensions[d], self._labels[d](code - int(self._starts[d])))
            for d, code in zip(of, distinct.tolist(), strict=True)
        ]
        hashed = np.array([token(name) for name in names], np.int64)
        return [names[i] for i in at.tolist()], hashed[at]


def _owner(cells: Cells, office: Array) -> Array:
    return np.repeat(office, np.diff(cells.offsets))


def _tally(
    decided: Contributions, moment: Array, back: Array, heads: Array,
    goods: tuple[Cells, ...], codes: tuple[Array, ...], names: _Names,
) -> Changes:  # fmt: skip
    """Run the kernel; the goods' cells of both kinds are laid behind one another, declaration by declaration."""
    n = len(moment)
    offsets = np.sum([cells.offsets for cells in goods], axis=0, dtype=np.int64)
    owner = np.concatenate([np.repeat(np.arange(n), np.diff(cells.offsets)) for cells in goods])
    order = np.argsort(owner, kind="stable")
    sums = np.concatenate([np.stack([getattr(c, a) for a in AMOUNTS], 1).astype(np.int64) for c in goods])
    amounts = np.stack([getattr(decided, name) for name in AMOUNTS], axis=1).astype(np.int64)
    most = (
        int((1 + (back != NEVER)).sum()) * heads.shape[1]
        + len(owner)
        + int(np.diff(offsets)[back != NEVER].sum())
    )
    table = np.full(1 << max(2 * most, 1).bit_length(), -1, np.int64)
    keys, out = np.empty(most, np.int64), np.empty((most, len(MEASURES)), np.int64)
    k = kernels.tally(
        kernels.Heads(
            readonly(moment, np.int64),
            readonly(back, np.int64),
            readonly(decided.corridor, np.int8),
            readonly(decided.late, np.bool_),
            readonly(heads, np.int64),
            readonly(amounts, np.int64),
        ),
        kernels.Goods(
            readonly(offsets, np.int64),
            readonly(np.concatenate(codes)[order], np.int64),
            readonly(sums[order], np.int64),
        ),
        names.width,
        table,
        keys,
        out,
    )
    return Changes(keys[:k] // names.width, *names.texts(keys[:k] % names.width), out[:k])
