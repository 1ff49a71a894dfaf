"""A topic read as a downstream service sees it: committed transactions only."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.connect import QUIET, TIMEOUT, KafkaError, connect, refused
from corridor.messages.moment import moment

if TYPE_CHECKING:
    from confluent_kafka import Consumer

BATCH: Final = 500
_SILENCE: Final = 5.0
"""Seconds without a message after which the broker is asked whether it is there."""
_CONSUMER: Final[dict[str, str | int | bool]] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "earliest",
    "fetch.max.bytes": 4 * 1024 * 1024,
    "fetch.wait.max.ms": 100,
}


@dataclass(frozen=True, slots=True)
class Message:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def read(
    settings: Settings, topic: str, start: str = "beginning", limit: int = 0, follow: bool = False
) -> Iterator[Message]:
    """Messages of all partitions; in the order of their offsets within each.

    start: "beginning", "end" or an RFC 3339 time. limit: at most so many, 0 = all. Without `follow` it ends
    where the topic ended when each partition was read up. Nothing is committed for any group.
    """
    given = 0
    with closing(batches(settings, (topic,), start, follow)) as found:
        for batch in found:
            for message in batch or ():
                yield message
                given += 1
                if given == limit:
                    return


def batches(
    settings: Settings, topics: Sequence[str], start: str = "beginning", follow: bool = False
) -> Generator[list[Message] | None]:
    """Messages of several topics as they come, several times a second.

    An empty list: nothing is new. None: the broker does not answer; with `follow` it is asked on and on, else
    KafkaError. start, follow: as of `read`.
    """
    from confluent_kafka import Consumer  # noqa: PLC0415  # keeps `--help` quick

    since = _since(start)
    consumer = Consumer(
        settings.librdkafka() | _CONSUMER | {"group.id": f"{settings.group}-tail", "logger": QUIET}
    )
    try:
        open_partitions = _assign(consumer, settings, topics, since)
        heard, there = time.monotonic(), True
        while open_partitions:
            found = consumer.consume(BATCH, timeout=0.2)
            faults = [one for one in found if one.error() is not None]
            gone = [_note_end(one, open_partitions, follow) for one in faults]
            if any(gone):
                there = False
            elif found:
                heard, there = time.monotonic(), True
            elif follow and (not there or time.monotonic() - heard > _SILENCE):
                heard, there = time.monotonic(), _answers(consumer)
            batch = [_message(one) for one in found if one.error() is None]
            yield batch if batch or there else None
    finally:
        consumer.close()


def _answers(consumer: "Consumer") -> bool:
    from confluent_kafka import KafkaException  # noqa: PLC0415  # keeps `--help` quick

    try:
        consumer.list_topics(timeout=1.0)
    except KafkaException:
        return False
    return True


def check_start(start: str) -> None:
    """InputError unless `read` could begin there."""
    _since(start)


def _since(start: str) -> int:
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END  # noqa: PLC0415  # keeps `--help` quick

    if start in {"beginning", "end"}:
        place: int = OFFSET_BEGINNING if start == "beginning" else OFFSET_END
        return place
    found = moment(start)
    if found is None or not found.usable:
        raise InputError(f"--from {start!r}: give beginning, end, or a time such as 2026-11-22T08:00:00Z")
    return found.microseconds // 1000


def _assign(
    consumer: "Consumer", settings: Settings, topics: Sequence[str], since: int
) -> set[tuple[str, int]]:
    from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415  # keeps `--help` quick

    client, places = connect(settings), []
    for topic in topics:
        try:
            known = client.list_topics(topic, timeout=TIMEOUT).topics.get(topic)
        except KafkaException as error:
            raise refused(f"topic {topic} cannot be asked about", error) from None
        if known is None or known.error is not None:
            raise KafkaError(
                f"topic {topic} does not exist on {settings.bootstrap}, or this user may not see it: see `corridor doctor`"
            )
        places += [TopicPartition(topic, part, since) for part in known.partitions]
    if since >= 0:
        try:
            places = consumer.offsets_for_times(places, timeout=TIMEOUT)
        except KafkaException as error:
            raise refused(f"offsets of {', '.join(topics)} by time cannot be had", error) from None
    consumer.assign(places)
    return {(place.topic, place.partition) for place in places}


def _note_end(found: Any, open_partitions: set[tuple[str, int]], follow: bool) -> bool:
    """Note that a partition was read up; whether what came says that the broker is gone."""
    from confluent_kafka import KafkaError as Code  # noqa: PLC0415  # keeps `--help` quick

    error = found.error()
    if error.code() == Code._PARTITION_EOF:
        if not follow:
            open_partitions.discard((found.topic(), found.partition()))
        return False
    if error.code() == Code.GROUP_AUTHORIZATION_FAILED:
        return False  # the group is for committing offsets, and nothing is committed
    if error.code() in {Code._ALL_BROKERS_DOWN, Code._TRANSPORT}:
        if not follow:
            raise KafkaError(f"the broker went away while topics were read: {error.str()}; try again")
        return True
    raise refused(f"topic {found.topic()} cannot be read", error)


def _message(found: Any) -> Message:
    headers = tuple(found.headers() or ())
    stamp = found.timestamp()[1]
    return Message(
        found.topic(), found.partition(), found.offset(), stamp, found.key(), found.value(), headers
    )
