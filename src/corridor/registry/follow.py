"""A worker's rulebooks, followed in the background: what is new is copied, checked and loaded before it takes effect.

The shelf in use is replaced whole, between two batches; which of its rulebooks judges is decided by registered_at alone
(`Shelf.at`), so all workers switch at the same declaration. What must not take effect is told of and passed over: the
last good rulebook goes on. What is loaded at all, `stock` says.
"""

import logging
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.cache import cache_folder
from corridor.errors import CorridorError, RulebookError
from corridor.registry.audit import Event, FileLog, Record
from corridor.registry.copies import Copies
from corridor.registry.keys import Signer, Trust, open_private
from corridor.registry.moments import SECOND, now
from corridor.registry.notice import Notice
from corridor.registry.origin import Origin
from corridor.registry.publication import Publication
from corridor.registry.refusal import RefusedError
from corridor.registry.registry import Registry
from corridor.registry.silences import REMEMBERED, Silences
from corridor.registry.stock import LASTING, MOST, Published, Stock
from corridor.registry.store import Store, StoreError, within
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf

_LOG: Final = logging.getLogger(__name__)
_LATELY: Final = 86_400 * SECOND
"""Versions that were in force this long ago are loaded before they are asked for: declarations come late."""
_NEXT: Final = 2
"""How many versions behind the newest declaration are loaded too, where the stream is behind the clock."""
START_S: Final = 30.0
"""Seconds that a start waits for the registry where this machine has copies to go on from."""
SILENT_POLLS: Final = 10
"""Looks without an answer after which the registry's silence is told of."""


class Follower:
    """The rulebooks of one registry as this process has them.

    looked_at: time.monotonic of the last look that the registry answered, or the start.
    """

    def __init__(
        self, origin: Origin, passphrase: str = "", cache: Path | None = None, clock: Callable[[], int] = now
    ) -> None:
        """Load what is in force and, where it can be had, what is to come. clock: µs.

        RulebookError if nothing is fit, StoreError if neither store nor cache has what is in force.
        """
        self.origin, self.looked_at = origin, time.monotonic()
        self._clock, self._answered, self._is_told_silent = clock, clock(), False
        self._trusted = Path(origin.trusted)
        self._registry = Registry.open(origin.url)
        self._copies = Copies(self._registry, cache or cache_folder() / "registry")
        self._silences = Silences(Store.open(str(self._copies.folder)))
        self._over, self._since = set[int](), clock() - REMEMBERED
        self._chain = self._copies.known(Trust.load(self._trusted))
        self._stock = Stock(self._loaded, self._found, MOST if origin.poll_s else None)
        self._doubtful: set[int] = set()
        self._refused: dict[str, str] = {}
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._used: dict[str, None] = {}
        self._furthest: int | None = None
        self._signer = _audit_signer(origin, passphrase)
        self._thread: threading.Thread | None = None
        for one in self._chain:
            self._stock.add(one)
        self._look(first=True)
        if not self.shelf.rulebooks:
            told = next(reversed(self._refused.values()), "nothing is published there")
            raise RulebookError(
                f"{origin.url}: no rulebook to judge by: {told}; see `corridor rulebook verify`"
            )

    @property
    def shelf(self) -> Shelf:
        """What is loaded now; may be read at any time."""
        return self._stock.shelf

    @property
    def published(self) -> Published:
        """All versions, loaded or not, as they are now."""
        shelf = self.shelf
        return Published(
            shelf.rulebooks,
            shelf.starts,
            shelf.folders,
            statements=tuple(self._stock.statements),
            find=self.asked,
        )

    def asked(self, registered_at: NDArray[np.int64]) -> Shelf:
        """The shelf for declarations of these times (µs), int64[n]. StoreError if a version cannot be had now."""
        return self._stock.asked(registered_at)

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
        if self.origin.poll_s and time.monotonic() - self.looked_at > SILENT_POLLS * self.origin.poll_s:
            self._is_silent()  # asked here, since a look that hangs tells nothing
        found = []
        while not self._notices.empty():
            notice = self._notices.get_nowait()
            if notice.what == "silent":  # noted by who tells of it: a plan or an exporter tells of none
                since = self._silences.began(notice.at)
                notice = replace(notice, at=since, key=str(since))
            found.append(notice)
        return found

    def judged(self, version: str, until: int) -> None:
        """Say that a declaration registered at `until` (µs) was judged by a version: a switch, if that is its first."""
        self._furthest = until if self._furthest is None else max(self._furthest, until)
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
            numbers = self._registry.numbers
            self._extend(within(START_S, numbers) if first and self._chain else numbers(), trust, first)
            self._answers()
        except StoreError as error:
            if not first or not self._chain:
                raise
            self._is_silent()
            _LOG.warning("rulebooks: %s; going on with what this machine has of it", error)
        if first and self._chain:
            self._stock.keep({self._stock.place(self._clock())})
        try:
            self._stock.keep(self._wanted())
        except StoreError as error:
            if not first:
                raise
            _LOG.warning("rulebooks: %s; what is in force is there, others are asked for again", error)

    def _answers(self) -> None:
        """Note that the registry answered, and tell of each silence of this machine that is over."""
        self.looked_at, self._answered, self._is_told_silent = time.monotonic(), self._clock(), False
        over = self._silences.over(self._answered)
        for since, until in over.items():
            if since not in self._over and until >= self._since:
                self._notices.put(Notice("answers", 0, None, until, str(since)))
        self._over = set(over)

    def _is_silent(self) -> None:
        """Tell of it once: of a start without an answer, or of a silence that lasts."""
        if not self._is_told_silent:
            self._is_told_silent = True
            self._notices.put(Notice("silent", 0, None, self._answered, str(self._answered)))

    def _wanted(self) -> set[int]:
        """The places of versions that are to be loaded before a declaration asks for them."""
        wanted = set(range(self._stock.place(self._clock() - _LATELY), len(self._chain)))
        if self._furthest is not None:
            place = self._stock.place(self._furthest)
            wanted |= set(range(place, min(place + _NEXT + 1, len(self._chain))))
        return wanted | {number - 1 for number in self._doubtful}

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
            self._stock.add(found)
            if not first:
                self._doubtful.add(number)

    def _loaded(self, one: Publication, like: Sequence[Rulebook]) -> tuple[Rulebook, Path]:
        self._check_histories(one)
        return self._copies.book(one, like)

    def _found(self, one: Publication, error: RefusedError | None) -> None:
        """Tell of a version that was loaded too late, or refused."""
        number, starts = one.statement.number, one.statement.starts
        if error is not None:
            self._refuse(number, error, one)
            (self._doubtful.discard if error.reason in LASTING else self._doubtful.add)(number)
        elif number in self._doubtful:
            self._doubtful.discard(number)
            if self._furthest is not None and starts <= self._furthest:
                self._notices.put(Notice("late", number, one.statement.version, starts, one.digest))

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
        good = max((book.effective_from for book in self.shelf.rulebooks), default=0)
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
