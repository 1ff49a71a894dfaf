"""Which rulebook is in force and which is next, and the norms of the picture that it holds; never anything else of it."""

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import structs

from corridor.console.cells import HOUR
from corridor.errors import CorridorError, RulebookError
from corridor.messages.moment_text import rfc3339
from corridor.picture.hourly import SERVICE
from corridor.picture.norms import FILE, PictureNorms
from corridor.registry.keys import Trust
from corridor.registry.publication import Publication
from corridor.registry.registry import Registry
from corridor.rulebook.documents import Problems, read_yaml
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import Manifest, read_manifest

KEPT_NORMS: Final = 4
AGAIN: Final = 30.0
"""Seconds until norms that could not be read are tried again."""
_LOG: Final = logging.getLogger(__name__)
Band = tuple[list[float | None], list[float | None], list[float | None]]


@dataclass(frozen=True, slots=True)
class Book:
    """A rulebook by its version. starts: µs since 1970, None where only its decisions were seen; norms: how to load them."""

    version: str
    starts: int | None
    norms: Callable[[], PictureNorms] = field(default=PictureNorms.empty, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Books:
    """All that are known, by the moment they take effect. problem: why the registry or folder could not be read."""

    known: tuple[Book, ...] = ()
    problem: str | None = None

    def in_force(self, at: int) -> Book | None:
        """The newest that has taken effect at `at` (µs); before the first one does, the first."""
        begun = [one for one in self.known if one.starts is None or one.starts <= at]
        return begun[-1] if begun else next(iter(self.known), None)

    def next(self, at: int) -> Book | None:
        """The first that takes effect after `at` (µs)."""
        return next((one for one in self.known if one.starts is not None and one.starts > at), None)

    def shown(self, at: int) -> dict[str, Any]:
        """What the page shows of them as of `at` (µs); of a problem only that there is one, for it names places."""
        return {
            "in_force": _shown(self.in_force(at)),
            "next": _shown(self.next(at)),
            "problem": bool(self.problem),
        }


def _shown(book: Book | None) -> dict[str, Any] | None:
    if book is None:
        return None
    return {"version": book.version, "starts": None if book.starts is None else rfc3339(book.starts)}


def of_folder(folder: Path) -> Books:
    """The rulebook in a folder, or those in a folder of them. RulebookError if there is none, or one is not whole."""
    places = (
        [folder] if (folder / MANIFEST).is_file() else sorted(p.parent for p in folder.glob(f"*/{MANIFEST}"))
    )
    if not places:
        raise RulebookError(f"{folder}: no {MANIFEST} in it; give the folder of a rulebook, or of several")
    found = [(_manifest(place), place) for place in places]
    books = (Book(one.version, one.effective_from, _norms_of(place)) for one, place in found)
    return Books(tuple(sorted(books, key=lambda book: book.starts or 0)))


def _manifest(folder: Path) -> Manifest:
    problems = Problems()
    document = read_yaml(folder / MANIFEST, MANIFEST, problems)
    manifest = read_manifest(document, folder, problems) if document is not None else None
    problems.withhold(folder)
    assert manifest is not None  # no problems, so there is one
    return manifest


def _norms_of(folder: Path) -> Callable[[], PictureNorms]:
    return lambda: PictureNorms.load(folder)


def of_registry(url: str, trusted: Path) -> Books:
    """What is published, each publication checked; `problem` tells of a registry that is silent or broken."""
    try:
        registry = Registry.open(url)
        publications = registry.publications(Trust.load(trusted))
    except CorridorError as error:
        return Books(problem=str(error))
    return Books(
        tuple(Book(p.statement.version, p.statement.starts, _published(registry, p)) for p in publications)
    )


def _published(registry: Registry, one: Publication) -> Callable[[], PictureNorms]:
    def load() -> PictureNorms:
        digest = one.statement.files.get(FILE)
        if digest is None:
            return PictureNorms.empty()
        norms_only = structs.replace(one, statement=structs.replace(one.statement, files={FILE: digest}))
        with tempfile.TemporaryDirectory(prefix="corridor-") as work:
            return PictureNorms.load(registry.fetch(norms_only, Path(work) / "norms"))

    return load


class Norms:
    """Bands of the picture's hours, each computed once, of rulebooks whose norms were read.

    Reading may take long, as a registry may hang: `band` only asks for what is not there, a thread that can wait
    reads what is `due`. What could not be read is tried again after AGAIN seconds.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, PictureNorms] = {}
        self._asked: dict[str, Book] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._band = lru_cache(maxsize=20_000)(self._compute)

    @property
    def problem(self) -> str | None:
        """Why norms that were asked for could not be read."""
        return next((why for _, why in self._failed.values()), None)

    def band(self, book: Book | None, office: str, start: int, hours: int) -> Band:
        """Expected, low and high of each hour from `start` (µs); None where there is no norm. office: "" for the service."""
        if book is None or not self.there(book):
            return [None] * hours, [None] * hours, [None] * hours
        return self._band(book.version, office, start, hours)

    def there(self, book: Book) -> bool:
        """Whether the norms of a rulebook were read; they are asked for if not."""
        if book.version in self._loaded:
            return True
        self._asked[book.version] = book
        return False

    def due(self) -> list[Book]:
        """Those asked for that are to be read now."""
        since = time.monotonic() - AGAIN
        return [
            book
            for version, book in self._asked.items()
            if self._failed.get(version, (since, ""))[0] <= since
        ]

    def put(self, book: Book, found: PictureNorms | str) -> bool:
        """Take over norms, or why they could not be read. Whether anything changed by that."""
        version = book.version
        if isinstance(found, str):
            changed = self._failed.get(version, (0.0, ""))[1] != found
            self._failed[version] = time.monotonic(), found
            if changed:
                _LOG.warning("the norms of rulebook %s cannot be read: %s", version, found)
            return changed
        self._loaded[version] = found
        self._failed.pop(version, None)
        self._asked.pop(version, None)
        while len(self._loaded) > KEPT_NORMS:
            del self._loaded[next(iter(self._loaded))]
        return True

    def _compute(self, version: str, office: str, start: int, hours: int) -> Band:
        series = ("office", office) if office else ("service", SERVICE)
        found = self._loaded[version].band(*series, start + np.arange(hours) * HOUR)
        expected, low, high = ([None if np.isnan(x) else round(float(x), 1) for x in part] for part in found)
        return expected, low, high


def read_norms(book: Book) -> PictureNorms | str:
    """The norms of a rulebook, or why they cannot be read."""
    try:
        return book.norms()
    except CorridorError as error:
        return str(error)
