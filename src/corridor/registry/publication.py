"""A publication: what is signed of a rulebook, by whom, and how it is written; one spelling only, so that a bit counts.

Each names the SHA-256 of its predecessor's record, so none can be left out, put in another order or changed.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from corridor.registry.keys import NAME, Signer, Trust
from corridor.registry.moments import PATTERN, micros
from corridor.registry.refusal import RefusedError
from corridor.rulebook.manifest import NAME as MANIFEST

NOTHING: Final = "0" * 64
"""What the first publication names as its predecessor."""
MAX_BYTES: Final = 1 << 20
MOST_FILES: Final = 1_000
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}){0,2}")
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Moment = Annotated[str, msgspec.Meta(pattern=PATTERN)]
_Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$")]
_Person = Annotated[str, msgspec.Meta(pattern=f"^{NAME}$")]


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What both persons sign. files: path in the folder, the manifest too, to its SHA-256; previous: of the record before.

    number: 1, 2, 3 ...; histories: "importer/day" and so on, that a job must keep; rollback_of: the version whose
    content this is again.
    """

    number: Annotated[int, msgspec.Meta(ge=1, le=999_999)]
    version: _Version
    effective_from: _Moment
    files: Annotated[dict[str, _Hash], msgspec.Meta(min_length=1, max_length=MOST_FILES)]
    histories: tuple[str, ...]
    previous: _Hash
    rollback_of: _Version | None = None

    @property
    def starts(self) -> int:
        """effective_from in µs since 1970."""
        return micros(self.effective_from)


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who signed, and when by the own clock."""

    name: _Person
    at: _Moment
    value: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{128}$")]


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A statement with its signatures; without the approver's it is a proposal."""

    statement: Statement
    author: Signature
    approver: Signature | None = None

    @property
    def record(self) -> bytes:
        """The one way to write it."""
        return _written(self) + b"\n"

    @property
    def digest(self) -> str:
        """The SHA-256 of the record, in hex."""
        return hashlib.sha256(self.record).hexdigest()


_decode: Final = msgspec.json.Decoder(Publication).decode


def read(raw: bytes) -> Publication:
    """The publication of a record. RefusedError for what is cut short, changed, or written in another way."""
    try:
        found = _decode(raw)
        times = [found.statement.effective_from, found.author.at]
        for text in times + ([found.approver.at] if found.approver else []):
            micros(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RefusedError(
            "unreadable", f"no record of a publication: {' '.join(str(error).split())[:200]}"
        ) from None
    if found.record != raw:
        raise RefusedError("unreadable", "the record is not as it is written when it is signed")
    odd = next((name for name in found.statement.files if not _FILE.fullmatch(name)), None)
    if odd is not None or MANIFEST not in found.statement.files:
        raise RefusedError(
            "unreadable", f"{odd!r} is no name of a file" if odd else f"{MANIFEST} is not among the files"
        )
    return found


def propose(statement: Statement, signer: Signer, at: str) -> Publication:
    """The statement with its author's signature."""
    message = _message("author", statement, signer.owner.name, at)
    return Publication(statement, Signature(signer.owner.name, at, signer.sign(message)))


def approve(proposal: Publication, signer: Signer, at: str) -> Publication:
    """The proposal with its approver's signature, which is under the author's too."""
    message = _message("approver", proposal.statement, signer.owner.name, at, proposal.author)
    signature = Signature(signer.owner.name, at, signer.sign(message))
    return Publication(proposal.statement, proposal.author, signature)


def check_author(found: Publication, trust: Trust) -> None:
    """RefusedError unless a trusted author signed it."""
    author = found.author
    message = _message("author", found.statement, author.name, author.at)
    trust.check(author.name, "author", micros(author.at), author.value, message)


def check(found: Publication, earlier: Sequence[Publication], trust: Trust) -> None:
    """RefusedError unless two persons signed it and it is the next after all `earlier` ones."""
    statement, author, approver = found.statement, found.author, found.approver
    check_next(statement, earlier)
    if approver is None:
        raise RefusedError(
            "unsigned", f"{statement.version} is not approved: one signature only, of {author.name!r}"
        )
    check_author(found, trust)
    check_content(statement, earlier)
    if not trust.keys[author.name].valid(micros(approver.at)):
        raise RefusedError(
            "expired", f"{statement.version}: the key of {author.name!r} was not valid when it was approved"
        )
    if approver.name == author.name:
        raise RefusedError(
            "unsigned", f"{statement.version} is signed twice by {author.name!r}; two persons must sign"
        )
    message = _message("approver", statement, approver.name, approver.at, author)
    trust.check(approver.name, "approver", micros(approver.at), approver.value, message)
    last = earlier[-1].approver if earlier else None
    if micros(approver.at) < max(micros(author.at), micros(last.at) if last else micros(author.at)):
        raise RefusedError(
            "chain", f"{statement.version} was approved before it was proposed, or before its predecessor"
        )


def check_next(statement: Statement, earlier: Sequence[Publication]) -> None:
    """RefusedError unless number, predecessor, version and effective_from go on from all `earlier` ones."""
    last = earlier[-1] if earlier else None
    number, previous = (last.statement.number + 1, last.digest) if last else (1, NOTHING)
    if (statement.number, statement.previous) != (number, previous):
        raise RefusedError(
            "chain",
            f"number {statement.number} of {statement.version} does not follow the publication before it",
        )
    if any(one.statement.version == statement.version for one in earlier):
        raise RefusedError(
            "chain", f"version {statement.version} was published before; a version never changes"
        )
    if last and statement.starts <= last.statement.starts:
        raise RefusedError(
            "chain",
            f"{statement.version} takes effect at {statement.effective_from}, not after {last.statement.version} "
            f"({last.statement.effective_from})",
        )


def check_content(statement: Statement, earlier: Sequence[Publication]) -> None:
    """RefusedError where a version that calls itself an earlier one's content is not."""
    if statement.rollback_of is None:
        return
    before = [one.statement for one in earlier if one.statement.version == statement.rollback_of]
    if not before or _content(before[0]) != _content(statement):
        raise RefusedError(
            "content",
            f"{statement.version} calls itself the content of {statement.rollback_of!r}, and its files are others",
        )


def _content(statement: Statement) -> dict[str, str]:
    return {name: digest for name, digest in statement.files.items() if name != MANIFEST}


def _message(role: str, statement: Statement, *more: Any) -> bytes:
    return _written(["corridor rulebook 1", role, statement, *more])


def _written(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
