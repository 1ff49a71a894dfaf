"""A worker's rulebooks, followed in the background: what is new is copied, checked and loaded before it takes effect.

The shelf in use is replaced whole, between two batches; which of its rulebooks judges is decided by registered_at alone
(`Shelf.at`), so all workers switch at the same declaration. What must not take effect is told of and passed over: the
last good rulebook goes on.
"""

import logging
import os
import queue
import random
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from corridor.cache import cache_folder
from corridor.errors import CorridorError, RulebookError
from corridor.registry.audit import Event, FileLog, Record
from corridor.registry.copies import Copies
from corridor.registry.keys import PASSPHRASE, Signer, Trust, open_private
from corridor.registry.moments import now
from corridor.registry.origin import Origin
from corridor.registry.publication import Publication
from corridor.registry.refusal import Reason, RefusedError
from corridor.registry.registry import Registry
from corridor.registry.store import StoreError
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf

_LOG: Final = logging.getLogger(__name__)
_LASTING: Final[tuple[Reason, ...]] = ("rulebook", "histories")
"""Refusals of what came whole and signed: it is not loaded again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the job is to tell of. number: of the publication; version: None where its record cannot be read.

    at: µs, the moment from which it would have taken effect, or from which the last good one has; key: tells it from
    others.
    """

    what: Literal["refused", "late"]
    number: int
    version: str | None
    at: int
    key: str
    reason: Reason | None = None


