"""The job `picture`: decisions to the picture of the day and of the week; its whole way on a page."""

from typing import Any

from corridor.flink import bin_views, picture_views, views
from corridor.flink.changing import READ, change_function, read_function, take_back_function
from corridor.flink.environment import Mode
from corridor.flink.painting import Painter, paint_function
from corridor.flink.statements import Statements
from corridor.flink.views import view
from corridor.flink.watching import Watch, watched
from corridor.picture.forecast import Prospect

COUNTS = "standing BOOLEAN, corridor TINYINT, n BIGINT"
"""Columns of the table `counts`, from which the run's summary is made."""


def picture(
    tables: Any,
    progress: str | None,
    mode: Mode = "batch",
    live: bool = False,
    prospect: Prospect | None = None,
    bins: bool = False,
    watch: Watch | None = None,
) -> Any:
    """The statements of the job; tables `lines`, `picture`, and with files `counts` must stand before.

    A decision's version is taken back when a later one is decided on; of one that is told twice the first counts. What
    is no decision ends a run over files, which somebody started, and is counted by one over topics, which has to go on.
    live: the decisions are made as they come, so the times that they took are told; prospect: payments planned; bins:
    with files, write the detector's totals into the table `bins`; watch: with topics, the detector beside it, which
    needs the tables `detected` and, live, `ticks`.
    """
    streaming = mode == "streaming"
    tables.create_temporary_function("read_decision", read_function(progress, passes=streaming))
    tables.create_temporary_function(
        "changes_of", change_function(streaming, live, bins or watch is not None)
    )
    tables.create_temporary_function("taken_back", take_back_function("decisions", live))
    tables.create_temporary_function("paint_picture", paint_function(prospect))
    beside = ("payload", "ts") if watch else ("payload",)
    passed, fields = ", ".join(beside), ", ".join(f"d.{name}" for name in READ.names)
    view(
        tables,
        "decision_rows",
        f"SELECT {passed}, read_decision(payload) AS d FROM lines WHERE payload IS NOT NULL",
    )
    view(
        tables,
        "decisions",
        f"SELECT *, {views.ENTRY} AS entry FROM (SELECT {passed}, {fields}, "
        + ", ".join(f"CAST(0 AS BIGINT) AS {name}" for name in ("hashed_id", "content", "declarant"))
        + (", PROCTIME() AS arrived" if streaming else "")
        + " FROM decision_rows)"
        + " WHERE declaration_id IS NOT NULL" * streaming,
    )
    kept = (*beside, *READ.names, "content")
    views.lineage(tables, "decisions", "known", mode, kept)
    view(
        tables,
        "decided_rows",
        f"SELECT {passed}, {', '.join(READ.names)}, changes_of(payload, version, earlier, versions) AS c "
        "FROM known WHERE standing = 0",
    )
    view(
        tables,
        "decided",
        f"SELECT {passed}, {', '.join(READ.names)}, c.supersedes, c.superseded, "
        + ("c.parts" if streaming else "c.cells, c.sums")
        + ", c.bin_cells, c.bin_sums" * (bins or watch is not None)
        + " FROM decided_rows",
    )
    job = Statements(tables) if streaming else tables.create_statement_set()
    if streaming:
        picture_views.taken_back(tables, "decided", "back", "payload")
        picture_views.upserts(tables, job, "decided", None, Painter(False, prospect))
    else:
        picture_views.changes(tables, "decided", "added")
        picture_views.minutes(tables, "added", "minutes", losses=None)
        picture_views.rolling(tables, "minutes", "rolling", known_losses=False)
        job.add_insert_sql("INSERT INTO picture SELECT payload FROM rolling")
        job.add_insert_sql(
            "INSERT INTO counts SELECT standing, corridor, COUNT(*) FROM "
            "(SELECT act <> 2 AND NOT superseded AS standing, corridor FROM decided) GROUP BY standing, corridor"
        )
    if watch is not None:
        watched(tables, job, "decided", watch, "ticks" if live else None)
    elif bins:
        bin_views.written(tables, job, "decided")
    return job
