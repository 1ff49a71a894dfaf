"""The declarations behind a figure, from decision.v1: open fields only, the newest first.

Neither probability nor loss nor contributions are read, so they cannot be shown.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from corridor.console.cells import UnreadableError
from corridor.messages.moment import moment

SHOWN: Final = 200
CANCELLATION: Final = "cancellation"


class _Reason(msgspec.Struct):
    group: str


class _Item(msgspec.Struct):
    hs_chapter: str | None = None
    origin_country: str | None = None


class Decision(msgspec.Struct):
    """The fields that are shown, and no others."""

    declaration_id: str
    version: int
    registered_at: str
    office: str
    direction: str
    importer: str
    corridor: str
    basis: str
    customs_value: float
    payments: float
    item_count: int
    rulebook: str
    decided_at: str = ""
    function: str = "original"
    late: bool = False
    transport_mode: int | None = None
    reasons: list[_Reason] = []
    items: list[_Item] = []

    @property
    def at(self) -> int:
        """registered_at in µs; 0 if it is no time."""
        found = moment(self.registered_at)
        return found.microseconds if found else 0

    def shown(self) -> dict[str, Any]:
        """A row of the page's table."""
        return {
            **{name: getattr(self, name) for name in _SHOWN},
            "reasons": list(dict.fromkeys(one.group for one in self.reasons)),
            "chapters": sorted({one.hs_chapter for one in self.items if one.hs_chapter}),
            "origins": sorted({one.origin_country for one in self.items if one.origin_country}),
        }


_SHOWN: Final = (
    *("declaration_id", "version", "function", "registered_at", "decided_at", "office", "direction", "importer"),
    *("corridor", "basis", "late", "transport_mode", "customs_value", "payments", "item_count", "rulebook"),
)  # fmt: skip
_decode: Final = msgspec.json.Decoder(Decision).decode


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a declaration must be like; None: anything. start, until: registered_at in µs, start included."""

    start: int
    until: int
    office: str | None = None
    importer: str | None = None
    declaration: str | None = None
    corridor: str | None = None
    direction: str | None = None
    chapter: str | None = None
    origin: str | None = None
    group: str | None = None
    transport: str | None = None

    def holds(self, one: Decision) -> bool:
        """Whether a decision is such."""
        plain = (
            (self.office, one.office), (self.importer, one.importer), (self.declaration, one.declaration_id),
            (self.corridor, one.corridor), (self.direction, one.direction),
            (self.transport, str(one.transport_mode)),
        )  # fmt: skip
        if any(asked is not None and asked != told for asked, told in plain):
            return False
        if self.chapter or self.origin:
            pairs = ((item.hs_chapter, item.origin_country or "unknown") for item in one.items)
            if not any(self.chapter in (None, c) and self.origin in (None, o) for c, o in pairs):
                return False
        if self.group and all(reason.group != self.group for reason in one.reasons):
            return False
        return self.start <= one.at < self.until


def read(line: bytes) -> Decision:
    """A decision's open fields. UnreadableError for what is no decision.v1."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise UnreadableError("unreadable") from None


def newest(found: Iterable[Decision], wanted: Wanted) -> tuple[list[dict[str, Any]], int]:
    """At most SHOWN rows of those that are wanted, the newest first, and how many there are."""
    many = 0

    def counted() -> Iterator[Decision]:
        nonlocal many
        for one in found:
            if wanted.holds(one):
                many += 1
                yield one

    rows = heapq.nlargest(SHOWN, counted(), key=lambda one: (one.at, one.declaration_id, one.version))
    return [one.shown() for one in rows], many
