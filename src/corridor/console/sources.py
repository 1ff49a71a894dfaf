"""Where the centre reads what the jobs told: topics, or the output folder of a run, both as the same messages."""

import base64
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.follow import Batch, Batches, Message, Start, batches
from corridor.kafka.topics import TOPICS
from corridor.output import parts, reason

FILES: Final = ("decisions", "anomalies", "picture", "rejects")
"""Of the names in TOPICS, those that a run over files writes; conservation is in its summary.json."""
NAMES: Final = {topic: name for name, topic in TOPICS.items()}
"""A topic's name in TOPICS."""
AT_ONCE: Final = 2000
"""Messages in a batch from files, at most."""
POLL: Final = 0.5
"""Seconds between two looks at the files of a run that is followed."""
LONGEST: Final = 4 << 20
"""Bytes of a line, at most; what is longer comes in pieces, which are no documents."""
REJECT_CODE: Final = "corridor.error.code"


def of_topics(settings: Settings, starts: Mapping[str, Start], follow: bool = False) -> Batches:
    """Messages of topics by their names in TOPICS, committed ones only; as `kafka.follow.batches`."""
    return batches(settings, {TOPICS[name]: start for name, start in starts.items()}, follow)


def check(folder: Path, names: Sequence[str], follow: bool = False) -> None:
    """InputError unless a run's output can be read there; with `follow` it may be still to come."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give the --output folder of `corridor run decide`")
    if follow:
        return
    if not folder.exists():
        raise InputError(
            f"{folder} does not exist: give the --output folder of `corridor run decide`, or --follow if it is to come"
        )
    try:
        there = any((folder / name).is_dir() for name in names)
    except OSError as error:
        raise InputError(f"{folder}: {reason(error)}; give a folder that can be read") from error
    if not there:
        raise InputError(
            f"{folder} holds none of {', '.join(names)}: give the --output folder of `corridor run decide`, or --follow "
            "if they are still to come"
        )


def of_run(folder: Path, names: Sequence[str], follow: bool = False) -> Batches:
    """Messages of a run's output folder, named by topic; their offset is the byte where the line begins.

    names: of FILES. With `follow` it goes on as files grow or come; when one of them was replaced, all is read anew. A
    file that cannot be read makes its topic missing, and is tried again.
    """
    run = _Run(folder, names, follow)
    while True:
        yield from run.look()
        if not follow:
            return
        time.sleep(POLL)


class _Place(NamedTuple):
    """How far a file was read: which file it was, when it was written last, its first bytes, and bytes of whole lines."""

    inode: int
    written: int
    head: bytes
    offset: int


class _Run:
    def __init__(self, folder: Path, names: Sequence[str], follow: bool) -> None:
        self._folder, self._names, self._follow = folder, names, follow
        self._places: dict[Path, _Place] = {}
        self._behind = frozenset(TOPICS[name] for name in names)
        self._missing: dict[str, str] = {}

    def look(self) -> Batches:
        """What is new. The last batch is empty and tells how the folder stands.

        A topic that could not be read is missing in each batch until it was read up again.
        """
        if not self._folder.is_dir():
            yield Batch(there=False, behind=self._behind)
            return
        if any(map(_replaced, self._places.items())):
            self._places.clear()
            self._behind = frozenset(TOPICS[name] for name in self._names)
            yield Batch(anew=True, behind=self._behind, missing=dict(self._missing))
        for name in self._names:
            try:
                with suppress(FileNotFoundError):  # `parts` is silent about a folder that may not be read
                    os.scandir(self._folder / name).close()
                for number, path in enumerate(parts(self._folder / name)):
                    for messages in self._lines(path, name, number):
                        yield Batch(messages, behind=self._behind, missing=dict(self._missing))
                self._missing.pop(TOPICS[name], None)
            except OSError as error:
                place = Path(error.filename or name).name  # where the folder lies is not for viewers
                self._missing[TOPICS[name]] = f"cannot be read: {place}: {reason(error)}; mend that"
        if self._follow:  # without, the end of the source says that all was read
            self._behind = frozenset()
        yield Batch(missing=dict(self._missing), behind=self._behind)

    def _lines(self, path: Path, name: str, number: int) -> Iterator[list[Message]]:
        """The lines of a file that were not read yet; with `follow` only those that have their end."""
        found = path.stat()
        place = self._places.get(path)
        if place is not None and (place.written, place.offset) == (found.st_mtime_ns, found.st_size):
            return
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            if place and not (found.st_size >= place.offset and head.startswith(place.head)):
                return  # replaced since it was looked at; the next look sees it
            at = place.offset if place else 0
            stream.seek(at)
            batch: list[Message] = []
            while line := stream.readline(LONGEST):
                if self._follow and line[-1:] != b"\n" and len(line) < LONGEST:
                    break
                if line.strip():
                    batch.append(of_line(name, number, at, line))
                at += len(line)
                if len(batch) == AT_ONCE:
                    self._places[path] = _Place(found.st_ino, 0, head[:at], at)
                    yield batch
                    batch = []
        self._places[path] = _Place(found.st_ino, found.st_mtime_ns, head[:at], at)
        if batch:
            yield batch


_HEAD: Final = 1024
"""Bytes by which a file is known again that was written anew in its place."""


def _replaced(known: tuple[Path, _Place]) -> bool:
    """Whether a file is not the one that was read: gone, another one, cut, or begun anew."""
    path, place = known
    try:
        found = path.stat()
        if found.st_ino != place.inode or found.st_size < place.offset:
            return True
        if (found.st_mtime_ns, found.st_size) == (place.written, place.offset):
            return False
        with path.open("rb") as stream:
            return stream.read(len(place.head)) != place.head
    except FileNotFoundError:
        return True
    except OSError:
        return False  # reading it tells why


class _Reject(msgspec.Struct):
    """reject.v1 as files hold it."""

    code: str
    pointer: str = ""
    stage: str = ""
    payload_base64: str = ""


_reject = msgspec.json.Decoder(_Reject).decode


def of_line(name: str, partition: int, offset: int, line: bytes) -> Message:
    """The message that a line would be in a topic: of a reject its bytes and headers, else the line."""
    value = line.rstrip(b"\r\n")
    headers: tuple[tuple[str, bytes | None], ...] = ()
    if name == "rejects":
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            told = _reject(line)
            value = base64.b64decode(told.payload_base64)
            headers = tuple(
                (f"corridor.error.{key}", getattr(told, key).encode("utf-8", "replace"))
                for key in ("code", "pointer", "stage")
            )
    return Message(TOPICS[name], partition, offset, -1, None, value, headers)


def reject_code(message: Message) -> str:
    """Why a message of the topic of rejects could not be judged; "" if it does not say."""
    code: Any = dict(message.headers).get(REJECT_CODE) or b""
    return str(code, "utf-8", "replace")


def version(message: Message) -> int | None:
    """The version that the record's CloudEvents type names, 1 without one, None for what is no number."""
    for name, told in message.headers:
        if name == "ce_type" and told is not None:
            _, mark, number = told.decode("ascii", "replace").rpartition(".v")
            return int(number) if mark and number.isdecimal() and len(number) < 10 else None
    return 1


def summary(folder: Path) -> dict[str, Any] | None:
    """The summary.json of a run; None while there is none that can be read."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        found = msgspec.json.decode((folder / "summary.json").read_bytes())
        return found if isinstance(found, dict) else None
    return None


def rulebook_of(folder: Path) -> str | None:
    """The version of the rulebook that a run's summary names."""
    told = (summary(folder) or {}).get("rulebook")
    return told[:100] if isinstance(told, str) else None
