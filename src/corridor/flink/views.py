"""The views between decoding and judging, as SQL: records, lineage, histories. Batch and streaming alike."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from corridor.flink.environment import Mode
from corridor.rulebook.fields import BUCKETS, PARTIES

_US: Final = {"hour": 3_600_000_000, "day": 86_400_000_000}
_MONDAY: Final = 3
"""1970-01-01 was a Thursday: a week's number counts from the Monday before it."""
_SALTS: Final = 255
"""A missing party is no party: its rows are spread over the keys 1 to 255, none of which is a token."""
_SO_FAR: Final = {"batch": "registered_at, version, content", "streaming": "arrived"}
_HEAD: Final = {
    "row_id": "BIGINT",
    "hashed_id": "BIGINT",
    "declaration_id": "STRING",
    "version": "INT",
    "act": "TINYINT",
    "registered_at": "BIGINT",
    "importer": "BIGINT",
    "declarant": "BIGINT",
    "exporter": "BIGINT",
    "content": "BIGINT",
    "customs_value": "BIGINT",
}
"""What crosses the shuffles of lineage and histories: numbers and one text; the payload waits beside."""
_LINEAGE: Final = (
    *("declaration_id", "version", "act", "registered_at", "content", "importer", "declarant", "exporter"),
    *("standing", "known_versions", "known_declarants", "all_versions", "all_times"),
)
"""What is known of a record beside its payload and histories when it is judged."""
_CALENDAR: Final = (
    f"CAST((registered_at / {_US['day']} + {_MONDAY}) / 7 AS SMALLINT) AS in_week, "
    f"CAST(MOD(registered_at / {_US['day']} + {_MONDAY}, 7) AS TINYINT) AS in_day, "
    f"CAST(MOD(registered_at / {_US['hour']}, 24) AS TINYINT) AS in_hour, "
    f"CAST(MOD(registered_at, {_US['hour']}) - {_US['hour'] // 2} AS INT) AS instant"
)
"""The time as week, day of it, hour of it and microsecond of that: with a party's token 16 bytes without null,
so that Flink's sorter compares nothing else."""
_PARTS: Final = {"hour": ("in_week", "in_day", "in_hour"), "day": ("in_week", "in_day"), "week": ("in_week",)}
"""A bucket's key holds the wider ones too, so that one sort serves all buckets of a party."""


def view(tables: Any, name: str, query: str) -> None:
    """Name a query. A view that several others read is planned, and run, once."""
    tables.create_temporary_view(name, tables.sql_query(query))


