"""Lines of NDJSON into a topic: every line once, in its order, at a chosen pace."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.connect import QUIET, TIMEOUT, KafkaError, connect
from corridor.kafka.pace import Pace
from corridor.kafka.present import Present
from corridor.kafka.records import Record, record

if TYPE_CHECKING:
    from confluent_kafka import Producer

Line = tuple[str, bytes]
"""Where a line comes from (file and number), and its bytes without the line end."""
LARGEST: Final = 2 * 1024 * 1024 - 65_536
"""Bytes of a line that still fits into a record with its headers; topics take 2 MiB."""
_PRODUCER: Final[dict[str, str | int | bool]] = {
    "enable.idempotence": True,
    "max.in.flight.requests.per.connection": 1,
    "compression.type": "lz4",
    "linger.ms": 5,
    "batch.num.messages": 10_000,
    "message.max.bytes": 2 * 1024 * 1024,
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 262_144,
    "partitioner": "murmur2_random",
    "delivery.report.only.error": True,
    "message.timeout.ms": 120_000,
}
"""Idempotent: a retry is not written twice. What was on its way when a broker was killed may be, seldom (with more than
one request in flight for one reason known, confluentinc/librdkafka issue 4953; seen with one, too): the stream knows such
records as duplicates. The partitioner is that of Java's clients."""
_TELL_EVERY: Final = 0.2
_NAP: Final = 0.05
_CTRL_C: Final = (signal.SIGINT,)


@dataclass(slots=True)
class Progress:
    """How far a replay is. behind: seconds by which it is later than its pace; event_ms: the data's time."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0
    empty: int = 0
    too_large: int = 0
    seconds: float = 0.0
    behind: float = 0.0
    event_ms: int | None = None
    interrupted: bool = False
    reason: str = ""


def replay(
    settings: Settings,
    topic: str,
    lines: Iterable[Line],
    pace: Pace,
    report: Callable[[Progress], None] = lambda _: None,
    live: bool = False,
) -> Progress:
    """Send every line that is not empty; gives what came of it when all are acknowledged.

    live: registered_at becomes the time at which a declaration is sent; else each line goes as it is.

    Ctrl-C ends it in order: what was handed over is still delivered, and `interrupted` is set. KafkaError if
    the broker does not answer, has no such topic, or did not acknowledge every record.
    """
    from confluent_kafka import Producer  # noqa: PLC0415  # keeps `--help` quick

    _expect(settings, topic)
    run = _Run(topic, pace, report, Present() if live else None)
    producer = Producer(settings.librdkafka() | _PRODUCER | {"on_delivery": run.undelivered, "logger": QUIET})
    try:
        try:
            for one in records(lines, run.progress):
                run.send(producer, one)
        except KeyboardInterrupt:
            run.progress.interrupted = True
        run.finish(producer)
    finally:
        producer.purge()
    if run.progress.failed:
        raise KafkaError(
            f"{run.progress.failed:,} of {run.progress.sent:,} records were not acknowledged by topic {topic} "
            f"({run.progress.reason}); see `corridor doctor`"
        )
    return run.progress


_WEEK_MS: Final = 7 * 86_400_000


def files_of(files: Iterable[Path]) -> Iterator[Line]:
    """The lines of files, one file after the other. InputError for one that cannot be read."""
    for file in files:
        try:
            with file.open("rb") as lines:
                for number, raw in enumerate(lines, 1):
                    yield f"{file.name}:{number}", raw.removesuffix(b"\n").removesuffix(b"\r")
        except OSError as error:
            raise InputError(f"{file}: {error.strerror or error}; give files that can be read") from error


def records(lines: Iterable[Line], progress: Progress) -> Iterator[Record]:
    """The records of all lines; empty ones and those too large for a record are counted in `progress`.

    A record without a time of its own, or one dated more than a week ahead of those before it, bears the time
    of the one before: event time would run ahead with it, and all that follows would be late.
    """
    last: int | None = None
    for origin, line in lines:
        if not line:
            progress.empty += 1
        elif len(line) > LARGEST:
            progress.too_large += 1
        else:
            one = record(line, origin)
            if last is not None and (one.event_ms is None or one.event_ms > last + _WEEK_MS):
                one = one._replace(timestamp_ms=last)
            elif one.event_ms is not None:
                last = one.event_ms
            yield one


class _Run:
    def __init__(
        self, topic: str, pace: Pace, report: Callable[[Progress], None], present: Present | None
    ) -> None:
        self.progress = Progress()
        self._topic, self._pace, self._report, self._present = topic, pace, report, present
        self._begun = time.perf_counter()
        self._told = 0.0

    def send(self, producer: "Producer", one: Record) -> None:
        """Wait until the record is due and hand it over."""
        progress = self.progress
        due = self._pace.due(progress.sent, one.event_ms)
        now = time.perf_counter() - self._begun
        while due - now > 0.001:
            producer.poll(0)
            time.sleep(min(due - now, _NAP))
            self._tell(producer, time.perf_counter() - self._begun)
            now = time.perf_counter() - self._begun
        if self._present is not None:
            one = self._present.dated(one)
        while not self._handed_over(producer, one):
            producer.poll(_NAP)
            self._tell(producer, time.perf_counter() - self._begun)
        progress.event_ms = one.event_ms or progress.event_ms
        progress.behind = now - due if due else 0.0
        if not progress.sent % 256:
            producer.poll(0)
            self._tell(producer, now)

    def _handed_over(self, producer: "Producer", one: Record) -> bool:
        """False where the client's queue is full. Ctrl-C comes before it or after it: what was sent is counted."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _CTRL_C)
        try:
            producer.produce(self._topic, one.value, one.key, timestamp=one.timestamp_ms, headers=one.headers)
            self.progress.sent += 1
        except BufferError:
            return False
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _CTRL_C)
        return True

    def finish(self, producer: "Producer") -> None:
        """Wait until all is acknowledged or has failed; a second Ctrl-C gives up waiting."""
        try:
            while producer.flush(_TELL_EVERY):
                self._tell(producer, time.perf_counter() - self._begun)
        except KeyboardInterrupt:
            self.progress.interrupted = True
        self._told = 0.0
        self._tell(producer, time.perf_counter() - self._begun)

    def undelivered(self, error: Any, message: Any) -> None:
        """Called by the client for each record that was given up."""
        del message
        self.progress.failed += 1
        self.progress.reason = error.str()

    def _tell(self, producer: "Producer", now: float) -> None:
        if now - self._told < _TELL_EVERY and self._told:
            return
        self._told, self.progress.seconds = now, now
        self.progress.delivered = self.progress.sent - self.progress.failed - len(producer)
        self._report(self.progress)


def _expect(settings: Settings, topic: str) -> None:
    found = connect(settings).list_topics(topic, timeout=TIMEOUT).topics.get(topic)
    if found is None or found.error is not None or not found.partitions:
        raise KafkaError(
            f"topic {topic} does not exist on {settings.bootstrap}: run `corridor topics create`"
        )
