"""One encoded picture for all viewers: whoever lags gets the newest, never a queue of old ones."""

import asyncio
import gzip
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from corridor.console.snapshot import Sections

_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Encoded:
    """A whole picture as bytes: JSON as it is sent, gzipped once for all; version: of its channel."""

    version: int
    packed: bytes


class Channel:
    """What is live: the newest whole picture, and what its last change was. Lives in one event loop."""

    def __init__(self) -> None:
        self.version = 0
        self.whole = _whole(0, {})
        self._delta = b""
        self._sections: Sections = {}
        self._changed = asyncio.Event()

    def publish(self, sections: Sections) -> bool:
        """Make a picture the newest; False if it is as before."""
        delta = difference(self._sections, sections)
        if not delta:
            return False
        self.version += 1
        self._sections, self.whole = sections, _whole(self.version, sections)
        self._delta = event("delta", {"from": self.version - 1, "to": self.version, "sections": delta})
        self.wake()
        return True

    def wake(self) -> None:
        """Let all that wait look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, version: int, timeout: float) -> bytes | None:
        """What to send to a viewer who has `version`: the change, or that it must fetch the whole; None if nothing came."""
        if self.version == version:
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except TimeoutError:
                return None
        if self.version == version:
            return None
        return self._delta if self.version == version + 1 else event("resync", {"to": self.version})


def difference(old: Sections, new: Sections) -> dict[str, Any]:
    """By section what was set and what is gone; empty if nothing changed. Equal texts, numbers and lists are equal."""
    changes: dict[str, Any] = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name, {}), new.get(name, {})
        put = {key: value for key, value in after.items() if key not in before or before[key] != value}
        gone = [key for key in before if key not in after]
        if put or gone:
            changes[name] = {"set": put} | ({"gone": gone} if gone else {})
    return changes


def event(name: str, data: Any) -> bytes:
    """One server-sent event; its data is JSON, which holds no line end."""
    return b"event: " + name.encode() + b"\ndata: " + _encode(data) + b"\n\n"


def _whole(version: int, sections: Sections) -> Encoded:
    return Encoded(version, pack({"version": version, "sections": sections}))


def pack(document: Any) -> bytes:
    """JSON, gzipped; small and quick rather than smallest."""
    return gzip.compress(_encode(document), 3, mtime=0)
