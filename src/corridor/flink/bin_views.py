"""The detector's totals as SQL: what a batch adds to cells, summed by bin, and in a stream gathered to a row a bin."""

from typing import Any, Final

from corridor.flink.views import view
from corridor.picture.changes import MEASURES
from corridor.picture.hourly import COUNTS

_SOURCE: Final = {"log_price": "duty"}
"""Counts that stand in another column of the changes (see `changes.by_bin`)."""
SUMS: Final = ", ".join(f"SUM({_SOURCE.get(count, count)}) AS {count}" for count in COUNTS)
_WIDTH: Final = 2 + len(MEASURES)


def added(tables: Any, decided: str, name: str, also: str = "") -> None:
    """View `name`: each cell that a batch added to, with its bin and its sums; also: further columns of `decided`."""
    numbers = ", ".join(f"bin_sums[(i - 1) * {_WIDTH} + {k}] AS {column}" for k, column in enumerate(MEASURES, 3))
    view(
        tables,
        name,
        f"SELECT {also}cell, bin_sums[(i - 1) * {_WIDTH} + 1] AS moment, {numbers} "
        f"FROM {decided} CROSS JOIN UNNEST(bin_cells) WITH ORDINALITY AS c (cell, i)",
    )


def summed(tables: Any, source: str, name: str) -> None:
    """View `name`: totals by cell and bin, of files."""
    view(tables, name, f"SELECT moment, cell, {SUMS} FROM {source} GROUP BY moment, cell")
