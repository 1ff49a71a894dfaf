"""The detector's totals as SQL: what a batch adds to cells, summed by bin, and in a stream gathered to a row a bin."""

from typing import Any, Final

from corridor.flink.views import view
from corridor.picture.changes import MEASURES
from corridor.picture.hourly import BIN, COUNTS

BINS: Final = "moment BIGINT, cell STRING, " + ", ".join(f"{name} BIGINT" for name in COUNTS)
"""Columns of the table `bins`, which the detector reads at the end of a run over files."""
_SOURCE: Final = {"log_price": "duty"}
"""Counts that stand in another column of the changes (see `changes.by_bin`)."""
SUMS: Final = ", ".join(f"SUM({_SOURCE.get(count, count)}) AS {count}" for count in COUNTS)
SUMS_OF: Final = tuple(dict.fromkeys(_SOURCE.get(count, count) for count in COUNTS))
_WIDTH: Final = 2 + len(MEASURES)


def added(tables: Any, decided: str, name: str, also: str = "") -> None:
    """View `name`: each cell that a batch added to, with its bin and its sums; also: further columns of `decided`."""
    numbers = ", ".join(
        f"bin_sums[(i - 1) * {_WIDTH} + {k}] AS {column}" for k, column in enumerate(MEASURES, 3)
    )
    view(
        tables,
        name,
        f"SELECT {also}cell, bin_sums[(i - 1) * {_WIDTH} + 1] AS moment, {numbers} "
        f"FROM {decided} CROSS JOIN UNNEST(bin_cells) WITH ORDINALITY AS c (cell, i)",
    )


def written(tables: Any, job: Any, decided: str) -> None:
    """The totals of files, by cell and bin, to the table `bins`."""
    added(tables, decided, "bin_changes")
    view(tables, "binned", f"SELECT moment, cell, {SUMS} FROM bin_changes GROUP BY moment, cell")
    job.add_insert_sql("INSERT INTO bins SELECT * FROM binned")


def closed(tables: Any, source: str, name: str, ticks: str | None) -> None:
    """View `name`: a row for each bin that the watermark has passed: its end in seconds, its totals as JSON.

    source: with its event time, `ts`; what comes when its bin is closed is dropped here and counted by Flink
    (`numLateRecordsDropped`): it joins the picture only. ticks: a table whose time goes on where nothing arrives, so
    that silence closes bins too.
    """
    columns = ", ".join(SUMS_OF)
    zeros = ", ".join(["CAST(0 AS BIGINT)"] * len(SUMS_OF))
    also = (
        f" UNION ALL SELECT ts, '', CAST(0 AS BIGINT), {zeros} FROM {ticks} WHERE ts > TO_TIMESTAMP_LTZ(0, 3)"
        if ticks
        else ""
    )
    view(tables, f"{name}_timed", f"SELECT ts, cell, moment, {columns} FROM {source}{also}")
    window = "window_start, window_end"
    view(
        tables,
        f"{name}_cells",
        f"SELECT {window}, cell, moment, {SUMS} FROM TABLE(TUMBLE(TABLE {name}_timed, DESCRIPTOR(ts), "
        f"INTERVAL '{BIN // 60_000_000}' MINUTES)) GROUP BY {window}, cell, moment",
    )
    told = f"JSON_ARRAY(cell, moment, {', '.join(COUNTS)})"
    view(
        tables,
        name,
        f"SELECT UNIX_TIMESTAMP(CAST(window_end AS STRING)) AS ends, CAST('[' || LISTAGG({told}) || ']' AS BYTES) AS cells "
        f"FROM {name}_cells GROUP BY {window}",
    )
