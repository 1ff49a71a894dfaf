"""Quantiles of decision times from counts that add up: the same under any order, cut and parallelism.

Times are counted in buckets whose bounds grow by a constant factor, so that the middle of a bucket is within
ACCURACY of every time in it. After Masson, Rim and Lee, DDSketch (PVLDB 12, 2019), with a fixed range: nothing is
ever collapsed, so sums of counts are exact, in whatever order they come.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.tally import MEASURES

Array = NDArray[Any]

ACCURACY: Final = 0.05
"""A quantile is told within 5 % of a time that was measured at its rank."""
SHORTEST: Final = 100_000
"""Microseconds; what is shorter is told as this long."""
QUANTILES: Final = (0.5, 0.95, 0.99)
_GROWTH: Final = (1 + ACCURACY) / (1 - ACCURACY)
_BOUNDS: Final = np.rint(SHORTEST * _GROWTH ** np.arange(137)).astype(np.int64)
"""Upper bounds of all buckets but the last, from a tenth of a second to 22 hours; what is longer is told as the last."""
COLUMNS: Final = (len(_BOUNDS) + 1) // 2
"""int64 columns of counts: two of 32 bits in each, so that a sum of 138 buckets is one of 69 numbers."""
TIMES: Final = tuple(f"times_{i}" for i in range(COLUMNS))
WIDTH: Final = MEASURES + COLUMNS
"""Columns of a change's sums with its decision times."""
_TOLD: Final = np.rint(
    np.concatenate([[SHORTEST], _BOUNDS[:-1] * (2 * _GROWTH / (_GROWTH + 1)), _BOUNDS[-1:]]) / 1000
).astype(np.int64)


def buckets(microseconds: Array) -> Array:
    """int64[n]: the bucket of each time from registration to decision; one below 0 is in the first."""
    return np.searchsorted(_BOUNDS, microseconds, side="left")


def milliseconds(columns: Array) -> Array:
    """int64[k, 3]: p50, p95 and p99 in milliseconds of each row of int64[k, COLUMNS], -1 where nothing was counted.

    Of n times the quantile q is the one of rank floor(q * (n - 1)), counted from 0.
    """
    counts = np.stack([columns & 0xFFFFFFFF, columns >> 32], axis=2).reshape(len(columns), 2 * COLUMNS)
    so_far = np.cumsum(counts, axis=1, dtype=np.int64)
    n = so_far[:, -1:]
    rank = np.floor(np.array(QUANTILES) * np.maximum(n - 1, 0)).astype(np.int64)
    at = (so_far[:, None, :] <= rank[:, :, None]).sum(axis=2)
    return np.where(n > 0, _TOLD[np.minimum(at, len(_TOLD) - 1)], -1)
