"""Histories of parties as SQL: running counts and sums by calendar bucket, in files and in streams."""

from collections.abc import Container, Iterable, Sequence
from typing import Any, Final

from corridor.flink.environment import Mode
from corridor.flink.views import BESIDE, LINEAGE, view
from corridor.rulebook.fields import BUCKETS, PARTIES

_US: Final = {"hour": 3_600_000_000, "day": 86_400_000_000}
_MONDAY: Final = 3
"""1970-01-01 was a Thursday: a week's number counts from the Monday before it."""
_SALTS: Final = 255
"""A missing party is no party: its rows are spread over the keys 1 to 255, none of which is a token."""
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
        *LINEAGE,
        *BESIDE[mode],
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
    columns = ", ".join(f"h.{column}" for column in (*LINEAGE, *history_names(histories)))
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
        f"SELECT {', '.join((*LINEAGE, *columns))}, {beside} FROM {known} UNION ALL "
        f"SELECT {', '.join((*LINEAGE, *none))}, {beside} FROM {late}",
    )
