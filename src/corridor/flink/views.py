"""The views between decoding and judging, as SQL: records, lineage, histories. Batch and streaming alike."""

from collections.abc import Container, Iterable, Sequence
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
_BESIDE: Final[dict[Mode, tuple[str, ...]]] = {
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
_LINEAGE: Final = (
    *("declaration_id", "version", "act", "registered_at", "content", "importer", "declarant", "exporter"),
    *("standing", "earlier", "versions"),
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
_TIMES: Final = ("in_week", "in_day", "in_hour", "instant")
_PARTS: Final = {"hour": ("in_week", "in_day", "in_hour"), "day": ("in_week", "in_day"), "week": ("in_week",)}
"""A bucket's key holds the wider ones too, so that one sort serves all buckets of a party."""


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
    kept = ", ".join((*_HEAD, *_BESIDE[mode]) if columns is None else columns)
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
    parties = tuple(dict.fromkeys(party for party, _ in histories))
    keys = "".join(
        f"CASE WHEN {party} = 0 THEN MOD(ABS(content), {_SALTS}) + 1 ELSE {party} END AS by_{party}, "
        for party in parties
    )
    view(
        tables,
        f"{name}_0",
        f"SELECT *, {keys}{_CALENDAR}, CASE WHEN {counted} THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END "
        f"AS counted, CASE WHEN {counted} THEN customs_value ELSE CAST(0 AS BIGINT) END AS counted_value FROM {source}",
    )
    kept = [
        *_LINEAGE,
        *_BESIDE[mode],
        *(f"by_{party}" for party in parties),
        *_TIMES,
        "counted",
        "counted_value",
    ]
    steps = _steps(histories, mode)
    for i, pairs in enumerate(steps):
        sums = {column: aggregate for pair in pairs for column, aggregate in _sums(pair, pairs, mode).items()}
        windows = ", ".join(
            f"{party}_{bucket} AS ({_window(party, bucket, mode)})"
            for party, bucket in pairs
            if not _inside((party, bucket), pairs, mode)
        )
        told = ", ".join(f"{aggregate} AS {column}" for column, aggregate in sums.items())
        view(tables, f"{name}_{i}_sums", f"SELECT {', '.join(kept)}, {told} FROM {name}_{i} WINDOW {windows}")
        chosen = {column: _of_today(column, sums) for pair in pairs for column in history_names([pair])}
        told = ", ".join(f"{value} AS {column}" for column, value in chosen.items())
        view(tables, f"{name}_{i + 1}", f"SELECT {', '.join(kept)}, {told} FROM {name}_{i}_sums")
        kept += chosen
    view(tables, name, f"SELECT * FROM {name}_{len(steps)}")


def _steps(histories: Sequence[tuple[str, str]], mode: Mode) -> list[list[tuple[str, str]]]:
    """The histories of each SELECT: in batch mode all at once, in streaming mode one window each.

    There a week's window tells its days too, for a window more costs more than seven sums each for a week.
    """
    ordered = sorted(histories, key=lambda pair: (PARTIES.index(pair[0]), -BUCKETS.index(pair[1])))
    if mode == "batch":
        return [ordered] * bool(ordered)
    alone = [pair for pair in ordered if not _inside(pair, ordered, mode)]
    return [[pair, *(inner for inner in ordered if _inside(inner, [pair], mode))] for pair in alone]


def _inside(pair: tuple[str, str], pairs: Iterable[tuple[str, str]], mode: Mode) -> bool:
    """Whether a history is told by the window of a wider one among `pairs`."""
    return mode == "streaming" and pair[1] == "day" and (pair[0], "week") in pairs


def _sums(pair: tuple[str, str], pairs: Iterable[tuple[str, str]], mode: Mode) -> dict[str, str]:
    """Columns and their aggregates: a count and a sum, or seven of each where the week's window tells the day."""
    columns = dict(zip(history_names([pair]), ("counted", "counted_value"), strict=True))
    if not _inside(pair, pairs, mode):
        return {column: f"SUM({of}) OVER {'_'.join(pair)}" for column, of in columns.items()}
    return {
        f"{column}_{day}": f"SUM(CASE WHEN in_day = {day} THEN {of} ELSE 0 END) OVER {pair[0]}_week"
        for column, of in columns.items()
        for day in range(7)
    }


def _of_today(column: str, sums: Container[str]) -> str:
    """The value of a history: its own sum, or that of the record's day among the week's seven."""
    if column in sums:
        return column
    days = " ".join(f"WHEN {day} THEN {column}_{day}" for day in range(6))
    return f"CASE in_day {days} ELSE {column}_6 END"


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


def whole(tables: Any, known: str, payloads: str, name: str, histories: Sequence[tuple[str, str]]) -> None:
    """View `name`: each record of `known` with its payload, that stayed behind in `payloads`; in batch mode."""
    columns = ", ".join(f"h.{column}" for column in (*_LINEAGE, *history_names(histories)))
    view(
        tables,
        name,
        f"SELECT /*+ SHUFFLE_HASH(h) */ {columns}, FALSE AS late, 0 AS part, p.packed FROM {known} AS h "
        f"JOIN {payloads} AS p ON h.row_id = p.row_id",
    )


def with_late(tables: Any, known: str, late: str, name: str, histories: Sequence[tuple[str, str]]) -> None:
    """View `name`: the records of `known`, and those of `late`, which are judged without histories."""
    beside = "late, part, ts, packed"
    columns, none = history_names(histories), ["CAST(0 AS BIGINT)"] * len(history_names(histories))
    view(
        tables,
        name,
        f"SELECT {', '.join((*_LINEAGE, *columns))}, {beside} FROM {known} UNION ALL "
        f"SELECT {', '.join((*_LINEAGE, *none))}, {beside} FROM {late}",
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


def judged(
    tables: Any, source: str, name: str, histories: Sequence[tuple[str, str]], timed: bool = False
) -> None:
    """View `name`: each record with its verdict; duplicates are counted only, conflicts give their anomaly.

    timed: with its event time, of a stream.
    """
    given = ", ".join(
        (
            "packed, standing, late, earlier, versions, part",
            *(
                f"CASE WHEN {column.split('_')[0]} = 0 THEN 0 ELSE {column} END"
                for column in history_names(histories)
            ),
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
