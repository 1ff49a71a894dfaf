"""The versions of a registry that a process has loaded: those in force, those to come, and those asked for lately.

A service publishes for years, and a declaration is judged by one version. Which one its time demands is known from the
signed records; a version that is not loaded is loaded when a declaration asks for it. Whether one is fit to judge is found
when it is loaded: a version to come before its moment, an old one when it is asked for. What is signed does not change, so
either way the same version judges.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.registry.publication import Publication, Statement
from corridor.registry.refusal import Reason, RefusedError
from corridor.registry.store import StoreError
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf

IDLE_S: Final = 600.0
"""Seconds after which a version is let go that nobody asked for."""
MOST: Final = 64
"""Versions loaded at once in a stream, unless one batch asks for more."""
LASTING: Final[tuple[Reason, ...]] = ("rulebook", "histories")
"""Refusals of what came whole and signed: it is not loaded again."""
Loading = Callable[[Publication, Sequence[Rulebook]], tuple[Rulebook, Path]]


@dataclass(frozen=True, slots=True)
class _Held:
    """One state of a stock, replaced whole.

    starts: int64[k] µs of all versions; serves: for those (by their place) for which the shelf gives the right answer,
    the place of the one that judges: itself, or the last good one before it.
    """

    shelf: Shelf
    starts: NDArray[np.int64]
    serves: Mapping[int, int]

    def places(self, registered_at: NDArray[np.int64]) -> list[int]:
        """The versions that these times demand; before the first one takes effect, the first."""
        found = np.searchsorted(self.starts, registered_at, side="right") - 1
        return [int(place) for place in np.unique(np.maximum(found, 0))]


class Stock:
    """The versions of a chain, each loaded when it is wanted. Places count from 0, in the order of their moments.

    load: makes a rulebook of a publication, given those that are loaded, or raises RefusedError; told: of each
    that was loaded (None) or refused; most: how many stay loaded, None for all that were asked for lately.
    """

    def __init__(
        self, load: Loading, told: Callable[[Publication, RefusedError | None], None], most: int | None
    ) -> None:
        self._load, self._told, self._most = load, told, most
        self._chain: list[Publication] = []
        self._starts: list[int] = []
        self._books: dict[int, tuple[Rulebook, Path]] = {}
        self._unfit: set[int] = set()
        self._broken: set[int] = set()  # refused for what may be mended; tried again at the next `keep`
        self._asked: dict[int, float] = {}
        self._kept: set[int] = set()
        self._lock = threading.RLock()
        self._held = _Held(Shelf.of(), np.empty(0, np.int64), {})

    @property
    def shelf(self) -> Shelf:
        """What is loaded now."""
        return self._held.shelf

    @property
    def statements(self) -> list[Statement]:
        """All versions but those that were found unfit."""
        with self._lock:
            return [one.statement for place, one in enumerate(self._chain) if place not in self._unfit]

    def place(self, at: int) -> int:
        """The place of the version in force at a moment (µs)."""
        return max(0, int(np.searchsorted(self._starts, at, side="right")) - 1)

    def add(self, one: Publication) -> None:
        """Put a version behind the others; `keep` makes it count."""
        with self._lock:
            self._chain.append(one)
            self._starts.append(one.statement.starts)

    def keep(self, wanted: Iterable[int]) -> None:
        """Load the wanted places and hold them until the next time; let go of what nobody asked for.

        What was refused and may be mended is tried again. Raises StoreError where a version cannot be had now.
        """
        with self._lock:
            broken, self._broken = self._broken, set()
            wanted = sorted({*wanted, *broken})
            try:
                self._kept = {good for place in wanted if (good := self._good(place)) is not None}
            except StoreError:  # what it was refused for may be mended or not
                self._broken |= broken - self._books.keys() - self._unfit
                raise
            finally:
                self._renew(self._kept)

    def asked(self, registered_at: NDArray[np.int64]) -> Shelf:
        """A shelf that gives the right version for each of these times (µs); what is not loaded is loaded.

        Raises StoreError if a version cannot be had now: another one must not judge in its place. RulebookError if no
        version is fit.
        """
        held = self._held
        while not held.serves.keys() >= set(places := held.places(registered_at)):
            with self._lock:
                places = self._held.places(registered_at)
                good = {self._good(place) for place in places}
                if None in good:
                    raise RulebookError("no version of the registry is fit; see `corridor rulebook verify`")
                self._renew(self._kept | {place for place in good if place is not None})
                held = self._held
        now = time.monotonic()
        for place in places:
            self._asked[held.serves[place]] = now
        return held.shelf

    def _good(self, place: int) -> int | None:
        """The version that judges where one is demanded: itself, else the last good one before it, else the next."""
        around = (*range(place, -1, -1), *range(place + 1, len(self._chain)))
        return next((other for other in around if self._is_loaded(other)), None)

    def _is_loaded(self, place: int) -> bool:
        """Load the version at a place, unless it is; False if it must not be used."""
        if place in self._books:
            return True
        if place in self._unfit or place in self._broken:
            return False
        one = self._chain[place]
        try:
            self._books[place] = self._load(one, [book for book, _ in self._books.values()])
        except RefusedError as error:
            (self._unfit if error.reason in LASTING else self._broken).add(place)
            self._told(one, error)
            return False
        self._asked[place] = time.monotonic()
        self._told(one, None)
        return True

    def _renew(self, kept: set[int]) -> None:
        """Let go of what is idle, and put what is left in the place of what was held."""
        now, asked = time.monotonic(), self._asked.copy()
        free = sorted(self._books.keys() - kept, key=lambda place: asked[place])
        many = 0 if self._most is None else len(self._books) - self._most
        for n, place in enumerate(free):
            if n < many or now - asked[place] > IDLE_S:
                del self._books[place]
                self._asked.pop(place, None)
        books = dict(sorted(self._books.items()))
        shelf = self._held.shelf
        if [book.version for book, _ in books.values()] != [book.version for book in shelf.rulebooks]:
            folders = {book.version: folder for book, folder in books.values()}
            shelf = Shelf.of(*(book for book, _ in books.values()))
            shelf = Shelf(shelf.rulebooks, shelf.starts, folders)
        self._held = _Held(shelf, np.array(self._starts, np.int64), self._serves())

    def _serves(self) -> dict[int, int]:
        found: dict[int, int] = {}
        good: int | None = next(iter(sorted(self._books)), None)
        refused = self._unfit | self._broken
        if good is not None and not refused.issuperset(range(good)):
            good = None  # what lies before it is not known
        for place in range(len(self._chain)):
            if place in self._books:
                good = place
            elif place not in refused:
                good = None
            if good is not None:
                found[place] = good
        return found


@dataclass(frozen=True, kw_only=True)
class Published(Shelf):
    """What a stock has loaded, with what is known of all its versions: for who plans a run.

    statements: of all versions; find: `Stock.asked`.
    """

    statements: tuple[Statement, ...]
    find: Callable[[NDArray[np.int64]], Shelf]

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that may judge, in their order."""
        return tuple(one.version for one in self.statements)

    @property
    def histories(self) -> tuple[tuple[str, str], ...]:
        """(party, bucket) pairs that any of them asks for, each once."""
        asked = dict.fromkeys(name for one in self.statements for name in one.histories)
        return tuple((party, bucket) for party, _, bucket in (name.partition("/") for name in asked))

    def holds(self, name: str) -> bool:
        """Whether any of them has a file of that name."""
        return any(name in one.files for one in self.statements)

    def holding(self, name: str, at: int) -> tuple[Rulebook, Path]:
        """Of those that have a file, the one in force at a moment (µs), and its folder. RulebookError if none has it."""
        among = [one for one in self.statements if name in one.files]
        begun = [one for one in among if one.starts <= at]
        for one in (*reversed(begun), *among[len(begun) :]):
            shelf = self.find(np.array([one.starts], np.int64))
            book = shelf.rulebooks[int(shelf.at(np.array([one.starts], np.int64))[0])]
            if book.version == one.version:  # else it was refused
                return book, shelf.folders[book.version]
        raise RulebookError(f"no version of the registry has {name}; see `corridor rulebook verify`")
