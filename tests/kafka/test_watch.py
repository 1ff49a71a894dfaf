"""The detector in the stream: one plan with the decisions, bins that close by watermark, the anomalies of files.

Over a rulebook that changes at noon, workers that are killed and a job that is stopped and started again.
"""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.flink.connectors import Source
from corridor.flink.embedded import Files, run_picture
from corridor.flink.embedded import run_decide as run_files
from corridor.flink.streaming import Topics
from corridor.flink.streaming import run_picture as paint_topics
from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import Message, read
from corridor.kafka.topics import SPECIFICATIONS, TOPICS
from corridor.messages.declaration import decode
from corridor.picture import norms
from corridor.processes import descendants
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from corridor.simulate.followups import QUIET
from tests.cluster.topics import Follower, in_order
from tests.schemas.documents import valid

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

NOW = 1_790_000_000_000_000
HISTORY, DAY = date(2025, 11, 17), date(2025, 11, 25)
KILLED, STOPPED, HUSHED = (datetime(2025, 11, 25, *at, tzinfo=UTC) for at in ((10, 30), (13, 30), (15, 0)))
"""Where in the day's time workers are killed, and the job is stopped; between them the rulebook changes."""
PARTITIONS = SPECIFICATIONS[0].partitions
WORKER = "pyflink.fn_execution.beam.beam_boot"


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """A day with a silent office and a share that jumps; rulebooks with norms of the week before, others from noon on."""
    root = tmp_path_factory.mktemp("watched")
    plain = Options(planted=False, mix=QUIET)
    folder.write(Service(3), folder.Span(HISTORY, 8, 1500, plain, "none"), root / "h", lambda d, n: None)
    folder.write(
        Service(3), folder.Span(DAY, 1, 1500, Options(mix=QUIET), "last"), root / "day", lambda d, n: None
    )
    for path in (root / "day" / "declarations").glob("*"):
        hush(path)
        os.utime(path, (0, 0))
    totals = []
    for path in sorted((root / "h" / "declarations").glob("*")):
        lines = path.read_bytes().splitlines()
        totals.append(norms.hourly(decode(lines, np.zeros(len(lines), np.int64)).declarations))
    known = norms.merge(totals)
    since = {
        "watched-1": datetime(2025, 11, 1, tzinfo=UTC),
        "watched-2": datetime(2025, 11, 25, 12, tzinfo=UTC),
    }
    for (version, starts), alarms in zip(since.items(), (5.0, 1.0), strict=True):
        book = root / "books" / version
        shutil.copytree(sample_path(), book)
        norms.save(norms.fit(known, alarms=alarms), book)
        (book / "manifest.yaml").unlink()
        write_manifest(book, version, starts)
    return root


def registered(line: bytes) -> datetime:
    """Texts have the offsets of their offices: they are in another order."""
    return datetime.fromisoformat(json.loads(line)["registered_at"])


def hush(day: Path) -> None:
    """The largest office lodges nothing from three o'clock on: that is told after the restart."""
    found = [(line, json.loads(line)) for line in day.read_bytes().splitlines()]
    ((largest, _),) = collections.Counter(one["office"] for _, one in found).most_common(1)
    kept = [line for line, one in found if one["office"] != largest or registered(line) < HUSHED]
    day.write_bytes(b"".join(line + b"\n" for line in kept))


def written(output: Path) -> list[dict]:
    """The newest anomaly of each episode, as a run over files tells them."""
    lines = [line for path in (output / "anomalies").glob("*") for line in path.read_bytes().splitlines()]
    return [found for found in map(json.loads, lines) if found["episode"]]


@pytest.fixture(scope="module")
def files(material) -> list[dict]:
    day, books = material / "day" / "declarations", material / "books"
    run_files(Files(day, material / "out", rulebook=books, decided_at=NOW))
    return written(material / "out")


@pytest.fixture(scope="module")
def settings(new_broker) -> Settings:
    found = Settings(new_broker().bootstrap)
    admin.create(connect(found), 1)
    return found


