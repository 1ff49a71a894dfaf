"""Topics read as a downstream service sees them: committed transactions only, and nothing committed for any group."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.connect import KafkaError
from corridor.messages.moment import moment

BEGINNING: Final = "beginning"
END: Final = "end"


class Message(NamedTuple):
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Newest:
    """Where reading begins: so many records of each partition, counted from its end."""

    records: int


Start = str | Newest
"""BEGINNING, END, an RFC 3339 time, or the newest records."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source gave at a time, and how it stands.

    there: whether it answers. behind: topics of which not all is given yet that stood there when reading began.
    missing: by topic why it cannot be read. anew: what was given before counts no more, all is given again. clock: of a
    replay the event time it has come to, µs since 1970.
    """

    messages: list[Message] = field(default_factory=list)
    there: bool = True
    behind: frozenset[str] = frozenset()
    missing: Mapping[str, str] = field(default_factory=dict)
    anew: bool = False
    clock: int | None = None


Batches = Generator[Batch]


def read(
    settings: Settings, topic: str, start: str = BEGINNING, limit: int = 0, follow: bool = False
) -> Iterator[Message]:
    """Messages of all partitions; in the order of their offsets within each.

    start: BEGINNING, END or an RFC 3339 time. limit: at most so many, 0 = all. Without `follow` it ends where the topic
    ended when each partition was read up. KafkaError if the topic cannot be read.
    """
    given = 0
    with closing(batches(settings, {topic: start}, follow)) as found:
        for batch in found:
            if topic in batch.missing:
                raise KafkaError(f"topic {topic} {batch.missing[topic]}")
            for message in batch.messages:
                yield message
                given += 1
                if given == limit:
                    return


def batches(settings: Settings, starts: Mapping[str, Start], follow: bool = False) -> Batches:
    """Messages of several topics as they come, several batches a second, each topic from its own start.

    A topic that cannot be read is told as missing and tried again; the others are read. With `follow` a broker that
    goes away is waited for. KafkaError if none answers at first, and without `follow` if it goes away.
    """
    from corridor.kafka.assigned import Assigned  # noqa: PLC0415  # keeps `--help` quick

    with closing(Assigned(settings, {topic: since(start) for topic, start in starts.items()})) as topics:
        while True:
            messages = topics.consume()
            if not follow and not topics.there:
                raise KafkaError(
                    f"the broker of {settings.bootstrap} went away while topics were read: try again"
                )
            behind = frozenset(topic for topic, _ in topics.behind)
            yield Batch(messages, topics.there, behind, dict(topics.missing))
            if not follow and not behind:
                return


def since(start: Start) -> int | Newest:
    """A start as Kafka knows it: an offset below 0 with a meaning of its own, or ms since 1970. InputError if it is none."""
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END  # noqa: PLC0415  # keeps `--help` quick

    if isinstance(start, Newest):
        return start
    if start in {BEGINNING, END}:
        place: int = OFFSET_BEGINNING if start == BEGINNING else OFFSET_END
        return place
    found = moment(start)
    if found is None or not found.usable:
        raise InputError(f"--from {start!r}: give beginning, end, or a time such as 2026-11-22T08:00:00Z")
    return found.microseconds // 1000
