"""Rulebooks that change while the stream runs: each declaration is judged by the one that its time demands."""

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corridor.cache import cache_folder
from corridor.kafka import admin
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import read
from corridor.kafka.topics import SPECIFICATIONS, TOPICS
from corridor.processes import descendants
from corridor.registry.audit import FileLog, verify
from corridor.registry.copies import Copies
from corridor.registry.keys import PASSPHRASE, Trust, make
from corridor.registry.registry import Registry
from corridor.rulebook.lists import microseconds
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from tests.cluster.material import DAY, content, declarations, identity
from tests.cluster.topics import Follower, in_order
from tests.registry.material import ANNA, BORIS, hand, trusted_folder
from tests.schemas.documents import valid

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(1200)]

COUNT, EVERY = 60_000, 5_000
FIRST = 1_000
RATE = 1_000
"""Declarations a second: a version is in force for five seconds, in which workers look five times."""
KILLED_AT = (12_000, 28_000, 43_000)
WORDS = "correct horse battery"
WORKER = "pyflink.fn_execution.beam.beam_boot"


@pytest.fixture(scope="module")
def day() -> list[bytes]:
    """60,000 declarations in the order of their registration."""
    return [line.rstrip(b"\n") for line in declarations(COUNT)]


def moment(line: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(line)["registered_at"]).astimezone(UTC)


