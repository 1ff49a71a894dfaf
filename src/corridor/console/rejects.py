"""Rejects by code and day: what a message held is looked at for its time only, and kept nowhere."""

from collections import Counter, OrderedDict
from typing import Final

from corridor.console.cells import DAY
from corridor.messages.reject import REJECT_CODES, registered_at

KEPT: Final = 60
"""Days, those in which something was rejected last."""
OTHER: Final = "other"
"""In place of a code that is not on the list."""


class Rejects:
    """Counts by code of each day (its start in µs); None for those whose time cannot be read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int | None, Counter[str]] = OrderedDict()

    def count(self, code: str, payload: bytes) -> None:
        """A reject: its code, and the bytes as they came."""
        at = registered_at(payload)
        day = None if at is None else at // DAY * DAY
        self._kept.setdefault(day, Counter())[code if code in REJECT_CODES else OTHER] += 1
        self._kept.move_to_end(day)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def within(self, start: int, end: int) -> dict[str, int]:
        """Counts by code of the days of a window (µs), the most frequent first."""
        found: Counter[str] = Counter()
        for day, counts in self._kept.items():
            if day is not None and start <= day < end:
                found += counts
        return dict(found.most_common())

    def undated(self) -> int:
        """How many stand in no day, since their time could not be read."""
        return (self._kept.get(None) or Counter()).total()
