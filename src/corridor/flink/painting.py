"""The UDF that paints: cells of the picture to picture.v1 bytes."""

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.worker import series, true_print

if TYPE_CHECKING:
    from corridor.picture.forecast import Prospect


class Paint(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """period, moment (minute), cell, whether losses are known, its measures and counts of times -> picture.v1.

    Null for the week of a dimension that stands with the day alone.
    """

    def __init__(self, prospect: "Prospect | None") -> None:
        self._packed = pickle.dumps(prospect)  # else workers would import numba before the true print is back

    def open(self, function_context: Any) -> None:
        """Load the encoder, once a worker."""
        del function_context
        with true_print():
            from corridor.messages import picture  # noqa: F401, PLC0415  # numba needs the true print
            from corridor.picture import changes, times  # noqa: F401, PLC0415

            self._prospect: Prospect | None = pickle.loads(self._packed)

    def eval(self, period: Any, moment: Any, cell: Any, known: Any, *measures: Any) -> "pd.Series[Any]":
        """Encode one batch of cells."""
        from corridor.picture.changes import DAILY, DAY, MINUTE, MONDAY, WEEK, cell_of  # noqa: PLC0415

        n, minute = len(moment), moment.to_numpy(np.int64)
        dimension, value = zip(*map(cell_of, series(cell, n).tolist()), strict=True)
        # in a stream, what is taken back may overtake what was added: for a moment, never below zero
        columns = np.maximum(
            np.stack([series(column, n).to_numpy(np.int64) for column in measures], axis=1), 0
        )
        told, end = series(known, n).to_numpy(np.bool_), (minute + 1) * MINUTE
        whole, painted = series(period, n).to_numpy(), np.full(n, None)
        starts = {"day": minute // DAY * DAY, "week": (minute + MONDAY) // WEEK * WEEK - MONDAY}
        of_a_day = np.array([name in DAILY for name in dimension], np.bool_)
        for of in set(whole.tolist()):
            rows = np.flatnonzero((whole == of) & ~(of_a_day & (of == "week")))
            named, valued = ([column[i] for i in rows.tolist()] for column in (dimension, value))
            window = starts[of][rows] * MINUTE, end[rows]
            painted[rows] = self._encoded(of, window, named, valued, columns[rows], told[rows])
        return pd.Series(painted)

    def _encoded(
        self, period: Any, window: Any, dimension: list[str], value: list[str], columns: Any, told: Any
    ) -> Any:
        from corridor.messages.picture import MEASURES, Beside, encode_columns  # noqa: PLC0415
        from corridor.picture.times import milliseconds  # noqa: PLC0415

        sums, times = columns[:, : len(MEASURES)], columns[:, len(MEASURES) :]
        plan = None
        if self._prospect is not None:
            payments = sums[:, MEASURES.index("duty")] + sums[:, MEASURES.index("vat")]
            plan = self._prospect.told(period, window, dimension, value, payments)
        beside = Beside(milliseconds(times) if times.shape[1] else None, plan)
        start, end = window
        return encode_columns(period, start, end, dimension, value, sums, told, beside)


def paint_function(prospect: "Prospect | None" = None) -> Any:
    """The UDF to register as `paint_picture`. prospect: the plan of payments, with the norms of its forecast."""
    return udf(Paint(prospect), result_type=DataTypes.BYTES(), func_type="pandas", name="paint_picture")
