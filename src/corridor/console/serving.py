"""The page put up: a socket, threads that feed the state, look for rulebooks and read their norms, and the server."""

import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn

from corridor.console.books import Books
from corridor.console.feed import Feed
from corridor.console.server import Console, application
from corridor.console.sources import rulebook_of
from corridor.console.state import State
from corridor.errors import InputError
from corridor.output import reason

PORT: Final = 8750
LOOPBACK: Final = "127.0.0.1"
POLL: Final = 10.0
"""Seconds between two looks for rulebooks."""
ASKED: Final = 0.1
"""Seconds between two looks whether norms were asked for."""
_LOG: Final = logging.getLogger(__name__)
_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is put up. Port 0: any that is free."""

    host: str = LOOPBACK
    port: int = PORT

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def hosts(self) -> list[str]:
        """Names by which it may be called: on loopback those of loopback, so that no web site's name leads here."""
        return ["localhost", "127.0.0.1", "[::1]", self.host] if self.loopback else ["*"]


@dataclass(frozen=True, slots=True)
class Show:
    """What is shown: the state, what feeds it, the folder of a run if that is what, and what is known of rulebooks."""

    state: State
    feed: Feed
    run: Path | None = None
    books: Callable[[], Books] | None = None


class Running:
    """A page that is up. url: where; console: its handlers."""

    def __init__(self, show: Show, place: Place) -> None:
        self._socket = _bound(place)
        host, port = self._socket.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        self.console = Console(show.state, show.run)
        self._stop = threading.Event()
        self._show = show
        config = uvicorn.Config(
            application(self.console, place.hosts),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
            timeout_keep_alive=30,
        )
        self._server = _Server(config, self.console)

    def serve(self) -> None:
        """Feed and serve until Ctrl-C."""
        self._feed()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._stop.set()

    @contextmanager
    def served(self) -> Iterator[str]:
        """Feed and serve in threads while the block runs; gives the address."""
        self._feed()
        thread = threading.Thread(target=self._server.run, args=([self._socket],), name="page", daemon=True)
        thread.start()
        try:
            while not self._server.started and thread.is_alive():
                time.sleep(0.01)
            yield self.url
        finally:
            self._stop.set()
            self._server.should_exit = True
            thread.join(10)

    def _feed(self) -> None:
        for name, run in (("feed", self._show.feed.run), ("books", self._look), ("norms", self._learn)):
            threading.Thread(target=run, args=(self._stop,), name=name, daemon=True).start()

    def _look(self, stop: threading.Event) -> None:
        """Look again and again which rulebooks there are, and by which a run was judged."""
        books, run, state = self._show.books, self._show.run, self._show.state
        while not stop.is_set():
            try:
                if run is not None:
                    state.judged(rulebook_of(run))
                if books is not None:
                    state.know(books())
            except Exception:  # what was known stands
                _LOG.exception("rulebooks could not be looked for")
            stop.wait(POLL)

    def _learn(self, stop: threading.Event) -> None:
        """Read norms as they are asked for: apart from all else, as a registry may take its time."""
        while not stop.wait(ASKED):
            try:
                self._show.state.learn()
            except Exception:
                _LOG.exception("norms could not be read")
                stop.wait(POLL)


class _Server(uvicorn.Server):
    """Lets the viewers go before it waits for them."""

    def __init__(self, config: uvicorn.Config, console: Console) -> None:
        super().__init__(config)
        self._console = console

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Close the channels, then as ever."""
        self._console.painter.close()
        await super().shutdown(sockets)


def _bound(place: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    try:
        return socket.create_server((place.host, place.port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(
            f"the page cannot be put up on {place.host}:{place.port}: {why}; give another --port or --host"
        ) from error
