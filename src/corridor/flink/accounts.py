"""Conservation: what became of every record of a partition, counted by batches and summed by SQL.

read = decided + rejected + duplicates + tombstones + waiting, where waiting is what lies in the job's windows.
The sums are state of the job, so they are exact over failures and restarts, and a reader that sees committed
records only sees them agree with the other topics.
"""

import time
from typing import Any, Final

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.metrics import Metrics
from corridor.flink.views import kept_for_years, view
from corridor.flink.worker import series
from corridor.messages.conservation import COUNTS as TOLD
from corridor.messages.conservation import encode, waiting

ACCOUNT: Final = DataTypes.ARRAY(DataTypes.BIGINT())
"""partition and COUNTS of a batch's records in it; null in all rows but the first of a batch, one a partition."""
COUNTS: Final = (*TOLD, "position")
"""position: the greatest offset read, -1 where nothing was read."""
STANDS, DUPLICATE, CONFLICT = range(3)
"""As `views.lineage` tells of a record's standing."""


def read_account(part: Any, place: Any, rejected: Any, empty: Any) -> Any:
    """object[n]: what was read. part, place: int64[n]; rejected, empty: bool[n]."""
    return _spread(part, place, read=np.ones(len(part), np.bool_), rejected=rejected, tombstones=empty)


def judged_account(part: Any, standing: Any, decided: Any) -> Any:
    """object[n]: what was judged. part: int64[n]; standing: int8[n]; decided: bool[n], False where a kernel failed."""
    return _spread(
        part,
        np.full(len(part), -1),
        decided=decided,
        rejected=(standing == STANDS) & ~decided,
        duplicates=standing != STANDS,
        conflicts=standing == CONFLICT,
    )


def _spread(part: Any, place: Any, **flags: Any) -> Any:
    out = np.full(len(part), None)
    parts, of = np.unique(part, return_inverse=True)
    table = np.zeros((len(parts), 1 + len(COUNTS)), np.int64)
    table[:, 0], table[:, -1] = parts, -1
    for name, flag in flags.items():
        table[:, 1 + COUNTS.index(name)] = np.bincount(of[flag], minlength=len(parts))
    np.maximum.at(table[:, -1], of, place)
    for row, account in enumerate(table):
        out[row] = account
    return out


def conserved(tables: Any, read: str, judged: str, topic: str, name: str) -> None:
    """View `name`: of each partition of `topic` its key and conservation.v1, renewed as it changes.

    read, judged: views with a column `account`.
    """
    columns = ", ".join(f"account[{i}] AS {column}" for i, column in enumerate(("part", *TOLD, "place"), 1))
    both = " UNION ALL ".join(
        f"SELECT {columns} FROM {of} WHERE account IS NOT NULL" for of in (read, judged)
    )
    sums = ", ".join(f"SUM({column}) AS {column}" for column in TOLD)
    view(
        tables,
        f"{name}_accounts",
        f"SELECT '{topic}-' || CAST(part AS STRING) AS record_key, * FROM ({both})",
    )
    view(
        tables,
        f"{name}_sums",
        f"SELECT {kept_for_years(f'{name}_accounts')} record_key, MAX(part) AS part, MAX(place) AS place, {sums} "
        f"FROM {name}_accounts GROUP BY record_key",
    )
    given = ", ".join(("part", "place", *TOLD))
    view(tables, name, f"SELECT record_key, tell_conservation({given}) AS payload FROM {name}_sums")


class Tell(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """partition, position, COUNTS -> conservation.v1, and gauges of the same, that a restart sets to what was."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def open(self, function_context: Any) -> None:
        """Make the gauges, once a worker."""
        self._metrics = Metrics(function_context)

    def eval(self, part: Any, place: Any, *counts: Any) -> "pd.Series[Any]":
        """Tell of one batch of partitions."""
        n, now = len(part), time.time_ns() // 1000
        columns = [series(column, n).astype(np.int64).tolist() for column in (part, place, *counts)]
        told = []
        for partition, position, *numbers in zip(*columns, strict=True):
            found = dict(zip(TOLD, numbers, strict=True))
            told.append(encode(self._topic, partition, position, found, now))
            gauges = found | {"waiting": waiting(found), "position": position}
            for name, value in gauges.items():
                self._metrics.tell(f"conservation_{name}", value, partition=str(partition))
        return pd.Series(told)


def conservation_function(topic: str) -> Any:
    """The UDF to register as `tell_conservation`."""
    return udf(Tell(topic), result_type=DataTypes.BYTES(), func_type="pandas", name="tell_conservation")
