"""The exporter at work: threads that read, a server that tells, until it is stopped."""

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, start_http_server

from corridor.console.exporter.collector import Exporter, Parts
from corridor.console.exporter.state import State
from corridor.console.sources import Batches
from corridor.errors import CorridorError, InputError
from corridor.output import reason

AGAIN: Final = 5.0
"""Seconds until a source that failed is opened anew."""


class Reader:
    """Reads one source into the state, over and over if it fails. open: the source from its start on."""

    def __init__(self, state: State, names: Sequence[str], open_: Callable[[], Batches]) -> None:
        self._state, self._names, self._open = state, tuple(names), open_
        self._key = "+".join(names)

    def once(self, stop: threading.Event | None = None) -> None:
        """Read until the source ends, or until told to stop. CorridorError if it fails."""
        self._state.begin(self._names)
        with closing(self._open()) as batches:
            for batch in batches:
                self._state.up[self._key] = batch is not None
                self._state.take(batch or [])
                if stop is not None and stop.is_set():
                    return
        self._state.up[self._key] = True

    def run(self, stop: threading.Event) -> None:
        """Read on and on; what fails is told on stderr and tried again."""
        while not stop.is_set():
            try:
                self.once(stop)
                return
            except CorridorError as error:
                self._state.up[self._key] = False
                sys.stderr.write(f"corridor: {error}; trying again every {AGAIN:.0f} s\n")
                stop.wait(AGAIN)


def registry_of(parts: Parts) -> CollectorRegistry:
    """The metrics of the exporter and of its own process."""
    registry = CollectorRegistry()
    registry.register(Exporter(parts))
    ProcessCollector(registry=registry)
    return registry


def exposition(parts: Parts) -> bytes:
    """All metrics as text, in Prometheus's own format."""
    return generate_latest(registry_of(parts))


def serve(
    parts: Parts,
    host: str,
    port: int,
    work: Sequence[Callable[[threading.Event], None]],
    ready: Callable[[], None],
) -> None:
    """Answer on host and port while every function of `work` runs in a thread; returns on KeyboardInterrupt.

    ready: called once it answers. InputError if the port is taken or the host is not this machine's.
    """
    try:
        server, _ = start_http_server(port, host, registry_of(parts))
    except OSError as error:
        raise InputError(
            f"{host}:{port}: {reason(error)}; give another --port, or a --host of this machine"
        ) from None
    stop = threading.Event()
    threads = [threading.Thread(target=one, args=(stop,), daemon=True) for one in work]
    try:
        ready()
        for thread in threads:
            thread.start()
        stop.wait()
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join(3.0)
