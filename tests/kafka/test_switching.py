"""Rulebooks that change while the stream runs: each declaration is judged by the one that its time demands."""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer

from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import read
from corridor.kafka.topics import SPECIFICATIONS, TOPICS
from corridor.processes import descendants
from corridor.registry.audit import FileLog, verify
from corridor.registry.keys import PASSPHRASE, Trust, make
from corridor.registry.registry import Registry
from corridor.rulebook.lists import microseconds
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from tests.cluster.material import DAY, content, declarations, identity
from tests.cluster.topics import Follower
from tests.registry.material import ANNA, BORIS, YEAR, hand, trusted_folder, write_key

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(1200)]

COUNT, EVERY = 60_000, 5_000
RATE = 750
"""Declarations a second: a version is in force for seven seconds, in which workers look five times."""
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


def expected(day: list[bytes], books: list[Path], folder: Path) -> dict[tuple[str, int], dict]:
    """What a run over files decides with all versions at hand: the back-test's decisions."""
    (folder / "day").mkdir(parents=True)
    (folder / "day" / "1.ndjson").write_bytes(b"\n".join(day) + b"\n")
    command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--input", folder / "day", "--output"]
    command += [folder / "out", "--rulebook", books[0].parent]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    found = (
        json.loads(line) for path in (folder / "out" / "decisions").iterdir() for line in path.open("rb")
    )
    return {identity(decision): content(decision) for decision in found}


class Feed(threading.Thread):
    """Sends the day at its rate, and publishes each version when the one before the one before takes effect."""

    def __init__(self, settings: Settings, day: list[bytes], registry: Registry, books: list[Path]) -> None:
        super().__init__(daemon=True)
        self._settings, self._day, self._registry, self._books = settings, day, registry, books
        self.sent = 0
        self.error: BaseException | None = None
        self.published: list[float] = []

    def publish(self, n: int) -> None:
        """Approved eleven minutes before it takes effect, by the declarations' clock."""
        at = microseconds(moment(self._day[n * EVERY])) - 660_000_000
        made = self._registry.propose(self._books[n], hand(ANNA, at))
        self._registry.approve(made.statement.version, hand(BORIS, at))
        self.published.append(time.time())

    def run(self) -> None:
        try:
            self._send()
        except BaseException as error:
            self.error = error

    def _send(self) -> None:
        producer, partitions = (
            Producer(self._settings.librdkafka() | {"linger.ms": 5}),
            SPECIFICATIONS[0].partitions,
        )
        begun = time.monotonic()
        for n, line in enumerate(self._day):
            if n % EVERY == 0 and n // EVERY + 2 < len(self._books):
                threading.Thread(target=self.publish, args=(n // EVERY + 2,), daemon=True).start()
            at = int(moment(line).timestamp() * 1000)
            producer.produce(TOPICS["declarations"], line, partition=n % partitions, timestamp=at)
            producer.poll(0)
            if n % 25 == 0:
                time.sleep(max(0.0, begun + n / RATE - time.monotonic()))
            self.sent = n + 1
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


def rates(seen: list[tuple[float, object]], length: float = 1.0) -> list[tuple[float, float]]:
    """Decisions a second, second by second: (begin, rate)."""
    counts = collections.Counter(int(at / length) for at, _ in seen)
    return [(second * length, counts[second] / length) for second in range(min(counts), max(counts))]


def demanded(decision: dict, starts: list[tuple[datetime, str]]) -> str:
    """The version that was in force when it was registered."""
    registered = datetime.fromisoformat(decision["registered_at"])
    return next(version for at, version in reversed(starts) if at <= registered)


@pytest.fixture
def published(tmp_path, monkeypatch, books, day):
    """A registry with the first two versions; trusted keys; a service's key for the log."""
    monkeypatch.setenv(PASSPHRASE, WORDS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    trusted = trusted_folder(tmp_path / "trusted")
    for signer in (ANNA, BORIS):
        key = signer.owner
        write_key(trusted, type(key)(key.name, key.roles, key.valid_from - YEAR, key.valid_until, key.raw))
    _, public = make("svc", ("service",), tmp_path / "own", WORDS)
    (trusted / "svc.toml").write_bytes(public.read_bytes())
    return Registry.open(str(tmp_path / "registry")), trusted


def test_every_declaration_is_judged_by_the_version_that_its_time_demands(
    tmp_path, new_broker, day, books, published, capsys
):
    registry, trusted = published
    broker = new_broker()
    settings = Settings(broker.bootstrap)
    admin.create(connect(settings), 1)
    feed = Feed(settings, day, registry, books)
    for n in (0, 1):
        feed.publish(n)
    config, log = tmp_path / "corridor.toml", tmp_path / "audit.ndjson"
    config.write_text(
        f'[stream]\nidle_ms = 600000\nparallelism = 2\nregistry_poll_s = 1\nregistry = "{tmp_path / "registry"}"\n'
        f'trusted_keys = "{trusted}"\naudit = "{log}"\naudit_key = "{tmp_path / "own" / "svc.key"}"\n'
    )
    command = [
        sys.executable,
        "-m",
        "corridor.cli",
        "run",
        "decide",
        "--kafka",
        broker.bootstrap,
        "--config",
        config,
    ]
    command += ["--state", tmp_path / "state", "--from-beginning", "--checkpoint", 500]
    run = subprocess.Popen(
        list(map(str, command)),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    follower = Follower(settings)
    try:
        feed.start()
        killed = []
        for at in KILLED_AT:
            wait(lambda at=at: len(follower.seen) >= at, 300, f"{at} decisions", run)
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
    truth = expected(day, books, tmp_path / "files")
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
    assert len(killed) >= len(KILLED_AT)
    assert set(by_version) == {book.name for book in books}
    assert not [one for one in anomalies if b"circuit." in one]
    assert verify(FileLog(log).lines(), Trust.load(trusted)).number >= len(books)
    switched = {json.loads(line)["record"]["subject"] for line in FileLog(log).lines()}
    assert switched == set(by_version)
