"""A run's output folder as the source of the page: read once, followed as it grows, or replayed by its own clock."""

import base64
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corridor.console import cells
from corridor.console.state import KINDS, Kind, State
from corridor.errors import InputError
from corridor.messages.moment import moment
from corridor.messages.reject import registered_at
from corridor.output import parts, reason

POLL: Final = 0.5
"""Seconds between two looks at a folder that is followed."""
BATCH: Final = 2_000
LARGEST_LINE: Final = 4 << 20
"""Bytes: a longer line is no message of ours and is passed over."""
TICK: Final = 0.1
"""Seconds between two steps of a replay."""
_READ: Final[tuple[Kind, ...]] = ("picture", "anomalies", "rejects")
"""Decisions are read when somebody asks for them."""
_TIMES: Final = {
    "picture": re.compile(rb'"window_end"\s*:\s*"([^"]{20,35})"'),
    "anomalies": re.compile(rb'"event_time"\s*:\s*"([^"]{20,35})"'),
}


def check(folder: Path, follow: bool) -> None:
    """InputError unless a run's output can be read there, or may come there if it is followed."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"{folder} {what}: give the --output folder of `corridor run decide`")
    try:
        there = any((folder / kind).is_dir() for kind in KINDS)
    except OSError as error:
        raise InputError(f"{folder}: {reason(error)}; give a folder that can be read") from error
    if not there and not follow:
        raise InputError(
            f"{folder} holds no picture/, anomalies/ or rejects/: give the --output folder of `corridor run decide`, or "
            "add --follow if they are still to come"
        )


@dataclass(slots=True)
class _Tail:
    """How far a file was read. number: its inode, by which one that took its place is known."""

    number: int
    offset: int = 0


class Files:
    """Feeds the state from a folder; `run` ends when `stop` is set, or at once without `follow`."""

    def __init__(self, state: State, folder: Path, follow: bool) -> None:
        self._state, self._folder, self._follow = state, folder, follow
        self._tails: dict[Path, _Tail] = {}

    def run(self, stop: threading.Event) -> None:
        """Read what is there, then what comes."""
        self._look(stop)
        self._state.become("live" if self._follow else "finished")
        while self._follow and not stop.wait(POLL):
            self._look(stop)

    def _look(self, stop: threading.Event) -> None:
        try:
            if self._replaced():
                self._tails.clear()
                self._state.restart()
            for kind in _READ:
                for path in parts(self._folder / kind) if (self._folder / kind).is_dir() else ():
                    for lines in self._lines(path):
                        self._state.take(kind, lines)
                        if stop.is_set():
                            return
            self._state.become("live" if self._follow else "finished")
            judged(self._state, self._folder)
        except OSError:  # the folder went away, or may no longer be read
            self._state.become("lost")

    def _replaced(self) -> bool:
        for path, tail in self._tails.items():
            try:
                found = path.stat()
            except FileNotFoundError:
                return True
            if found.st_ino != tail.number or found.st_size < tail.offset:
                return True
        return False

    def _lines(self, path: Path) -> Iterator[list[bytes]]:
        """Whole lines from where the file was left; the last one waits for its end if the folder is followed."""
        tail = self._tails.setdefault(path, _Tail(path.stat().st_ino))
        with path.open("rb") as file:
            file.seek(tail.offset)
            batch: list[bytes] = []
            while line := file.readline(LARGEST_LINE):
                if not line.endswith(b"\n") and len(line) < LARGEST_LINE and self._follow:
                    break
                tail.offset += len(line)
                if stripped := line.strip():
                    batch.append(stripped)
                if len(batch) == BATCH:
                    yield batch
                    batch = []
            if batch:
                yield batch


def judged(state: State, folder: Path) -> None:
    """Take over which rulebook the run's summary names."""
    try:
        version = json.loads((folder / "summary.json").read_text(encoding="utf-8")).get("rulebook")
    except (OSError, ValueError, AttributeError):
        return
    if isinstance(version, str) and version not in state.judged_by:
        with state.lock:
            state.judged_by[version[:100]] = ""
            state.version += 1


class Replay:
    """Feeds the state from a run's folder at the messages' own times, `speed` times as fast."""

    def __init__(self, state: State, folder: Path, speed: float) -> None:
        self._state, self._folder, self._speed = state, folder, speed

    def run(self, stop: threading.Event) -> None:
        """All that was before the day that is replayed at once, then that day by its clock."""
        timed = sorted(self._timed(), key=lambda one: one[0])
        start = _busiest([one for one in timed if one[1] == "picture"])
        judged(self._state, self._folder)
        begun, place = time.monotonic(), 0
        self._state.become("replay")
        while place < len(timed) and not stop.is_set():
            clock = start + int((time.monotonic() - begun) * self._speed * 1_000_000)
            last = place
            while last < len(timed) and timed[last][0] <= clock:
                last += 1
            self._state.link.clock = clock
            for kind in _READ:
                if due := [line for _, of, line in timed[place:last] if of == kind]:
                    self._state.take(kind, due)
            place = last
            stop.wait(TICK)
        self._state.become("finished")

    def _timed(self) -> Iterable[tuple[int, Kind, bytes]]:
        for kind in _READ:
            for path in parts(self._folder / kind) if (self._folder / kind).is_dir() else ():
                for line in path.read_bytes().splitlines():
                    yield _time(kind, line), kind, line


def _time(kind: Kind, line: bytes) -> int:
    """When a message is due, in µs; one without a time at once."""
    if kind == "rejects":
        try:
            return registered_at(base64.b64decode(json.loads(line).get("payload_base64", ""))) or 0
        except (ValueError, AttributeError):
            return 0
    found = _TIMES[kind].search(line)
    when = moment(found[1].decode("ascii", "replace")) if found else None
    return when.microseconds if when else 0


def _busiest(picture: list[tuple[int, Kind, bytes]]) -> int:
    """The start of the day with most messages, in µs."""
    counts: dict[int, int] = {}
    for at, _, _ in picture:
        day = (at - 1) // cells.DAY * cells.DAY
        counts[day] = counts.get(day, 0) + 1
    return max(counts, key=lambda day: counts[day], default=0)
