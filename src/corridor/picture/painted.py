"""Cells of the picture written as picture.v1, from their sums and with what is planned."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from corridor.messages.picture import MEASURES, Beside, Period, encode_columns
from corridor.picture.cells import cell_of
from corridor.picture.changes import DAY, MINUTE, MONDAY, WEEK
from corridor.picture.times import milliseconds

if TYPE_CHECKING:
    from corridor.picture.forecast import Prospect

_DUTY: Final = MEASURES.index("duty")
_VAT: Final = MEASURES.index("vat")


def start_of(period: Period, minute: Any) -> Any:
    """The minute at which the day, or the week, of a minute begins; of an int or int64[n]."""
    if period == "day":
        return minute // DAY * DAY
    return (minute + MONDAY) // WEEK * WEEK - MONDAY


def painted(
    period: Period,
    minute: Any,
    cells: Sequence[str],
    sums: Any,
    known: Any,
    prospect: "Prospect | None",
) -> list[bytes]:
    """picture.v1 of n cells of one period.

    minute: int64[n], the last that changed a cell; cells: n names; sums: int64[n, 14] in the order of
    messages.picture.MEASURES, or more with counts of decision times behind them (picture.times); known: bool[n], whether
    rejected and duplicates are; prospect: payments planned.
    """
    window = start_of(period, minute) * MINUTE, (minute + 1) * MINUTE
    dimension, value = zip(*map(cell_of, cells), strict=True) if cells else ((), ())
    # in a stream, what is taken back may overtake what was added: for a moment, never below zero
    columns = np.maximum(sums, 0)
    measures, times = columns[:, : len(MEASURES)], columns[:, len(MEASURES) :]
    plan = None
    if prospect is not None:
        payments = measures[:, _DUTY] + measures[:, _VAT]
        plan = prospect.told(period, window, list(dimension), list(value), payments)
    beside = Beside(milliseconds(times) if times.shape[1] else None, plan)
    return encode_columns(period, *window, dimension, value, measures, known, beside)
