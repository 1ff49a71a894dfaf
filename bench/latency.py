"""From registered_at to the decision, over Kafka: written, and readable for those who read committed records only.

    .venv/bin/python bench/latency.py [--quick] [--rulebook DIR]

`corridor produce --live` sends declarations whose registered_at is the moment of sending; one consumer that reads
uncommitted records and one that reads committed ones note when each decision arrives here. That is done at 0.3 a second
(the peak hour of a national service: 1,000), at 25, 1,000 and 10,000, and over a simulated day replayed with its peaks;
by the settings' defaults and by deploy/low-latency.toml. Late are those decided without histories, since they came after
the watermark. Warm-up is not counted. The whole takes under ten minutes on an idle machine.
Broker, job, producer and consumers share the machine's cores.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from pipeline import fitted_rulebook
from side_by_side import machine

from corridor.flink.topics import TABLE, default
from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.records import record
from corridor.kafka.topics import TOPICS
from corridor.simulate import Service, folder, stream

LOW_LATENCY = Path(__file__).parents[1] / "deploy" / "low-latency.toml"
PROFILES: dict[str, dict[str, Any]] = {
    "defaults": {},
    "low latency": tomllib.loads(LOW_LATENCY.read_text(encoding="utf-8"))["stream"],
}
AIM = 3.5
"""Seconds to written at the 99th percentile, by the defaults."""
A_SERVICE = 25_000
"""Declarations of a working day."""
FIRST_DAY = date(2026, 1, 12)
NAP = 0.01
PATIENCE = 30.0
"""Seconds that are waited for what was sent."""
LONG = 12.0
"""Seconds of a phase that show whether latency grows."""
START = 300.0
"""Seconds in which the job must have decided something."""
HEADS = ("p50", "p95", "p99", "max")


@dataclass(frozen=True)
class Phase:
    """What is sent: `count` declarations at `rate` a second, or (speed) a day of `count` with its peaks."""

    name: str
    count: int
    rate: float = 0.0
    speed: float = 0.0

    @property
    def pace(self) -> list[str]:
        """Options of `corridor produce`."""
        return ["--speed", str(self.speed)] if self.speed else ["--rate", str(self.rate)]


def at(rate: float, seconds: float) -> Phase:
    return Phase(f"{rate:,g}/s", max(1, round(rate * seconds)), rate=rate)


def phases(profile: str, quick: bool, rates: str | None) -> list[Phase]:
    """10,000/s comes last: what it leaves undone would weigh on the others."""
    short, long = (8.0, 5.0) if quick else (30.0, 25.0)
    if rates:
        return [at(float(rate), short) for rate in rates.split(",")]
    if profile != "defaults":
        return [at(25, short), at(1_000, long)]
    day = (
        Phase("a day, its peaks", 5_000, speed=3_600)
        if quick
        else Phase("a day, its peaks", A_SERVICE, speed=720)
    )
    return [at(0.3, 10 if quick else 80), at(25, short), at(1_000, long), day, at(10_000, 3 if quick else 20)]


@dataclass
class Watcher:
    """A consumer of decisions; `seen` says when (ms) the decision by key and registered_at (ms) arrived here.

    late: registered_at (ms) of those decided as late, without histories.
    """

    settings: Settings
    isolation: str
    seen: dict[tuple[bytes, int], int] = field(default_factory=dict)
    late: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        more = {
            "group.id": f"latency-{self.isolation}",
            "isolation.level": self.isolation,
            "fetch.wait.max.ms": 20,
        }
        consumer = Consumer(self.settings.librdkafka() | more | {"enable.auto.commit": False})
        found = consumer.list_topics(TOPICS["decisions"]).topics[TOPICS["decisions"]]
        consumer.assign(
            [TopicPartition(TOPICS["decisions"], part, OFFSET_BEGINNING) for part in found.partitions]
        )
        while not self._over.is_set():
            messages = consumer.consume(1_000, timeout=NAP)
            now = time.time_ns() // 1_000_000
            for message in messages:
                if message.error() is None:  # the record's timestamp is the declaration's registered_at
                    stamp = message.timestamp()[1]
                    self.seen.setdefault((message.key(), stamp), now)
                    if b'"late":true' in message.value():
                        self.late.append(stamp)
        consumer.close()

    def since(self, begun: int) -> int:
        """How many decisions on declarations registered at `begun` or later have arrived."""
        return sum(stamp >= begun for _, stamp in list(self.seen))

    def stop(self) -> None:
        """End the consumer."""
        self._over.set()
        self._thread.join()


@dataclass(frozen=True)
class Outcome:
    """What came of a phase: per declaration, in the order of registered_at (ms), seconds to written; to readable."""

    phase: Phase
    expected: int
    sent_rate: float
    stamps: np.ndarray
    written: np.ndarray
    readable: np.ndarray
    apart: np.ndarray
    late: int

    @property
    def decided_rate(self) -> float:
        """Decisions written a second, from the first to the last."""
        arrivals = self.stamps / 1000 + self.written
        return len(arrivals) / max(np.ptp(arrivals), 1e-9) if len(arrivals) else 0.0

    @property
    def sustained(self) -> bool:
        """False where latency grows from the second quarter to the fourth by more than a tenth of the time between.

        A short phase, and a day with its peaks, tell nothing of that.
        """
        if not len(self.written):
            return False
        quarters = [np.median(part) for part in np.array_split(self.written, 4) if len(part)]
        seconds = np.ptp(self.stamps) / 1000
        if self.phase.speed or seconds < LONG or len(quarters) < 4:
            return True
        return bool(quarters[3] - quarters[1] <= 0.1 * seconds / 2)


def material(place: Path, phase: Phase, number: int) -> tuple[Path, int]:
    """A file of the phase's declarations, of days that no other phase has; and how many decisions must come of it."""
    start = FIRST_DAY + timedelta(weeks=8 * number)
    days = 1 if phase.speed else 50
    per_day = phase.count if phase.speed else A_SERVICE
    lines = stream.lines(Service(1), folder.Span(start, days, per_day))
    identities, path = set(), place / f"{number}.ndjson"
    with path.open("wb") as file:
        for origin, line in islice(lines, None if phase.speed else phase.count):
            file.write(line + b"\n")
            identities.add(dict(record(line, origin).headers)["ce_id"])
    return path, len(identities)