class Follower:
    """The rulebooks of one registry as this process has them.

    shelf: may be read at any time; looked_at: time.monotonic of the last look that the registry answered, or the start.
    """

    def __init__(self, origin: Origin, passphrase: str = "", cache: Path | None = None) -> None:
        """Load all that is published. RulebookError if nothing is fit, StoreError if neither store nor cache has it all."""
        self.origin, self.shelf, self.looked_at = origin, Shelf.of(), time.monotonic()
        self._trusted = Path(origin.trusted)
        self._registry = Registry.open(origin.url)
        self._copies = Copies(self._registry, cache or cache_folder() / "registry")
        self._chain = self._copies.known(Trust.load(self._trusted))
        self._books: dict[int, tuple[Rulebook, Path]] = {}
        self._unfit: set[int] = set()
        self._refused: dict[str, str] = {}
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._used: dict[str, None] = {}
        self._furthest = -(1 << 62)
        self._signer = _audit_signer(origin, passphrase)
        self._thread: threading.Thread | None = None
        self._look(first=True)
        if not self._books:
            told = next(reversed(self._refused.values()), "nothing is published there")
            raise RulebookError(
                f"{origin.url}: no rulebook to judge by: {told}; see `corridor rulebook verify`"
            )

    def start(self) -> None:
        """Look again and again, in a thread of its own, until `stop`."""
        if self.origin.poll_s and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="rulebooks", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread; what is to be written to the log is written first."""
        if self._thread is not None:
            self._events.put(None)
            self._thread.join(10)
            self._thread = None
        while not self._events.empty():
            self._write(self._events.get_nowait())

    def notices(self) -> list[Notice]:
        """What is to be told of since the last call."""
        found = []
        while not self._notices.empty():
            found.append(self._notices.get_nowait())
        return found

    def judged(self, version: str, until: int) -> None:
        """Say that a declaration registered at `until` (µs) was judged by a version: a switch, if that is its first."""
        self._furthest = max(self._furthest, until)
        if version not in self._used:
            before = next(reversed(self._used), "")
            self._used[version] = None
            self._event("switch", version, {"from": before, "registered_at": str(until)})

    def look(self) -> None:
        """Take over what is new; never raises for a registry that does not answer or is broken."""
        try:
            self._look()
        except CorridorError as error:
            _LOG.warning("rulebooks: %s", error)
        except Exception:  # a fault here must not end the judging
            _LOG.exception("rulebooks: a look failed")

    def _run(self) -> None:
        next_look = time.monotonic() + random.random() * self.origin.poll_s  # not all workers at one moment
        while True:
            try:
                record = self._events.get(timeout=max(0.0, next_look - time.monotonic()))
                if record is None:
                    return
                self._write(record)
            except queue.Empty:
                self.look()
                next_look = time.monotonic() + self.origin.poll_s

    def _look(self, first: bool = False) -> None:
        trust = Trust.load(self._trusted)
        try:
            self._extend(self._registry.numbers(), trust, first)
            self.looked_at = time.monotonic()
        except StoreError as error:
            if not first or not self._chain:
                raise
            _LOG.warning("rulebooks: %s; going on with what this machine has of it", error)
        self._load()

    def _extend(self, numbers: list[int], trust: Trust, first: bool) -> None:
        """Add the publications that are new, as far as they are signed and in their places."""
        known = len(self._chain)
        missing = sorted(set(range(1, known + 1)) - set(numbers))
        if missing:
            self._refuse(
                missing[0], RefusedError("chain", f"publication {missing[0]}, known before, is gone")
            )
        elif first and known and self._registry.record(known) != self._chain[-1].record:
            told = f"publication {known} is not the one known before (if all was made anew, remove {self._copies.folder})"
            self._refuse(known, RefusedError("chain", told))
        for number in range(known + 1, max(numbers, default=0) + 1):
            try:
                found = self._registry.next(number, self._chain, trust)
            except RefusedError as error:
                self._refuse(number, error)
                return  # nothing can follow it
            self._copies.keep(found)
            self._chain.append(found)

    def _load(self) -> None:
        """Load what is in the chain and not loaded yet, and put the new shelf in the place of the old."""
        for one in self._chain:
            number = one.statement.number
            if number in self._books or number in self._unfit:
                continue
            try:
                self._check_histories(one)
                self._books[number] = self._copies.book(one)
            except RefusedError as error:
                self._refuse(number, error, one)
                if error.reason in _LASTING:
                    self._unfit.add(number)
                continue
            if one.statement.starts <= self._furthest:
                self._notices.put(
                    Notice("late", number, one.statement.version, one.statement.starts, one.digest)
                )
        if len(self._books) > len(self.shelf.rulebooks):
            ordered = Shelf.of(*(book for book, _ in self._books.values()))
            folders = {book.version: folder for book, folder in self._books.values()}
            self.shelf = Shelf(ordered.rulebooks, ordered.starts, folders)

    def _check_histories(self, one: Publication) -> None:
        kept = self.origin.histories
        more = [] if kept is None else sorted(set(one.statement.histories) - set(kept))
        if more:
            told = f"{one.statement.version} asks for the histories {', '.join(more)}, which this job does not keep"
            raise RefusedError("histories", told)

    def _refuse(self, number: int, error: RefusedError, one: Publication | None = None) -> None:
        """Tell of a refusal once, until its reason is another."""
        key = f"{number} {error.reason} {one.digest if one else ''}".strip()
        if key in self._refused:
            return
        self._refused[key] = f"publication {number} was refused ({error.reason})"
        _LOG.warning(
            "rulebooks: %s", self._refused[key]
        )  # why in words may name rules: that stands in the audit log
        good = max((book.effective_from for book, _ in self._books.values()), default=0)
        at, version = (one.statement.starts, one.statement.version) if one else (good, None)
        self._notices.put(Notice("refused", number, version, at, key, error.reason))
        self._event(
            "refusal", version or f"publication {number}", {"reason": error.reason, "told": str(error)}
        )

    def _event(self, event: Event, subject: str, details: dict[str, str]) -> None:
        if self._signer is not None:
            self._events.put(Record.of(event, f"worker on {socket.gethostname()}", subject, details, now()))

    def _write(self, record: Record | None) -> None:
        if record is None or self._signer is None or self.origin.audit is None:
            return
        try:
            FileLog(Path(self.origin.audit)).append(record, self._signer)
        except CorridorError as error:
            _LOG.error("audit: %s", error)


def _audit_signer(origin: Origin, passphrase: str) -> Signer | None:
    if origin.audit is None or origin.audit_key is None:
        return None
    return open_private(Path(origin.audit_key), passphrase, Trust.load(Path(origin.trusted)))


_FOLLOWED: Final[dict[Origin, tuple[Follower, int]]] = {}
_LOCK: Final = threading.Lock()


def follow(origin: Origin) -> Follower:
    """The follower of an origin, one for this process, with its thread running; its passphrase comes by the environment."""
    with _LOCK:
        follower, users = _FOLLOWED.get(origin) or (Follower(origin, os.environ.get(PASSPHRASE, "")), 0)
        _FOLLOWED[origin] = follower, users + 1
        follower.start()
    return follower


def leave(follower: Follower) -> None:
    """Say that one who followed no longer does; the last one ends the thread."""
    with _LOCK:
        users = _FOLLOWED[follower.origin][1] - 1
        _FOLLOWED[follower.origin] = follower, users
        if users:
            return
        del _FOLLOWED[follower.origin]
    follower.stop()
