"""The views between decoding and judging, as SQL: records, lineage, histories. Batch and streaming alike."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from corridor.flink.environment import Mode

_US: Final = {"hour": 3_600_000_000, "day": 86_400_000_000}
_MONDAY: Final = 3
"""1970-01-01 was a Thursday: a week's number counts from the Monday before it."""
_SALTS: Final = 1024
"""A missing party is no party: its rows are spread over so many keys, so that none of them is a giant."""
_SO_FAR: Final = {"batch": "registered_at, version, content", "streaming": "ts"}
_INSTANT: Final = {"batch": "registered_at", "streaming": "ts"}
_CARRIED: Final = "declaration_id, version, act, registered_at, importer, declarant, exporter, content, customs_value, packed"


def view(tables: Any, name: str, query: str) -> None:
    """Name a query. A view that several others read is planned, and run, once."""
    tables.create_temporary_view(name, tables.sql_query(query))


def decoded(tables: Any, source: str, name: str) -> None:
    """View `name`: what was read from each payload, or its reject."""
    time = ", ts" if _is_timed(tables, source) else ""
    view(
        tables,
        f"{name}_rows",
        f"SELECT decode_declaration(payload, ingested_at, origin) AS d{time} FROM {source}",
    )
    fields = "reject reject_at declaration_id version act registered_at content importer declarant exporter"
    chosen = ", ".join(f"d.{field}" for field in f"{fields} customs_value packed".split())
    view(tables, name, f"SELECT {chosen}{time} FROM {name}_rows")


def lineage(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: which record of an identity stands, and what came before it, from one window.

    The window gathers what is known of a declaration_id so far, oldest first: one number for most, a
    handful for those with amendments. standing: 0 the first of its version, 1 a duplicate of that, 2 a
    conflict with it. Only amendments and cancellations carry the arrays on. In batch mode the
    future is known too: `all_versions` and `all_times` tell what supersedes a record.
    """
    time, future, later = ("", "", "all_versions, all_times")
    if mode == "streaming":
        time, later = (
            ", ts",
            "CAST(NULL AS ARRAY<INT>) AS all_versions, CAST(NULL AS ARRAY<BIGINT>) AS all_times",
        )
    window = f"PARTITION BY declaration_id ORDER BY {_SO_FAR[mode]} ROWS BETWEEN UNBOUNDED PRECEDING AND"
    windows = f"so_far AS ({window} CURRENT ROW)"
    if mode == "batch":
        windows += f", everything AS ({window} UNBOUNDED FOLLOWING)"
        future = (
            ", ARRAY_AGG(version) OVER everything AS every_version"
            ", ARRAY_AGG(registered_at) OVER everything AS every_time"
        )
        later = (
            "CASE WHEN CARDINALITY(every_version) > 1 THEN every_version END AS all_versions, "
            "CASE WHEN CARDINALITY(every_version) > 1 THEN every_time END AS all_times"
        )
    view(
        tables,
        f"{name}_known",
        f"SELECT {_CARRIED}{time}, ARRAY_AGG(version) OVER so_far AS known_versions, "
        "ARRAY_AGG(content) OVER so_far AS known_contents, "
        "ARRAY_AGG(CASE WHEN act = 0 THEN declarant ELSE 0 END) OVER so_far AS known_declarants"
        f"{future} FROM {source} WINDOW {windows}",
    )
    first = "ARRAY_POSITION(known_versions, version)"
    view(
        tables,
        name,
        f"SELECT {_CARRIED}{time}, CASE WHEN {first} = CARDINALITY(known_versions) THEN 0 "
        f"WHEN known_contents[{first}] = content THEN 1 ELSE 2 END AS standing, "
        "CASE WHEN act <> 0 THEN known_versions END AS known_versions, "
        f"CASE WHEN act <> 0 THEN known_declarants END AS known_declarants, {later} FROM {name}_known",
    )


def history_names(histories: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Columns of the histories, in order: importer_day_count, importer_day_value ..."""
    return tuple(f"{party}_{bucket}_{what}" for party, bucket in histories for what in ("count", "value"))


def with_histories(
    tables: Any, source: str, name: str, mode: Mode, histories: Sequence[tuple[str, str]]
) -> None:
    """View `name`: `source` with running counts and sums of originals by party and calendar bucket.

    One OVER view a (party, bucket): all aggregates of a SELECT must share their window, so views are
    chained. The bucket stands in the key, so state is one accumulator a key. RANGE takes all records of
    one instant together, so the order of ties is of no matter.
    """
    counted = "standing = 0 AND act = 0"
    view(
        tables,
        f"{name}_0",
        f"SELECT *, CASE WHEN {counted} THEN 1 ELSE 0 END AS counted, "
        f"CASE WHEN {counted} THEN customs_value ELSE 0 END AS counted_value FROM {source}",
    )
    for i, (party, bucket) in enumerate(histories):
        salt = f"CASE WHEN {party} = 0 THEN MOD(content, {_SALTS}) ELSE 0 END"
        view(
            tables,
            f"{name}_{i + 1}",
            f"SELECT *, SUM(counted) OVER w AS {party}_{bucket}_count, "
            f"SUM(counted_value) OVER w AS {party}_{bucket}_value FROM {name}_{i} "
            f"WINDOW w AS (PARTITION BY {party}, {_bucket(bucket)}, {salt} ORDER BY {_INSTANT[mode]} "
            "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        )
    view(tables, name, f"SELECT * FROM {name}_{len(histories)}")


def judged(
    tables: Any, source: str, name: str, histories: Sequence[tuple[str, str]], late: str = "FALSE"
) -> None:
    """View `name`: each record that stands with its verdict; conflicts give their anomaly only."""
    given = ", ".join(
        (
            f"packed, standing = 0, {late}, known_versions, known_declarants, all_versions, all_times",
            *(
                f"CASE WHEN {column.split('_')[0]} = 0 THEN 0 ELSE {column} END"
                for column in history_names(histories)
            ),
        )
    )
    view(
        tables,
        f"{name}_rows",
        f"SELECT declaration_id, version, act, registered_at, content, standing, {late} AS late, "
        f"judge_declaration({given}) AS j FROM {source}",
    )
    fields = (
        "decision trace anomalies corridor office importer direction items customs_value grams duty vat "
        "cells amounts superseded_at"
    )
    chosen = ", ".join(f"j.{field}" for field in fields.split())
    view(
        tables,
        name,
        f"SELECT declaration_id, version, act, registered_at, content, standing, late, {chosen} FROM {name}_rows",
    )


def _bucket(bucket: str) -> str:
    """The number of the calendar bucket, UTC."""
    if bucket == "week":
        return f"(registered_at / {_US['day']} + {_MONDAY}) / 7"
    return f"registered_at / {_US[bucket]}"


def _is_timed(tables: Any, source: str) -> bool:
    return "ts" in tables.from_path(source).get_schema().get_field_names()
