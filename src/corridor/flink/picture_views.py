"""The picture of the day as SQL: changes of cells by minute, totals rolling from midnight and from Monday.

What a decision changes is stated in `corridor.picture.changes`; a batch of decisions comes with the
changes that it makes together. All sums are of integers, so their order is of no matter.
"""

from typing import Any, Final

from corridor.flink.views import kept_for_years, view
from corridor.messages.tokens import token
from corridor.picture.changes import DAILY, DAY, MONDAY, SEPARATOR, WEEK, cell_name
from corridor.picture.changes import MEASURES as CHANGED
from corridor.picture.hourly import SERVICE
from corridor.picture.times import TIMES

MEASURES: Final = (*CHANGED, "rejected", "duplicates")
"""What is summed in each cell; TIMES, where decision times are told, come behind them."""
PERIODS: Final = ("day", "week")
_EVERYTHING: Final = cell_name("service", SERVICE)


def changes(tables: Any, decided: str, name: str, of: str = "", more: tuple[str, ...] = ()) -> None:
    """View `name`: each changed cell with its moment and its sums.

    of: what the columns `cells` and `sums` begin with; more: sums behind those of every cell.
    """
    columns = ("moment", "hashed", *CHANGED, *more)
    numbers = ", ".join(
        f"{of}sums[(i - 1) * {len(columns)} + {k}] AS {column}" for k, column in enumerate(columns, 1)
    )
    view(
        tables,
        name,
        f"SELECT cell, {numbers} FROM {decided} CROSS JOIN UNNEST({of}cells) WITH ORDINALITY AS c (cell, i)",
    )


def taken_back(tables: Any, decided: str, name: str, kept: str) -> None:
    """Views `name` and `timed_name`: what is taken back of versions that were superseded, from the decisions on them.

    In streaming mode a version is added when it is decided on, and its successor comes later: what the picture
    took of it waits in state (until `table.exec.state.ttl`) for the version that takes its place. decided:
    decisions only; kept: columns that the function `taken_back` is given before the time of the successor.
    """
    columns = ", ".join(f"earlier.{column}" for column in kept.split(", "))
    view(
        tables,
        f"{name}_decisions",
        f"SELECT {columns}, later.registered_at AS superseded_at FROM {decided} AS later JOIN {decided} AS earlier "
        "ON later.declaration_id = earlier.declaration_id AND later.supersedes = earlier.version "
        "WHERE later.supersedes IS NOT NULL AND earlier.act <> 2",
    )
    view(
        tables,
        f"{name}_rows",
        f"SELECT taken_back({kept}, superseded_at) AS c FROM {name}_decisions",
    )
    told = "SELECT c.cells, c.sums, c.timed_cells, c.timed_sums"
    view(tables, f"{name}_changes", f"{told} FROM {name}_rows")
    changes(tables, f"{name}_changes", name)
    changes(tables, f"{name}_changes", f"timed_{name}", "timed_", TIMES)


def minutes(tables: Any, source: str, name: str, losses: str | None) -> None:
    """View `name`: what changed in each minute, by cell.

    losses: a view (moment, rejected, duplicates) of what was not decided; None where that is not known.
    """
    sums = ", ".join(f"SUM({measure}) AS {measure}" for measure in MEASURES)
    keys = "moment, hashed, cell"
    view(tables, name, f"SELECT {keys}, {sums} FROM ({_with_losses(source, losses)}) GROUP BY {keys}")


def _with_losses(source: str, losses: str | None, more: tuple[str, ...] = ()) -> str:
    zero = "CAST(0 AS BIGINT)"
    query = (
        f"SELECT moment, hashed, cell, {', '.join((*CHANGED, *more))}, {zero} AS rejected, {zero} AS duplicates "
        f"FROM {source}"
    )
    if losses is None:
        return query
    zeros = ", ".join([zero] * len((*CHANGED, *more)))
    return (
        f"{query} UNION ALL SELECT moment, CAST({token(_EVERYTHING)} AS BIGINT), '{_EVERYTHING}', {zeros}, rejected, "
        f"duplicates FROM {losses}"
    )


