"""A TCP proxy on loopback that delays, narrows and drops: the network between client and broker."""

import asyncio
import contextlib
import random
import threading

from corridor.kafka.broker import free_port
from corridor.processes import HOST


class Proxy:
    """Forwards connections to `target` from a thread of its own.

    delay: seconds by which each piece of data is held back, each way; rate: bytes a second that a connection
    brings back to the client, 0 for all; drop: the chance that a piece of data ends its connection in the place of
    passing. All may be set at any time.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.delay, self.rate, self.drop, self.dropped = 0.0, 0.0, 0.0, 0
        self._target, self._loop = target, asyncio.new_event_loop()
        self._random = random.Random(4)
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._connected, HOST, self.port), self._loop
        ).result(10)

    def stop(self) -> None:
        """End all connections and the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _end(self) -> None:
        open_ones = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, self._target)
        except OSError:  # the broker is down: so is what stands before it
            writer.close()
            return
        ways = [
            asyncio.create_task(self._pass(reader, back, narrow=False)),
            asyncio.create_task(self._pass(there, writer, narrow=True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, back):
            end.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, narrow: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 14):
                pause = self.delay + (len(data) / self.rate if narrow and self.rate else 0.0)
                if pause:
                    await asyncio.sleep(pause)
                if self._random.random() < self.drop:
                    self.dropped += 1
                    return
                writer.write(data)
                await writer.drain()
