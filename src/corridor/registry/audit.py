"""The append-only log: who did what, each record bound to the one before it by SHA-256 and signed (Ed25519).

A changed bit, a record that is gone, added or out of its place breaks the chain; only the loss of the newest records
leaves a whole chain behind, and is found by a head (number and hash) that is kept elsewhere.
"""

import contextlib
import fcntl
import getpass
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec

from corridor.errors import CorridorError, InputError
from corridor.messages.moment_text import rfc3339
from corridor.output import reason
from corridor.registry.keys import NAME, ROLES, Role, Signer, Trust
from corridor.registry.moments import PATTERN, micros
from corridor.registry.publication import NOTHING
from corridor.registry.refusal import RefusedError
from corridor.registry.store import Store

Event = Literal["publication", "rollback", "approval", "refusal", "switch", "explanation", "reading"]
_ROLES: Final[dict[str, tuple[Role, ...]]] = {
    "publication": ("author",), "rollback": ("author",), "approval": ("approver",),
    "refusal": ROLES, "switch": ("service",), "explanation": ("officer", "service"), "reading": ("officer", "service"),
}  # fmt: skip
"""Whose signature a record needs."""
MOST: Final = 1 << 16
_FOLDER: Final = "audit"
_TRIES: Final = 50
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class AuditError(CorridorError):
    """The log is not as it was written; the message says from where on."""


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happened. actor: who did it, as far as the system knows; subject: a version, a declaration."""

    at: Annotated[str, msgspec.Meta(pattern=PATTERN)]
    event: Event
    actor: str
    subject: str
    details: dict[str, str]

    @classmethod
    def of(cls, event: Event, actor: str, subject: str, details: Mapping[str, str], at: int) -> "Record":
        """A record of a moment in µs since 1970."""
        told = {name: _plain(value) for name, value in details.items()}
        return cls(rfc3339(at), event, _plain(actor), _plain(subject), told)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record in its place. previous: the hash of the entry before; signature: of `signer` under the hash."""

    number: Annotated[int, msgspec.Meta(ge=1)]
    record: Record
    previous: _Hash
    signer: Annotated[str, msgspec.Meta(pattern=f"^{NAME}$")]
    hash: _Hash
    signature: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]

    @property
    def line(self) -> bytes:
        """The one way to write it, without a line end."""
        return msgspec.json.encode(self, order="sorted")


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log goes: the number and hash of its newest entry."""

    number: int = 0
    hash: str = NOTHING

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class Log(Protocol):
    """Entries as lines, in order."""

    def lines(self) -> Iterator[bytes]:
        """All entries as they stand, without line ends."""

    def append(self, record: Record, signer: Signer) -> Head:
        """Write a record behind all others, on the disk for good; the log's new head."""


@dataclass(frozen=True, slots=True)
class FileLog:
    """NDJSON in a file, for all processes of a machine: they append one after another, under a lock."""

    path: Path

    def lines(self) -> Iterator[bytes]:
        """All entries as they stand, without line ends. InputError if there is no such file."""
        try:
            with self.path.open("rb") as file:
                while line := file.readline(MOST + 1):
                    yield line.removesuffix(b"\n") if line.endswith(b"\n") else line + b" (no line end)"
        except OSError as error:
            raise InputError(f"{self.path}: {reason(error)}; give the file of an audit log") from error

    def append(self, record: Record, signer: Signer) -> Head:
        """Write a record behind all others, on the disk for good; the log's new head."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            opened = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        except OSError as error:
            raise AuditError(f"{self.path}: {reason(error)}; the log must be writable") from error
        with os.fdopen(opened, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last, end = _last_line(file.fileno())
            entry = _entry(record, signer, _head_of(last, self.path))
            try:
                os.ftruncate(
                    file.fileno(), end
                )  # of a record that was cut short by a full disk or a loss of power
                data = entry.line + b"\n"
                if os.write(file.fileno(), data) != len(data):
                    raise OSError(28, os.strerror(28))
                os.fsync(file.fileno())
            except OSError as error:
                with contextlib.suppress(OSError):
                    os.ftruncate(file.fileno(), end)
                raise AuditError(f"{self.path}: {reason(error)}; the log must be writable") from error
        return Head(entry.number, entry.hash)


@dataclass(frozen=True, slots=True)
class StoreLog:
    """An object an entry, in a folder of a store: of two who append at once the second tries the next number."""

    store: Store

    def lines(self) -> Iterator[bytes]:
        """All entries as they stand."""
        for name in self._names():
            yield (self.store.read(f"{_FOLDER}/{name}", MOST) or b"").removesuffix(b"\n")

    def append(self, record: Record, signer: Signer) -> Head:
        """Write a record behind all others; the log's new head."""
        for _ in range(_TRIES):
            names = self._names()
            last = self.store.read(f"{_FOLDER}/{names[-1]}", MOST) if names else b""
            entry = _entry(record, signer, _head_of((last or b"").removesuffix(b"\n"), self.store.url))
            if self.store.create(f"{_FOLDER}/{entry.number:08d}.json", entry.line + b"\n"):
                return Head(entry.number, entry.hash)
        raise AuditError(f"{self.store.url}: others kept writing its log; try again")

    def _names(self) -> list[str]:
        return [name for name in self.store.names(_FOLDER) if name.endswith(".json") and name[0] != "."]


