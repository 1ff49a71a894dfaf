"""A consumer of several topics, each from its own start, that outlives whatever befalls one of them."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as Code

from corridor.kafka.client import Settings
from corridor.kafka.connect import QUIET, TIMEOUT, connect, refused
from corridor.kafka.follow import Message, Newest

BATCH: Final = 5_000
"""Messages taken at once, at most."""
AGAIN: Final = 10.0
"""Seconds until a topic that could not be read is tried again."""
SILENCE: Final = 5.0
"""Seconds without a message after which the broker is asked whether it is there: one that is gone says nothing."""
_CONSUMER: Final[dict[str, str | int | bool]] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.max.bytes": 4 * 1024 * 1024,
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 16_384,
}
_CLOSED: Final = (Code.TOPIC_AUTHORIZATION_FAILED, Code.UNKNOWN_TOPIC_OR_PART)
_GONE: Final = (Code._ALL_BROKERS_DOWN, Code._TRANSPORT)
_LOG: Final = logging.getLogger(__name__)
Place = tuple[str, int]


class Assigned:
    """there: whether the broker answers; behind: partitions not read up yet; missing: by topic why it cannot be read."""

    def __init__(self, settings: Settings, starts: Mapping[str, int | Newest]) -> None:
        """starts: by topic, as `kafka.follow.since` gives them. KafkaError, with advice, if no broker answers."""
        self._starts = starts
        self._admin = connect(settings)
        self._next: dict[Place, int] = {}
        self._reading: set[str] = set()
        self.there = True
        self.behind: set[Place] = set()
        self.missing: dict[str, str] = {}
        self._consumer = Consumer(
            settings.librdkafka() | _CONSUMER | {"group.id": f"{settings.group}-tail", "logger": QUIET}
        )
        self._heard = self._tried = time.monotonic()
        self._assign()

    def close(self) -> None:
        """Let the broker go."""
        self._consumer.close()

    def consume(self) -> list[Message]:
        """What came within 0.2 s. KafkaError for a fault that reading on cannot mend."""
        if self.there and len(self._reading) < len(self._starts) and time.monotonic() > self._tried + AGAIN:
            self._assign()
        try:
            found = self._consumer.consume(BATCH, timeout=0.2)
        except KafkaException as error:
            raise refused("topics cannot be read", error) from None
        messages = [_message(one) for one in found if one.error() is None]
        gone = [self._note(one.error(), one) for one in found if one.error() is not None]
        if found or time.monotonic() - self._heard > SILENCE or not self.there:
            self.there = not any(gone) and (bool(found) or self._answers())
            self._heard = time.monotonic()
        self._next |= {(one.topic, one.partition): one.offset + 1 for one in messages}
        if self.missing:
            self._found({one.topic for one in messages})
        return messages

    def _assign(self) -> None:
        """Begin to read the topics that are there and may be read, or go on where they were left."""
        for topic in self._starts.keys() - self._reading:
            try:
                known = self._admin.list_topics(topic, timeout=TIMEOUT).topics.get(topic)
                if known is None or known.error is not None:
                    self._miss(
                        topic,
                        "does not exist there, or this user may not see it: see `corridor doctor`",
                    )
                    continue
                self._consumer.incremental_assign(self._from(topic, list(known.partitions)))
            except KafkaException as error:
                self._miss(topic, f"cannot be asked about: {error.args[0].str()}")
                continue
            self._reading.add(topic)
            self.behind |= {(topic, part) for part in known.partitions}
        self._tried = time.monotonic()

    def _from(self, topic: str, parts: list[int]) -> list[TopicPartition]:
        start = self._starts[topic]
        if isinstance(start, Newest):
            places = [self._newest(topic, part, start.records) for part in parts]
        else:
            places = [TopicPartition(topic, part, start) for part in parts]
            if start >= 0:
                places = self._consumer.offsets_for_times(places, timeout=TIMEOUT)
        for place in places:
            place.offset = self._next.get((topic, place.partition), place.offset)
        return places

    def _newest(self, topic: str, part: int, most: int) -> TopicPartition:
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, part), timeout=TIMEOUT)
        return TopicPartition(topic, part, max(low, high - most))

    def _note(self, error: Any, found: Any) -> bool:
        """Take notice of what is no message; whether it says that the broker is gone."""
        place = found.topic(), found.partition()
        if error.code() == Code._PARTITION_EOF:
            self.behind.discard(place)
            self._next[place] = found.offset()
            self._found({place[0]})
        elif error.code() in _CLOSED and place[0] in self._reading:
            self._lose(place[0], error)
        elif error.fatal():
            raise refused("topics cannot be read", error)
        elif error.code() != Code.GROUP_AUTHORIZATION_FAILED:  # a group is for commits, and there are none
            _LOG.info("%s", error.str())
        return error.code() in _GONE

    def _lose(self, topic: str, error: Any) -> None:
        parts = [place for place in self._consumer.assignment() if place.topic == topic]
        self._consumer.incremental_unassign(parts)
        self._reading.discard(topic)
        self._miss(topic, str(refused("cannot be read", error)))

    def _miss(self, topic: str, why: str) -> None:
        self.missing[topic] = why
        self.behind = {place for place in self.behind if place[0] != topic}

    def _found(self, topics: set[str]) -> None:
        """What was missing is there when something of it has come; that a broker names it is not enough."""
        for topic in topics & self._reading:
            self.missing.pop(topic, None)

    def _answers(self) -> bool:
        try:
            self._consumer.list_topics(timeout=1.0)
        except KafkaException:
            return False
        return True


def _message(found: Any) -> Message:
    headers = tuple(found.headers() or ())
    stamp = found.timestamp()[1]
    return Message(
        found.topic(), found.partition(), found.offset(), stamp, found.key(), found.value(), headers
    )
