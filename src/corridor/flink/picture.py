"""The job `picture`: decisions to the picture of the day and of the week; its whole way on a page."""

from typing import Any

from corridor.flink import picture_views
from corridor.flink.changing import READ, change_function, read_function
from corridor.flink.painting import paint_function
from corridor.flink.views import view

COUNTS = "standing BOOLEAN, corridor TINYINT, n BIGINT"
"""Columns of the table `counts`, from which the run's summary is made."""


def picture(tables: Any, progress: str | None) -> Any:
    """The statements of the job; tables `lines`, `picture` and `counts` must stand before."""
    tables.create_temporary_function("read_decision", read_function(progress))
    tables.create_temporary_function("changes_of", change_function())
    tables.create_temporary_function("paint_picture", paint_function())
    fields = ", ".join(f"d.{name}" for name in READ.names)
    view(tables, "decision_rows", "SELECT payload, read_decision(payload) AS d FROM lines")
    view(tables, "decisions", f"SELECT payload, {fields} FROM decision_rows")
    view(
        tables,
        "decided",
        "SELECT *, LEAD(registered_at) OVER (PARTITION BY declaration_id ORDER BY version) AS superseded_at "
        "FROM decisions",
    )
    view(tables, "change_rows", "SELECT changes_of(payload, superseded_at) AS c FROM decided")
    view(tables, "changing", "SELECT c.cells, c.sums FROM change_rows")
    picture_views.changes(tables, "changing", "changes")
    picture_views.minutes(tables, "changes", "minutes", losses=None)
    picture_views.rolling(tables, "minutes", "rolling", known_losses=False)

    job = tables.create_statement_set()
    job.add_insert_sql("INSERT INTO picture SELECT payload FROM rolling")
    job.add_insert_sql(
        "INSERT INTO counts SELECT standing, corridor, COUNT(*) FROM "
        "(SELECT act <> 2 AND superseded_at IS NULL AS standing, corridor FROM decided) GROUP BY standing, corridor"
    )
    return job
