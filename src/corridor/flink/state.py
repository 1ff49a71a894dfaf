"""Where a job over topics keeps its checkpoints and savepoints, and the newest of them, from which it goes on."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from corridor.errors import InputError

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

    def latest(self) -> str | None:
        """The newest whole checkpoint or savepoint; None if there is none, or none can be seen from here."""
        if self.folder is None:
            return None
        whole = [
            *self.folder.glob("checkpoints/*/chk-*/_metadata"),
            *self.folder.glob("savepoints/savepoint-*/_metadata"),
        ]
        newest = max(whole, key=lambda path: path.stat().st_mtime_ns, default=None)
        return None if newest is None else newest.parent.as_uri()


def open_state(given: Path | str, job: str) -> State:
    """The state of a run, its folder made if it is not there.

    given: a folder, or a URI that the cluster's file systems know; job: whose state it is, kept in the folder.
    InputError if a folder cannot be written or holds the state of another job.
    """
    text = str(given)
    if _SCHEME.match(text) and not text.startswith("file:"):
        return State(text.rstrip("/"), None)
    folder = Path(unquote(urlsplit(text).path)) if text.startswith("file:") else Path(given)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{time.time_ns()}"
        probe.touch()
        probe.unlink()
        owner = folder / "job"
        if not owner.exists():
            owner.write_text(job, encoding="ascii")
        of = owner.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error}; give a folder for checkpoints that can be written"
        ) from None
    if of != job:
        raise InputError(
            f"{folder}: holds the state of the job {of[:20]!r}; give {job!r} a folder of its own"
        )
    return State(folder.resolve().as_uri(), folder.resolve())
