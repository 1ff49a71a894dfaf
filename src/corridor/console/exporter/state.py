"""All that the exporter has read, taken over message by message; one lock around taking over and telling."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from corridor.console.exporter.day import Days
from corridor.console.exporter.offices import Offices
from corridor.console.exporter.told import Anomalies, Conservation, Decisions, Rejects
from corridor.kafka.follow import Message
from corridor.kafka.topics import TOPICS

STANDING: Final = ("picture", "anomalies", "conservation")
"""Read from the beginning: what stands today may have been told long ago."""
COUNTED: Final = ("decisions", "rejects")
"""Read from the end unless told otherwise: they are counted as they come."""
_NAMES: Final = {topic: name for name, topic in TOPICS.items()}


class State:
    """What was read so far. offices: those with series of their own; up: whether each source answers."""

    def __init__(self, offices: Offices) -> None:
        self.offices = offices
        self.lock = threading.RLock()
        self.up: dict[str, bool] = {}
        self.messages: Counter[str] = Counter()
        self.unreadable: Counter[str] = Counter()
        self.days, self.picture_at = Days(), time.monotonic()
        self.anomalies, self.conservation = Anomalies(), Conservation()
        self.decisions, self.rejects = Decisions(), Rejects()

    def begin(self, names: Sequence[str]) -> None:
        """Forget what was read of some topics: they are read anew."""
        with self.lock:
            if "picture" in names:
                self.days, self.anomalies, self.conservation = Days(), Anomalies(), Conservation()
            if "decisions" in names:
                self.decisions, self.rejects = Decisions(), Rejects()

    def take(self, messages: list[Message]) -> None:
        """Take a batch over; what is not what its topic should hold is counted and passed over."""
        with self.lock:
            for message in messages:
                self.messages[message.topic] += 1
                try:
                    self._one(_NAMES[message.topic], message)
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    self.unreadable[message.topic] += 1

    def _one(self, name: str, message: Message) -> None:
        if name == "rejects":
            self.rejects.take(message)
        elif message.value is None:
            return  # a tombstone takes back what is older than anything shown
        elif name == "picture":
            if self.days.take(message.value):
                self.picture_at = time.monotonic()
        elif name == "anomalies":
            self.anomalies.take(message.value)
        elif name == "decisions":
            self.decisions.take(message.value)
        elif name == "conservation":
            self.conservation.take(message.value)
