"""The picture of the day as SQL: signed changes by minute, totals rolling from midnight and from Monday.

A declaration adds to the minute in which it was registered. When a later version supersedes it, the same
amounts are taken back in that version's minute, yet on the superseded one's own day (at its last minute
at the latest), so that every day's final totals hold what stands. A cancellation adds nothing. All sums
are of integers (minor units, grams), so their order is of no matter.
"""

from typing import Any, Final

from corridor.flink.views import view

MINUTE: Final = 60_000_000
_DAY: Final = 1440
"""Minutes."""
_WEEK: Final = 7 * _DAY
_MONDAY: Final = 3 * _DAY
AMOUNTS: Final = ("items", "customs_value", "grams", "duty", "vat")
CORRIDOR_COUNTS: Final = ("green", "blue", "yellow", "red")
MEASURES: Final = ("declarations", *AMOUNTS, *CORRIDOR_COUNTS, "late", "rejected", "duplicates")
"""What is summed in each cell."""

_HOUR: Final = 3_600_000_000


def changes(tables: Any, decided: str, name: str) -> None:
    """View `name`: each decision's signed contribution, with the minute in which it counts."""
    columns = "office, direction, corridor, " + ", ".join((*AMOUNTS, "cells", "amounts", "late"))
    last = f"registered_at / {_DAY * MINUTE} * {_DAY} + {_DAY - 1}"
    own, then = f"registered_at / {MINUTE}", f"superseded_at / {MINUTE}"
    view(
        tables,
        name,
        f"SELECT {own} AS moment, CAST(1 AS BIGINT) AS sign, {columns} FROM {decided} "
        "WHERE act <> 2 AND corridor IS NOT NULL UNION ALL "
        f"SELECT GREATEST({own}, LEAST({then}, {last})), CAST(-1 AS BIGINT), {columns} FROM {decided} "
        "WHERE act <> 2 AND corridor IS NOT NULL AND superseded_at IS NOT NULL",
    )


def minutes(tables: Any, source: str, name: str, losses: str | None) -> None:
    """View `name`: what changed in each minute, by dimension and value.

    losses: a view (moment, rejected, duplicates) of what was not decided; None where that is not known.
    """
    signed = ", ".join(f"SUM(sign * {amount}) AS {amount}" for amount in AMOUNTS)
    rest = ", ".join((*_corridors("sign"), "SUM(CASE WHEN late THEN sign ELSE 0 END) AS late"))
    none = "CAST(0 AS BIGINT), CAST(0 AS BIGINT)"
    view(
        tables,
        f"{name}_heads",
        "SELECT moment, CASE WHEN GROUPING(office) = 0 THEN 'office' WHEN GROUPING(direction) = 0 THEN "
        "'direction' WHEN GROUPING(corridor) = 0 THEN 'corridor' ELSE 'service' END AS dimension, "
        "COALESCE(office, CAST(direction AS STRING), CAST(corridor AS STRING), 'all') AS what, "
        f"SUM(sign) AS declarations, {signed}, {rest}, CAST(0 AS BIGINT) AS rejected, "
        f"CAST(0 AS BIGINT) AS duplicates FROM {source} "
        "GROUP BY GROUPING SETS ((moment), (moment, office), (moment, direction), (moment, corridor))",
    )
    each = ", ".join(f"sign * amounts[(i - 1) * 5 + {k}] AS {amount}" for k, amount in enumerate(AMOUNTS, 1))
    view(
        tables,
        f"{name}_items",
        f"SELECT moment, sign, corridor, late, cell, {each} FROM {source} "
        "CROSS JOIN UNNEST(cells) WITH ORDINALITY AS c (cell, i)",
    )
    summed = ", ".join(f"SUM({amount}) AS {amount}" for amount in AMOUNTS)
    view(
        tables,
        f"{name}_cells",
        "SELECT moment, CASE WHEN cell BETWEEN 0 AND 99 THEN 'hs_chapter' ELSE 'origin_country' END AS "
        f"dimension, CAST(cell AS STRING) AS what, SUM(sign) AS declarations, {summed}, {rest}, {none} "
        f"FROM {name}_items GROUP BY moment, cell",
    )
    parts = [f"SELECT * FROM {name}_heads", f"SELECT * FROM {name}_cells"]
    if losses is not None:
        zeros = ", ".join(["CAST(0 AS BIGINT)"] * (len(MEASURES) - 2))
        parts.append(
            f"SELECT moment, 'service', 'all', {zeros}, SUM(rejected), SUM(duplicates) FROM {losses} GROUP BY moment"
        )
    total = ", ".join(f"COALESCE(SUM({measure}), CAST(0 AS BIGINT)) AS {measure}" for measure in MEASURES)
    view(
        tables,
        name,
        f"SELECT moment, dimension, what, {total} FROM ({' UNION ALL '.join(parts)}) "
        "GROUP BY moment, dimension, what",
    )


