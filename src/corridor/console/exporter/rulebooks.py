"""The rulebook in force and the next, when parts of it end, and what the service's hours usually hold."""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from corridor.console.books import Book, Norms, read_norms
from corridor.errors import CorridorError
from corridor.picture.norms import PictureNorms
from corridor.registry.follow import Follower
from corridor.registry.keys import PublicKey, Trust
from corridor.registry.origin import Origin
from corridor.registry.shared import follow
from corridor.rulebook.lists import FOREVER
from corridor.rulebook.load import Shelf
from corridor.rulebook.rates import DAY_US, MAX_AGE_DAYS

if TYPE_CHECKING:
    from corridor.rulebook.book import Rulebook

_DAY_BITS: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class InForce:
    """The rulebook in force at a moment, and the next if there is one."""

    book: "Rulebook"
    next: "Rulebook | None"
    folder: Path | None


class Rulebooks:
    """Those of a folder, loaded once, or of a registry, followed. Raises RulebookError if there is none."""

    def __init__(self, place: Path | Origin) -> None:
        self._follower: Follower | None = follow(place) if isinstance(place, Origin) else None
        self._trusted = Path(place.trusted) if isinstance(place, Origin) else None
        self._shelf = Shelf.of() if isinstance(place, Origin) else Shelf.load(place)
        self._norms = Norms()

    def at(self, moment: int) -> InForce:
        """What is in force at a moment (µs since 1970)."""
        shelf = self._follower.shelf if self._follower else self._shelf
        place = int(shelf.at(np.array([moment]))[0])
        book, later = shelf.rulebooks[place], shelf.rulebooks[place + 1 : place + 2]
        return InForce(book, later[0] if later else None, shelf.folders.get(book.version))

    def band(self, moment: int) -> tuple[float, float, float] | None:
        """Declarations that the service's hour from `moment` (µs) usually holds, at least, at most; None without a norm."""
        found = self.at(moment)
        if found.folder is None:
            return None
        book = Book(found.book.version, found.book.effective_from, partial(PictureNorms.load, found.folder))
        if not self._norms.there(book):
            for one in self._norms.due():
                self._norms.put(one, read_norms(one))
        expected, low, high = (part[0] for part in self._norms.band(book, "", moment, 1))
        return None if expected is None or low is None or high is None else (expected, low, high)

    @property
    def silent(self) -> float | None:
        """Seconds since the registry answered; None without one."""
        return time.monotonic() - self._follower.looked_at if self._follower else None

    def expiries(self, moment: int) -> dict[str, int]:
        """By part the moment (µs) at which the first of it ends; a part that has no end is left out.

        What has ended is told on: a rule until a rulebook without it is in force, a key until it is renewed or removed.
        """
        book = self.at(moment).book
        found = {
            "rates": _rates_end(book),
            "rules": _first(
                rule.valid_until for rule in book.rules.rules if rule.valid_until > book.effective_from
            ),
            "keys": self._keys_end(),
        }
        return {part: end for part, end in found.items() if end is not None}

    def _keys_end(self) -> int | None:
        try:
            keys = Trust.load(self._trusted).keys.values() if self._trusted else ()
        except CorridorError:
            return None
        return keys_end(keys)


def keys_end(keys: Collection[PublicKey]) -> int | None:
    """When the first of the keys that are not renewed ends, or has ended (µs)."""
    return _first(key.valid_until for key in keys if not _renewed(key, keys))


def _renewed(key: PublicKey, keys: Iterable[PublicKey]) -> bool:
    """Whether a key that was made later, and ends later, has all its roles. The old one stays for what it signed."""
    return any(
        set(key.roles) <= set(one.roles)
        and one.valid_from > key.valid_from
        and one.valid_until > key.valid_until
        for one in keys
    )


def _first(ends: Iterable[int]) -> int | None:
    return min((end for end in ends if end < FOREVER), default=None)


def _rates_end(book: "Rulebook") -> int | None:
    """When the first currency has no rate that may still be used; those that had none at the start do not count."""
    rates = book.rates
    if not len(rates):
        return None
    currency, day = rates.keys >> 32, rates.keys & _DAY_BITS
    last = day[np.flatnonzero(np.append(np.diff(currency) != 0, True))]
    ends = (last.astype(np.int64) + MAX_AGE_DAYS + 1) * DAY_US
    current = ends[ends > book.effective_from]
    return int(current.min()) if len(current) else None
