"""What stands in the topics: a reader that follows the decisions, and the account of every record by its place."""

import collections
import json
import threading
import time
from dataclasses import dataclass

from confluent_kafka import Producer

from corridor.kafka.client import Settings
from corridor.kafka.follow import Message, read
from corridor.kafka.topics import TOPICS

CLASSES = ("read", "decided", "rejected", "duplicates", "tombstones")


def in_order(settings: Settings, **more: object) -> Producer:
    """A producer whose records keep their order: else a first batch, refused by a new topic, may be overtaken."""
    return Producer(settings.librdkafka() | {"enable.idempotence": True} | more)


class Follower:
    """All decisions that a read_committed reader has seen so far, with the time at which it saw each."""

    def __init__(self, settings: Settings, topic: str = "decisions") -> None:
        self.seen: list[tuple[float, Message]] = []
        self._stopped = False
        self._thread = threading.Thread(target=self._follow, args=(settings, TOPICS[topic]), daemon=True)
        self._thread.start()

    def _follow(self, settings: Settings, topic: str) -> None:
        for message in read(settings, topic, follow=True):
            self.seen.append((time.time(), message))
            if self._stopped:
                return

    def since(self, moment: float) -> int:
        """How many were seen after `moment`."""
        count = 0
        for at, _ in reversed(self.seen):
            if at <= moment:
                break
            count += 1
        return count

    def wait(self, count: int, seconds: float) -> int:
        """Wait until `count` decisions were seen, `seconds` at most; how many were."""
        end = time.time() + seconds
        while len(self.seen) < count and time.time() < end:
            time.sleep(0.1)
        return len(self.seen)

    def stop(self) -> None:
        """Read no further than the next message."""
        self._stopped = True


@dataclass(frozen=True)
class Account:
    """Where every record of the declarations went: counts by partition, and whatever broke the rule."""

    by_partition: dict[int, dict[str, int]]
    decisions: dict[tuple[str, int], dict]
    lost: list[str]
    twice: list[str]

    def lines(self) -> list[str]:
        total = {name: sum(row[name] for row in self.by_partition.values()) for name in CLASSES}
        rows = [*(sorted(self.by_partition.items())), ("all", total)]
        return [
            f"  partition {part!s:>3}: " + "  ".join(f"{name} {row[name]:,}" for name in CLASSES)
            for part, row in rows
        ]


def account(settings: Settings) -> Account:
    """Each record by partition and offset as exactly one of decided, rejected, duplicate or tombstone.

    Of the records of one identity the first is the decided one and the others are its duplicates; a reject's key
    is the place of its record. `lost`: places without an outcome; `twice`: outcomes that stand more than once, or
    of nothing that was read.
    """
    decisions = [json.loads(message.value or b"") for message in read(settings, TOPICS["decisions"])]
    decided = collections.Counter((found["declaration_id"], found["version"]) for found in decisions)
    rejected = collections.Counter(
        (message.key or b"").decode() for message in read(settings, TOPICS["rejects"])
    )
    twice = [str(outcome) for counts in (decided, rejected) for outcome, n in counts.items() if n > 1]
    by_partition: dict[int, dict[str, int]] = {}
    lost, met = [], set()
    for message in sorted(
        read(settings, TOPICS["declarations"]), key=lambda m: (m.timestamp_ms, m.partition)
    ):
        row = by_partition.setdefault(message.partition, dict.fromkeys(CLASSES, 0))
        row["read"] += 1
        place = f"{message.topic}-{message.partition}-{message.offset}"
        if message.value is None:
            row["tombstones"] += 1
            continue
        if rejected.pop(place, 0):
            row["rejected"] += 1
            continue
        document = json.loads(message.value)
        found = (document["declaration_id"], document["version"])
        if found in met:
            row["duplicates"] += 1
        elif found in decided:
            met.add(found)
            row["decided"] += 1
        else:
            lost.append(place)
    twice += [f"a reject of {place}, which was not read" for place in rejected]
    twice += [f"a decision on {found}, which was not read" for found in decided.keys() - met]
    by_identity = {(found["declaration_id"], found["version"]): found for found in decisions}
    return Account(by_partition, by_identity, lost, twice)
