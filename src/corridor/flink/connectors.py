"""Sources and sinks as table DDL: folders of NDJSON, and the same topics on Kafka."""

import time
from pathlib import Path
from typing import Any, Final

from corridor.flink.topics import Source
from corridor.flink.views import ticking
from corridor.kafka.client import Settings
from corridor.kafka.topics import TOPICS

_AHEAD_MS: Final = 300
"""By how much a tick's watermark is ahead of that of a record of the same instant."""
_TURN_BYTES: Final = 128 * 1024
"""Read of a partition before the next one has its turn."""
_BATCH_BYTES: Final = 128 * 1024
"""Written to a partition at once where so much is there: a worker's batch comes all at once."""
_NOT_AHEAD: Final = (
    "CASE WHEN ingested_at > CURRENT_TIMESTAMP THEN CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(3)) "
    "ELSE ingested_at END"
)


def text(value: object) -> str:
    """A value as an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def read_lines(tables: Any, name: str, path: Path, pattern: str = "") -> None:
    """Table `name`: each line of the NDJSON under `path` as bytes, with its file and that file's time.

    A line ends at LF; a CR before it is stripped; an empty line is an empty payload; the last line end
    may be missing. Flink reads the lines as bytes, so broken UTF-8 comes through as it is. pattern: of the
    paths that are read, where `path` is a folder; empty for all.
    """
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES, "
        "origin STRING NOT NULL METADATA FROM 'file.path', "
        "ingested_at TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'file.modification-time') "
        f"WITH ('connector' = 'filesystem', 'format' = 'raw', 'path' = {text(path.resolve())}"
        + (f", 'source.path.regex-pattern' = {text(pattern)})" if pattern else ")")
    )


def write_lines(tables: Any, name: str, folder: Path) -> None:
    """Table `name`: one column of bytes, each written as a line into parts in `folder`."""
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES) "
        f"WITH ('connector' = 'filesystem', 'format' = 'raw', 'path' = {text(folder.resolve())})"
    )


def write_rows(tables: Any, name: str, columns: str, folder: Path) -> None:
    """Table `name`: small results for the caller, as JSON lines."""
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} ({columns}) "
        f"WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = {text(folder.resolve())})"
    )


def topics(tables: Any, settings: Settings, source: Source, starting_ms: int) -> None:
    """The tables of the job `decide` over topics: `lines` and all that it writes.

    A live source is joined by ticks (see `views.ticking`), whose time stands still for the first starting_ms.
    """
    _lines(tables, settings, source, not source.bounded, starting_ms)
    for name in ("decisions", "traces", "anomalies", "rejects"):
        write_topic(tables, name, settings, TOPICS[name])
    write_topic(tables, "detected", settings, TOPICS["anomalies"])
    write_picture(tables, settings)
    write_upserts(tables, "conservation", settings, TOPICS["conservation"], "record_key STRING", "raw")


def decisions(tables: Any, settings: Settings, source: Source, watched: bool, starting_ms: int) -> None:
    """The tables of the job `picture` over topics, but for the picture: `lines`, and those of its detector."""
    _lines(tables, settings, source, watched and not source.bounded, starting_ms)
    if watched:
        write_topic(tables, "detected", settings, TOPICS["anomalies"])


def _lines(tables: Any, settings: Settings, source: Source, ticks: bool, starting_ms: int) -> None:
    """Table `lines`: what is read of the topic, joined by ticks where asked."""
    read_topic(tables, "topic_lines" if ticks else "lines", settings, source)
    if ticks:
        tick(tables, "ticks", source, starting_ms)
        ticking(tables, "topic_lines", "ticks", "lines")


def read_topic(tables: Any, name: str, settings: Settings, source: Source) -> None:
    """Table `name`: a topic's values as bytes with its metadata, and the watermark per partition.

    A tombstone is a null payload (the DataStream source of PyFlink would give the value only, and such a
    record would kill it). Event time is the record's timestamp, and of a live source never ahead of the clock:
    a record from the future must neither make all others late (bad-input 21) nor wait for its time. A bounded source
    is a replay, which has its own clock.
    """
    more = {"properties.group.id": settings.group, "properties.isolation.level": "read_committed"}
    more |= {"properties.auto.offset.reset": "earliest", "properties.commit.offsets.on.checkpoint": "true"}
    more["scan.startup.mode"] = "earliest-offset" if source.from_beginning else "group-offsets"
    if source.bounded:
        # such a partition ends, so none is idle: one that is slow to be read again must not become late
        more["scan.bounded.mode"] = "latest-offset"
    else:
        more["scan.watermark.idle-timeout"] = f"{source.idle_ms} ms"
    # a backlog is read partition by partition, so many bytes at a time: in small turns none is silent for long, and
    # few run far ahead of the slowest, to wait in state for it. Flink could hold those back ("watermark alignment"),
    # but in 2.2.1 a partition that it pauses may end the job (FLINK-39728) or stay paused for ever (FLINK-40093)
    more["properties.max.partition.fetch.bytes"] = str(_TURN_BYTES)
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES, "
        "ingested_at TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp', "
        "part INT NOT NULL METADATA FROM 'partition', place BIGINT NOT NULL METADATA FROM 'offset', "
        f"origin AS {text(source.topic + '-')} || CAST(part AS STRING) || '-' || CAST(place AS STRING), "
        f"ts AS {'CAST(ingested_at AS TIMESTAMP_LTZ(3))' if source.bounded else _NOT_AHEAD}, "
        f"WATERMARK FOR ts AS ts - {_interval(source.bound_ms)}) "
        f"WITH ({_options(settings, source.topic, more)}, 'connector' = 'kafka', 'format' = 'raw')"
    )


def tick(tables: Any, name: str, source: Source, starting_ms: int) -> None:
    """Table `name`: a row a second with the clock's watermark; `views.ticking` says what for.

    It is never idle: where a subtask had no active input, its watermark would stand still while that of its
    neighbours goes on, and what it lets pass as in time would be dropped by them as late. A topic that was silent and
    begins to speak holds the watermark back again only once its own has caught up with the ticks' (Flink: the channel
    is "aligned"): so a tick waits almost as long as a partition, and its age between two ticks, up to a second, lets
    the topic come abreast. Where it never did, all of a backlog that came after a silence would be late. While the
    job starts, for starting_ms, its time stands still: partitions of which nothing was read yet look silent once
    idle_ms have gone by, and their backlog would be late.
    """
    begins = int(time.time() * 1000) + max(0, starting_ms - source.idle_ms)
    wait = source.bound_ms - min(_AHEAD_MS, source.bound_ms // 4)
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (n INT, ts AS CASE WHEN CURRENT_TIMESTAMP < TO_TIMESTAMP_LTZ({begins}, 3) "
        "THEN TO_TIMESTAMP_LTZ(0, 3) ELSE CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(3)) END, "
        f"WATERMARK FOR ts AS ts - {_interval(wait)}) "
        "WITH ('connector' = 'datagen', 'rows-per-second' = '1', 'fields.n.min' = '0')"
    )


def _interval(ms: int) -> str:
    """An interval in SQL; its seconds alone have two digits only, and its days as well."""
    seconds, rest = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"INTERVAL '{days} {hours:02}:{minutes:02}:{seconds:02}.{rest:03}' DAY TO SECOND"


def write_topic(tables: Any, name: str, settings: Settings, topic: str) -> None:
    """Table `name`: records of a topic, exactly once: key, payload, headers, timestamp."""
    once = _exactly_once(settings, name)
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (record_key STRING, payload BYTES, "
        "headers MAP<STRING, BYTES> METADATA, stamp TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') "
        f"WITH ({_options(settings, topic, once)}, 'connector' = 'kafka', 'key.format' = 'raw', "
        "'key.fields' = 'record_key', 'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY')"
    )


def write_picture(tables: Any, settings: Settings) -> None:
    """Table `picture`: each cell as it stands, by period, start and cell. What paints it tells a cell once a second."""
    keys = "`period` STRING, start_minute BIGINT, cell STRING"
    write_upserts(tables, "picture", settings, TOPICS["picture"], keys, "json", held=False)


def write_upserts(
    tables: Any, name: str, settings: Settings, topic: str, keys: str, key_format: str, held: bool = True
) -> None:
    """Table `name`: the newest payload of each key, exactly once.

    keys: the key's columns and their types; held: what changes within a second is written once.
    """
    more = _exactly_once(settings, name) | {"key.format": key_format}
    if held:
        more |= {"sink.buffer-flush.interval": "1 s", "sink.buffer-flush.max-rows": "10000"}
    names = ", ".join(column.split()[0] for column in keys.split(", "))
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} ({keys}, payload BYTES, PRIMARY KEY ({names}) NOT ENFORCED) "
        f"WITH ({_options(settings, topic, more)}, 'connector' = 'upsert-kafka', "
        "'value.format' = 'raw', 'value.fields-include' = 'EXCEPT_KEY')"
    )


def _exactly_once(settings: Settings, name: str) -> dict[str, str]:
    """The sink's name stands in its transactional ids: two sinks with one id would fence each other."""
    return {
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"{settings.transactional_id_prefix}-{name}",
        "properties.transaction.timeout.ms": str(settings.transaction_timeout_ms),
        "properties.batch.size": str(_BATCH_BYTES),
    }


def _options(settings: Settings, topic: str, more: dict[str, str]) -> str:
    given = {f"properties.{key}": str(value) for key, value in settings.java().items()}
    given |= {"topic": topic} | more
    return ", ".join(f"{text(key)} = {text(value)}" for key, value in given.items())
