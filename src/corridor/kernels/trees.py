"""Gradient-boosted trees as LightGBM has them: contributions along a row's path, calibration.

The decisions are those of LightGBM's `Tree::NumericalDecision` and `CategoricalDecision`
(include/LightGBM/tree.h). For the score of many rows see ranked.py.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

CATEGORICAL: Final = 1
DEFAULT_LEFT: Final = 2
MISSING_ZERO: Final = 1
MISSING_NAN: Final = 2
NEAR_ZERO: Final = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold; what is nearer to 0 counts as 0."""
LARGEST_EXPONENT: Final = 700.0
"""e to it is still a number."""


class Forest(NamedTuple):
    """All trees of a model, their t roots, k nodes, l leaves and w words of category sets in a row.

    A child (or root) c >= 0 is node c, c < 0 is leaf ~c.
    """

    root: NDArray[np.int32]  # [t]
    feature: NDArray[np.int32]  # [k]
    threshold: NDArray[np.float64]  # [k]
    decision: NDArray[np.uint8]  # [k] bit 0 categorical, bit 1 default left, bits 2-3 missing type
    left: NDArray[np.int32]  # [k]
    right: NDArray[np.int32]  # [k]
    first_word: NDArray[np.int32]  # [k] of a categorical node's set in `bits`
    words: NDArray[np.int32]  # [k]
    bits: NDArray[np.uint32]  # [w]
    value: NDArray[np.float64]  # [l]
    expected: NDArray[np.float64]  # [k] mean value of the leaves below, weighted by training rows

    @classmethod
    def of(cls, **arrays: Any) -> "Forest":
        """Bring the arrays to their types."""
        return cls(**{name: readonly(arrays[name], FOREST_TYPES[name]) for name in cls._fields})


FOREST_TYPES: Final[dict[str, np.dtype[Any]]] = dict.fromkeys(Forest._fields, np.dtype(np.int32)) | {
    "threshold": np.dtype(np.float64),
    "decision": np.dtype(np.uint8),
    "bits": np.dtype(np.uint32),
    "value": np.dtype(np.float64),
    "expected": np.dtype(np.float64),
}


@inline
def _is_left(forest: Any, node: Any, x: Any) -> Any:
    """Whether a row with value x of the node's feature goes left."""
    decision = forest.decision[node]
    if decision & CATEGORICAL:
        if not -1.0 < x < 2147483648.0:
            return False
        category = np.int64(x)
        word = category >> 5
        if word >= forest.words[node]:
            return False
        return (forest.bits[forest.first_word[node] + word] >> np.uint32(category & 31)) & np.uint32(1) != 0
    missing = (decision >> 2) & 3
    if abs(x) <= NEAR_ZERO or (missing != MISSING_NAN and math.isnan(x)):
        x = 0.0
    if (missing == MISSING_ZERO and x == 0.0) or (missing == MISSING_NAN and math.isnan(x)):
        return decision & DEFAULT_LEFT != 0
    return x <= forest.threshold[node]


@kernel
def _contributions(forest: Any, rows: Any, out: Any) -> None:
    out[:] = 0.0
    for i in range(rows.shape[0]):
        for tree in range(forest.root.shape[0]):
            node = forest.root[tree]
            while node >= 0:
                feature = forest.feature[node]
                before = forest.expected[node]
                left = _is_left(forest, node, rows[i, feature])
                node = forest.left[node] if left else forest.right[node]
                after = forest.expected[node] if node >= 0 else forest.value[~node]
                out[i, feature] += after - before


@kernel
def _probability(raw: Any, slope: Any, offset: Any, ceiling: Any, out: Any) -> None:
    for i in range(raw.shape[0]):
        out[i] = ceiling / (1.0 + math.exp(-(slope * raw[i] + offset)))


@kernel
def _share(raw: Any, most: Any, out: Any) -> None:
    for i in range(raw.shape[0]):
        out[i] = min(math.exp(min(raw[i], LARGEST_EXPONENT)), most)


def contributions(forest: Forest, rows: Any) -> NDArray[np.float64]:
    """float64[m, F]: what each feature moved the score of rows float64[m, F] from the mean.

    Path contributions (A. Saabas, "Interpreting random forests", 2014): the change of the mean
    leaf value at each split of the way goes to the split's feature. They sum to raw - `mean`.
    """
    table = readonly(rows, np.float64)
    out = np.empty(table.shape)
    _contributions(forest, table, out)
    return out


def mean(forest: Forest) -> float:
    """Work out the mean score over the rows the model was trained on."""
    start = [forest.expected[r] if r >= 0 else forest.value[~r] for r in forest.root]
    return float(sum(start))


def probability(raw_score: Any, slope: float, offset: float, ceiling: float = 1.0) -> NDArray[np.float64]:
    """float64[m]: ceiling / (1 + exp(-(slope * raw + offset)))."""
    scores = readonly(raw_score, np.float64)
    out = np.empty(len(scores))
    _probability(scores, float(slope), float(offset), float(ceiling), out)
    return out


def share(raw_score: Any, most: float) -> NDArray[np.float64]:
    """float64[m]: e^raw, the logarithmic link of a gamma regression, bounded by `most` (under e^700)."""
    scores = readonly(raw_score, np.float64)
    out = np.empty(len(scores))
    _share(scores, float(most), out)
    return out
