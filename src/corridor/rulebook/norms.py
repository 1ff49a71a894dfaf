"""The norm cells of a rulebook: the finest cell with enough declarations serves an item."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import lookup
from corridor.kernels.norms import CELL_WIDTH, NormScore, Seasons, score
from corridor.rulebook.parquet import Columns

MEASURES: Final = ("value_per_kg", "value_per_unit", "kg_per_unit")
PER_UNIT: Final = ("value_per_unit", "kg_per_unit")
LEVEL_DIGITS: Final = ((7, 10), (6, 6), (6, 6), (4, 4))
"""Least and most digits of `hs` by level: HS10 x origin, HS6 x origin, HS6, HS4."""
MAD_TO_DEVIATION: Final = 1.4826
"""Makes the median absolute deviation of a normal sample its standard deviation."""
MAD_FLOOR: Final = 0.05
"""No cell knows a price closer than about 5 %: a constant cell must not make a cent's
difference infinitely far away."""
MOST_MEDIAN: Final = 100.0
"""The logarithm of 10^43: no price."""
MONTHS: Final = tuple(f"month_{k:02d}" for k in range(1, 13))
"""Columns that may be there: what each month adds to the logarithm of a measure; 0 where empty."""
MOST_TURN: Final = 5.0
"""The logarithm of 148: no month brings more."""
_COLUMNS: Final = ("measure", "level", "hs", "origin", "unit", "n", "median", "mad")
_QUANTILES: Final = ("p1", "p5", "p95", "p99", "fence_low", "fence_high")


@dataclass(frozen=True)
class Cells:
    """The k cells of one measure: hash table, numbers float64[k, 9], levels int8[k], their turns over the months."""

    table: NDArray[np.int64]
    numbers: NDArray[np.float64]
    levels: NDArray[np.int8]
    seasons: Seasons | None = None

    @classmethod
    def empty(cls) -> "Cells":
        """Make a table without cells."""
        return cls(lookup.build([])[0], np.empty((0, CELL_WIDTH)), np.empty(0, np.int8))


@dataclass(frozen=True)
class NormTable:
    """Norm cells by measure (see MEASURES)."""

    cells: dict[str, Cells]

    @classmethod
    def empty(cls) -> "NormTable":
        """Make a table that scores everything NaN."""
        return cls({measure: Cells.empty() for measure in MEASURES})

    @classmethod
    def load(cls, path: Path, n_min: int = 30) -> "NormTable":
        """Read norms.parquet; cells with fewer than `n_min` declarations are left out.

        Raises RulebookError naming file, column or row.
        """
        columns = Columns(path, (*_COLUMNS, *_QUANTILES), MONTHS)
        names = columns.texts("measure")
        columns.refuse(~np.isin(names, MEASURES), f"measure is none of {', '.join(MEASURES)}")
        _check(columns, names)
        enough = columns.integers("n") >= n_min
        return cls({measure: _cells(columns, (names == measure) & enough) for measure in MEASURES})

    @property
    def seasonal(self) -> bool:
        """Whether goods of a cell turn with the months, so that `score` needs these."""
        return any(cells.seasons is not None for cells in self.cells.values())

    def score(self, measure: str, hs: Any, origin: Any, unit: Any, x: Any, month: Any = ()) -> NormScore:
        """Score m items: hs int64[m] hs_tokens, origin and unit int64[m] tokens, x float64[m].

        month: int8[m], 0 for January to 11; only looked at where `seasonal`. `measure` is one of MEASURES; the unit
        does not matter to value_per_kg, and items without one have no cell of the other two.
        """
        cells = self.cells[measure]
        codes = np.asarray(hs, np.int64)
        if measure in PER_UNIT:
            codes = np.where(np.asarray(unit) == 0, 0, codes)
        else:
            unit = np.zeros(len(codes), np.int64)
        rows = lookup.back_off(cells.table, codes, origin, unit)
        return score(cells.numbers, cells.levels, rows, x, cells.seasons, month)


def _check(columns: Columns, names: NDArray[np.object_]) -> None:
    level, hs = columns.integers("level"), columns.tokens("hs", hs=True)
    columns.refuse((level < 0) | (level > 3), "level is not 0, 1, 2 or 3")
    digits = np.where(hs > 0, hs & 15, 0)
    least, most = np.array(LEVEL_DIGITS).T
    columns.refuse(
        (digits < least[level]) | (digits > most[level]),
        "hs must have 7 to 10 digits at level 0, 6 at levels 1 and 2, 4 at level 3",
    )
    origin, unit = columns.tokens("origin"), columns.tokens("unit")
    columns.refuse((origin != 0) != (level < 2), "levels 0 and 1 need an origin, levels 2 and 3 none")
    columns.refuse((unit != 0) != np.isin(names, PER_UNIT), "per-unit measures need a unit, others none")
    columns.refuse(
        ~(np.abs(columns.numbers("median")) < MOST_MEDIAN), "median is no logarithm of a price or weight"
    )
    mad = columns.numbers("mad")
    columns.refuse(~np.isfinite(mad) | (mad < 0), "mad is not a finite number of at least 0")
    for name in MONTHS if columns.has(MONTHS[0]) else ():
        columns.refuse(~(np.abs(_turn(columns, name)) <= MOST_TURN), f"{name} is no logarithm of a factor")


def _cells(columns: Columns, keep: NDArray[np.bool_]) -> Cells:
    rows = np.flatnonzero(keep)
    keys = lookup.mix(columns.tokens("hs", hs=True), columns.tokens("origin"), columns.tokens("unit"))
    table, repeated = lookup.build(keys[rows])
    if repeated >= 0:
        raise columns.fail(int(rows[repeated]), "a second row for the same cell; keep one")
    median = columns.numbers("median")
    scale = MAD_TO_DEVIATION * np.maximum(columns.numbers("mad"), MAD_FLOOR)
    quantiles = [columns.numbers(name) for name in _QUANTILES]
    numbers = np.stack([median, np.exp(median), scale, *quantiles], axis=1)[rows]
    return Cells(table, numbers, columns.integers("level")[rows].astype(np.int8), _seasons(columns, rows))


def _turn(columns: Columns, name: str) -> NDArray[np.float64]:
    """float64[n] of a month; an empty cell is 0."""
    values = columns.numbers(name)
    return np.where(columns.empty(name), 0.0, values)


def _seasons(columns: Columns, rows: NDArray[np.intp]) -> Seasons | None:
    """The turns over the months of the cells in `rows`; None where none has any."""
    if not columns.has(MONTHS[0]):
        return None
    effects = np.stack([_turn(columns, name)[rows] for name in MONTHS], axis=1)
    turning = (effects != 0).any(axis=1)
    if not turning.any():
        return None
    row = np.where(turning, np.cumsum(turning) - 1, -1).astype(np.int32)
    return Seasons(row, np.exp(effects[turning]))
