"""Sources and sinks as table DDL: folders of NDJSON, and the same topics on Kafka."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from corridor.errors import InputError

TOPICS: Final = {
    "declarations": "customs.declarations.v1",
    "decisions": "customs.decisions.v1",
    "anomalies": "customs.anomalies.v1",
    "picture": "customs.picture.v1",
    "rejects": "customs.rejects.v1",
    "traces": "customs.traces.restricted.v1",
}


def text(value: object) -> str:
    """A value as an SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def read_lines(tables: Any, name: str, path: Path) -> None:
    """Table `name`: each line of the NDJSON under `path` as bytes, with its file and that file's time.

    A line ends at LF; a CR before it is stripped; an empty line is an empty payload; the last line end
    may be missing. Flink reads the lines as bytes, so broken UTF-8 comes through as it is.
    """
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES, "
        "origin STRING NOT NULL METADATA FROM 'file.path', "
        "ingested_at TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'file.modification-time') "
        f"WITH ('connector' = 'filesystem', 'format' = 'raw', 'path' = {text(path.resolve())})"
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


@dataclass(frozen=True, slots=True)
class Broker:
    """Where Kafka is reached: bootstrap servers, the group that reads, further client properties."""

    servers: str
    group: str = "corridor"
    properties: tuple[tuple[str, str], ...] = ()


def read_topic(tables: Any, name: str, broker: Broker, topic: str, delay_ms: int = 2000) -> None:
    """Table `name`: a topic's values as bytes with its metadata, and the watermark per partition.

    The DataStream source of PyFlink would give the value only, and a tombstone would kill it.
    """
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES, "
        "ingested_at TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp', "
        "part INT NOT NULL METADATA FROM 'partition', place BIGINT NOT NULL METADATA FROM 'offset', "
        f"origin AS {text(topic + '-')} || CAST(part AS STRING) || '-' || CAST(place AS STRING), "
        f"WATERMARK FOR ingested_at AS ingested_at - INTERVAL {text(f'{delay_ms / 1000:.3f}')} SECOND) "
        f"WITH ({_options(broker, topic)}, 'format' = 'raw', 'scan.startup.mode' = 'earliest-offset', "
        f"'properties.group.id' = {text(broker.group)}, 'properties.isolation.level' = 'read_committed')"
    )


def write_topic(tables: Any, name: str, broker: Broker, topic: str, prefix: str) -> None:
    """Table `name`: one column of bytes into a topic, exactly once.

    `prefix` must be the sink's own: two sinks with one transactional id fence each other.
    """
    if not prefix:
        raise InputError(f"the sink of topic {topic} needs a transactional id prefix of its own; give one")
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE {name} (payload BYTES) WITH ({_options(broker, topic)}, 'format' = 'raw', "
        f"'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = {text(prefix)}, "
        "'properties.transaction.timeout.ms' = '600000')"
    )


def _options(broker: Broker, topic: str) -> str:
    given = {"properties." + key: value for key, value in broker.properties}
    given |= {"connector": "kafka", "topic": topic, "properties.bootstrap.servers": broker.servers}
    return ", ".join(f"{text(key)} = {text(value)}" for key, value in given.items())