def decoded(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: what was read from each payload, or its reject."""
    time = ", ts, origin" if mode == "streaming" else ""
    view(
        tables,
        f"{name}_rows",
        f"SELECT decode_declaration(payload, ingested_at, origin) AS d{time} FROM {source}",
    )
    fields = (
        *(
            "row_id",
            "hashed_id",
            "reject",
            "reject_at",
            "code",
            "pointer",
            "declaration_id",
            "version",
            "act",
        ),
        *("registered_at", "content", "importer", "declarant", "exporter", "customs_value", "packed"),
    )
    chosen = ", ".join(f"d.{field}" for field in fields)
    view(tables, name, f"SELECT {chosen}{time} FROM {name}_rows")


def heads(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: the compact columns of what was read, none of them null.

    In streaming mode what the watermark has passed carries its payload: an event-time window or join would
    drop it without a word (bad-input 20), so it goes on alone.
    """
    zero = {"STRING": "''"}
    columns = ", ".join(
        f"COALESCE({column}, {zero.get(kind, f'CAST(0 AS {kind})')}) AS {column}"
        for column, kind in _HEAD.items()
    )
    if mode == "streaming":
        columns += (
            ", CASE WHEN ts <= CURRENT_WATERMARK(ts) THEN packed END AS carried, ts, PROCTIME() AS arrived"
        )
    view(tables, name, f"SELECT {columns} FROM {source}")


def lineage(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: which record of an identity stands, and what is known of its other versions.

    One window gathers what is known of a declaration_id so far, oldest first: one number for most, a
    handful for those with amendments. standing: 0 the first of its version, 1 a duplicate of that, 2 a
    conflict with it. known_versions and known_declarants: of amendments and cancellations only;
    all_versions and all_times: where there is more than one. In batch mode the order is that of
    registration and the future is known too; a stream takes records as they arrive.
    """
    window = f"PARTITION BY hashed_id, declaration_id ORDER BY {_SO_FAR[mode]} ROWS BETWEEN UNBOUNDED PRECEDING AND"
    windows, every = f"so_far AS ({window} CURRENT ROW)", "so_far"
    if mode == "batch":
        windows += f", everything AS ({window} UNBOUNDED FOLLOWING)"
        every = "everything"
    columns = ", ".join((*_HEAD, *(("carried", "ts") if mode == "streaming" else ())))
    view(
        tables,
        f"{name}_known",
        f"SELECT {columns}, ARRAY_AGG(version) OVER so_far AS known_versions, "
        "ARRAY_AGG(content) OVER so_far AS known_contents, "
        "ARRAY_AGG(CASE WHEN act = 0 THEN declarant ELSE 0 END) OVER so_far AS known_declarants, "
        f"ARRAY_AGG(version) OVER {every} AS every_version, ARRAY_AGG(registered_at) OVER {every} AS every_time "
        f"FROM {source} WINDOW {windows}",
    )
    first = "ARRAY_POSITION(known_versions, version)"
    view(
        tables,
        name,
        f"SELECT {columns}, CASE WHEN {first} = CARDINALITY(known_versions) THEN 0 "
        f"WHEN known_contents[{first}] = content THEN 1 ELSE 2 END AS standing, "
        "CASE WHEN act <> 0 THEN known_versions END AS known_versions, "
        "CASE WHEN act <> 0 THEN known_declarants END AS known_declarants, "
        "CASE WHEN CARDINALITY(every_version) > 1 THEN every_version END AS all_versions, "
        f"CASE WHEN CARDINALITY(every_version) > 1 THEN every_time END AS all_times FROM {name}_known",
    )


def history_names(histories: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Columns of the histories, in order: importer_day_count, importer_day_value ..."""
    return tuple(f"{party}_{bucket}_{what}" for party, bucket in histories for what in ("count", "value"))


def with_histories(
    tables: Any, source: str, name: str, mode: Mode, histories: Sequence[tuple[str, str]]
) -> None:
    """View `name`: `source` with running counts and sums of originals by party and calendar bucket.

    The bucket stands in the key, so state is one accumulator a key. RANGE takes all records of one
    instant together, so the order of ties is of no matter. In streaming mode all aggregates of a SELECT
    must share their window, so there views are chained one by one.
    """
    counted = "standing = 0 AND act = 0"
    keys = "".join(
        f"CASE WHEN {party} = 0 THEN MOD(ABS(content), {_SALTS}) + 1 ELSE {party} END AS by_{party}, "
        for party in dict.fromkeys(party for party, _ in histories)
    )
    view(
        tables,
        f"{name}_0",
        f"SELECT *, {keys}{_CALENDAR}, CASE WHEN {counted} THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END "
        f"AS counted, CASE WHEN {counted} THEN customs_value ELSE CAST(0 AS BIGINT) END AS counted_value FROM {source}",
    )
    steps = _steps(histories, mode)
    for i, pairs in enumerate(steps):
        windows = ", ".join(
            f"{party}_{bucket} AS ({_window(party, bucket, mode)})" for party, bucket in pairs
        )
        sums = ", ".join(
            f"SUM(counted) OVER {party}_{bucket} AS {party}_{bucket}_count, "
            f"SUM(counted_value) OVER {party}_{bucket} AS {party}_{bucket}_value"
            for party, bucket in pairs
        )
        view(tables, f"{name}_{i + 1}", f"SELECT *, {sums} FROM {name}_{i} WINDOW {windows}")
    view(tables, name, f"SELECT * FROM {name}_{len(steps)}")


def _steps(histories: Sequence[tuple[str, str]], mode: Mode) -> list[list[tuple[str, str]]]:
    """The histories of each SELECT: in batch mode all at once, in streaming mode one window each."""
    ordered = sorted(histories, key=lambda pair: (PARTIES.index(pair[0]), -BUCKETS.index(pair[1])))
    return [[pair] for pair in ordered] if mode == "streaming" else [ordered] * bool(ordered)


def _window(party: str, bucket: str, mode: Mode) -> str:
    """The window of one history.

    In batch mode the narrower buckets lead the order: that is the order of time all the same, and every
    bucket of a party then asks for the same sort; the planner shuffles and sorts once for all of them.
    """
    inside = _PARTS[bucket]
    partition = ", ".join((f"by_{party}", *inside))
    order = "ts"
    if mode == "batch":
        order = ", ".join((*(part for part in _PARTS["hour"] if part not in inside), "instant"))
    return f"PARTITION BY {partition} ORDER BY {order} RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"


def whole(
    tables: Any, known: str, payloads: str, name: str, mode: Mode, histories: Sequence[tuple[str, str]]
) -> None:
    """View `name`: each record of `known` with its payload, that stayed behind in `payloads`.

    In streaming mode the halves meet within their instant, so neither waits in state for long.
    """
    columns = ", ".join(f"h.{column}" for column in (*_LINEAGE, *history_names(histories)))
    together = "" if mode == "batch" else " AND p.ts BETWEEN h.ts AND h.ts"
    view(
        tables,
        name,
        f"SELECT /*+ SHUFFLE_HASH(h) */ {columns}, FALSE AS late, p.packed FROM {known} AS h "
        f"JOIN {payloads} AS p ON h.row_id = p.row_id{together}",
    )


def with_late(
    tables: Any, source: str, standing: str, name: str, histories: Sequence[tuple[str, str]]
) -> None:
    """View `name`: `source` and the late records of `standing`, which are judged without histories."""
    columns = ", ".join((*_LINEAGE, *(["CAST(0 AS BIGINT)"] * len(history_names(histories)))))
    view(
        tables,
        name,
        f"SELECT * FROM {source} UNION ALL "
        f"SELECT {columns}, TRUE AS late, carried AS packed FROM {standing} WHERE carried IS NOT NULL",
    )


def ticking(tables: Any, source: str, ticks: str, name: str) -> None:
    """View `name`: `source`, whose time goes on by the ticks of the table `ticks` where nothing arrives.

    When no declaration comes, Kafka's partitions fall idle (`table.exec.source.idle-timeout`) and the
    ticks' watermark alone counts, so the last declaration need not wait for the next one. For sources
    that live in the present only.
    """
    view(
        tables,
        name,
        f"SELECT payload, ingested_at, origin, ts FROM {source} UNION ALL "
        f"SELECT CAST(NULL AS BYTES), CAST(ts AS TIMESTAMP_LTZ(3)), 'tick', ts FROM {ticks} WHERE n < 0",
    )


def judged(tables: Any, source: str, name: str, histories: Sequence[tuple[str, str]]) -> None:
    """View `name`: each record that stands with its verdict; conflicts give their anomaly only."""
    given = ", ".join(
        (
            "packed, standing = 0, late, known_versions, known_declarants, all_versions, all_times",
            *(
                f"CASE WHEN {column.split('_')[0]} = 0 THEN 0 ELSE {column} END"
                for column in history_names(histories)
            ),
        )
    )
    view(
        tables,
        f"{name}_rows",
        f"SELECT declaration_id, version, act, registered_at, content, standing, late, "
        f"judge_declaration({given}) AS j FROM {source}",
    )
    fields = (
        *("decision", "trace", "anomalies", "corridor", "supersedes"),
        *("cells", "sums", "hour_cells", "hour_sums"),
    )
    chosen = ", ".join(f"j.{field}" for field in fields)
    view(
        tables,
        name,
        f"SELECT declaration_id, version, act, registered_at, content, standing, late, {chosen} FROM {name}_rows",
    )
