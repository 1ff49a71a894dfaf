"""The raw score of boosted trees, a block of rows at a time and without a branch on the data.

A row's value matters to a forest only through its rank among the thresholds of its feature. So each
value is ranked once (a binary search), and every split of every tree becomes a comparison of small
integers, exact whatever the doubles were. Then, as in QuickScorer (Lucchese et al., SIGIR 2015), all
splits of a tree are applied to all rows instead of following each row's way: leaves are numbered
from left to right, a row starts at leaf 0, and a split moves the rows that stand at the first leaf
of its left side and rank above it to the first leaf of its right side. Splits in pre-order lead each
row to its leaf. Compilers turn that loop into vector instructions, 64 rows in each with AVX-512.
Leaf values are summed in the order of the trees, so that scores equal LightGBM's bit for bit.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly
from corridor.kernels.trees import MISSING_NAN, MISSING_ZERO, NEAR_ZERO

BLOCK: Final = 256
STRIP: Final = 64
LANES: Final = 8
"""Columns of paths that are summed at once; their number is a multiple of it."""
UNROLL: Final = 3
"""Splits in one pass over a block's rows; each tree's splits are filled up to a multiple of it."""
FIRST: Final = 3
"""Steps of a search that are done in one: seven comparisons of a vector cost less than three look-ups a row."""
CATEGORY: Final = 3
"""A kind of ranking beside LightGBM's missing types."""


class RankedForest(NamedTuple):
    """g groups of splits that rank one feature in one way, v columns of ranks, k splits, t trees.

    A group's edges are its thresholds (or categories) rising, filled up with inf to 2^steps; a
    category has its own order in `code`, and one that is not there the rank `unknown`. Columns of
    a group differ in the rank of missing values: 0 goes left everywhere, the greatest right.
    """

    feature: NDArray[np.int32]  # [g]
    kind: NDArray[np.int8]  # [g] missing type, or CATEGORY
    steps: NDArray[np.int32]  # [g]
    first_edge: NDArray[np.int32]  # [g]
    edge: NDArray[np.float64]  # [e]
    code: NDArray[np.int32]  # [e]
    unknown: NDArray[np.int32]  # [g]
    first_column: NDArray[np.int32]  # [g + 1]
    missing: NDArray[np.int32]  # [v]
    first_split: NDArray[np.int32]  # [t + 1]
    column: NDArray[np.int32]  # [k]
    above: NDArray[Any]  # [k] ranks above this move; uint8, or uint16 if 256 are too few
    start: NDArray[Any]  # [k] from this leaf
    target: NDArray[Any]  # [k] to this one
    first_leaf: NDArray[np.int32]  # [t]
    value: NDArray[np.float64]  # [l] leaf values from left to right

    @classmethod
    def of(cls, **arrays: Any) -> "RankedForest":
        """Bring the arrays to their types; `above`, `start` and `target` keep theirs."""
        return cls(**{name: readonly(array, _TYPES.get(name, np.int32)) for name, array in arrays.items()})


_TYPES: Final[dict[str, Any]] = {
    "kind": np.int8,
    "edge": np.float64,
    "value": np.float64,
    "above": None,
    "start": None,
    "target": None,
}


@inline
def _take(columns: Any, first: Any, count: Any, feature: Any, kind: Any, x: Any, gap: Any) -> None:
    """Bring up to 64 values of a feature to the form that is ranked; gap: 1 where one is missing."""
    column = columns[feature, first : first + count]
    if kind == CATEGORY:
        for r in range(count):
            value = column[r]
            x[r] = math.floor(value) if 0.0 <= value < 2147483648.0 else (0.0 if -1.0 < value < 0.0 else -1.0)
            gap[r] = 0
    elif kind == MISSING_NAN:
        for r in range(count):
            value = column[r]
            x[r] = 0.0 if abs(value) <= NEAR_ZERO else value
            gap[r] = math.isnan(value)
    else:
        for r in range(count):
            value = column[r]
            x[r] = value if abs(value) > NEAR_ZERO else 0.0  # NaN is 0 too
            gap[r] = kind == MISSING_ZERO and not abs(value) > NEAR_ZERO


@inline
def _search(edge: Any, steps: Any, x: Any, rank: Any) -> None:
    """rank[r] = number of edges below x[r]; 64 searches abreast.

    The first steps compare all rows with each of a few edges, in vectors; the last ones look edges up row by row.
    """
    last = max(steps - FIRST, 0)
    for r in range(STRIP):
        rank[r] = 0
    for k in range((1 << last) - 1, (1 << steps) - 1, 1 << last):
        bound = edge[k]
        for r in range(STRIP):
            rank[r] += bound < x[r]
    for r in range(STRIP):
        rank[r] <<= last
    for step in range(last - 1, -1, -1):
        half = 1 << step
        for r in range(STRIP):
            rank[r] = rank[r] + half if edge[rank[r] + half - 1] < x[r] else rank[r]


