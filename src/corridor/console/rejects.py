"""Rejects by code and day: what a message held is looked at for its time only, and kept nowhere."""

import base64
import binascii
from collections import Counter, OrderedDict
from typing import Final

import msgspec

from corridor.console.cells import DAY, UnreadableError
from corridor.messages.reject import REJECT_CODES, registered_at

KEPT: Final = 60
"""Days, those in which something was rejected last."""
OTHER: Final = "other"
"""In place of a code that is not on the list."""


class _Message(msgspec.Struct):
    code: str
    payload_base64: str = ""


_decode: Final = msgspec.json.Decoder(_Message).decode


class Rejects:
    """Counts by code of each day (its start in µs); None for those whose time cannot be read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int | None, Counter[str]] = OrderedDict()

    def put(self, line: bytes) -> None:
        """A reject as files hold it. UnreadableError for what is no reject.v1."""
        try:
            found = _decode(line)
            payload = base64.b64decode(found.payload_base64)
        except (msgspec.MsgspecError, UnicodeError, RecursionError, binascii.Error):
            raise UnreadableError("unreadable") from None
        self.count(found.code, payload)

    def count(self, code: str, payload: bytes) -> None:
        """A reject as the topic holds it: a code, and the bytes as they came."""
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
