"""The picture of the day: of files as SQL, totals rolling from midnight and from Monday; of a stream by its painter.

What a decision changes is stated in `corridor.picture.changes`; a batch of decisions comes with the
changes that it makes together. All sums are of integers, so their order is of no matter.
"""

from typing import Any, Final

from pyflink.common import Types

from corridor.flink.painting import PAINTED, Painter, place
from corridor.flink.statements import Operator, Statements
from corridor.flink.views import view
from corridor.messages.tokens import token
from corridor.picture.changes import DAY, MONDAY, WEEK, cell_name
from corridor.picture.changes import MEASURES as CHANGED
from corridor.picture.hourly import SERVICE

MEASURES: Final = (*CHANGED, "rejected", "duplicates")
"""What is summed in each cell."""
PERIODS: Final = ("day", "week")
_EVERYTHING: Final = cell_name("service", SERVICE)


def changes(tables: Any, decided: str, name: str) -> None:
    """View `name`: each changed cell with its moment and its sums, of files."""
    columns = ("moment", "hashed", *CHANGED)
    numbers = ", ".join(
        f"sums[(i - 1) * {len(columns)} + {k}] AS {column}" for k, column in enumerate(columns, 1)
    )
    view(
        tables,
        name,
        f"SELECT cell, {numbers} FROM {decided} CROSS JOIN UNNEST(cells) WITH ORDINALITY AS c (cell, i)",
    )


def taken_back(tables: Any, decided: str, name: str, kept: str) -> None:
    """View `name`: the picture's parts that are taken back of versions that were superseded.

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
    view(tables, name, f"SELECT taken_back({kept}, superseded_at) AS parts FROM {name}_decisions")


def minutes(tables: Any, source: str, name: str, losses: str | None) -> None:
    """View `name`: what changed in each minute, by cell.

    losses: a view (moment, rejected, duplicates) of what was not decided; None where that is not known.
    """
    sums = ", ".join(f"SUM({measure}) AS {measure}" for measure in MEASURES)
    keys = "moment, hashed, cell"
    view(tables, name, f"SELECT {keys}, {sums} FROM ({_with_losses(source, losses)}) GROUP BY {keys}")


def _with_losses(source: str, losses: str | None) -> str:
    zero = "CAST(0 AS BIGINT)"
    query = (
        f"SELECT moment, hashed, cell, {', '.join(CHANGED)}, {zero} AS rejected, {zero} AS duplicates "
        f"FROM {source}"
    )
    if losses is None:
        return query
    zeros = ", ".join([zero] * len(CHANGED))
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


def upserts(tables: Any, job: Statements, decided: str, losses: str | None, painter: Painter) -> None:
    """Write the picture as it stands: the view `back` of `taken_back` must stand before.

    The parts of a batch reach the painter whole, a few rows of bytes: it sums and paints them. Cell by cell through
    SQL they would cost as much as the decisions do. decided: with a column `parts`; losses: a view (moment, rejected,
    duplicates) of what was not decided; None where that is not known.
    """
    sources = [decided, "back"]
    if losses is not None:
        view(
            tables,
            "packed_losses",
            f"SELECT pack_losses(moment, rejected, duplicates) AS parts FROM {losses}",
        )
        sources.append("packed_losses")
    told = (f"SELECT part FROM {source} CROSS JOIN UNNEST(parts) AS p (part)" for source in sources)
    view(tables, "picture_parts", " UNION ALL ".join(told))
    cells = Operator("picture_parts", painter, PAINTED, key=place, key_type=Types.LONG(), parallelism=None)
    job.put_operator(cells, "INSERT INTO picture SELECT * FROM painter")


def _start(period: str) -> str:
    """The minute at which the period of `moment` begins."""
    if period == "day":
        return f"moment / {DAY} * {DAY}"
    return f"(moment + {MONDAY}) / {WEEK} * {WEEK} - {MONDAY}"


def _painted(period: str, known_losses: bool, prefix: str) -> str:
    given = ", ".join(f"{prefix}{measure}" for measure in MEASURES)
    return f"paint_picture({period}, moment, cell, {str(known_losses).upper()}, {given})"
