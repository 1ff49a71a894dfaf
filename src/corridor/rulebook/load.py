"""Rulebooks loaded, and the one in force found by the time of registration."""

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


def load(folder: Path) -> Rulebook:
    """The rulebook in `folder`, checked whole.

    Raises RulebookError with file, line and column of the first problem and how many more there are, yet not with what
    stands there: commands whose output is open load rulebooks too.
    """
    book, problems = examine(folder)
    Problems(problems).withhold(folder)
    assert book is not None  # no problems, so there is one
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
        books = [load(place) for place in places]
        folders = {book.version: place for book, place in zip(books, places, strict=True)}
        return replace(cls.of(*books), folders=folders)

    def at(self, registered_at: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[n]: index of the rulebook in force; before the first one takes effect, the first."""
        return np.maximum(np.searchsorted(self.starts, registered_at, side="right") - 1, 0)
