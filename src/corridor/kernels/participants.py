"""A participant's record by its row in the rulebook's table."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import kernel, readonly

NOT_SEEN: Final = int(np.iinfo(np.int64).min)
"""`first_seen` of a participant that is not in the table."""


class ParticipantRows(NamedTuple):
    """n participants; one that is not in the table has coefficient 0, no declarations, NOT_SEEN.

    known: bool[n]; coefficient: float64[n] in [-1, 1]; declarations: int64[n] in the fitted
    history; first_seen: int64[n], microseconds since 1970; daily: float64[n], declarations a day.
    """

    known: NDArray[np.bool_]
    coefficient: NDArray[np.float64]
    declarations: NDArray[np.int64]
    first_seen: NDArray[np.int64]
    daily: NDArray[np.float64]


@kernel
def _gather(numbers: Any, times: Any, rows: Any, known: Any, reals: Any, counts: Any) -> None:
    for i in range(rows.shape[0]):
        row = rows[i]
        known[i] = row >= 0
        if row < 0:
            reals[:, i] = 0.0
            counts[0, i] = 0
            counts[1, i] = NOT_SEEN
            continue
        reals[0, i] = numbers[row, 0]
        reals[1, i] = numbers[row, 1]
        counts[0, i] = times[row, 0]
        counts[1, i] = times[row, 1]


def gather(numbers: Any, times: Any, rows: Any) -> ParticipantRows:
    """Gather rows int64[n] (-1: none) of a table.

    numbers float64[k, 2]: coefficient, daily; times int64[k, 2]: declarations, first_seen.
    """
    wanted = readonly(rows, np.int64)
    known = np.empty(len(wanted), np.bool_)
    reals = np.empty((2, len(wanted)))
    counts = np.empty((2, len(wanted)), np.int64)
    _gather(readonly(numbers, np.float64), readonly(times, np.int64), wanted, known, reals, counts)
    return ParticipantRows(known, reals[0], counts[0], counts[1], reals[1])
