"""An embedded job outlives its TaskManager, which Flink gives up at a fatal error."""

import contextlib
import threading
import time

import pytest

from corridor.errors import CorridorError
from corridor.flink.environment import Cluster, start
from corridor.flink.execution import run
from corridor.flink.revival import Revival, _mini_cluster

pytestmark = [pytest.mark.flink, pytest.mark.timeout(180)]


class Job:
    """Statements whose client the test sees too."""

    def __init__(self, statements):
        self._statements = statements

    def execute(self):
        result = self._statements.execute()
        self.client = result.get_job_client()
        return result


def until(what, seconds):
    end = time.time() + seconds
    while not what():
        assert time.time() < end, "not in time"
        time.sleep(0.2)


def test_a_taskmanager_that_is_gone_is_started_anew(tmp_path):
    tables = start(Cluster(tmp_path, 1, mode="streaming"))
    tables.get_config().set("restart-strategy.type", "fixed-delay")
    tables.get_config().set("restart-strategy.fixed-delay.attempts", "1000")
    tables.get_config().set("restart-strategy.fixed-delay.delay", "1 s")
    tables.get_config().set("execution.checkpointing.dir", (tmp_path / "checkpoints").as_uri())
    tables.execute_sql(
        "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '5')"
    )
    tables.execute_sql("CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')")
    statements = tables.create_statement_set()
    statements.add_insert_sql("INSERT INTO nowhere SELECT n FROM numbers")
    job = Job(statements)

    def wait():
        with contextlib.suppress(CorridorError):  # that it was cancelled, at the end
            run(job, tmp_path, None, None)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    until(lambda: hasattr(job, "client"), 60)
    cluster = _mini_cluster(job.client)

    def connected():
        return cluster.requestClusterOverview().get().getNumTaskManagersConnected()

    def running():
        return connected() == 1 and job.client.get_job_status().result().name == "RUNNING"

    until(running, 30)
    cluster.terminateTaskManager(0).get()
    until(lambda: connected() == 0, 30)
    until(running, 60)
    job.client.cancel().result()
    thread.join(30)
    assert not thread.is_alive()


def test_of_a_job_on_a_cluster_nothing_is_looked_after():
    class Elsewhere:
        def getClass(self):  # Java's
            return self

        def getSimpleName(self):
            return "ClusterClientJobClientAdapter"

    client = type("Client", (), {"_j_job_client": Elsewhere()})()
    Revival(client).look()