class Run:
    """`corridor run decide` over topics: started, killed, stopped and started again."""

    def __init__(self, settings: Settings, folder: Path, books: Path) -> None:
        self._settings, self._follower = settings, Follower(settings)
        (folder / "corridor.toml").write_text(
            # what a killed worker left open ends while `wait` waits: until then nobody reads what was committed behind it
            "[kafka]\ntransaction_timeout_ms = 120000\n[stream]\nidle_ms = 600000\nparallelism = 2\n"
        )
        self._command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--kafka", settings.bootstrap]
        self._command += ["--config", str(folder / "corridor.toml"), "--state", str(folder / "state")]
        self._command += ["--rulebook", str(books), "--checkpoint", "500"]
        self._sent = 0
        self.start("--from-beginning")

    def start(self, *more: str) -> None:
        self._process = subprocess.Popen(
            [*self._command, *more],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def send(self, lines: list[bytes]) -> None:
        """Send some, and wait until they are decided but for the last of each partition, which wait for what follows."""
        producer = in_order(self._settings)
        for line in lines:
            at = int(registered(line).timestamp() * 1000)
            partition = self._sent % PARTITIONS
            producer.produce(TOPICS["declarations"], line, partition=partition, timestamp=at)
            self._sent += 1
        assert producer.flush(30) == 0
        self.wait(lambda: len(self._follower.seen) >= self._sent - 2 * PARTITIONS, "decisions")

    def end(self) -> None:
        """The next day in every partition: all bins close."""
        producer, at = in_order(self._settings), datetime(2025, 11, 26, 12, tzinfo=UTC)
        for partition in range(PARTITIONS):
            stamp = int(at.timestamp() * 1000)
            producer.produce(TOPICS["declarations"], None, partition=partition, timestamp=stamp)
        assert producer.flush(30) == 0

    def wait(self, what: Callable[[], object], why: str) -> None:
        end = time.time() + 240
        while not what():
            assert self._process.poll() is None, self._process.stderr.read()
            assert time.time() < end, f"no {why}"
            time.sleep(0.3)

    def workers(self) -> set[int]:
        return {pid for pid, told in descendants(self._process.pid) if WORKER in told}

    def kill_workers(self) -> set[int]:
        """All Python workers, once a checkpoint is there: the job begins anew from it as soon as it needs them."""
        old = self.workers()
        assert old
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        return old

    def stop(self) -> str:
        self._process.send_signal(signal.SIGINT)
        return self._process.communicate(timeout=120)[1]

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._follower.stop()


def episodes(settings: Settings) -> list[Message]:
    return [m for m in read(settings, TOPICS["anomalies"]) if json.loads(m.value)["episode"]]


@pytest.fixture(scope="module")
def stream(material, files, settings, tmp_path_factory) -> Iterator[list[Message]]:
    """Anomalies with an episode in the order in which they stand in the topic."""
    found = sorted(
        (
            line
            for path in (material / "day" / "declarations").glob("*")
            for line in path.read_bytes().splitlines()
        ),
        key=registered,
    )
    first, second = (sum(registered(line) < cut for line in found) for cut in (KILLED, STOPPED))
    run = Run(settings, tmp_path_factory.mktemp("run"), material / "books")
    try:
        run.send(found[:first])
        killed = run.kill_workers()
        run.send(found[first:second])
        assert run.workers()
        assert not run.workers() & killed
        assert "goes on from here" in run.stop()
        run.start()
        run.send(found[second:])
        run.end()
        expected = {doc["anomaly_id"] for doc in files}
        run.wait(
            lambda: expected <= {json.loads(m.value)["anomaly_id"] for m in episodes(settings)}, "anomalies"
        )
        run.stop()
    finally:
        run.close()
    return episodes(settings)


def same(files: list[dict], told: list[Message]) -> None:
    """The episodes of files; what is closed word for word, what is open is told of files with its figures at the end."""
    newest = {doc["episode"]["id"]: doc for doc in (json.loads(m.value) for m in told)}
    assert newest.keys() == {doc["episode"]["id"] for doc in files}
    for doc in files:
        live = newest[doc["episode"]["id"]]
        assert (live["kind"], live["subject"], live["episode"]) == (
            doc["kind"],
            doc["subject"],
            doc["episode"],
        )
        if doc["episode"]["state"] == "closed":
            assert live == doc


def test_the_stream_tells_the_episodes_that_files_tell(files, stream):
    """Over a switch, killed workers and a restart: none is lost, none is told twice."""
    assert {doc["kind"] for doc in files} >= {"picture.silence"}
    assert max(datetime.fromisoformat(doc["event_time"]) for doc in files) > HUSHED
    assert {doc["rulebook"] for doc in files} == {"watched-1", "watched-2"}
    same(files, stream)
    told = [json.loads(message.value)["anomaly_id"] for message in stream]
    assert len(set(told)) == len(told)


def test_anomalies_are_keyed_by_subject_and_keep_to_the_schema(stream):
    for message in stream:
        doc = json.loads(message.value)
        assert message.key.decode() == f"{doc['subject']['type']}:{doc['subject']['id']}"
    valid("anomaly.v1", [message.value for message in stream])


def test_decisions_alone_tell_the_same_of_files(material, files):
    done = run_picture(
        Files(material / "out" / "decisions", material / "painted", rulebook=material / "books")
    )
    key = lambda doc: doc["anomaly_id"]  # noqa: E731
    assert sorted(written(material / "painted"), key=key) == sorted(files, key=key)
    assert sum(done["anomalies"].values()) == len(files)


def test_decisions_alone_tell_the_same_of_topics(material, files, settings, stream, tmp_path):
    source = Source(bounded=True, from_beginning=True)
    paint_topics(Topics(settings, tmp_path / "s", source, rulebook=material / "books"))
    same(
        files,
        [
            m
            for m in episodes(settings)
            if (m.partition, m.offset) not in {(s.partition, s.offset) for s in stream}
        ],
    )
