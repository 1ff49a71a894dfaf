"""All that the exporter has read, taken over message by message; one lock around taking over and telling."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

from corridor.console.exporter.day import Days
from corridor.console.exporter.families import READER
from corridor.console.exporter.offices import Offices
from corridor.console.exporter.told import Anomalies, Conservation, Decisions, Rejects
from corridor.console.sources import NAMES, version
from corridor.kafka.follow import BEGINNING, Batch, Message, Start

STANDING: Final = ("picture", "anomalies", "conservation")
"""Read from the beginning: what stands today may have been told long ago."""
COUNTED: Final = ("decisions", "rejects")
"""Read from the end unless told otherwise: they are counted as they come."""

DEAD: Final = 60.0
"""Seconds without a word after which a reader, which has one several times a second, counts as gone."""


def starts(counted: Start) -> dict[str, Start]:
    """Where the exporter begins to read each topic. counted: where it begins to count decisions and rejects."""
    return dict.fromkeys(STANDING, BEGINNING) | dict.fromkeys(COUNTED, counted)


class State:
    """What was read so far. offices: those with series of their own.

    ready: whether all was read that stood there at the start; before that there are no figures, and none are told.
    heard_at: time.monotonic of the reader's last word, None once it has read all that there will be. errors: by thread.
    """

    def __init__(self, offices: Offices) -> None:
        self.offices = offices
        self.lock = threading.RLock()
        self._all_there = False
        self.heard_at: float | None = time.monotonic()
        self.errors: Counter[str] = Counter()
        self.picture_at = time.monotonic()
        self.begin()

    def begin(self) -> None:
        """Forget what was read: it comes again."""
        with self.lock:
            self.ready, self._read_up = False, frozenset[str]()
            self.days, self.anomalies, self.conservation = Days(), Anomalies(), Conservation()
            self.decisions, self.rejects = Decisions(), Rejects()
            self.messages: Counter[str] = Counter()
            self.unreadable: Counter[str] = Counter()

    def take(self, messages: Iterable[Message]) -> None:
        """Take messages over; what is not what its topic should hold is counted and passed over."""
        with self.lock:
            for message in messages:
                self.messages[message.topic] += 1
                try:
                    self._one(NAMES[message.topic], message)
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    self.unreadable[message.topic] += 1

    def _one(self, name: str, message: Message) -> None:
        if name == "rejects":
            self.rejects.take(message)
        elif message.value is None:
            return  # a tombstone takes back what is older than anything shown
        elif version(message) != 1:
            raise ValueError("a version that is not known")
        elif name == "picture":
            if self.days.take(message.value):
                self.picture_at = time.monotonic()
        elif name == "anomalies":
            self.anomalies.take(message.value)
        elif name == "decisions":
            self.decisions.take(message.value)
        elif name == "conservation":
            self.conservation.take(message.value)

    def heard(self, batch: Batch) -> None:
        """Note how the source stands; it is ready once all was read that stood there."""
        with self.lock:
            self.heard_at = time.monotonic()
            self._all_there = batch.there and not batch.missing
            if batch.there:
                unread = {NAMES[topic] for topic in batch.behind | batch.missing.keys()}
                self._read_up |= frozenset(NAMES.values()) - unread
                self.ready = self.ready or not batch.behind

    def end(self) -> None:
        """Note that all was read that there is."""
        with self.lock:
            self.heard(Batch())
            self.heard_at = None

    def fail(self, why: str) -> None:
        """Note that the source failed."""
        with self.lock:
            self._all_there = False
        self.failed(READER, why)

    def failed(self, thread: str, why: str) -> None:
        """Count a round of a thread that failed; why is in the log."""
        del why
        with self.lock:
            self.errors[thread] += 1

    @property
    def silent(self) -> float:
        """Seconds since the reader's last word; 0 if there is nothing to read any more."""
        return 0.0 if self.heard_at is None else time.monotonic() - self.heard_at

    @property
    def up(self) -> bool:
        """Whether all of the source can be read, by a reader that is alive."""
        return self._all_there and self.silent < DEAD

    def told(self, name: str) -> bool:
        """Whether figures of a topic, by its name in TOPICS, may be told."""
        return self.ready and name in self._read_up