def rolling(tables: Any, source: str, name: str, known_losses: bool) -> None:
    """View `name`: picture.v1 of each cell that changed, minute by minute, for its day and its week.

    The day stands in its week's key and leads the week's order, so that one sort serves both; a cell's
    token leads its name, so that the sort compares numbers.
    """
    frame = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    sums = ", ".join(
        f"SUM({measure}) OVER by_{period} AS {period}_{measure}" for period in PERIODS for measure in MEASURES
    )
    view(
        tables,
        f"{name}_sums",
        f"SELECT moment, cell, {sums} FROM (SELECT *, {_start('week')} AS in_week, {_start('day')} AS in_day "
        f"FROM {source}) "
        f"WINDOW by_week AS (PARTITION BY hashed, cell, in_week ORDER BY in_day, moment {frame}), "
        f"by_day AS (PARTITION BY hashed, cell, in_week, in_day ORDER BY moment {frame})",
    )
    painted = ", ".join(_painted(f"'{period}'", known_losses, f"{period}_") for period in PERIODS)
    view(tables, f"{name}_painted", f"SELECT ARRAY[{painted}] AS cells FROM {name}_sums")
    view(
        tables,
        name,
        f"SELECT payload FROM {name}_painted CROSS JOIN UNNEST(cells) AS c (payload) WHERE payload IS NOT NULL",
    )


def upserts(tables: Any, job: Any, decided: str, losses: str | None) -> None:
    """Write the picture as it stands: views `added` and those of `taken_back` named `back` must stand before.

    Cells that tell how long decisions took carry so many sums more that they go a way of their own, to a sink of
    their own: where two ways met before one, Flink would send it of each update what stood before as well.
    """
    changes(tables, decided, "timed_added", "timed_", TIMES)
    view(tables, "changes", "SELECT * FROM added UNION ALL SELECT * FROM back")
    view(tables, "timed_changes", "SELECT * FROM timed_added UNION ALL SELECT * FROM timed_back")
    standing(tables, "changes", None, "painted")
    standing(tables, "timed_changes", losses, "timed_painted", TIMES)
    job.add_insert_sql("INSERT INTO picture SELECT * FROM painted")
    job.add_insert_sql("INSERT INTO picture_timed SELECT * FROM timed_painted")


def standing(tables: Any, source: str, losses: str | None, name: str, more: tuple[str, ...] = ()) -> None:
    """View `name`: picture.v1 of each cell as it stands, renewed as it changes.

    What is late joins its own day: these groups have no watermark. Their key is that of the sink, so that
    an update needs no word on what stood before. more: sums behind those of every cell.
    """
    given = _with_losses(source, losses, more)
    of_a_day = " AND ".join(f"NOT STARTSWITH(cell, '{dimension}{SEPARATOR}')" for dimension in DAILY)
    view(
        tables,
        f"{name}_periods",
        f"SELECT 'day' AS `period`, {_start('day')} AS start_minute, * FROM ({given}) UNION ALL "
        f"SELECT 'week' AS `period`, {_start('week')} AS start_minute, * FROM ({given}) WHERE {of_a_day}",
    )
    keys = "`period`, start_minute, cell"
    sums = ", ".join(f"SUM({measure}) AS {measure}" for measure in (*MEASURES, *more))
    view(
        tables,
        f"{name}_sums",
        f"SELECT {kept_for_years(f'{name}_periods')} {keys}, MAX(moment) AS moment, {sums} "
        f"FROM {name}_periods GROUP BY {keys}",
    )
    painted = _painted("`period`", losses is not None, "", more)
    view(
        tables,
        name,
        f"SELECT {keys}, {painted} AS payload FROM {name}_sums",
    )


def _start(period: str) -> str:
    """The minute at which the period of `moment` begins."""
    if period == "day":
        return f"moment / {DAY} * {DAY}"
    return f"(moment + {MONDAY}) / {WEEK} * {WEEK} - {MONDAY}"


def _painted(period: str, known_losses: bool, prefix: str, more: tuple[str, ...] = ()) -> str:
    given = ", ".join(f"{prefix}{measure}" for measure in (*MEASURES, *more))
    return f"paint_picture({period}, moment, cell, {str(known_losses).upper()}, {given})"
