"""Pictures of past moments: made one at a time, once for all who ask for the same, and kept within a bound of bytes."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from corridor.console.snapshot import View
from corridor.errors import CorridorError

MOST_BYTES: Final = 32 << 20
"""Of encoded pictures that are kept for those who ask again."""
MOST_WAITING: Final = 16
"""Different pictures that may wait to be made; whoever asks for one more is told to come again."""
FRESH: Final = 2.0
"""Seconds for which a picture serves although messages have come since: a past day changes by what is late."""


class BusyError(CorridorError):
    """Too many pictures are asked for at once."""


class _Made(NamedTuple):
    """version: of the state it was made from; at: when, by time.monotonic()."""

    packed: bytes
    version: int
    at: float


class Past:
    """Pictures by view. make: makes one as bytes; version: that of the state now. Lives in one event loop."""

    def __init__(self, make: Callable[[View], Awaitable[bytes]], version: Callable[[], int]) -> None:
        self._make, self._version = make, version
        self._kept: OrderedDict[View, _Made] = OrderedDict()
        self._waiting: dict[View, asyncio.Task[bytes]] = {}
        self._one = asyncio.Lock()
        self.held = 0
        """Bytes that are kept."""

    async def picture(self, view: View) -> bytes:
        """The picture of a view. BusyError if too many others wait to be made."""
        known = self._kept.get(view)
        if known is not None and (known.version == self._version() or time.monotonic() - known.at < FRESH):
            self._kept.move_to_end(view)
            return known.packed
        making = self._waiting.get(view)
        if making is None:
            if len(self._waiting) >= MOST_WAITING:
                raise BusyError(f"{MOST_WAITING} pictures of the past are being made; try again in a moment")
            making = self._waiting[view] = asyncio.create_task(self._made(view))
        return await asyncio.shield(making)  # who leaves does not take it from those who wait for the same

    async def _made(self, view: View) -> bytes:
        try:
            async with self._one:
                version, at = self._version(), time.monotonic()
                made = _Made(await self._make(view), version, at)
        finally:
            del self._waiting[view]
        self._keep(view, made)
        return made.packed

    def _keep(self, view: View, made: _Made) -> None:
        """Keep it, and forget what was asked for least recently."""
        before = self._kept.pop(view, None)
        self.held += len(made.packed) - (len(before.packed) if before else 0)
        self._kept[view] = made
        while self.held > MOST_BYTES:
            self.held -= len(self._kept.popitem(last=False)[1].packed)
