"""All that the page knows: one fold over the messages of a run or of the topics, guarded by one lock."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from corridor.console import cells, consignments
from corridor.console.books import Books, Norms
from corridor.console.cells import UnreadableError
from corridor.console.consignments import Recent
from corridor.console.episodes import Episodes
from corridor.console.rejects import Rejects
from corridor.console.windows import Windows

Kind = Literal["picture", "anomalies", "rejects", "decisions"]
KINDS: Final[tuple[Kind, ...]] = ("picture", "anomalies", "rejects", "decisions")
Condition = Literal["loading", "live", "finished", "replay", "lost"]


@dataclass(slots=True)
class Link:
    """How the page is connected to what it shows.

    since: wall clock (s) from which `condition` holds; received: wall clock of the newest message of the picture;
    missing: kinds that cannot be read, and why; clock: event time (µs) up to which a replay has come.
    """

    condition: Condition
    source: str
    since: float
    received: float | None = None
    missing: dict[str, str] | None = None
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
        self.windows, self.episodes, self.rejects = Windows(upsert), Episodes(), Rejects()
        self.books, self.norms = Books(), Norms()
        self.recent = Recent() if keep else None
        self.judged_by: dict[str, str] = {}
        self.ignored: Counter[str] = Counter()
        self._upsert, self._keep = upsert, keep

    def take(self, kind: Kind, lines: Iterable[bytes]) -> None:
        """Fold messages of a kind, as files hold them; what cannot be read is counted by kind and reason."""
        with self.lock:
            for line in lines:
                try:
                    self._put(kind, line)
                except UnreadableError as error:
                    self.ignored[f"{kind} {error}"] += 1
            if kind == "picture":
                self.link.received = time.time()
            self.version += 1

    def _put(self, kind: Kind, line: bytes) -> None:
        if kind == "picture":
            self.windows.put(cells.read(line))
        elif kind == "anomalies":
            self.episodes.put(line)
        elif kind == "rejects":
            self.rejects.put(line)
        elif self.recent is not None:
            one = consignments.read(line)
            self.recent.put(one)
            self._judged(one.rulebook, one.registered_at)

    def _judged(self, version: str, at: str) -> None:
        """The versions that decisions name, with the newest registered_at of each; the last few only."""
        self.judged_by[version] = max(at, self.judged_by.get(version, ""))
        while len(self.judged_by) > 20:
            del self.judged_by[next(iter(self.judged_by))]

    def reject(self, code: str, payload: bytes) -> None:
        """Fold one reject of the topic."""
        with self.lock:
            self.rejects.count(code, payload)
            self.version += 1

    def ignore(self, kind: Kind, why: str) -> None:
        """Count a message that was passed over before it was read."""
        with self.lock:
            self.ignored[f"{kind} {why}"] += 1
            self.version += 1

    def become(self, condition: Condition) -> None:
        """Say how the page is connected now."""
        with self.lock:
            if self.link.condition != condition:
                self.link.condition, self.link.since = condition, time.time()
                self.version += 1

    def know(self, books: Books) -> None:
        """Take over what is known of rulebooks; one that cannot be read leaves what was known, and its problem is shown."""
        with self.lock:
            known = books.known or self.books.known
            if Books(known, books.problem) != self.books:
                self.books = Books(known, books.problem)
                self.version += 1

    def restart(self) -> None:
        """Forget the messages: their files were replaced."""
        with self.lock:
            self.windows, self.episodes, self.rejects = Windows(self._upsert), Episodes(), Rejects()
            self.recent = Recent() if self._keep else None
            self.ignored.clear()
            self.version += 1
