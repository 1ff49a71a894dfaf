"""One follower of a registry for all of a process that go by it."""

import os
import threading
from typing import Final

from corridor.registry.follow import Follower
from corridor.registry.keys import PASSPHRASE
from corridor.registry.origin import Origin

_FOLLOWED: Final[dict[Origin, tuple[Follower, int]]] = {}
_LOCK: Final = threading.Lock()


def follow(origin: Origin) -> Follower:
    """The follower of an origin, one for this process, with its thread running; its passphrase comes by the environment."""
    with _LOCK:
        follower, users = _FOLLOWED.get(origin) or (Follower(origin, os.environ.get(PASSPHRASE, "")), 0)
        _FOLLOWED[origin] = follower, users + 1
        follower.start()
    return follower


def leave(follower: Follower) -> None:
    """Say that one who followed no longer does; the last one ends the thread."""
    with _LOCK:
        users = _FOLLOWED[follower.origin][1] - 1
        _FOLLOWED[follower.origin] = follower, users
        if users:
            return
        del _FOLLOWED[follower.origin]
    follower.stop()
