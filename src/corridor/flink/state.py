"""Where a job over topics keeps its checkpoints and savepoints, and the newest of them, from which it goes on."""

import fcntl
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from corridor.errors import InputError
from corridor.flink import state_elsewhere

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]+:/")


@dataclass(frozen=True, slots=True)
class State:
    """A place of state as a URI; `folder` where that is on this machine, None for s3: and the like."""

    uri: str
    folder: Path | None

    @property
    def checkpoints(self) -> str:
        """Where the job writes its checkpoints."""
        return f"{self.uri}/checkpoints"

    @property
    def savepoints(self) -> str:
        """Where savepoints of the job belong (`flink stop --savepointPath`), so that `latest` finds them."""
        return f"{self.uri}/savepoints"

    @property
    def stopped(self) -> str:
        """Where a run that is stopped by Ctrl-C leaves its savepoint, which the next one takes over."""
        return f"{self.uri}/stopped"

    def latest(self) -> str | None:
        """The newest whole checkpoint or savepoint; None if there is none, or none can be seen from here."""
        if self.folder is None:
            return None
        whole = [
            *self.folder.glob("checkpoints/*/chk-*/_metadata"),
            *self.folder.glob("savepoints/savepoint-*/_metadata"),
            *self.folder.glob("stopped/savepoint-*/_metadata"),
        ]
        newest = max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)
        return None if newest is None else newest.parent.as_uri()


_HELD: dict[Path, BinaryIO] = {}
"""Folders whose state this process uses, with the locks that say so to others."""


def open_state(given: Path | str, job: str, alone: bool = False, plan: str = "") -> State:
    """The state of a run, its folder made if it is not there.

    given: a folder, or a URI that the cluster's file systems know; job: whose state it is, kept in the folder, or at
    the URI as far as that can be reached from here; alone: nobody else may use it while this process lives; plan: what
    else the state depends on, kept beside the job's name. InputError if a folder cannot be written, is in use, or a
    place holds the state of another job or plan:
    Flink would take up what fits of it and lose the rest without a word.
    """
    folder = _folder(given)
    if folder is None:
        uri = str(given).rstrip("/")
        state_elsewhere.claim(uri, job, plan)
        return State(uri, None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{time.time_ns()}"
        probe.touch()
        probe.unlink()
        owner = folder / "job"
        if not owner.exists() or not owner.stat().st_size:
            owner.write_text(f"{job}\n{plan}\n", encoding="utf-8")
        of, _, made = owner.read_text(encoding="utf-8", errors="replace").rstrip("\n").partition("\n")
        if alone:
            _hold(owner)
    except BlockingIOError:
        raise InputError(
            f"{folder}: another run uses this state; end it first, or give a folder of its own"
        ) from None
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error}; give a folder for checkpoints that can be written"
        ) from None
    state_elsewhere.check_job(folder, of, job)
    state = State(folder.resolve().as_uri(), folder.resolve())
    if made != plan:
        if state.latest():
            raise state_elsewhere.other_plan(folder, made, plan)
        owner.write_text(f"{job}\n{plan}\n", encoding="utf-8")  # in place: the lock is on the file
    return state


def plan_kept(given: Path | str) -> str:
    """What a state from which a run would go on is made of, beside the job's name; "" if there is none that can be seen."""
    folder = _folder(given)
    if folder is None:
        return state_elsewhere.plan_kept(str(given).rstrip("/"))
    if not (owner := folder / "job").is_file() or State("", folder).latest() is None:
        return ""
    return owner.read_text(encoding="utf-8", errors="replace").rstrip("\n").partition("\n")[2]


def _folder(given: Path | str) -> Path | None:
    """The folder that is given, by its path or as file:; None for another URI."""
    text = str(given)
    if text.startswith("file:"):
        return Path(unquote(urlsplit(text).path))
    return None if _SCHEME.match(text) else Path(given)


def _hold(owner: Path) -> None:
    """Lock a file until this process ends; BlockingIOError if another process has locked it."""
    if owner in _HELD:
        return
    file = owner.open("rb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    _HELD[owner] = file
