"""A source led into a state: read, followed, and read from its start again when it fails."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Final, Protocol

from corridor.errors import CorridorError
from corridor.kafka.follow import Batch, Batches, Message

AGAIN: Final = 5.0
"""Seconds until a source that failed is opened anew."""
WELL: Final = 60.0
"""Seconds after which a round that then fails went well: its fault is news again."""
_LOG: Final = logging.getLogger(__name__)


class Fed(Protocol):
    """What a source is led into."""

    def begin(self) -> None:
        """Forget the messages: they come again."""

    def take(self, messages: Iterable[Message]) -> None:
        """Fold messages; what is not what its topic should hold is counted and passed over."""

    def heard(self, batch: Batch) -> None:
        """Note how the source stands."""

    def end(self) -> None:
        """Note that the source has given all that it holds."""

    def fail(self, why: str) -> None:
        """Note that the source failed, and is going to be opened anew."""


class Feed:
    """open: the source from its start on."""

    def __init__(self, state: Fed, open_: Callable[[], Batches]) -> None:
        self._state, self._open = state, open_

    def once(self, stop: threading.Event | None = None, strict: bool = False) -> None:
        """Read until the source ends, or until told to stop.

        CorridorError if it fails; with `strict` also if one of its topics cannot be read.
        """
        begun = False  # what was read before stands until the source answers
        with closing(self._open()) as batches:
            for batch in batches:
                if strict and batch.missing:
                    raise CorridorError("; ".join(f"{topic} {why}" for topic, why in batch.missing.items()))
                if batch.anew or (batch.there and not begun):
                    self._state.begin()
                    begun = True
                if batch.messages:
                    self._state.take(batch.messages)
                self._state.heard(batch)
                if stop is not None and stop.is_set():
                    return
        self._state.end()

    def run(self, stop: threading.Event) -> None:
        """Read on and on."""
        lasting(self.once, self._state.fail, stop)


def lasting(
    run: Callable[[threading.Event], None], failed: Callable[[str], None], stop: threading.Event
) -> None:
    """Run until it ends by itself or is told to stop; what goes wrong is told, and it begins anew.

    A fault is logged once; again only after another one, or after a round that went well.
    """
    told = ""
    while not stop.is_set():
        begun = time.monotonic()
        try:
            run(stop)
            return
        except CorridorError as error:
            why, told = str(error), _still(told, begun)
            if why != told:
                _LOG.warning("%s; trying again every %.0f s", why, AGAIN)
        except Exception as error:  # a fault of ours: the thread goes on, and the trace tells where
            why, told = type(error).__name__, _still(told, begun)
            if why != told:
                _LOG.exception("a reader failed; trying again every %.0f s", AGAIN)
        told = why
        failed(why)
        stop.wait(AGAIN)


def _still(told: str, begun: float) -> str:
    """What was logged last, nothing if the round that began then (time.monotonic) went well."""
    return "" if time.monotonic() - begun > WELL else told