def corridor(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)


def send(settings: Settings, path: Path, pace: list[str]) -> float:
    """Send the file live; gives the records a second that the producer tells."""
    producer = corridor("produce", "--input", path, "--live", "--kafka", settings.bootstrap, *pace)
    told, _ = producer.communicate()
    assert producer.returncode == 0, "corridor produce failed"
    found = re.search(r"([\d,]+) records in ([\d.]+) s", told)
    assert found is not None, told
    return int(found[1].replace(",", "")) / max(float(found[2]), 1e-9)


def run(
    settings: Settings, watchers: list[Watcher], phase: Phase, made: tuple[Path, int], patience_seconds: float
) -> Outcome:
    """Send a phase and wait until all of it can be read, or patience ends."""
    readable, (path, expected) = watchers[1], made
    begun = time.time_ns() // 1_000_000
    rate = send(settings, path, phase.pace)
    patience = time.perf_counter() + patience_seconds
    while readable.since(begun) < expected and time.perf_counter() < patience:
        time.sleep(0.2)
    of = [{key: now for key, now in list(w.seen.items()) if key[1] >= begun} for w in watchers]
    pairs = sorted((stamp, (now - stamp) / 1000) for (_, stamp), now in of[0].items())
    stamps, seconds = np.array(pairs).reshape(-1, 2).T
    readable_seconds = np.array([now - stamp for (_, stamp), now in of[1].items()]) / 1000
    apart = np.array([now - of[0].get(key, now) for key, now in of[1].items()]) / 1000
    return Outcome(
        phase,
        expected,
        rate,
        stamps,
        seconds,
        readable_seconds,
        apart,
        sum(stamp >= begun for stamp in readable.late),
    )


@contextmanager
def job(
    where: Path, bootstrap: str, rulebook: Path | None, stream_keys: dict[str, Any]
) -> Iterator[subprocess.Popen[str]]:
    """The job as an operator starts it, by one file of settings."""
    stated = {"state": str(where / "state")} | ({"rulebook": str(rulebook)} if rulebook else {}) | stream_keys
    config = where / "corridor.toml"
    told = "".join(f"{key} = {toml(value)}\n" for key, value in stated.items())
    config.write_text(f'[kafka]\nbootstrap = "{bootstrap}"\n[stream]\n{told}', encoding="utf-8")
    log = where / "job.log"
    with log.open("w") as errors:
        process = corridor("run", "decide", "--config", config, stderr=errors)
        try:
            yield process
            assert process.poll() is None, log.read_text()[-2000:]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def measure(profile: str, root: Path, rulebook: Path | None, options: argparse.Namespace) -> list[Outcome]:
    """All phases of a profile, on a broker of its own."""
    where = root / profile.replace(" ", "-")
    where.mkdir()
    broker = LocalBroker(where / "broker")
    broker.start()
    settings = Settings(broker.bootstrap)
    try:
        admin.create(connect(settings), 1)
        warm = at(500, 6 if options.quick else 20)
        made = [
            (phase, material(where, phase, k))
            for k, phase in enumerate([warm, *phases(profile, options.quick, options.rates)])
        ]
        with job(where, broker.bootstrap, rulebook, PROFILES[profile]) as process:
            watchers = [Watcher(settings, f"read_{which}") for which in ("uncommitted", "committed")]
            wait_for_first(settings, watchers[1], where, process)
            outcomes = []
            for phase, sent in made:
                outcome = run(settings, watchers, phase, sent, START if phase is warm else PATIENCE)
                if phase is not warm:
                    outcomes.append(outcome)
                    print(line(outcome), flush=True)
            for watcher in watchers:
                watcher.stop()
    finally:
        broker.stop()
    return outcomes


