"""The UDF that paints: cells of the picture to picture.v1 bytes."""

from typing import Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.worker import series, true_print


class Paint(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """period, moment (minute), cell, whether losses are known, its measures -> picture.v1."""

    def open(self, function_context: Any) -> None:
        """Load the encoder, once a worker."""
        del function_context
        with true_print():
            from corridor.messages.picture import encode_columns  # noqa: PLC0415  # numba needs the true print
            from corridor.picture import changes  # noqa: PLC0415
        self._encode, self._changes = encode_columns, changes

    def eval(self, period: Any, moment: Any, cell: Any, known: Any, *measures: Any) -> "pd.Series[Any]":
        """Encode one batch of cells."""
        unit, day, week, monday = (
            getattr(self._changes, name) for name in ("MINUTE", "DAY", "WEEK", "MONDAY")
        )
        n, minute = len(moment), moment.to_numpy(np.int64)
        dimension, value = zip(*map(self._changes.cell_of, series(cell, n).tolist()), strict=True)
        # in a stream, what is taken back may overtake what was added: for a moment, never below zero
        columns = np.maximum(
            np.stack([series(column, n).to_numpy(np.int64) for column in measures], axis=1), 0
        )
        told, end = series(known, n).to_numpy(np.bool_), (minute + 1) * unit
        whole, painted = series(period, n).to_numpy(), np.empty(n, object)
        starts = {"day": minute // day * day, "week": (minute + monday) // week * week - monday}
        for of in set(whole.tolist()):
            rows = np.flatnonzero(whole == of)
            named, valued = ([column[i] for i in rows.tolist()] for column in (dimension, value))
            start = starts[of][rows] * unit
            painted[rows] = self._encode(of, start, end[rows], named, valued, columns[rows], told[rows])
        return pd.Series(painted)


def paint_function() -> Any:
    """The UDF to register as `paint_picture`."""
    return udf(Paint(), result_type=DataTypes.BYTES(), func_type="pandas", name="paint_picture")
