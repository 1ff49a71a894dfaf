"""Where the centre reads what the jobs told: topics, or the output folder of a run, both as the same messages.

A source gives batches: a list of messages, an empty one where nothing is new, None while it does not answer. So a
reader can tell "quiet" from "gone", and may stop between any two of them.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.follow import Message, batches
from corridor.kafka.topics import TOPICS
from corridor.output import parts, reason

Batches = Generator[list[Message] | None]
FILES: Final = ("decisions", "anomalies", "picture", "rejects")
"""Of the names in TOPICS, those that a run over files writes; conservation is in its summary.json."""
AT_ONCE: Final = 2000
"""Messages in a batch from files, at most."""
POLL: Final = 1.0
"""Seconds between two looks at the files of a run that is followed."""
LONGEST: Final = 4 << 20
"""Bytes of a line, at most; what is longer comes in pieces, which are no documents."""
REJECT_CODE: Final = "corridor.error.code"


def of_topics(
    settings: Settings, names: Sequence[str], start: str = "beginning", follow: bool = False
) -> Batches:
    """Messages of the topics of `names` (of TOPICS), committed ones only; start: as of `kafka.follow.read`.

    KafkaError if the broker does not answer at first, or a topic is not there.
    """
    return batches(settings, [TOPICS[name] for name in names], start, follow)


def of_run(folder: Path, names: Sequence[str], follow: bool = False) -> Batches:
    """Messages of a run's output folder, named by topic; their offset is the byte where the line begins.

    names: of FILES. With `follow` it goes on as files grow or come; a file that was written anew is read again.
    InputError if the folder is not there or holds none of them.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; give the output folder of `corridor run decide`")
    if not follow and not any((folder / name).is_dir() for name in names):
        raise InputError(
            f"{folder}: holds none of {', '.join(names)}; give the output folder of `corridor run decide`, or --follow"
        )
    return _of_files(folder, names, follow)


class _Place(NamedTuple):
    """How far a file was read: which file it was, and bytes of whole lines."""

    inode: int
    offset: int


def _of_files(folder: Path, names: Sequence[str], follow: bool) -> Batches:
    places: dict[Path, _Place] = {}
    while True:
        there = folder.is_dir()
        for name in names:
            for number, path in enumerate(_parts(folder / name)):
                try:
                    yield from _new(path, name, number, places, follow)
                except OSError as error:
                    if not follow:
                        raise InputError(f"{path}: {reason(error)}; mend that and run again") from None
        if not follow:
            return
        yield [] if there else None
        time.sleep(POLL)


def _parts(folder: Path) -> list[Path]:
    with suppress(OSError):
        return parts(folder)
    return []


def _new(
    path: Path, name: str, number: int, places: dict[Path, _Place], follow: bool
) -> Iterator[list[Message]]:
    """The lines of a file that were not read yet; with `follow` only those that have their end."""
    found = path.stat()
    place = places.get(path, _Place(found.st_ino, 0))
    if place.inode != found.st_ino or found.st_size < place.offset:
        place = _Place(found.st_ino, 0)
    at = place.offset
    if found.st_size > at:
        with path.open("rb") as stream:
            stream.seek(at)
            batch: list[Message] = []
            while line := stream.readline(LONGEST):
                if follow and line[-1:] != b"\n" and len(line) < LONGEST:
                    break
                if line.strip():
                    batch.append(_message(name, number, at, line))
                at += len(line)
                if len(batch) == AT_ONCE:
                    places[path] = _Place(found.st_ino, at)
                    yield batch
                    batch = []
            if batch:
                yield batch
    places[path] = _Place(found.st_ino, at)


def _message(name: str, partition: int, offset: int, line: bytes) -> Message:
    headers = _reject_headers(line) if name == "rejects" else ()
    return Message(TOPICS[name], partition, offset, -1, None, line.rstrip(b"\r\n"), headers)


class _Reject(msgspec.Struct):
    """What a reject in a file says beside its bytes."""

    code: str
    pointer: str = ""
    stage: str = ""


_reject = msgspec.json.Decoder(_Reject).decode


def _reject_headers(line: bytes) -> tuple[tuple[str, bytes | None], ...]:
    """The headers that the reject has in a topic."""
    with suppress(msgspec.MsgspecError, UnicodeError):
        told = _reject(line)
        named = {REJECT_CODE: told.code, "corridor.error.pointer": told.pointer}
        named["corridor.error.stage"] = told.stage
        return tuple((key, value.encode("utf-8", "replace")) for key, value in named.items())
    return ()


def reject_code(message: Message) -> str:
    """Why a message of the topic of rejects could not be judged; "" if it does not say."""
    code: Any = dict(message.headers).get(REJECT_CODE) or b""
    return str(code, "utf-8", "replace")


def summary(folder: Path) -> dict[str, Any] | None:
    """The summary.json of a run; None while there is none that can be read."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeError):
        found = msgspec.json.decode((folder / "summary.json").read_bytes())
        return found if isinstance(found, dict) else None
    return None
