"""One cluster for all of these tests: a JobManager, two TaskManagers and a ZooKeeper, each a process of its own."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corridor.flink.distribution import ClusterError
from corridor.flink.standalone import JOBMANAGER, StandaloneCluster
from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker, free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.topics import SPECIFICATIONS, TOPICS
from corridor.processes import HOST
from tests.cluster import material
from tests.cluster.proxy import Proxy
from tests.cluster.topics import in_order

ROOT = Path(__file__).parents[2]
DECIDE = ROOT / "jobs" / "decide.py"
COUNT, TWICE = 100_000, 1_000
PARTITIONS = SPECIFICATIONS[0].partitions
PACE = 250
"""Declarations a second that a connection to a narrow broker brings: a backlog lasts as long as a test needs it."""


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    """Two TaskManagers of two slots each; jobs are submitted to it as users do."""
    made = StandaloneCluster(tmp_path_factory.mktemp("cluster"), high_availability=True)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints a figure into the test's log, captured or not."""

    def tell(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}", end="", flush=True)

    return tell


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 declarations of a day in order, and 1,000 of them again after all others."""
    return material.write(tmp_path_factory.mktemp("day") / "declarations", COUNT, TWICE)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, day: Path) -> dict[tuple[str, int], dict]:
    """What a run over files decides on that day; content by identity."""
    return material.decided_on_files(day, tmp_path_factory.mktemp("undisturbed") / "out")


@dataclass
class Proxied:
    """A broker with all topics, which jobs reach through a proxy and tests directly."""

    broker: LocalBroker
    proxy: Proxy

    @property
    def settings(self) -> Settings:
        """Past the proxy."""
        return Settings(self.broker.bootstrap)

    @property
    def bootstrap(self) -> str:
        """Through the proxy."""
        return f"{HOST}:{self.proxy.port}"


@contextmanager
def proxied(folder: Path, **settings: str) -> Iterator[Proxied]:
    """Start a broker with a second listener, which is advertised as the proxy's port; settings: more of the broker's."""
    broker, behind = LocalBroker(folder), free_port()
    proxy = Proxy(behind)
    broker.settings = settings | {
        "listeners": f"PLAINTEXT://{broker.bootstrap},PROXIED://{HOST}:{behind},"
        f"CONTROLLER://{HOST}:{broker.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{broker.bootstrap},PROXIED://{HOST}:{proxy.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
    }
    broker.start()
    try:
        admin.create(connect(Settings(broker.bootstrap)), 1)
        yield Proxied(broker, proxy)
    finally:
        proxy.stop()
        broker.stop()


@pytest.fixture
def full(tmp_path: Path, day: Path) -> Iterator[Proxied]:
    """A broker in whose topic the day stands; jobs read it at some hundreds of declarations a second."""
    small = {"fetch.max.bytes": "131072"}  # a client waits for the whole of what it fetches
    with proxied(tmp_path / "broker", **small) as made:
        command = ["produce", "--input", str(day), "--kafka", made.broker.bootstrap]
        subprocess.run(
            [sys.executable, "-m", "corridor.cli", *command], check=True, stdout=subprocess.DEVNULL
        )
        end_of_day(made.settings)
        stored = made.broker.folder.glob(f"data/{TOPICS['declarations']}-*/*.log")
        made.proxy.rate = PACE * sum(path.stat().st_size for path in stored) / (COUNT + TWICE)
        yield made


@pytest.fixture
def replayed(tmp_path: Path) -> tuple[object, ...]:
    """Options for a day of the past: no partition is ever idle, so it is never the clock's ticks that make one late.

    Not --bounded: after a restore by a new JobManager a bounded source of Kafka never ends (FLINK-31006).
    """
    config = tmp_path / "replayed.toml"
    config.write_text("[stream]\nidle_ms = 600000\n")
    return "--from-beginning", "--config", config


def end_of_day(settings: Settings) -> None:
    """A tombstone in each partition, later than all: the watermark passes the last declaration."""
    producer = in_order(settings)
    later = int(datetime.combine(material.DAY, datetime.min.time(), UTC).timestamp() * 1000) + 36 * 3_600_000
    for partition in range(PARTITIONS):
        producer.produce(TOPICS["declarations"], None, b"end", partition, timestamp=later)
    assert producer.flush(30) == 0


@dataclass(frozen=True)
class Job:
    """A job on the cluster, watched over REST; a JobManager that is down answers nothing."""

    cluster: StandaloneCluster
    id: str

    def state(self) -> str:
        try:
            return str(self.cluster.rest(f"/jobs/{self.id}")["state"])
        except ClusterError:
            return "UNKNOWN"

    def operators(self) -> dict[str, str]:
        """The ids of the job's vertices and their names."""
        return {found["id"]: found["name"] for found in self.cluster.rest(f"/jobs/{self.id}")["vertices"]}

    def checkpointed_since(self, moment: float) -> bool:
        """Whether a checkpoint that began after `moment` (seconds) is complete."""
        try:
            latest = self.cluster.rest(f"/jobs/{self.id}/checkpoints")["latest"]["completed"]
        except ClusterError:
            return False
        return latest is not None and latest["trigger_timestamp"] > moment * 1000

    def failures(self) -> list[str]:
        """The stacks of what made the job restart or fail, the latest first."""
        told = self.cluster.rest(f"/jobs/{self.id}/exceptions?maxExceptions=5")
        return [entry["stacktrace"] for entry in told["exceptionHistory"]["entries"]]

    def wait(self, what: Callable[[], bool], seconds: float, why: str) -> float:
        """Wait until `what` holds; the seconds it took. Fails with the job's last exception after `seconds`."""
        begun = time.time()
        while not what():
            self.cluster.revive()
            state = self.state()
            if state in {"FAILED", "CANCELED"} or time.time() - begun > seconds:
                last = (
                    (self.failures() or ["no exception"])[0][:3000] if state != "UNKNOWN" else "no JobManager"
                )
                pytest.fail(f"{why}: not after {time.time() - begun:.0f} s, the job is {state}: {last}")
            time.sleep(0.2)
        return time.time() - begun

    def cancel(self) -> None:
        """End it if it runs."""
        if self.cluster.processes[JOBMANAGER].running() and self.state() not in {
            "FINISHED",
            "FAILED",
            "CANCELED",
        }:
            self.cluster.flink("cancel", self.id)


@pytest.fixture
def submit(cluster: StandaloneCluster) -> Iterator[Callable[..., Job]]:
    """Submits jobs/decide.py; cancels at the end what still runs."""
    jobs: list[Job] = []

    def run(broker: Proxied, state: Path, *arguments: object, **more: object) -> Job:
        given = ("--kafka", broker.bootstrap, "--state", state, *arguments)
        jobs.append(Job(cluster, cluster.submit(DECIDE, *given, **more)))
        return jobs[-1]

    yield run
    for job in jobs:
        job.cancel()