@inline
def _rank(forest: Any, columns: Any, first: Any, count: Any, ranks: Any) -> None:
    """Rank up to 256 rows into ranks[v, 256]."""
    x = np.zeros(STRIP)
    rank = np.zeros(STRIP, np.int64)
    gap = np.zeros(STRIP, np.uint8)
    for strip in range(0, count, STRIP):
        for g in range(forest.feature.shape[0]):
            begin = forest.first_edge[g]
            edge = forest.edge[begin : begin + (1 << forest.steps[g])]
            _take(
                columns, first + strip, min(STRIP, count - strip), forest.feature[g], forest.kind[g], x, gap
            )
            _search(edge, forest.steps[g], x, rank)
            if forest.kind[g] == CATEGORY:
                for r in range(STRIP):
                    known = edge[rank[r]] == x[r]
                    rank[r] = forest.code[begin + rank[r]] if known else forest.unknown[g]
            for column in range(forest.first_column[g], forest.first_column[g + 1]):
                out, missing = ranks[column, strip : strip + STRIP], forest.missing[column]
                for r in range(STRIP):
                    out[r] = missing if gap[r] else rank[r]


@inline
def _lead(forest: Any, ranks: Any, leaves: Any) -> None:
    """Lead a block's rows to their leaves[t, 256] in each tree."""
    above, start, target = forest.above, forest.start, forest.target
    for tree in range(forest.first_leaf.shape[0]):
        leaf = leaves[tree]
        leaf[:] = 0
        for k in range(forest.first_split[tree], forest.first_split[tree + 1], UNROLL):
            x0, above0, start0, target0 = ranks[forest.column[k]], above[k], start[k], target[k]
            x1, above1, start1, target1 = (
                ranks[forest.column[k + 1]],
                above[k + 1],
                start[k + 1],
                target[k + 1],
            )
            x2, above2, start2, target2 = (
                ranks[forest.column[k + 2]],
                above[k + 2],
                start[k + 2],
                target[k + 2],
            )
            for r in range(BLOCK):
                now = leaf[r]
                now = target0 if (now == start0) & (x0[r] > above0) else now
                now = target1 if (now == start1) & (x1[r] > above1) else now
                leaf[r] = target2 if (now == start2) & (x2[r] > above2) else now


@inline
def _sum(forest: Any, leaves: Any, out: Any) -> None:
    """Add the values of a block's leaves to out, tree by tree."""
    for tree in range(forest.first_leaf.shape[0]):
        leaf, value = leaves[tree], forest.value[forest.first_leaf[tree] :]
        for r in range(out.shape[0]):
            out[r] += value[leaf[r]]


@inline
def _sum_paths(forest: Any, paths: Any, leaves: Any, out: Any) -> None:
    """Add the paths to a block's leaves to out, eight groups at once."""
    for r in range(out.shape[0]):
        for first in range(0, out.shape[1], LANES):
            a = b = c = d = e = f = g = h = 0.0
            for tree in range(forest.first_leaf.shape[0]):
                way = paths[forest.first_leaf[tree] + leaves[tree, r], first : first + LANES]
                a, b, c, d = a + way[0], b + way[1], c + way[2], d + way[3]
                e, f, g, h = e + way[4], f + way[5], g + way[6], h + way[7]
            total = out[r, first : first + LANES]
            total[0], total[1], total[2], total[3] = a, b, c, d
            total[4], total[5], total[6], total[7] = e, f, g, h


@kernel
def _raw(forest: Any, columns: Any, out: Any) -> None:
    ranks = np.zeros((forest.missing.shape[0], BLOCK), forest.above.dtype)
    leaves = np.zeros((forest.first_leaf.shape[0], BLOCK), forest.above.dtype)
    out[:] = 0.0
    for first in range(0, columns.shape[1], BLOCK):
        count = min(BLOCK, columns.shape[1] - first)
        _rank(forest, columns, first, count, ranks)
        _lead(forest, ranks, leaves)
        _sum(forest, leaves, out[first : first + count])


@kernel
def _contributions(forest: Any, paths: Any, columns: Any, out: Any) -> None:
    ranks = np.zeros((forest.missing.shape[0], BLOCK), forest.above.dtype)
    leaves = np.zeros((forest.first_leaf.shape[0], BLOCK), forest.above.dtype)
    for first in range(0, columns.shape[1], BLOCK):
        count = min(BLOCK, columns.shape[1] - first)
        _rank(forest, columns, first, count, ranks)
        _lead(forest, ranks, leaves)
        _sum_paths(forest, paths, leaves, out[first : first + count])


def raw(forest: RankedForest, rows: Any) -> NDArray[np.float64]:
    """float64[m]: the sum of the trees over rows float64[m, F], taken without a copy in Fortran order."""
    columns = readonly(np.asarray(rows).T, np.float64)
    out = np.empty(columns.shape[1])
    _raw(forest, columns, out)
    return out


def contributions(forest: RankedForest, paths: Any, rows: Any) -> NDArray[np.float64]:
    """float64[m, W]: what each of W columns moved the score of rows float64[m, F] from the mean.

    paths: float64[l, W], the same for each leaf: all rows at a leaf came the same way to it.
    W is a multiple of LANES.
    """
    columns = readonly(np.asarray(rows).T, np.float64)
    out = np.empty((columns.shape[1], paths.shape[1]))
    _contributions(forest, readonly(paths, np.float64), columns, out)
    return out
