"""When the registry was silent, as a machine remembers it: its workers tell of one silence, and a restart leaves none open.

Beside a machine's copies lies a file for each, named after the moment since when; one with `.end` holds when it was over.
"""

import logging
import threading
from typing import Final

from corridor.registry.moments import SECOND
from corridor.registry.store import Store, StoreError

_LOG: Final = logging.getLogger(__name__)
_FOLDER: Final = "silences"
REMEMBERED: Final = 86_400 * SECOND
"""Of a silence that was over so long ago a worker that starts tells too: whoever was to tell may have been stopped."""


class Silences:
    """Silences by the moment (µs) since when; store: where all processes of the machine find them.

    Where it cannot be written, a process goes by what it noted itself.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, int | None] = {}
        self._lock = threading.Lock()

    def began(self, since: int) -> int:
        """Note a silence: since when (µs) it lasts, by the worker that noticed it first."""
        with self._lock:
            self._read()
            if None not in self._known.values():
                self._forget(since - REMEMBERED)
                self._known[since] = None
                self._create(_name(since), "")
                self._read()
            return min(at for at, end in self._known.items() if end is None)

    def over(self, at: int) -> dict[int, int]:
        """End what lasts, for the registry answered at a moment (µs); all that are over: since when, until when."""
        with self._lock:
            self._read()
            for since, end in self._known.items():
                if end is None:
                    self._known[since] = at
                    self._create(f"{_name(since)}.end", str(at))
            self._read()  # another worker may have been the first
            return {since: end for since, end in sorted(self._known.items()) if end is not None}

    def _read(self) -> None:
        """Take over what other workers noted; what is no such file is passed over."""
        try:
            names = set(self._store.names(_FOLDER))
            for name in names:
                if name.isdecimal():
                    ended = f"{name}.end" in names and self._store.read(f"{_FOLDER}/{name}.end", 20)
                    self._known[int(name)] = int(ended) if ended and ended.isdigit() else None
        except StoreError as error:
            _LOG.warning("rulebooks: %s", error)

    def _create(self, name: str, text: str) -> None:
        try:
            self._store.create(f"{_FOLDER}/{name}", text.encode())
        except StoreError as error:
            _LOG.warning("rulebooks: %s", error)

    def _forget(self, before: int) -> None:
        for since in [at for at, end in self._known.items() if end is not None and end < before]:
            del self._known[since]
            for name in (_name(since), f"{_name(since)}.end"):
                try:
                    self._store.remove(f"{_FOLDER}/{name}")
                except StoreError as error:
                    _LOG.warning("rulebooks: %s", error)


def _name(since: int) -> str:
    return f"{since:020d}"
