"""The decisions that stand, as the picture counts them: the last version of each declaration that was not taken back."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from corridor.console.cells import UnreadableError
from corridor.console.consignments import CANCELLATION, Decision, Wanted, read
from corridor.console.sources import of_run
from corridor.errors import CorridorError
from corridor.kafka.topics import TOPICS
from corridor.output import parts, reason

KEPT: Final = 100_000
"""Decisions held in memory, for a page that reads topics."""
EACH: Final = 500
"""Of these, of one office and corridor."""


class UnreadError(CorridorError):
    """A run's decisions are there and cannot be read."""


class _Version(msgspec.Struct, gc=False):
    """Enough to know which decision on a declaration is its last."""

    declaration_id: str
    version: int
    function: str = "original"


_version: Final = msgspec.json.Decoder(_Version).decode


class Run:
    """The decisions of a run's folder, read when somebody asks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[object, dict[str, tuple[int, bool]]] = None, {}

    def standing(self, wanted: Wanted) -> Iterator[Decision]:
        """Those that stand, as the picture counts them; of a declaration that is asked for every version.

        What is no decision is passed over. UnreadError if a file cannot be read: a part would pass for the whole.
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
        files = self._files()
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

    def _files(self) -> list[tuple[Path, int, int]]:
        """The files with the time of the last change and bytes."""
        try:
            found = [(path, path.stat()) for path in parts(self._folder / "decisions")]
        except OSError as error:
            place = Path(error.filename or "decisions").name  # where the folder lies is not for viewers
            raise UnreadError(
                f"the run's decisions cannot be read: {place}: {reason(error)}; mend that"
            ) from error
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in found]

    def _lines(self) -> Iterator[bytes]:
        for batch in of_run(self._folder, ("decisions",)):
            if why := batch.missing.get(TOPICS["decisions"]):
                raise UnreadError(f"the run's decisions {why}")
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

    def standing(self, wanted: Wanted) -> Iterator[Decision]:
        """Those that stand, as the picture counts them; of a declaration that is asked for every version that is kept."""
        for one in self:
            stands = self._last.get(one.declaration_id) is one and one.function != CANCELLATION
            if stands or wanted.declaration:
                yield one

    def __iter__(self) -> Iterator[Decision]:
        return (one for these in list(self._by.values()) for one in list(these))

    def __len__(self) -> int:
        return self._many
