"""The topics as the source of the page: committed messages only, nothing committed for any group, so many may read."""

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from corridor.console.state import KINDS, Kind, State
from corridor.kafka.client import Settings
from corridor.kafka.connect import QUIET, TIMEOUT, KafkaError, connect
from corridor.kafka.topics import TOPICS

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_LOG: Final = logging.getLogger(__name__)
BATCH: Final = 5_000
NEWEST: Final = {"anomalies": 25_000, "rejects": 100_000, "decisions": 25_000}
"""Of these topics so many of each partition, counted from the end; the picture is compacted and read whole."""
PULSE: Final = 5.0
"""Seconds between two questions whether the broker is there."""
AGAIN: Final = 30.0
"""Seconds until a topic that could not be read is tried again."""
_CONSUMER: Final[dict[str, str | int | bool]] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 16_384,
}


class Topics:
    """Feeds the state from Kafka until `stop` is set."""

    def __init__(self, state: State, settings: Settings) -> None:
        """KafkaError, with advice, if no broker answers."""
        self._state, self._settings = state, settings
        self._admin = connect(settings)
        self._of: dict[str, Kind] = {TOPICS[kind]: kind for kind in KINDS}
        self._reading: set[str] = set()
        self._behind: set[tuple[str, int]] = set()

    def run(self, stop: threading.Event) -> None:
        """Read what stands there, then what comes; a broker that goes away is waited for."""
        from confluent_kafka import Consumer  # noqa: PLC0415  # keeps `--help` quick

        pulse = threading.Thread(target=self._pulse, args=(stop,), name="pulse", daemon=True)
        consumer = Consumer(
            self._settings.librdkafka()
            | _CONSUMER
            | {"group.id": f"{self._settings.group}-console", "logger": QUIET}
        )
        try:
            self._assign(consumer)
            pulse.start()
            tried = time.monotonic()
            while not stop.is_set():
                self._take(consumer.consume(BATCH, timeout=0.2))
                if len(self._reading) < len(self._of) and time.monotonic() > tried + AGAIN:
                    self._assign(consumer)
                    tried = time.monotonic()
        finally:
            consumer.close()

    def _assign(self, consumer: "Consumer") -> None:
        """Begin to read the topics that are there and may be read."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        for topic in self._of.keys() - self._reading:
            try:
                found = self._admin.list_topics(topic, timeout=TIMEOUT).topics[topic]
                if found.error is not None:
                    raise KafkaException(found.error)
                places = [self._from(consumer, topic, part) for part in found.partitions]
                consumer.incremental_assign(places)
                self._reading.add(topic)
                self._behind |= {(topic, place.partition) for place in places}
                self._missing(topic, None)
            except KafkaException as error:
                self._missing(topic, str(error.args[0].str()))
        if not self._behind:
            self._state.become("live")

    def _from(self, consumer: "Consumer", topic: str, part: int) -> Any:
        from confluent_kafka import OFFSET_BEGINNING, TopicPartition  # noqa: PLC0415

        most = NEWEST.get(self._of[topic])
        if most is None:
            return TopicPartition(topic, part, OFFSET_BEGINNING)
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=TIMEOUT)
        return TopicPartition(topic, part, max(low, high - most))

    def _take(self, messages: list[Any]) -> None:
        by: dict[Kind, list[bytes]] = {}
        for one in messages:
            kind = self._of.get(one.topic() or "")
            if one.error() is not None:
                self._note(one)
            elif kind == "rejects":
                self._reject(one)
            elif kind is not None and one.value() is not None:
                if _version(one) == 1:
                    by.setdefault(kind, []).append(one.value())
                else:
                    self._state.ignore(kind, "version")
        for kind, lines in by.items():
            self._state.take(kind, lines)

    def _reject(self, one: Any) -> None:
        code = dict(one.headers() or ()).get("corridor.error.code")
        if code is None:
            self._state.ignore("rejects", "unreadable")
        else:
            self._state.reject(code.decode("ascii", "replace"), one.value() or b"")

    def _note(self, one: Any) -> None:
        from confluent_kafka import KafkaError as Code  # noqa: PLC0415

        error = one.error()
        if error.code() == Code._PARTITION_EOF:
            self._behind.discard((one.topic(), one.partition()))
            if not self._behind and self._state.link.condition == "loading":
                self._state.become("live")
        elif error.code() in {Code.TOPIC_AUTHORIZATION_FAILED, Code.UNKNOWN_TOPIC_OR_PART}:
            self._missing(one.topic(), error.str())
        else:
            _LOG.info("%s", error.str())

    def _missing(self, topic: str, why: str | None) -> None:
        """Tell that a topic cannot be read, or that it can."""
        if topic not in self._of:
            return
        with self._state.lock:
            missing = dict(self._state.link.missing or {})
            missing.pop(self._of[topic], None)
            if why is not None:
                missing[self._of[topic]] = why[:200]
                self._behind = {place for place in self._behind if place[0] != topic}
            self._state.link.missing = missing
            self._state.version += 1

    def _pulse(self, stop: threading.Event) -> None:
        """Ask again and again whether the broker is there: a consumer is silent about one that is gone."""
        from confluent_kafka import KafkaException  # noqa: PLC0415

        while not stop.wait(PULSE):
            try:
                self._admin.list_topics(timeout=PULSE)
                if self._state.link.condition == "lost":
                    self._state.become("live" if not self._behind else "loading")
            except (KafkaException, KafkaError):
                self._state.become("lost")


def _version(one: Any) -> int | None:
    """The version that the record's CloudEvents type names, 1 without one, None for what is no number."""
    told = dict(one.headers() or ()).get("ce_type")
    if told is None:
        return 1
    _, mark, number = told.decode("ascii", "replace").rpartition(".v")
    return int(number) if mark and number.isdecimal() and len(number) < 10 else None
