"""Cells of the picture and of the detector's totals: their names, and a batch of decisions summed by them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.kernels import tally as kernels
from corridor.kernels._jit import readonly
from corridor.kernels.tally import NEVER
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.contributions import Contributions
from corridor.messages.sums import CHAPTERS, Cells, Goods, label
from corridor.messages.tokens import token
from corridor.messages.vocabulary import UNKNOWN
from corridor.picture.hourly import HOUR, SERVICE

Array = NDArray[Any]
Labels = Callable[[int], str]

SEPARATOR: Final = ":"
"""Between a dimension and a value in the name of a cell; no dimension holds one."""
AMOUNTS: Final = ("items", "customs_value", "grams", "duty", "vat")
MEASURES: Final = ("declarations", *AMOUNTS, *CORRIDORS, "late", "flagged")
"""Columns of a change's sums; money in minor units."""
TIMED: Final = ("service", "corridor", "office")
"""Dimensions that tell how long decisions took."""
PARTS: Final = ("direction", "transport_mode", "hs_chapter", "origin_country")
HOURS: Final = ("hour", "office_hour")
GOODS: Final = ("origin_chapter",)
DAILY: Final = (*HOURS, *GOODS)
"""Dimensions of a day alone; a run over files tells them by the hour, not by the minute."""
_MODES: Final = 10


@dataclass(frozen=True, slots=True)
class Changes:
    """k changes of cells.

    moment: int64[k], in minutes, days or bins since 1970; cell: k texts, see `cell_name`; sums: int64[k, 12],
    columns as in MEASURES, or int64[k, 81] with those of picture.times.
    """

    moment: Array
    cell: list[str]
    sums: Array

    @property
    def hashed(self) -> Array:
        """int64[k]: the tokens of the cells' names, each made once."""
        tokens = {name: token(name) for name in set(self.cell)}
        return np.array([tokens[name] for name in self.cell], np.int64)

    def take(self, rows: Array) -> "Changes":
        """Some of the changes."""
        return Changes(self.moment[rows], [self.cell[i] for i in rows.tolist()], self.sums[rows])


def cell_name(dimension: str, value: str) -> str:
    """One text for a dimension and a value of it."""
    return f"{dimension}{SEPARATOR}{value}"


def cell_of(name: str) -> tuple[str, str]:
    """The dimension and the value of `cell_name`."""
    dimension, _, value = name.partition(SEPARATOR)
    return dimension, value


class Names:
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

    def texts(self, codes: Array) -> list[str]:
        """The names of cells, each made once."""
        distinct, at = np.unique(codes, return_inverse=True)
        of = (np.searchsorted(self._starts, distinct, "right") - 1).tolist()
        names = [
            cell_name(self._dimensions[d], self._labels[d](code - int(self._starts[d])))
            for d, code in zip(of, distinct.tolist(), strict=True)
        ]
        return [names[i] for i in at.tolist()]


@dataclass(frozen=True, slots=True)
class Ways:
    """When each of n decisions is added and taken back, and where its time is told.

    moment, back: int64[n], NEVER if not; columns: of a sum, WIDTH with decision times; took: their moments and
    buckets, int64[n] each, None where there are none to tell.
    """

    moment: Array
    back: Array
    columns: int = len(MEASURES)
    took: tuple[Array, Array] | None = None


