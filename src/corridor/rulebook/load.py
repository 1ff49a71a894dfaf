"""Rulebooks loaded, and the one in force found by the time of registration."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.rulebook.book import Rulebook
from corridor.rulebook.check import examine
from corridor.rulebook.documents import Problems
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.sharing import sharing


def load(folder: Path, like: Sequence[Rulebook] = ()) -> Rulebook:
    """The rulebook in `folder`, checked whole; like: loaded ones, whose parts of the same bytes it shares.

    Raises RulebookError with file, line and column of the first problem and how many more there are, yet not with what
    stands there: commands whose output is open load rulebooks too.
    """
    book, problems = examine(folder, like)
    Problems(problems).withhold(folder)
    assert book is not None  # no problems, so there is one
    for other in like:
        book = sharing(book, other)
    return book


@dataclass(frozen=True)
class Shelf:
    """Rulebooks by the moment they take effect (µs since 1970, int64, ascending).

    folders: where each version was loaded from; of a shelf made of loaded ones nothing.
    """

    rulebooks: tuple[Rulebook, ...]
    starts: NDArray[np.int64]
    folders: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, *books: Rulebook) -> "Shelf":
        """A shelf of loaded rulebooks, in any order."""
        ordered = tuple(sorted(books, key=lambda book: book.effective_from))
        starts = np.array([book.effective_from for book in ordered], np.int64)
        for one, other in pairwise(ordered):
            if one.effective_from == other.effective_from:
                both = f"{one.version} and {other.version}"
                raise RulebookError(f"rulebooks {both} take effect at the same moment; keep one of them")
        versions = {book.version for book in ordered}
        if len(versions) < len(ordered):
            raise RulebookError("two rulebooks have the same version; give each its own")
        return cls(ordered, starts)

    @classmethod
    def load(cls, folder: Path) -> "Shelf":
        """One rulebook, or a folder of rulebook folders. Raises RulebookError."""
        if (folder / MANIFEST).is_file():
            places = [folder]
        else:
            inside = sorted(p.parent for p in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
            places = inside or [folder]
        books: list[Rulebook] = []
        for place in places:
            books.append(load(place, books))
        folders = {book.version: place for book, place in zip(books, places, strict=True)}
        return replace(cls.of(*books), folders=folders)

    def at(self, registered_at: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[n]: index of the rulebook in force; before the first one takes effect, the first."""
        return np.maximum(np.searchsorted(self.starts, registered_at, side="right") - 1, 0)

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that may judge, in their order."""
        return tuple(book.version for book in self.rulebooks)

    @property
    def histories(self) -> tuple[tuple[str, str], ...]:
        """(party, bucket) pairs that any of them asks for, each once."""
        return tuple(dict.fromkeys(pair for book in self.rulebooks for pair in book.policy.histories))

    def holds(self, name: str) -> bool:
        """Whether any of them has a file of that name."""
        return any(name in book.files for book in self.rulebooks)

    def holding(self, name: str, at: int) -> tuple[Rulebook, Path]:
        """Of those that have a file, the one in force at a moment (µs), and its folder. RulebookError if none has it."""
        among = [book for book in self.rulebooks if name in book.files]
        if not among:
            raise RulebookError(f"none of the rulebooks has {name}; see that it is in their folders")
        begun = [book for book in among if book.effective_from <= at]
        found = begun[-1] if begun else among[0]
        return found, self.folders[found.version]
