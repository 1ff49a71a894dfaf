"""How far a value lies from its norm cell: robust z, ratio, band, outlier.

Where a cell's goods turn with the months, the value is first divided by what its month brings.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

MEDIAN, CENTRE, SCALE, P1, P5, P95, P99, FENCE_LOW, FENCE_HIGH = range(9)
CELL_WIDTH: Final = 9
"""Columns of a cell: median of ln x, its exponential, 1.4826 MAD of ln x, quantiles and fences of x."""


class Seasons(NamedTuple):
    """The turns of k cells over the months: int32[k], each one's row of factor float64[s, 12], -1 for none."""

    row: NDArray[np.int32]
    factor: NDArray[np.float64]


class NormScore(NamedTuple):
    """float64[m] each; NaN where x is missing, not positive or infinite, or no cell serves.

    z: robust deviations of ln x; ratio: x by the cell's median, both in its month; band: 0 below p1, 1 below p5,
    2 inside, 3 above p95, 4 above p99; level: which cell served (0 HS10 x origin, 1 HS6 x origin,
    2 HS6, 3 HS4); outlier: 1.0 outside the fences of the adjusted boxplot, else 0.0.
    """

    z: NDArray[np.float64]
    ratio: NDArray[np.float64]
    band: NDArray[np.float64]
    level: NDArray[np.float64]
    outlier: NDArray[np.float64]


@inline
def _band(x: Any, p1: Any, p5: Any, p95: Any, p99: Any) -> Any:
    if x < p1:
        return 0.0
    if x < p5:
        return 1.0
    if x > p99:
        return 4.0
    if x > p95:
        return 3.0
    return 2.0


@kernel
def _score(cells: Any, levels: Any, seasons: Any, rows: Any, month: Any, x: Any, out: Any) -> None:
    seasonal = seasons.factor.shape[0] > 0
    for i in range(x.shape[0]):
        row, value = rows[i], x[i]
        if row < 0 or not 0.0 < value < np.inf:
            out[:, i] = np.nan
            continue
        cell = cells[row]
        if seasonal and seasons.row[row] >= 0:
            value /= seasons.factor[seasons.row[row], month[i]]
        out[0, i] = (math.log(value) - cell[MEDIAN]) / cell[SCALE]
        out[1, i] = value / cell[CENTRE]
        out[2, i] = _band(value, cell[P1], cell[P5], cell[P95], cell[P99])
        out[3, i] = levels[row]
        out[4, i] = 1.0 if value < cell[FENCE_LOW] or value > cell[FENCE_HIGH] else 0.0


def score(
    cells: Any, levels: Any, rows: Any, x: Any, seasons: Seasons | None = None, month: Any = ()
) -> NormScore:
    """Score x float64[m] against cells float64[k, 9], levels int8[k], at rows int64[m] (-1: none).

    month: int8[m], 0 for January to 11, needed where `seasons` are given. Raises ValueError for other months.
    """
    values, months = readonly(x, np.float64), readonly(month, np.int8)
    out = np.empty((5, len(values)))
    turns = Seasons(np.empty(0, np.int32), np.empty((0, 12))) if seasons is None else seasons
    if len(turns.factor) and (len(months) != len(values) or ((months < 0) | (months > 11)).any()):
        raise ValueError(
            f"cells that turn with the months: give one from 0 to 11 for each of {len(values)} rows"
        )
    _score(
        readonly(cells, np.float64),
        readonly(levels, np.int8),
        Seasons(readonly(turns.row, np.int32), readonly(turns.factor, np.float64)),
        readonly(rows, np.int64),
        months,
        values,
        out,
    )
    return NormScore(*out)
