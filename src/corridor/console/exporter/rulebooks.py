"""The rulebook in force and the next, when parts of it end, and what the service's hours usually hold."""

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from corridor.errors import CorridorError, RulebookError
from corridor.registry.follow import Follower
from corridor.registry.keys import Trust
from corridor.registry.origin import Origin
from corridor.registry.shared import follow
from corridor.rulebook.lists import FOREVER
from corridor.rulebook.load import Shelf
from corridor.rulebook.rates import DAY_US, MAX_AGE_DAYS

if TYPE_CHECKING:
    from corridor.picture.norms import PictureNorms
    from corridor.rulebook.book import Rulebook

_DAY_BITS: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class InForce:
    """The rulebook in force at a moment, and the next if there is one."""

    book: "Rulebook"
    next: "Rulebook | None"
    folder: Path | None

    @cached_property
    def norms(self) -> "PictureNorms":
        """What the service's hours usually hold; empty if the rulebook has none, or none that can be read."""
        from corridor.picture.norms import PictureNorms  # noqa: PLC0415  # keeps `--help` quick

        with suppress(RulebookError):
            return PictureNorms.load(self.folder) if self.folder else PictureNorms.empty()
        return PictureNorms.empty()


class Rulebooks:
    """Those of a folder, loaded once, or of a registry, followed. Raises RulebookError if there is none."""

    def __init__(self, place: Path | Origin) -> None:
        self._follower: Follower | None = follow(place) if isinstance(place, Origin) else None
        self._trusted = Path(place.trusted) if isinstance(place, Origin) else None
        self._shelf = Shelf.of() if isinstance(place, Origin) else Shelf.load(place)
        self._last: InForce | None = None

    def at(self, moment: int) -> InForce:
        """What is in force at a moment (µs since 1970)."""
        shelf = self._follower.shelf if self._follower else self._shelf
        place = int(shelf.at(np.array([moment]))[0])
        book, later = shelf.rulebooks[place], shelf.rulebooks[place + 1 : place + 2]
        if self._last is None or (self._last.book, self._last.next) != (book, later[0] if later else None):
            folder = shelf.folders.get(book.version)
            self._last = InForce(book, later[0] if later else None, folder)
        return self._last

    @property
    def silent(self) -> float | None:
        """Seconds since the registry answered; None without one."""
        return time.monotonic() - self._follower.looked_at if self._follower else None

    def expiries(self, moment: int) -> dict[str, int]:
        """By part the moment (µs) at which the first of it ends, after `moment`; a part that has no end is left out."""
        book = self.at(moment).book
        found = {
            "rates": _rates_end(book),
            "rules": _first(after=moment, ends=[rule.valid_until for rule in book.rules.rules]),
            "keys": self._keys_end(moment),
        }
        return {part: end for part, end in found.items() if end is not None}

    def _keys_end(self, moment: int) -> int | None:
        try:
            keys = Trust.load(self._trusted).keys.values() if self._trusted else ()
        except CorridorError:
            return None
        return _first(after=moment, ends=[key.valid_until for key in keys])


def _first(after: int, ends: list[int]) -> int | None:
    return min((end for end in ends if after < end < FOREVER), default=None)


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
