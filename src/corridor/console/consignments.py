"""The declarations behind a figure, from decision.v1: open fields only, the newest first.

Neither probability nor loss nor contributions are read, so they cannot be shown.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from corridor.console.cells import UnreadableError
from corridor.console.sources import of_run
from corridor.messages.moment import moment
from corridor.output import parts

KEPT: Final = 100_000
"""Decisions held in memory, for a page that reads topics."""
EACH: Final = 500
"""Of these, of one office and corridor."""
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


class _Version(msgspec.Struct, gc=False):
    """Enough to know which decision on a declaration is its last."""

    declaration_id: str
    version: int
    function: str = "original"


_version: Final = msgspec.json.Decoder(_Version).decode


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


class Run:
    """The decisions of a run's folder, read when somebody asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[object, dict[str, tuple[int, bool]]] = None, {}

    def __call__(self, wanted: Wanted) -> Iterator[Decision]:
        """Those that stand, as the picture counts them; of a declaration that is asked for every version.

        What is no decision is passed over.
        """
        last = {} if wanted.declaration else self._last()
        for line in self._lines():
            try:
                one = read(line)
            except UnreadableError:
                continue
            version, cancelled = last.get(one.declaration_id, (0, False))
            if one.version >= version and not cancelled:
                yield one

    def _last(self) -> dict[str, tuple[int, bool]]:
        """Of declarations with several versions the last one's number, and whether it takes the declaration back."""
        files = [
            (path, found.st_mtime_ns, found.st_size) for path in self._parts() for found in (path.stat(),)
        ]
        if self._known[0] != files:
            last: dict[str, tuple[int, bool]] = {}
            for line in self._lines():
                with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
                    one = _version(line)
                    if one.version > 1 or one.function == CANCELLATION:
                        told = one.version, one.function == CANCELLATION
                        last[one.declaration_id] = max(told, last.get(one.declaration_id, (0, False)))
            self._known = files, last
        return self._known[1]

    def _parts(self) -> list[Path]:
        return parts(self._folder / "decisions")

    def _lines(self) -> Iterator[bytes]:
        for batch in of_run(self._folder, ("decisions",)):
            yield from (message.value for message in batch.messages if message.value is not None)


class Recent:
    """The newest decisions of each office and corridor, at most KEPT in all; of a declaration the last version."""

    def __init__(self, kept: int = KEPT, each: int = EACH) -> None:
        self._most, self._each, self._many = kept, each, 0
        self._by: dict[tuple[str, str], deque[Decision]] = {}
        self._last: dict[str, Decision] = {}

    def put(self, one: Decision) -> None:
        """Take one over; where there are too many of all, each office and corridor keeps half as many."""
        known = self._last.get(one.declaration_id)
        if known is not None and known.version > one.version:
            return
        self._last[one.declaration_id] = one
        of = self._by.setdefault((one.office, one.corridor), deque())
        of.append(one)
        self._many += 1
        if len(of) > self._each:
            self._drop(of)
        while self._many > self._most:
            self._each = max(self._each // 2, 1)
            for key, these in list(self._by.items()):
                while len(these) > self._each or (self._each == 1 and self._many > self._most and these):
                    self._drop(these)
                if not these:
                    del self._by[key]

    def _drop(self, these: deque[Decision]) -> None:
        """Let the oldest go; if it is the last version of its declaration, that one is forgotten whole."""
        gone = these.popleft()
        self._many -= 1
        if self._last.get(gone.declaration_id) is gone:
            del self._last[gone.declaration_id]

    def __call__(self, wanted: Wanted) -> Iterator[Decision]:
        """Those that stand, as the picture counts them; of a declaration that is asked for every version that is kept."""
        for one in self:
            standing = self._last.get(one.declaration_id) is one and one.function != CANCELLATION
            if standing or wanted.declaration:
                yield one

    def __iter__(self) -> Iterator[Decision]:
        return (one for these in list(self._by.values()) for one in list(these))

    def __len__(self) -> int:
        return self._many