def wait_for_first(
    settings: Settings, readable: Watcher, where: Path, process: subprocess.Popen[str]
) -> None:
    """Declarations every half second until the first decision can be read: the job runs."""
    begun = time.perf_counter()
    first, _ = material(where, Phase("first", 600, rate=2), 9)
    producer = corridor("produce", "--input", first, "--live", "--kafka", settings.bootstrap, "--rate", 2)
    try:
        while not readable.seen:
            told = (where / "job.log").read_text()[-2000:]
            assert process.poll() is None, told
            assert time.perf_counter() - begun < START, told
            time.sleep(0.2)
    finally:
        producer.terminate()
        producer.wait(60)


def shares(seconds: np.ndarray) -> list[float]:
    if not len(seconds):
        return [float("nan")] * 4
    return [float(np.percentile(seconds, q, method="higher")) for q in (50, 95, 99, 100)]


def line(told: Outcome) -> str:
    """A row of the table, and below it what did not go as it should."""
    written, readable = (
        " ".join(f"{value:6.2f}" for value in shares(of)) for of in (told.written, told.readable)
    )
    late = told.late / max(len(told.readable), 1)
    rows = [f"{told.phase.name:<17}{len(told.readable):>8,} {written}  | {readable}  | {late:6.1%}"]
    if len(told.written) and not told.sustained:
        rows.append(f"not sustained: {told.sent_rate:,.0f}/s sent, {told.decided_rate:,.0f}/s decided; the last waited "
                    f"{told.written[-1]:.0f} s, and latency grows as long as that goes on")  # fmt: skip
    if (left := told.expected - len(told.readable)) > 0:
        rows.append(
            f"{left:,} of {told.expected:,} could not be read {PATIENCE:.0f} s after the last was sent"
        )
    if told.phase.rate and told.sent_rate < 0.95 * told.phase.rate:
        rows.append(f"the producer came to {told.sent_rate:,.0f}/s only")
    return f"\n{'':17}".join(rows)


def heading(profile: str) -> str:
    stated = {
        key: PROFILES[profile].get(key, default(key))
        for key in ("checkpoint_ms", "bound_ms", "idle_ms", "bundle_ms")
    }
    told = ", ".join(f"{key} {value}" for key, value in stated.items())
    names = " ".join(f"{name:>6}" for name in HEADS)
    heads = f"{'seconds':<17}{'n':>8} {'to written':<27}  | {'to readable':<27}  |   late"
    return f"\n{profile}: {told}\n{heads}\n{'':25} {names}  | {names}  |"


def told_of(outcomes: list[Outcome]) -> str:
    """What the checkpoint adds, and whether the aim is met."""
    steady = [one for one in outcomes if one.sustained]
    rows = [f"{one.phase.name} {shares(one.apart)[0]:.2f} / {shares(one.apart)[2]:.2f}" for one in steady]
    if not steady:
        return "no rate was sustained"
    worst = max((shares(one.written)[2], one.phase.name) for one in steady)
    return (
        f"what a read_committed reader waits for longer, p50 / p99: {'; '.join(rows)}\n"
        f"worst p99 to written where the rate is sustained: {worst[0]:.2f} s ({worst[1]})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a short check, by the sample rulebook")
    parser.add_argument("--rulebook", type=Path, help="default: 100 rules, norms and 200 trees, fitted here")
    parser.add_argument("--only", choices=PROFILES, help="one profile")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of [stream], to try")
    parser.add_argument("--rates", help="these only, with commas, and no day")
    options = parser.parse_args()
    for given in options.set:
        key, _, value = given.partition("=")
        for keys in PROFILES.values():
            keys[key] = TABLE.kinds[key](value)
    begun = time.perf_counter()
    print(machine("apache-flink", "confluent-kafka", "numba"))
    with tempfile.TemporaryDirectory(prefix="latency-") as where:
        root = Path(where)
        rulebook = options.rulebook or (None if options.quick else fitted_rulebook(root / "fitted"))
        print("rulebook:", "the sample, 77 rules" if rulebook is None else "100 rules, norms, 200 trees" if
              options.rulebook is None else options.rulebook.name)  # fmt: skip
        for profile in [options.only] if options.only else PROFILES:
            print(heading(profile), flush=True)
            outcomes = measure(profile, root, rulebook, options)
            print(told_of(outcomes))
            if profile == "defaults":
                worst = max((shares(one.written)[2] for one in outcomes if one.sustained), default=AIM + 1)
                print(f"aim, p99 to written at most {AIM} s: {'met' if worst <= AIM else 'missed'}")
    print(f"\n{time.perf_counter() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
