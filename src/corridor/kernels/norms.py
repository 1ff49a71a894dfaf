"""How far a value lies from its norm cell: robust z, ratio, band, outlier."""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

MEDIAN, CENTRE, SCALE, P1, P5, P95, P99, FENCE_LOW, FENCE_HIGH = range(9)
CELL_WIDTH: Final = 9
"""Columns of a cell: median of ln x, its exponential, 1.4826 MAD of ln x, quantiles and fences of x."""


class NormScore(NamedTuple):
    """float64[m] each; NaN where x is missing, not positive or infinite, or no cell serves.

    z: robust deviations of ln x; ratio: x by the cell's median; band: 0 below p1, 1 below p5,
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
def _score(cells: Any, levels: Any, rows: Any, x: Any, out: Any) -> None:
    for i in range(x.shape[0]):
        row, value = rows[i], x[i]
        if row < 0 or not 0.0 < value < np.inf:
            out[:, i] = np.nan
            continue
        cell = cells[row]
        out[0, i] = (math.log(value) - cell[MEDIAN]) / cell[SCALE]
        out[1, i] = value / cell[CENTRE]
        out[2, i] = _band(value, cell[P1], cell[P5], cell[P95], cell[P99])
        out[3, i] = levels[row]
        out[4, i] = 1.0 if value < cell[FENCE_LOW] or value > cell[FENCE_HIGH] else 0.0


def score(cells: Any, levels: Any, rows: Any, x: Any) -> NormScore:
    """Score x float64[m] against cells float64[k, 9], levels int8[k], at rows int64[m] (-1: none)."""
    values = readonly(x, np.float64)
    out = np.empty((5, len(values)))
    _score(readonly(cells, np.float64), readonly(levels, np.int8), readonly(rows, np.int64), values, out)
    return NormScore(*out)
