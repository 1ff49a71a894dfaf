"""The UDFs of the picture: cells to picture.v1 bytes, and decisions back to columns."""

from typing import Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.picture_views import AMOUNTS, MEASURES, MINUTE
from corridor.flink.worker import COUNTERS, Counters, series, true_print

_DAY = 1440
_WEEK = 7 * _DAY
_MONDAY = 3 * _DAY


class Paint(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """moment (minute), dimension, what, whether losses are known, measures of day and week -> picture.v1.

    An array of two messages: the cell since midnight, and since Monday.
    """

    def open(self, function_context: Any) -> None:
        """Load the encoder, once a worker."""
        del function_context
        with true_print():
            from corridor.messages import picture  # noqa: PLC0415  # numba needs the true print
        self._picture = picture

    def eval(self, moment: Any, dimension: Any, what: Any, known: Any, *measures: Any) -> "pd.Series[Any]":
        """Encode one batch of cells."""
        n, minute = len(moment), moment.to_numpy(np.int64)
        dimension, what, known = (series(column, n).tolist() for column in (dimension, what, known))
        value, end = labels(dimension, what), ((minute + 1) * MINUTE).tolist()
        columns = [series(column, n).tolist() for column in measures]
        painted = []
        for period, start, part in (
            ("day", minute // _DAY * _DAY, columns[: len(MEASURES)]),
            ("week", (minute + _MONDAY) // _WEEK * _WEEK - _MONDAY, columns[len(MEASURES) :]),
        ):
            cells = zip((start * MINUTE).tolist(), end, dimension, value, known, *part, strict=True)
            painted.append(self._picture.encode_all([self._row(period, *cell) for cell in cells]))
        return pd.Series(list(zip(*painted, strict=True)))

    def _row(
        self, period: Any, start: int, end: int, dimension: str, value: str, known: bool, *cell: int
    ) -> Any:
        declarations, items, customs_value, grams, duty, vat, *corridors = cell[:10]
        late, rejected, duplicates = cell[10:]
        told = known and dimension == "service"
        return self._picture.PictureRow(
            window_start=start,
            window_end=end,
            period=period,
            dimension=dimension,
            value=value,
            declarations=declarations,
            items=items,
            customs_value=customs_value,
            grams=grams,
            duty=duty,
            vat=vat,
            corridors=(corridors[0], corridors[1], corridors[2], corridors[3]),
            late=late,
            rejected=rejected if told else None,
            duplicates=duplicates if told else None,
        )


class Read(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """A decision's bytes -> its columns for the picture, as those of `judging.ROW` of the same names."""

    def __init__(self, progress: str | None) -> None:
        self._progress = progress

    def open(self, function_context: Any) -> None:
        """Load the decoder, once a worker."""
        del function_context
        with true_print():
            from corridor.messages import decision  # noqa: F401, PLC0415  # numba needs the true print
        self._counters = Counters(self._progress)

    def eval(self, payload: Any) -> pd.DataFrame:
        """Read one batch of decisions; InputError, and the run fails, if one is none."""
        from corridor.flink.judging import SUMS, cells_of  # noqa: PLC0415
        from corridor.messages.decision import decode_decisions  # noqa: PLC0415

        decided = decode_decisions(payload.tolist())
        added = decided.contributions
        cells, amounts = cells_of(decided.chapters, decided.origins)
        corridors = np.bincount(added.corridor, minlength=4).tolist()
        for name, n in zip(COUNTERS, (len(payload), 0, len(payload), *corridors), strict=True):
            self._counters.add(name, n)
        columns = {name: getattr(added, name) for name in READ.names if hasattr(added, name)}
        columns |= {"declaration_id": decided.declaration_id, "act": added.function}
        columns |= {"cells": cells, "amounts": amounts}
        columns |= {name: getattr(added, name).astype(np.int64) for name in SUMS}
        return pd.DataFrame({name: columns[name] for name in READ.names})


READ = DataTypes.ROW(
    [
        DataTypes.FIELD("declaration_id", DataTypes.STRING()),
        DataTypes.FIELD("version", DataTypes.INT()),
        DataTypes.FIELD("act", DataTypes.TINYINT()),
        DataTypes.FIELD("registered_at", DataTypes.BIGINT()),
        DataTypes.FIELD("late", DataTypes.BOOLEAN()),
        DataTypes.FIELD("corridor", DataTypes.TINYINT()),
        DataTypes.FIELD("office", DataTypes.STRING()),
        DataTypes.FIELD("direction", DataTypes.TINYINT()),
        *(DataTypes.FIELD(name, DataTypes.BIGINT()) for name in AMOUNTS),
        DataTypes.FIELD("cells", DataTypes.ARRAY(DataTypes.BIGINT())),
        DataTypes.FIELD("amounts", DataTypes.ARRAY(DataTypes.BIGINT())),
    ]
)


def labels(dimension: list[str], what: list[str]) -> list[str]:
    """The value of each cell as outputs write it, from the keys that were grouped by."""
    return [_label(of, key) for of, key in zip(dimension, what, strict=True)]


def _label(dimension: str, key: str) -> str:
    from corridor.messages.columns import CORRIDORS, DIRECTIONS  # noqa: PLC0415
    from corridor.messages.tokens import untoken  # noqa: PLC0415
    from corridor.messages.vocabulary import UNKNOWN  # noqa: PLC0415

    match dimension:
        case "direction":
            return DIRECTIONS[int(key)]
        case "corridor":
            return CORRIDORS[int(key)]
        case "hs_chapter":
            return f"{int(key):02d}" if key != "0" else UNKNOWN
        case "origin_country":
            return (untoken(int(key)) if int(key) > 0 else None) or UNKNOWN
    return key


def paint_function() -> Any:
    """The UDF to register as `paint_picture`."""
    return udf(
        Paint(), result_type=DataTypes.ARRAY(DataTypes.BYTES()), func_type="pandas", name="paint_picture"
    )


def read_function(progress: str | None) -> Any:
    """The UDF to register as `read_decision`."""
    return udf(Read(progress), result_type=READ, func_type="pandas", name="read_decision")
