"""The views around judging, as SQL: records, lineage, verdicts. Batch and streaming alike."""

from collections.abc import Sequence
from typing import Any, Final

from corridor.flink.environment import Mode

_SO_FAR: Final = {"batch": "registered_at, version, content", "streaming": "arrived"}
_HEAD: Final = {
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
"""What crosses the shuffles of lineage and histories: numbers and one text."""
BESIDE: Final[dict[Mode, tuple[str, ...]]] = {
    "batch": ("row_id",),
    "streaming": ("part", "ts", "late", "packed"),
}
"""What goes with it. In batch mode the payload waits beside until it is joined, for sorting it would cost more; a
stream sorts nothing, so there it goes along: waiting beside would cost it two shuffles, state and timers."""
ENTRY: Final = (
    "';' || CAST(version AS STRING) || ',' || CAST(content AS STRING) || ',' || "
    "CAST(CASE WHEN act = 0 THEN declarant ELSE 0 END AS STRING) || ',' || CAST(registered_at AS STRING)"
)
"""A record in the text that tells of all records of its declaration_id: one short text is what a state with
millions of identities can bear."""
LINEAGE: Final = (
    *("declaration_id", "version", "act", "registered_at", "content", "importer", "declarant", "exporter"),
    *("standing", "earlier", "versions"),
)
"""What is known of a record beside its payload and histories when it is judged."""


def view(tables: Any, name: str, query: str) -> None:
    """Name a query. A view that several others read is planned, and run, once."""
    tables.create_temporary_view(name, tables.sql_query(query))


def kept_for_years(source: str) -> str:
    """A hint for sums over the view `source`: state forgotten after the usual time would begin at 0 again.

    A late record would then overwrite the total of its day, or of its partition. Cells and partitions are few.
    """
    return f"/*+ STATE_TTL('{source}' = '3650 d') */"


def decoded(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: what was read from each payload, or its reject."""
    beside, places = (
        ("", "0, CAST(0 AS BIGINT)") if mode == "batch" else (", part, ts, origin", "part, place")
    )
    view(
        tables,
        f"{name}_rows",
        f"SELECT decode_declaration(payload, ingested_at, origin, {places}) AS d{beside} FROM {source}",
    )
    fields = (
        *("row_id", "reject", "reject_at", "code", "pointer", "account", "packed", "hashed_id"),
        *(
            "declaration_id",
            "version",
            "act",
            "registered_at",
            "importer",
            "declarant",
            "exporter",
            "content",
        ),
        "customs_value",
    )
    chosen = ", ".join(f"d.{field}" for field in fields)
    view(tables, name, f"SELECT {chosen}{beside} FROM {name}_rows")


def heads(tables: Any, source: str, name: str, mode: Mode) -> None:
    """View `name`: the compact columns of what was read, none of them null.

    late: the watermark has passed its time. An event-time window would drop it without a word
    (bad-input 20), so it goes on alone.
    """
    zero = {"STRING": "''"}
    columns = ", ".join(
        f"COALESCE({column}, {zero.get(kind, f'CAST(0 AS {kind})')}) AS {column}"
        for column, kind in _HEAD.items()
    )
    beside = "row_id"
    if mode == "streaming":
        beside = (
            "part, ts, packed, COALESCE(ts <= CURRENT_WATERMARK(ts), FALSE) AS late, PROCTIME() AS arrived"
        )
    view(tables, name, f"SELECT *, {ENTRY} AS entry FROM (SELECT {columns}, {beside} FROM {source})")


def lineage(tables: Any, source: str, name: str, mode: Mode, columns: Sequence[str] | None = None) -> None:
    """View `name`: which record of an identity stands, and what is known of its other versions.

    One window gathers what is known of a declaration_id so far, oldest first: itself alone for most.
    standing: 0 the first of its version, 1 a duplicate of that, 2 a conflict with it. earlier: of amendments
    and cancellations only, what came before; versions: all that are known; both null if that is the record alone,
    and where it does not stand: one identity sent ten thousand times must not carry as many entries each time.
    In batch mode the order is that of registration and the future is known too; a stream takes records as
    they arrive. columns: of `source`, to be kept; None for those of `heads`.
    """
    window = f"PARTITION BY hashed_id, declaration_id ORDER BY {_SO_FAR[mode]} ROWS BETWEEN UNBOUNDED PRECEDING AND"
    windows, every = f"so_far AS ({window} CURRENT ROW)", "so_far"
    if mode == "batch":
        windows += f", everything AS ({window} UNBOUNDED FOLLOWING)"
        every = "everything"
    kept = ", ".join((*_HEAD, *BESIDE[mode]) if columns is None else columns)
    view(
        tables,
        f"{name}_known",
        f"SELECT {kept}, entry, LISTAGG(entry, '') OVER so_far AS known, LISTAGG(entry, '') OVER {every} AS versions "
        f"FROM {source} WINDOW {windows}",
    )
    of_version = "';' || CAST(version AS STRING) || ','"
    first = f"LOCATE({of_version}, known)"
    view(
        tables,
        f"{name}_standing",
        f"SELECT {kept}, CASE WHEN {first} = CHAR_LENGTH(known) - CHAR_LENGTH(entry) + 1 THEN 0 "
        f"WHEN LOCATE({of_version} || CAST(content AS STRING) || ',', known) = {first} THEN 1 ELSE 2 END AS standing, "
        f"known, entry, versions FROM {name}_known",
    )
    view(
        tables,
        name,
        f"SELECT {kept}, standing, CASE WHEN standing = 0 AND act <> 0 AND known <> entry THEN known END AS earlier, "
        f"CASE WHEN standing = 0 AND versions <> entry THEN versions END AS versions FROM {name}_standing",
    )


def ticking(tables: Any, source: str, ticks: str, name: str) -> None:
    """View `name`: `source`, whose time goes on by the ticks of the table `ticks` where nothing arrives.

    When no declaration comes, Kafka's partitions fall idle (`scan.watermark.idle-timeout`) and the
    ticks' watermark alone counts, so the last declaration need not wait for the next one. For sources
    that live in the present only.
    """
    view(
        tables,
        name,
        f"SELECT payload, ingested_at, origin, part, place, ts FROM {source} UNION ALL "
        "SELECT CAST(NULL AS BYTES), CAST(ts AS TIMESTAMP_LTZ(3)), 'tick', 0, CAST(0 AS BIGINT), ts "
        f"FROM {ticks} WHERE n < 0",
    )


def judged(tables: Any, source: str, name: str, histories: Sequence[str], timed: bool = False) -> None:
    """View `name`: each record with its verdict; duplicates are counted only, conflicts give their anomaly.

    histories: their columns; timed: with its event time, of a stream.
    """
    given = ", ".join(
        (
            "packed, standing, late, earlier, versions, part",
            *(f"CASE WHEN {column.split('_')[0]} = 0 THEN 0 ELSE {column} END" for column in histories),
        )
    )
    kept = "declaration_id, version, act, registered_at, content, standing, late, packed" + ", ts" * timed
    view(tables, f"{name}_rows", f"SELECT {kept}, judge_declaration({given}) AS j FROM {source}")
    fields = (
        *(
            "decision",
            "trace",
            "anomalies",
            "corridor",
            "flagged",
            "remembered",
            "supersedes",
            "account",
            "told_at",
        ),
        *("parts", "cells", "sums", "bin_cells", "bin_sums"),
    )
    chosen = ", ".join(f"j.{field}" for field in fields)
    view(tables, name, f"SELECT {kept}, {chosen} FROM {name}_rows")