def user() -> str:
    """Who runs this process, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def verify(lines: Iterable[bytes], trust: Trust, known: Head | None = None) -> Head:
    """Check every entry: its spelling, hash, signature, role and place. known: a head that must be part of it.

    Returns the head. AuditError names the first entry that is not as it was written.
    """
    head, met = Head(), known is None or known.number == 0
    for number, line in enumerate(lines, 1):
        entry = read(line, number)
        if entry.number != number or entry.previous != head.hash:
            raise AuditError(
                f"entry {number}: does not follow the one before it: something is gone, added or moved"
            )
        if entry.hash != _hash(entry.number, entry.record, entry.previous, entry.signer):
            raise AuditError(f"entry {number}: its hash is not of its content: it was changed")
        _check_signer(entry, trust)
        head = Head(number, entry.hash)
        met = met or head == known
    if not met:
        raise AuditError(
            f"the head {known} is not part of it: entries are gone from its end (there are {head.number})"
        )
    return head


def _check_signer(entry: Entry, trust: Trust) -> None:
    key = trust.keys.get(entry.signer)
    wanted = _ROLES[entry.record.event]
    role = next((one for one in wanted if key is not None and one in key.roles), wanted[0])
    try:
        trust.check(entry.signer, role, micros(entry.record.at), entry.signature, _message(entry.hash))
    except RefusedError as error:
        raise AuditError(f"entry {entry.number}: {error}") from None


def read_head(text: str) -> Head:
    """A head as `verify` tells it, NUMBER:HASH. InputError for anything else."""
    number, _, digest = text.partition(":")
    if not number.isdecimal() or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise InputError(f"head {text[:100]!r}: give NUMBER:HASH, as `corridor audit verify` told it")
    return Head(int(number), digest)


def _entry(record: Record, signer: Signer, head: Head) -> Entry:
    number, name = head.number + 1, signer.owner.name
    digest = _hash(number, record, head.hash, name)
    return Entry(number, record, head.hash, name, digest, signer.sign(_message(digest)))


def read(line: bytes, number: int = 0) -> Entry:
    """The entry of a line. AuditError if it is none, or written in another way."""
    try:
        entry = _decode(line)
        micros(entry.record.at)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise AuditError(f"entry {number}: no record of an audit log: it was changed or cut short") from None
    if entry.line != line:
        raise AuditError(f"entry {number}: not as it is written: it was changed")
    return entry


_decode: Final = msgspec.json.Decoder(Entry).decode


def _hash(number: int, record: Record, previous: str, signer: str) -> str:
    return hashlib.sha256(msgspec.json.encode([number, record, previous, signer], order="sorted")).hexdigest()


def _message(digest: str) -> bytes:
    return f"corridor audit 1 {digest}".encode()


def _head_of(line: bytes, place: object) -> Head:
    """The head that a log's last line makes. AuditError if it is no entry: behind a broken one nothing is written."""
    if not line:
        return Head()
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, ValueError):
        raise AuditError(
            f"{place}: the last entry is broken, see `corridor audit verify`; begin a new log"
        ) from None
    return Head(entry.number, entry.hash)


def _last_line(file: int) -> tuple[bytes, int]:
    """The last whole line, and where it ends; what stands behind it has no line end, so it was never confirmed."""
    size = os.fstat(file).st_size
    start = max(0, size - 2 * MOST)
    tail = os.pread(file, size - start, start)
    end = tail.rfind(b"\n")
    if end < 0:
        return (b"", 0) if start == 0 else (tail[:64], size)
    begin = tail.rfind(b"\n", 0, end) + 1
    return tail[begin:end], start + end + 1


def _plain(text: str) -> str:
    """A text as UTF-8 can write it, of 500 signs at most."""
    return text[:500].encode("utf-8", "backslashreplace").decode()
