"""Keeps the live pictures new: looks whether the state changed, paints, and hands the change to all viewers at once."""

import asyncio
import gzip
import logging
import time
from typing import Final

import msgspec

from corridor.console.hub import Channel, pack
from corridor.console.past import Past
from corridor.console.snapshot import Sections, View, snapshot
from corridor.console.state import State

_LOG: Final = logging.getLogger(__name__)
LIVE: Final = ("day", "week")
LOOK: Final = 0.05
"""Seconds between two looks whether something changed."""
REST: Final = 0.5
"""Seconds between two pictures of a channel, at least."""


class Painter:
    """The live channels, by period, and the pictures of past moments."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.channels = {period: Channel() for period in LIVE}
        self.closing = False
        self.paint_seconds = 0.0
        """What the last picture took."""
        self._past = Past(self._packed, lambda: self.state.version)
        self._painted = dict.fromkeys(LIVE, -1)

    async def run(self) -> None:
        """Paint again and again until cancelled; the work is done in a thread, so that viewers are served meanwhile."""
        rested = dict.fromkeys(LIVE, 0.0)
        while not self.closing:
            for period, channel in self.channels.items():
                version = self.state.version
                if version != self._painted[period] and time.monotonic() - rested[period] >= REST:
                    self._painted[period] = version
                    try:
                        channel.publish(await asyncio.to_thread(self._paint, View(period)))
                    except (
                        Exception
                    ):  # the next message may mend it; until then the last picture stands, with its time
                        _LOG.exception("the picture of the %s could not be made", period)
                    rested[period] = time.monotonic()
            await asyncio.sleep(LOOK)

    def _paint(self, view: View) -> Sections:
        begun = time.perf_counter()
        sections = snapshot(self.state, view, time.time_ns() // 1000)
        self.paint_seconds = time.perf_counter() - begun
        return sections

    async def whole(self, view: View) -> bytes:
        """A picture as gzipped JSON: the live one, or one of a past moment. BusyError if too many of those are asked for."""
        if view == View(view.period):
            return self.channels[view.period].whole.packed
        return await self._past.picture(view)

    async def _packed(self, view: View) -> bytes:
        sections = await asyncio.to_thread(self._paint, view)
        return await asyncio.to_thread(pack, {"version": 0, "sections": sections})

    async def sections(self, view: View) -> Sections:
        """A picture's sections, for tables: of the very picture that viewers have. BusyError as with `whole`."""
        packed = await self.whole(view)
        sections: Sections = (await asyncio.to_thread(_unpacked, packed))["sections"]
        return sections or await asyncio.to_thread(self._paint, view)

    def close(self) -> None:
        """Let every viewer go."""
        self.closing = True
        for channel in self.channels.values():
            channel.wake()


def _unpacked(packed: bytes) -> dict[str, Sections]:
    document: dict[str, Sections] = msgspec.json.decode(gzip.decompress(packed))
    return document