def rolling(tables: Any, source: str, name: str, known_losses: bool) -> None:
    """View `name`: picture.v1 of each cell that changed, for its day and its week.

    The day stands in its week's key and leads the week's order, so that one sort serves both.
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
        f"SELECT moment, dimension, what, {sums} FROM (SELECT *, (moment + {_MONDAY}) / {_WEEK} AS in_week, "
        f"moment / {_DAY} AS in_day FROM {source}) "
        f"WINDOW by_week AS (PARTITION BY dimension, what, in_week ORDER BY in_day, moment {frame}), "
        f"by_day AS (PARTITION BY dimension, what, in_week, in_day ORDER BY moment {frame})",
    )
    given = ", ".join(f"{window}_{measure}" for window in ("by_day", "by_week") for measure in MEASURES)
    view(
        tables,
        f"{name}_painted",
        f"SELECT paint_picture(moment, dimension, what, {str(known_losses).upper()}, {given}) AS cells "
        f"FROM {name}_sums",
    )
    view(tables, name, f"SELECT payload FROM {name}_painted CROSS JOIN UNNEST(cells) AS c (payload)")


def hours(tables: Any, decided: str, name: str) -> None:
    """View `name`: hourly totals of originals for the detector, by (moment in hours, dimension, value)."""
    counts = ", ".join(
        ("COUNT(*) AS declarations", "SUM(items) AS items", "SUM(customs_value) AS customs_value")
    )
    rest = ", ".join(_corridors("1"))
    view(
        tables,
        f"{name}_originals",
        f"SELECT registered_at / {_HOUR} AS moment, office, importer, corridor, items, customs_value, cells, "
        f"amounts FROM {decided} WHERE act = 0 AND corridor IS NOT NULL",
    )
    heads = (
        "SELECT moment, CASE WHEN GROUPING(office) = 0 THEN 'office' WHEN GROUPING(importer) = 0 THEN "
        "'importer' ELSE 'service' END AS dimension, COALESCE(office, importer, 'all') AS what, "
        f"CAST(-2 AS BIGINT) AS cell, {counts}, {rest} FROM {name}_originals "
        "GROUP BY GROUPING SETS ((moment), (moment, office), (moment, importer))"
    )
    cells = (
        "SELECT moment, CASE WHEN cell BETWEEN 0 AND 99 THEN 'office/hs_chapter' ELSE "
        f"'office/origin_country' END, office, cell, {counts}, {rest} FROM (SELECT moment, office, corridor, cell, "
        "amounts[(i - 1) * 5 + 1] AS items, amounts[(i - 1) * 5 + 2] AS customs_value "
        f"FROM {name}_originals CROSS JOIN UNNEST(cells) WITH ORDINALITY AS c (cell, i)) "
        "GROUP BY moment, office, cell"
    )
    view(tables, name, f"{heads} UNION ALL {cells}")


def _corridors(sign: str) -> tuple[str, ...]:
    return tuple(
        f"SUM(CASE WHEN corridor = {i} THEN {sign} ELSE 0 END) AS {corridor}"
        for i, corridor in enumerate(CORRIDOR_COUNTS)
    )
