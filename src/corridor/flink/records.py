"""What the job `decide` writes: lines of NDJSON in files, records with keys and headers in topics."""

from typing import Any, Final

from corridor.flink.views import view

_NOW: Final = "DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z''')"


def to_files(job: Any) -> None:
    """Add the statements that write decisions, traces, anomalies and rejects as lines."""
    job.add_insert_sql("INSERT INTO decisions SELECT decision FROM judged WHERE decision IS NOT NULL")
    job.add_insert_sql("INSERT INTO traces SELECT trace FROM judged WHERE trace IS NOT NULL")
    job.add_insert_sql("INSERT INTO anomalies SELECT a FROM judged CROSS JOIN UNNEST(anomalies) AS t (a)")
    job.add_insert_sql("INSERT INTO rejects SELECT reject FROM decoded WHERE reject IS NOT NULL")


def to_topics(tables: Any, job: Any) -> None:
    """Add the statements that write them as records, with CloudEvents headers and the time of the event.

    A reject is the message as it came: where it came from stands in its key, what is wrong in its headers. Of
    what could not be judged only its identity is told, by which the message is found among the declarations.
    """
    identity = "declaration_id || '/' || CAST(version AS STRING)"
    stamp = "TO_TIMESTAMP_LTZ(registered_at / 1000, 3)"
    for name, column in (("decisions", "decision"), ("traces", "trace")):
        headers = _headers(f"{column}.v1", identity, "told_at")
        job.add_insert_sql(
            f"INSERT INTO {name} SELECT declaration_id, {column}, {headers}, {stamp} FROM judged "
            f"WHERE {column} IS NOT NULL"
        )
    view(
        tables,
        "anomaly_texts",
        "SELECT CAST(a AS STRING) AS told FROM judged CROSS JOIN UNNEST(anomalies) AS t (a)",
    )
    job.add_insert_sql(anomalies("anomaly_texts", "anomalies"))
    why = _headers("reject.v1", "origin", _NOW, code="code", pointer="pointer", stage="'decode'")
    job.add_insert_sql(
        f"INSERT INTO rejects SELECT origin, reject, {why}, CAST(ts AS TIMESTAMP_LTZ(3)) FROM decoded "
        "WHERE reject IS NOT NULL"
    )
    why = _headers("reject.v1", identity, "told_at", code="'judge'", pointer="''", stage="'judge'")
    told = "JSON_OBJECT('declaration_id' VALUE declaration_id, 'version' VALUE version)"
    job.add_insert_sql(
        f"INSERT INTO rejects SELECT declaration_id, CAST({told} AS BYTES), {why}, {stamp} FROM judged "
        "WHERE standing = 0 AND decision IS NULL"
    )


def anomalies(source: str, into: str) -> str:
    """The statement that writes anomaly.v1, which stands as text in the column `told` of `source`."""
    return (
        f"INSERT INTO {into} SELECT JSON_VALUE(told, '$.subject.type') || ':' || JSON_VALUE(told, '$.subject.id'), "
        f"CAST(told AS BYTES), {_headers('anomaly.v1', _json('anomaly_id'), _NOW)}, "
        f"CAST(CURRENT_TIMESTAMP AS TIMESTAMP_LTZ(3)) FROM {source}"
    )


def _json(name: str) -> str:
    return f"JSON_VALUE(told, '$.{name}')"


def _headers(kind: str, identity: str, at: str, **error: str) -> str:
    """CloudEvents in binary mode, and what is wrong; values are SQL. at: when it was told."""
    pairs = {
        "ce_specversion": "'1.0'",
        "ce_id": identity,
        "ce_type": f"'customs.{kind}'",
        "ce_source": "'corridor/decide'",
        "ce_time": at,
    }
    pairs |= {f"corridor.error.{name}": value for name, value in error.items()}
    members = [f"'{name}', CAST({value} AS BYTES)" for name, value in pairs.items()]
    return f"MAP[{', '.join(members)}]"
