"""What the broker knows and no message tells: how far the job lags, and transactions that do not end."""

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from corridor.errors import CorridorError
from corridor.kafka.client import Settings
from corridor.kafka.connect import TIMEOUT, connect, refused
from corridor.kafka.topics import TOPICS

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

EVERY: Final = 10.0
"""Seconds between two looks."""
Place = tuple[str, int]


class Offsets:
    """Ends of partitions. ends: offsets behind the last record; stuck: by topic records and seconds without an end.

    Empty as long as the broker does not answer, or this user may not ask. looked_at: time.monotonic of the last answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AdminClient | None = None
        self._stood: dict[Place, tuple[int, float]] = {}
        self.ends: dict[Place, int] = {}
        self.stuck: dict[str, tuple[int, float]] = {}
        self.looked_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Look again and again until told to stop. KafkaError as of `look`."""
        while not stop.is_set():
            self.look()
            stop.wait(EVERY)

    def look(self) -> None:
        """Ask the broker once. KafkaError if it does not answer or refuses; then nothing is known."""
        from confluent_kafka import KafkaException  # noqa: PLC0415  # keeps `--help` quick

        try:
            self._client = self._client or connect(self._settings)
            places = self._places(self._client)
            ends, committed = (self._ask(self._client, places, safe) for safe in (False, True))
        except (KafkaException, CorridorError, TimeoutError) as error:
            self.ends, self.stuck = {}, {}
            if isinstance(error, CorridorError):
                raise
            raise refused("ends of partitions cannot be had", error) from None
        self.ends, self.stuck = ends, self._standing(ends, committed)
        self.looked_at = time.monotonic()

    def _standing(self, ends: dict[Place, int], committed: dict[Place, int]) -> dict[str, tuple[int, float]]:
        """By topic: records behind the last one that can be read, and the longest time that this has not moved."""
        now, found = time.monotonic(), {topic: (0, 0.0) for topic, _ in ends}
        for place, end in ends.items():
            stable = committed.get(place, end)
            was, since = self._stood.get(place, (-1, now))
            since = since if was == stable and stable < end else now
            self._stood[place] = stable, since
            records, longest = found[place[0]]
            found[place[0]] = records + end - stable, max(longest, now - since)
        return found

    def _places(self, client: "AdminClient") -> list[Place]:
        known = client.list_topics(timeout=TIMEOUT).topics
        return [
            (name, part)
            for name in TOPICS.values()
            if name in known and known[name].error is None
            for part in known[name].partitions
        ]

    def _ask(self, client: "AdminClient", places: list[Place], committed: bool) -> dict[Place, int]:
        """The offset behind the last record of each place, or behind the last one of an ended transaction."""
        from confluent_kafka import IsolationLevel, TopicPartition  # noqa: PLC0415  # keeps `--help` quick
        from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # noqa: PLC0415

        if not places:
            return {}
        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        latest: Any = OffsetSpec
        wanted = {TopicPartition(*place): latest.latest() for place in places}
        asked = client.list_offsets(wanted, isolation_level=level, request_timeout=TIMEOUT)
        return {
            (place.topic, place.partition): one.result(TIMEOUT + 2).offset for place, one in asked.items()
        }
