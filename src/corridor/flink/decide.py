"""The job `decide`: declarations to decisions, anomalies, rejects and the picture; its whole way on a page."""

from dataclasses import dataclass
from typing import Any

from corridor.flink import accounts, bin_views, histories, picture_views, records, views
from corridor.flink.changing import take_back_function
from corridor.flink.decoding import decode_function
from corridor.flink.environment import Mode
from corridor.flink.judging import Judging, judge_function
from corridor.flink.painting import Painter, losses_function, paint_function
from corridor.flink.statements import Statements
from corridor.flink.trial import Trial
from corridor.flink.views import view
from corridor.flink.watching import Watch, watched
from corridor.kafka.topics import TOPICS
from corridor.picture.changes import MINUTE
from corridor.picture.forecast import Prospect
from corridor.registry.origin import Origin

SINKS = ("decisions", "traces", "anomalies", "rejects", "picture")
COUNTS = "what STRING, act TINYINT, corridor TINYINT, late BOOLEAN, n BIGINT"
"""Columns of the table `counts`, from which the run's summary is made."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the job is to do: with files in batch mode, with topics in streaming mode; the tables must stand before.

    Tables: lines, SINKS, with files `counts`, `failures` and `bins` too. rulebook: a folder, unless `origin` names a
    registry; histories: (party, bucket) pairs;
    replay: declarations keep their own clock; topic: of the declarations, as they are told of; prospect: payments planned.
    """

    rulebook: str
    histories: tuple[tuple[str, str], ...]
    trial: Trial | None = None
    mode: Mode = "batch"
    topic: str = TOPICS["declarations"]
    picture: bool = True
    bins: bool = False
    replay: bool = True
    decided_at: int | None = None
    progress: str | None = None
    origin: Origin | None = None
    prospect: Prospect | None = None


def decide(tables: Any, plan: Plan) -> Any:
    """The statements of the job, ready to be executed."""
    streaming = plan.mode == "streaming"
    names = histories.history_names(plan.histories)
    judging = Judging(
        plan.rulebook,
        names,
        plan.decided_at,
        plan.progress,
        plan.picture,
        plan.bins,
        daily=streaming,
        live=streaming and not plan.replay,
        trial=plan.trial,
        origin=plan.origin,
    )
    tables.create_temporary_function(
        "decode_declaration", decode_function(plan.progress, plan.replay, streaming)
    )
    tables.create_temporary_function("judge_declaration", judge_function(judging))
    tables.create_temporary_function("paint_picture", paint_function(plan.prospect))
    tables.create_temporary_function("pack_losses", losses_function())
    tables.create_temporary_function("taken_back", take_back_function("declarations", judging.live))

    views.decoded(tables, "lines", "decoded", plan.mode)
    view(tables, "declarations", "SELECT * FROM decoded WHERE packed IS NOT NULL")
    views.heads(tables, "declarations", "heads", plan.mode)
    views.lineage(tables, "heads", "lineage", plan.mode)
    view(tables, "on_time", "SELECT * FROM lineage" + " WHERE NOT late" * streaming)
    histories.with_histories(tables, "on_time", "known", plan.mode, plan.histories)
    if streaming:
        view(tables, "late_records", "SELECT * FROM lineage WHERE late")
        histories.with_late(tables, "known", "late_records", "whole", plan.histories)
    else:
        histories.whole(tables, "known", "declarations", "whole", plan.histories)
    views.judged(tables, "whole", "judged", names, timed=streaming)

    job = Statements(tables) if streaming and plan.picture else tables.create_statement_set()
    if streaming:
        records.to_topics(tables, job)
        tables.create_temporary_function("tell_conservation", accounts.conservation_function(plan.topic))
        accounts.conserved(tables, "decoded", "judged", plan.topic, "conserved")
        job.add_insert_sql("INSERT INTO conservation SELECT * FROM conserved")
    else:
        records.to_files(job)
        job.add_insert_sql(f"INSERT INTO failures {_FAILED}")
        job.add_insert_sql(f"INSERT INTO counts {_COUNTED}")
    if plan.picture:
        view(tables, "losses", _LOST)
        if streaming:
            view(tables, "decided", "SELECT * FROM judged WHERE decision IS NOT NULL")
            picture_views.taken_back(tables, "decided", "back", "packed, corridor, late, flagged, remembered")
            picture_views.upserts(tables, job, "judged", "losses", Painter(True, plan.prospect))
        else:
            picture_views.changes(tables, "judged", "added")
            picture_views.minutes(tables, "added", "minutes", "losses")
            picture_views.rolling(tables, "minutes", "rolling", known_losses=True)
            job.add_insert_sql("INSERT INTO picture SELECT payload FROM rolling")
    if plan.bins and streaming:
        watch = Watch(plan.rulebook, plan.origin)
        watched(tables, job, "judged", watch, None if plan.replay else "ticks")
    elif plan.bins:
        bin_views.written(tables, job, "judged")
    return job


_FAILED = "SELECT declaration_id, version, content, registered_at FROM judged WHERE standing = 0 AND decision IS NULL"
FAILURES = "declaration_id STRING, version INT, content BIGINT, registered_at BIGINT"
"""Columns of the table `failures`: declarations that were read but could not be judged."""
_COUNTED = (
    "SELECT 'decided', act, corridor, late, COUNT(*) FROM judged WHERE decision IS NOT NULL "
    "GROUP BY act, corridor, late UNION ALL "
    "SELECT CASE WHEN standing = 1 THEN 'duplicate' ELSE 'conflict' END, CAST(NULL AS TINYINT), "
    "CAST(NULL AS TINYINT), CAST(NULL AS BOOLEAN), COUNT(*) FROM lineage WHERE standing <> 0 GROUP BY standing "
    "UNION ALL SELECT 'rejected', CAST(NULL AS TINYINT), CAST(NULL AS TINYINT), CAST(NULL AS BOOLEAN), COUNT(*) "
    "FROM decoded WHERE reject IS NOT NULL"
)
_LOST = (
    f"SELECT reject_at / {MINUTE} AS moment, CAST(1 AS BIGINT) AS rejected, "
    "CAST(0 AS BIGINT) AS duplicates FROM decoded WHERE reject IS NOT NULL AND reject_at IS NOT NULL UNION ALL "
    f"SELECT registered_at / {MINUTE}, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM judged "
    "WHERE standing = 0 AND decision IS NULL UNION ALL "
    f"SELECT registered_at / {MINUTE}, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM lineage "
    "WHERE standing <> 0"
)
