"""The picture of the day as SQL: changes of cells by minute, totals rolling from midnight and from Monday.

What a decision changes is stated in `corridor.picture.changes`; a batch of decisions comes with the
changes that it makes together. All sums are of integers, so their order is of no matter.
"""

from typing import Any, Final

from corridor.flink.views import view
from corridor.messages.tokens import token

MINUTE: Final = 60_000_000
_DAY: Final = 1440
"""Minutes."""
_WEEK: Final = 7 * _DAY
_MONDAY: Final = 3 * _DAY
_AMOUNTS: Final = ("items", "customs_value", "grams", "duty", "vat")
_CORRIDORS: Final = ("green", "blue", "yellow", "red")
_CHANGED: Final = ("declarations", *_AMOUNTS, *_CORRIDORS, "late")
"""What `corridor.picture.changes` sums, in its order."""
MEASURES: Final = (*_CHANGED, "rejected", "duplicates")
"""What is summed in each cell."""
SERVICE: Final = "service:all"
SERVICE_HASH: Final = token(SERVICE)
HOURLY: Final = ("declarations", "items", "customs_value", *_CORRIDORS)


def changes(tables: Any, decided: str, name: str, cells: str = "cells", sums: str = "sums") -> None:
    """View `name`: each changed cell with its moment and its sums."""
    width = 2 + len(_CHANGED)
    numbers = ", ".join(
        f"{sums}[(i - 1) * {width} + {k}] AS {column}"
        for k, column in enumerate(("moment", "hashed", *_CHANGED), 1)
    )
    view(
        tables,
        name,
        f"SELECT cell, {numbers} FROM {decided} CROSS JOIN UNNEST({cells}) WITH ORDINALITY AS c (cell, i)",
    )


def minutes(tables: Any, source: str, name: str, losses: str | None) -> None:
    """View `name`: what changed in each minute, by cell.

    losses: a view (moment, rejected, duplicates) of what was not decided; None where that is not known.
    """
    columns = ", ".join(_CHANGED)
    zero = "CAST(0 AS BIGINT)"
    parts = [
        f"SELECT moment, hashed, cell, {columns}, {zero} AS rejected, {zero} AS duplicates FROM {source}"
    ]
    if losses is not None:
        zeros = ", ".join([zero] * len(_CHANGED))
        parts.append(
            f"SELECT moment, CAST({SERVICE_HASH} AS BIGINT), '{SERVICE}', {zeros}, rejected, duplicates FROM {losses}"
        )
    sums = ", ".join(f"SUM({measure}) AS {measure}" for measure in MEASURES)
    keys = "moment, hashed, cell"
    view(tables, name, f"SELECT {keys}, {sums} FROM ({' UNION ALL '.join(parts)}) GROUP BY {keys}")


def rolling(tables: Any, source: str, name: str, known_losses: bool) -> None:
    """View `name`: picture.v1 of each cell that changed, for its day and its week.

    The day stands in its week's key and leads the week's order, so that one sort serves both; a cell's
    token leads its name, so that the sort compares numbers.
    """
    frame = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    sums = ", ".join(
        f"SUM({measure}) OVER {window} AS {window}_{measure}"
        for window in ("by_day", "by_week")
        for measure in MEASURES
    )
    view(
        tables,
        f"{name}_sums",
        f"SELECT moment, cell, {sums} FROM (SELECT *, (moment + {_MONDAY}) / {_WEEK} AS in_week, "
        f"moment / {_DAY} AS in_day FROM {source}) "
        f"WINDOW by_week AS (PARTITION BY hashed, cell, in_week ORDER BY in_day, moment {frame}), "
        f"by_day AS (PARTITION BY hashed, cell, in_week, in_day ORDER BY moment {frame})",
    )
    given = ", ".join(f"{window}_{measure}" for window in ("by_day", "by_week") for measure in MEASURES)
    view(
        tables,
        f"{name}_painted",
        f"SELECT paint_picture(moment, cell, {str(known_losses).upper()}, {given}) AS cells FROM {name}_sums",
    )
    view(tables, name, f"SELECT payload FROM {name}_painted CROSS JOIN UNNEST(cells) AS c (payload)")


def hours(tables: Any, source: str, name: str) -> None:
    """View `name`: hourly totals for the detector, by cell and moment in hours."""
    sums = ", ".join(f"SUM({count}) AS {count}" for count in HOURLY)
    view(tables, name, f"SELECT moment, cell, {sums} FROM {source} GROUP BY moment, cell")
