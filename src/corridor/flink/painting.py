"""The UDF that paints: cells of the picture to picture.v1 bytes."""

from typing import Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.picture_views import MEASURES, MINUTE
from corridor.flink.worker import series, true_print

_DAY = 1440
_WEEK = 7 * _DAY
_MONDAY = 3 * _DAY


class Paint(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """moment (minute), cell, whether losses are known, measures of day and week -> picture.v1.

    An array of two messages: the cell since midnight, and since Monday.
    """

    def open(self, function_context: Any) -> None:
        """Load the encoder, once a worker."""
        del function_context
        with true_print():
            from corridor.messages.picture import encode_columns  # noqa: PLC0415  # numba needs the true print
            from corridor.picture.changes import cell_of  # noqa: PLC0415
        self._encode, self._cell_of = encode_columns, cell_of

    def eval(self, moment: Any, cell: Any, known: Any, *measures: Any) -> "pd.Series[Any]":
        """Encode one batch of cells."""
        n, minute = len(moment), moment.to_numpy(np.int64)
        dimension, value = zip(*map(self._cell_of, series(cell, n).tolist()), strict=True)
        told = series(known, n).to_numpy(np.bool_)
        columns = np.stack([series(column, n).to_numpy(np.int64) for column in measures], axis=1)
        end, width = (minute + 1) * MINUTE, len(MEASURES)
        day = minute // _DAY * _DAY * MINUTE
        week = ((minute + _MONDAY) // _WEEK * _WEEK - _MONDAY) * MINUTE
        days = self._encode("day", day, end, dimension, value, columns[:, :width], told)
        weeks = self._encode("week", week, end, dimension, value, columns[:, width:], told)
        return pd.Series(list(zip(days, weeks, strict=True)))


def paint_function() -> Any:
    """The UDF to register as `paint_picture`."""
    return udf(
        Paint(), result_type=DataTypes.ARRAY(DataTypes.BYTES()), func_type="pandas", name="paint_picture"
    )