def tally(
    decided: Contributions,
    ways: Ways,
    heads: Array,
    goods: Sequence[Cells],
    codes: Sequence[Array],
    names: Names,
) -> Changes:
    """Sum what n decisions add and take back: their own cells int64[n, h], and those of each kind of goods.

    codes: int64 numbers of each kind's cells.
    """
    rows = [_own_rows(decided, heads)]
    rows += [_goods_rows(cells, of) for cells, of in zip(goods, codes, strict=True)]
    times = np.where(ways.moment == NEVER, 0, np.where(ways.back == NEVER, 1, 2))
    most = sum(int((np.diff(part.offsets) * times).sum()) for part in rows)
    most += heads.size if ways.took else 0
    table = kernels.Table(
        names.width,
        np.full(1 << max(2 * most, 1).bit_length(), -1, np.int64),
        np.empty(most, np.int64),
        np.empty((most, ways.columns), np.int64),
    )
    decisions = kernels.Decisions(
        readonly(ways.moment, np.int64),
        readonly(ways.back, np.int64),
        readonly(decided.corridor, np.int8),
        readonly(decided.late, np.bool_),
        readonly(decided.flagged, np.bool_),
    )
    k = 0
    for part in rows:
        k = kernels.tally(decisions, part, table, k)
    if ways.took is not None:
        moment, bucket = (readonly(column, np.int64) for column in ways.took)
        k = kernels.times(moment, bucket, rows[0], table, k)
    keys = table.keys[:k]
    return Changes(keys // names.width, names.texts(keys % names.width), table.sums[:k])


def _own_rows(decided: Contributions, heads: Array) -> kernels.Rows:
    amounts = np.stack([getattr(decided, name) for name in AMOUNTS], axis=1)
    offsets = np.arange(len(heads) + 1) * heads.shape[1]
    return kernels.Rows(
        readonly(offsets, np.int64), readonly(heads.ravel(), np.int64), readonly(amounts, np.int64), True
    )


def _goods_rows(cells: Cells, codes: Array) -> kernels.Rows:
    amounts = np.stack([getattr(cells, name) for name in AMOUNTS], axis=1)
    return kernels.Rows(
        readonly(cells.offsets, np.int64), readonly(codes, np.int64), readonly(amounts, np.int64), False
    )


class Places:
    """Where n decisions and their goods stand in each dimension of the picture."""

    def __init__(self, decided: Contributions, goods: Goods) -> None:
        self._decided = decided
        office, offices = pd.factorize(decided.office)
        hour, hours = pd.factorize(np.asarray(decided.registered_at, np.int64) // HOUR)
        countries, country = np.unique(goods.origins.key, return_inverse=True)
        clock = hours.astype("datetime64[h]").astype(str).tolist()
        self._labels: dict[str, tuple[int, Labels]] = {
            "service": (1, lambda i: SERVICE),
            "corridor": (len(CORRIDORS), CORRIDORS.__getitem__),
            "office": (len(offices), lambda i: str(offices[i])),
            "direction": (len(DIRECTIONS), DIRECTIONS.__getitem__),
            "transport_mode": (_MODES, lambda i: str(i) if i else UNKNOWN),
            "hour": (len(hours), clock.__getitem__),
            "office_hour": (
                len(offices) * len(hours),
                lambda i: f"{offices[i // len(hours)]}/{clock[i % len(hours)]}",
            ),
            "hs_chapter": (CHAPTERS, lambda i: label("hs_chapter", i)),
            "origin_country": (len(countries), lambda i: label("origin_country", int(countries[i]))),
            "origin_chapter": (len(goods.countries) * CHAPTERS, goods.pair),
        }
        self._heads = {
            "service": np.zeros(len(office), np.int64),
            "corridor": decided.corridor,
            "office": office,
            "direction": decided.direction,
            "transport_mode": decided.transport_mode,
            "hour": hour,
            "office_hour": office * len(hours) + hour,
        }
        self._goods = {
            "hs_chapter": (goods.chapters, goods.chapters.key),
            "origin_country": (goods.origins, country),
            "origin_chapter": (goods.pairs, goods.pairs.key),
        }

    def tally(self, dimensions: tuple[str, ...], ways: Ways) -> Changes:
        """Changes in some dimensions; decision times are told of the decisions' own."""
        names = Names(*((name, *self._labels[name]) for name in dimensions))
        own = {name: place for name, place in self._heads.items() if name in dimensions}
        heads = names.codes(**own) if own else np.empty((len(self._decided.corridor), 0), np.int64)
        goods = [(name, *found) for name, found in self._goods.items() if name in dimensions]
        codes = [names.code(name, place) for name, _, place in goods]
        return tally(self._decided, ways, heads, [cells for _, cells, _ in goods], codes, names)