@pytest.fixture(scope="module")
def books(day, tmp_path_factory) -> list[Path]:
    """Twelve rulebooks that decide otherwise, each from its 5,000th declaration on."""
    folder = tmp_path_factory.mktemp("books")
    for n in range(COUNT // EVERY):
        made = folder / f"v{n:02d}"
        shutil.copytree(sample_path(), made)
        text = (made / "corridors.yaml").read_text()
        (made / "corridors.yaml").write_text(text.replace("rate: 0.005", f"rate: 0.0{5 + 5 * n:02d}"))
        write_manifest(made, made.name, moment(day[n * EVERY]))
    return [folder / f"v{n:02d}" for n in range(COUNT // EVERY)]


def expected(day: list[bytes], folder: Path, trusted: Path) -> dict[tuple[str, int], dict]:
    """What a run over files decides by the same registry, with all versions at hand: the back-test's decisions."""
    (folder / "day").mkdir()
    (folder / "day" / "1.ndjson").write_bytes(b"\n".join(day) + b"\n")
    command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--input", folder / "day", "--output"]
    command += [folder / "out", "--registry", folder / "registry", "--trusted", trusted]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    found = (
        json.loads(line) for path in (folder / "out" / "decisions").iterdir() for line in path.open("rb")
    )
    return {identity(decision): content(decision) for decision in found}


class Feed(threading.Thread):
    """Sends the day at its rate, once the first thousand are decided, and publishes each version two ahead of its time."""

    def __init__(
        self, settings: Settings, day: list[bytes], registry: Registry, books: list[Path], follower: Follower
    ) -> None:
        super().__init__(daemon=True)
        self._settings, self._day, self._registry, self._books = settings, day, registry, books
        self._follower = follower
        self.error: BaseException | None = None

    def publish(self, n: int) -> None:
        """Approved eleven minutes before it takes effect, by the declarations' clock."""
        at = microseconds(moment(self._day[n * EVERY])) - 660_000_000
        made = self._registry.propose(self._books[n], hand(ANNA, at))
        self._registry.approve(made.statement.version, hand(BORIS, at))

    def run(self) -> None:
        try:
            self._send()
        except BaseException as error:
            self.error = error

    def _send(self) -> None:
        producer, partitions = (
            in_order(self._settings, **{"linger.ms": 5}),
            SPECIFICATIONS[0].partitions,
        )
        begun = time.monotonic()
        for n, line in enumerate(self._day):
            if n == FIRST:
                producer.flush(30)
                self._follower.wait(1, 300)
                begun = time.monotonic() - n / RATE
            if n % EVERY == FIRST and n // EVERY + 2 < len(self._books):
                self.publish(n // EVERY + 2)
            at = int(moment(line).timestamp() * 1000)
            producer.produce(TOPICS["declarations"], line, partition=n % partitions, timestamp=at)
            producer.poll(0)
            if n % 25 == 0:
                time.sleep(max(0.0, begun + n / RATE - time.monotonic()))
        end = int(datetime.combine(DAY, datetime.min.time(), UTC).timestamp() * 1000) + 36 * 3_600_000
        for partition in range(partitions):
            producer.produce(TOPICS["declarations"], None, partition=partition, timestamp=end)
        assert producer.flush(30) == 0


def wait(what, seconds: float, why: str, run: subprocess.Popen) -> None:
    end = time.time() + seconds
    while not what():
        assert run.poll() is None, run.stderr.read()
        assert time.time() < end, why
        time.sleep(0.2)


def workers(run: subprocess.Popen) -> list[int]:
    return [pid for pid, told in descendants(run.pid) if WORKER in told]


def demanded(decision: dict, starts: list[tuple[datetime, str]]) -> str:
    """The version that was in force when it was registered."""
    registered = datetime.fromisoformat(decision["registered_at"])
    return next(version for at, version in reversed(starts) if at <= registered)


@pytest.fixture
def published(tmp_path, monkeypatch, books, day):
    """A registry with the first two versions; trusted keys; a service's key for the log."""
    monkeypatch.setenv(PASSPHRASE, WORDS)
    trusted = trusted_folder(tmp_path / "trusted")
    _, public = make("svc", ("service",), tmp_path / "own", WORDS)
    (trusted / "svc.toml").write_bytes(public.read_bytes())
    registry = Registry.open(str(tmp_path / "registry"))
    yield registry, trusted
    shutil.rmtree(Copies(registry, cache_folder() / "registry").folder, ignore_errors=True)


def started(folder: Path, settings: Settings, trusted: Path, *more: object) -> subprocess.Popen:
    """`corridor run decide` over the registry in `folder`, with a log; two workers, which look every second."""
    config = folder / "corridor.toml"
    config.write_text(
        f'[stream]\nidle_ms = 600000\nparallelism = 2\nregistry_poll_s = 1\nregistry = "{folder / "registry"}"\n'
        f'trusted_keys = "{trusted}"\naudit = "{folder / "audit.ndjson"}"\naudit_key = "{folder / "own" / "svc.key"}"\n'
    )
    command = [
        sys.executable,
        "-m",
        "corridor.cli",
        "run",
        "decide",
        "--kafka",
        settings.bootstrap,
        "--config",
        config,
    ]
    command += ["--state", folder / "state", "--from-beginning", "--checkpoint", 500, *more]
    return subprocess.Popen(
        list(map(str, command)),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def test_every_declaration_is_judged_by_the_version_that_its_time_demands(
    tmp_path, new_broker, day, books, published, capsys
):
    registry, trusted = published
    broker = new_broker()
    settings = Settings(broker.bootstrap)
    admin.create(connect(settings), 1)
    follower = Follower(settings)
    feed = Feed(settings, day, registry, books, follower)
    for n in (0, 1):
        feed.publish(n)
    log = tmp_path / "audit.ndjson"
    run = started(tmp_path, settings, trusted)
    try:
        feed.start()
        killed = []
        for at in KILLED_AT:
            wait(lambda at=at: len(follower.seen) >= at, 300, f"{at} decisions", run)
            wait(lambda: len(workers(run)) == 2, 120, "two workers", run)
            for pid in workers(run):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        wait(lambda: len(follower.seen) >= COUNT, 300, "all decisions", run)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        follower.stop()
    assert feed.error is None
    found = [json.loads(message.value) for message in read(settings, TOPICS["decisions"])]
    decided = {identity(decision): content(decision) for decision in found}
    truth = expected(day, tmp_path, trusted)
    starts = [(moment(day[n * EVERY]), f"v{n:02d}") for n in range(len(books))]
    wrong = [key for key, decision in decided.items() if decision["rulebook"] != demanded(decision, starts)]
    other = [key for key, decision in truth.items() if decided.get(key) != decision]
    by_version = collections.Counter(decision["rulebook"] for decision in found)
    anomalies = [message.value for message in read(settings, TOPICS["anomalies"])]
    late = sum(decision["late"] for decision in found)
    with capsys.disabled():
        print(
            f"\n  {len(found):,} decisions by {len(by_version)} rulebooks, {len(killed)} workers killed: lost "
            f"{COUNT - len(decided)}, twice {len(found) - len(decided)}, of another version {len(wrong)}, otherwise "
            f"than over files {len(other)}, late {late}\n  by version {dict(sorted(by_version.items()))}"
        )
    assert len(found) == len(decided) == COUNT
    assert (wrong, other) == ([], [])
    assert len(killed) == 2 * len(KILLED_AT)
    assert set(by_version) == {book.name for book in books}
    assert not [one for one in anomalies if b"circuit." in one]
    assert verify(FileLog(log).lines(), Trust.load(trusted)).number >= len(books)
    switched = {json.loads(line)["record"]["subject"] for line in FileLog(log).lines()}
    assert switched == set(by_version)


def check_told(refused: list[dict], late: list[dict], metrics: str, log: Path) -> None:
    """A half-copied record was told of once a worker, in all three places."""
    assert late, "those that it is for had been judged by the one before"
    assert len({one["anomaly_id"] for one in refused}) == 1
    assert len(refused) <= 2, "once a worker"
    valid("anomaly.v1", [json.dumps(one).encode() for one in refused + late])
    assert refused[0]["evidence"] == {"number": 2, "reason": "unreadable"}
    counted = re.findall(r"corridor_reason_rulebook_refused\{.*reason=\"(\w+)\".*\} (\S+)", metrics)
    assert {reason for reason, n in counted if float(n)} == {"unreadable"}
    assert "corridor_registry_silent_seconds" in metrics
    records = [json.loads(line)["record"] for line in FileLog(log).lines()]
    told = {(one["event"], one["subject"]) for one in records}
    assert told >= {("refusal", "publication 2"), ("switch", "v01")}


def test_a_half_copied_rulebook_is_refused_while_the_stream_goes_on(
    tmp_path, new_broker, day, books, published
):
    """Its record cut short: the last good one judges, an anomaly and a metric tell of it; once it is whole it counts."""
    registry, trusted = published
    settings = Settings(new_broker().bootstrap)
    admin.create(connect(settings), 1)
    follower = Follower(settings)
    feed = Feed(settings, day, registry, books, follower)
    for n in (0, 1):
        feed.publish(n)
    record, aside = tmp_path / "registry" / "versions" / "000002.json", tmp_path / "aside"
    record.rename(aside)
    port = free_port()
    run = started(tmp_path, settings, trusted, "--metrics", port, "--no-picture")
    producer = in_order(settings)

    def send(first: int, count: int) -> None:
        for n in range(first, first + count):
            at = int(moment(day[n]).timestamp() * 1000)
            producer.produce(
                TOPICS["declarations"], day[n], partition=n % SPECIFICATIONS[0].partitions, timestamp=at
            )
        assert producer.flush(30) == 0

    def refusals(kind: str = "circuit.rulebook_refused") -> list[dict]:
        told = [json.loads(message.value) for message in read(settings, TOPICS["anomalies"])]
        return [one for one in told if one["kind"] == kind]

    try:
        send(0, 500)
        wait(lambda: len(follower.seen) > 100, 300, "a first decision", run)
        record.write_bytes(aside.read_bytes()[:700])
        time.sleep(4)
        for n in range(10):
            send(EVERY + 100 * n, 100)
            time.sleep(0.5)
        wait(refusals, 120, "an anomaly", run)
        wait(lambda: len(follower.seen) > 1_000, 120, "decisions", run)
        before = {json.loads(message.value)["rulebook"] for _, message in follower.seen}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        aside.rename(record)
        time.sleep(4)
        send(EVERY + 1_000, 1_000)
        wait(
            lambda: any(b'"rulebook":"v01"' in m.value for _, m in list(follower.seen)),
            120,
            "the new one",
            run,
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        follower.stop()
    assert before == {"v00"}
    check_told(refusals(), refusals("circuit.rulebook_late"), metrics, tmp_path / "audit.ndjson")
