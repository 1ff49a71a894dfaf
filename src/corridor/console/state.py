"""All that the page knows: one fold over the messages of a run or of the topics, guarded by one lock."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from corridor.console import cells, consignments
from corridor.console.books import Books, Norms, read_norms
from corridor.console.cells import UnreadableError
from corridor.console.episodes import Episodes
from corridor.console.rejects import Rejects
from corridor.console.sources import NAMES, reject_code, version
from corridor.console.standing import Recent
from corridor.console.windows import Windows
from corridor.kafka.follow import BEGINNING, Batch, Message, Newest, Start

STARTS: Final[Mapping[str, Start]] = {
    "picture": BEGINNING,
    "anomalies": Newest(25_000),
    "rejects": Newest(100_000),
    "decisions": Newest(25_000),
}
"""Where the page begins to read: the picture is compacted and read whole, of others the newest of each partition."""
FROM_FILES: Final = ("picture", "anomalies", "rejects")
"""What is read of a run's folder: its decisions are read when somebody asks for them."""
_LOG: Final = logging.getLogger(__name__)
Condition = Literal["loading", "live", "finished", "replay", "lost"]


@dataclass(slots=True)
class Link:
    """How the page is connected to what it shows.

    since: wall clock (s) from which `condition` holds; received: wall clock of the newest message of the picture;
    missing: topics that cannot be read, by their names in TOPICS, and why; clock: event time (µs) up to which a replay
    has come.
    """

    condition: Condition
    source: str
    since: float
    received: float | None = None
    missing: dict[str, str] = field(default_factory=dict)
    clock: int | None = None


class State:
    """The fold. Readers hold `lock`; `version` grows with whatever may change what is shown.

    upsert: the newest message of a cell counts, as in a topic; else the one with the latest end, as in files that
    several writers filled. keep: hold decisions in memory for the drill-down.
    """

    def __init__(self, source: str, *, upsert: bool, keep: bool) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self.link = Link("loading", source, time.time())
        self.books, self.norms = Books(), Norms()
        self.judged_by: dict[str, str] = {}
        self._upsert, self._keep = upsert, keep
        self.begin()

    def begin(self) -> None:
        """Forget the messages: they come again."""
        with self.lock:
            self.windows, self.episodes, self.rejects = Windows(self._upsert), Episodes(), Rejects()
            self.recent = Recent() if self._keep else None
            self.ignored: Counter[str] = Counter()
            self._loaded = False
            self.version += 1

    def take(self, messages: Iterable[Message]) -> None:
        """Fold messages; what cannot be read is counted by topic and reason. One without value takes back what is gone."""
        with self.lock:
            for message in messages:
                name = NAMES[message.topic]
                try:
                    self._put(name, message)
                except UnreadableError as error:
                    self.ignored[f"{name} {error}"] += 1
            self.version += 1

    def _put(self, name: str, message: Message) -> None:
        value = message.value
        if name == "rejects":
            self._reject(message)
        elif value is None:
            return
        elif version(message) != 1:
            raise UnreadableError("version")
        elif name == "picture":
            self.windows.put(cells.read(value))
            self.link.received = time.time()
        elif name == "anomalies":
            self.episodes.put(value)
        elif self.recent is not None:
            one = consignments.read(value)
            self.recent.put(one)
            self._judge(one.rulebook, one.registered_at)

    def _reject(self, message: Message) -> None:
        code = reject_code(message)
        if not code:
            raise UnreadableError("unreadable")
        self.rejects.count(code, message.value or b"")

    def judged(self, by: str | None) -> None:
        """Take over which rulebook a run's summary names."""
        with self.lock:
            if by is not None and self.judged_by != {by: ""}:
                self.judged_by = {by: ""}
                self.version += 1

    def _judge(self, by: str, at: str) -> None:
        """The versions that decisions name, with the newest registered_at of each; the last few only."""
        self.judged_by[by] = max(at, self.judged_by.get(by, ""))
        while len(self.judged_by) > 20:
            del self.judged_by[next(iter(self.judged_by))]

    def heard(self, batch: Batch) -> None:
        """Note how the source stands: lost while it does not answer, loading until it was read up once."""
        with self.lock:
            missing = {NAMES[topic]: why[:200] for topic, why in batch.missing.items()}
            if missing != self.link.missing:
                self.link.missing = missing
                self.version += 1
            self._loaded = self._loaded or (batch.there and not batch.behind)
            self.link.clock = batch.clock
            if not batch.there:
                self._become("lost")
            elif batch.clock is not None:
                self._become("replay")
            else:
                self._become("live" if self._loaded else "loading")

    def end(self) -> None:
        """Note that all was read that there is."""
        self._become("finished")

    def fail(self, why: str) -> None:
        """Note that the source failed; why is in the log."""
        del why
        self._become("lost")

    def _become(self, condition: Condition) -> None:
        with self.lock:
            if self.link.condition != condition:
                self.link.condition, self.link.since = condition, time.time()
                self.version += 1

    def know(self, books: Books) -> None:
        """Take over what is known of rulebooks; one that cannot be read leaves what was known.

        That there is a problem is shown; which one is logged, once.
        """
        with self.lock:
            if books.problem and books.problem != self.books.problem:
                _LOG.warning("the rulebooks cannot be read: %s", books.problem)
            known = books.known or self.books.known
            if Books(known, books.problem) != self.books:
                self.books = Books(known, books.problem)
                self.version += 1

    def learn(self) -> None:
        """Read the norms that were asked for; without the lock, for a registry may hang."""
        with self.lock:
            due = self.norms.due()
        for book in due:
            found = read_norms(book)
            with self.lock:
                self.version += self.norms.put(book, found)
