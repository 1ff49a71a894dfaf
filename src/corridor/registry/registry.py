"""The registry: publications in a row, the files they name by their SHA-256, proposals that wait for a second person.

- versions/000001.json: a publication, signed by two; written last and never changed
- proposals/VERSION.json: the same with one signature
- objects/ab/abcd...: files by their SHA-256, so that versions share what they have in common
- audit/00000001.json: who did what, see `audit`
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from corridor.errors import InputError
from corridor.messages.moment_text import rfc3339
from corridor.registry import publication
from corridor.registry.audit import Event, Record, StoreLog
from corridor.registry.content import histories, loaded
from corridor.registry.keys import Signer, Trust
from corridor.registry.moments import SECOND, now
from corridor.registry.publication import MAX_BYTES, NOTHING, Publication, Statement
from corridor.registry.refusal import RefusedError
from corridor.registry.store import Store, StoreError
from corridor.rulebook.load import load
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import files_of, sha256, write_manifest

LEAD: Final = 600
"""Seconds from approval to the moment of taking effect, at least: five minutes by which a declaration may be ahead of
the clock (bad-input 21), and five in which every worker looks and loads."""
_VERSIONS, _PROPOSALS, _OBJECTS = "versions", "proposals", "objects"
_RECORD: Final = re.compile(r"(\d{6})\.json")


@dataclass(frozen=True, slots=True)
class Hand:
    """Who publishes. lead: seconds; foreseen: histories may be others than before; clock: µs, another one for replays."""

    signer: Signer
    trust: Trust
    lead: int = LEAD
    foreseen: bool = False
    clock: Callable[[], int] = now


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry in a store."""

    store: Store

    @classmethod
    def open(cls, url: str) -> "Registry":
        """The registry at a folder or URL. InputError if that is no place."""
        return cls(Store.open(url))

    @property
    def log(self) -> StoreLog:
        """Its own append-only log."""
        return StoreLog(self.store)

    def numbers(self) -> list[int]:
        """The numbers of the publications that are there, ascending."""
        found = (_RECORD.fullmatch(name) for name in self.store.names(_VERSIONS))
        return [int(one[1]) for one in found if one]

    def record(self, number: int) -> bytes:
        """A publication's record. RefusedError if it is not there."""
        raw = self.store.read(f"{_VERSIONS}/{number:06d}.json", MAX_BYTES)
        if raw is None:
            raise RefusedError("chain", f"publication {number} is missing")
        return raw

    def publications(self, trust: Trust) -> list[Publication]:
        """All of them, each checked. RefusedError for the first that is not as it must be."""
        found: list[Publication] = []
        numbers = self.numbers()
        for number in range(1, max(numbers, default=0) + 1):
            found.append(self.next(number, found, trust))
        return found

    def next(self, number: int, earlier: list[Publication], trust: Trust) -> Publication:
        """The publication after `earlier`, signed by two and in its place; its files are not looked at."""
        try:
            found = publication.read(self.record(number))
            publication.check(found, earlier, trust)
        except RefusedError as error:
            raise RefusedError(error.reason, f"publication {number}: {error}") from None
        return found

    def proposals(self) -> list[str]:
        """The versions that wait for approval."""
        return [name.removesuffix(".json") for name in self.store.names(_PROPOSALS) if name.endswith(".json")]

    def proposal(self, version: str, trust: Trust) -> Publication:
        """A proposal, signed by its author. InputError if there is none, RefusedError if it is not as it must be."""
        raw = self.store.read(_proposal(version), MAX_BYTES)
        if raw is None:
            waiting = ", ".join(self.proposals()) or "none"
            raise InputError(f"{self.store.url}: no proposal {version!r}; there wait {waiting}")
        found = publication.read(raw)
        if found.statement.version != version:
            raise RefusedError("unreadable", f"the proposal {version!r} is of {found.statement.version!r}")
        publication.check_author(found, trust)
        return found

    def propose(self, folder: Path, hand: Hand, rollback_of: str | None = None) -> Publication:
        """Put a sealed rulebook there as its author; it takes effect once another person approves it.

        Raises RulebookError if the rulebook is not fit, RefusedError if it is not the next or would take effect too soon.
        """
        book = load(folder)
        digests = {name: sha256(folder / name) for name in (*files_of(folder), MANIFEST)}
        self.store.make()
        earlier = self.publications(hand.trust)
        statement = Statement(
            number=len(earlier) + 1,
            version=book.version,
            effective_from=rfc3339(book.effective_from),
            files=digests,
            histories=histories(book),
            previous=earlier[-1].digest if earlier else NOTHING,
            rollback_of=rollback_of,
        )
        with self._refusals_told(hand, book.version):
            self._check(statement, earlier, hand)
            made = publication.propose(statement, hand.signer, rfc3339(hand.clock()))
            publication.read(made.record)
            publication.check_author(made, hand.trust)
        for name, digest in digests.items():
            self._put(folder / name, digest)
        self._tell(hand, "rollback" if rollback_of else "publication", book.version, _told(statement))
        self.store.write(_proposal(book.version), made.record)
        return made

    def approve(self, version: str, hand: Hand) -> Publication:
        """Put a proposal in force as its second person, who has looked at it; from then on it never changes.

        Raises InputError if there is no such proposal, RefusedError as `propose` and if the same person proposed it.
        """
        with self._refusals_told(hand, version):
            proposal, earlier = self.proposal(version, hand.trust), self.publications(hand.trust)
            with self.fetched(proposal) as folder:
                loaded(folder, proposal)
            self._check(proposal.statement, earlier, hand)
            made = publication.approve(proposal, hand.signer, rfc3339(hand.clock()))
            publication.check(made, earlier, hand.trust)
        self._tell(hand, "approval", version, _told(made.statement) | {"record": made.digest})
        if not self.write(made):
            raise RefusedError(
                "chain", f"publication {made.statement.number} was made meanwhile; propose {version} again"
            )
        self.store.remove(_proposal(version))
        return made

    def write(self, made: Publication) -> bool:
        """Write a publication's record in its place; False if there is one already, for none is ever changed."""
        return self.store.create(f"{_VERSIONS}/{made.statement.number:06d}.json", made.record)

    def replace(self, made: Publication) -> None:
        """Write a record over one that is there: for a machine's own copies, which may be broken."""
        self.store.write(f"{_VERSIONS}/{made.statement.number:06d}.json", made.record)

    def roll_back(self, to: str, version: str, effective_from: datetime, hand: Hand) -> Publication:
        """Propose the content of an earlier version as a new one. InputError if there is no such version."""
        earlier = self.publications(hand.trust)
        with self.fetched(find(earlier, to)) as folder:
            loaded(folder, find(earlier, to))
            write_manifest(folder, version, effective_from)
            return self.propose(folder, hand, to)

    @contextmanager
    def fetched(self, found: Publication) -> Iterator[Path]:
        """A publication's files in a folder that goes again. RefusedError if one is not what was signed."""
        with tempfile.TemporaryDirectory(prefix="corridor-") as work:
            yield self.fetch(found, Path(work) / "rulebook")

    def fetch(self, found: Publication, folder: Path) -> Path:
        """Copy a publication's files into `folder`, which is made. RefusedError if one is not what was signed.

        StoreError if its record is gone with them: then it is the place that is not there.
        """
        folder.mkdir(parents=True)
        try:
            for name, digest in found.statement.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                came = self.store.fetch(_object(digest), folder / name)
                if came is None and found.approver is not None and self._lacks(found):
                    raise StoreError(
                        f"{self.store.url}: neither {found.statement.version} nor its record is there; see that the "
                        "place is there and may be used"
                    )
                if came != digest:
                    what = "is missing" if came is None else "is not what was signed"
                    raise RefusedError(
                        "content", f"{found.statement.version}: {name} {what} ({_object(digest)})"
                    )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder

    def _lacks(self, found: Publication) -> bool:
        return self.store.read(f"{_VERSIONS}/{found.statement.number:06d}.json", MAX_BYTES) is None

    def _put(self, path: Path, digest: str) -> None:
        """Put a file there; one that was cut short by a former try is made whole."""
        data = path.read_bytes()
        there = self.store.read(_object(digest), len(data))
        if there is None or hashlib.sha256(there).hexdigest() != digest:
            self.store.write(_object(digest), data)

    def _check(self, statement: Statement, earlier: list[Publication], hand: Hand) -> None:
        publication.check_next(statement, earlier)
        soonest = hand.clock() + hand.lead * SECOND
        if statement.starts < soonest:
            raise RefusedError(
                "chain",
                f"{statement.version} would take effect at {statement.effective_from}; workers need {hand.lead} s to get "
                f"it: seal it with {rfc3339(soonest + 60 * SECOND)} or later",
            )
        asked = [set(before.statement.histories) for before in earlier]
        kept = set.intersection(*asked) if asked else set()  # a job may run since any of them
        new = [one for one in statement.histories if one not in kept]
        if earlier and new and not hand.foreseen:
            raise RefusedError(
                "histories",
                f"{statement.version} asks for the histories {', '.join(new)}, which not every version before it did: "
                "jobs that run since then would refuse it; publish with --new-histories and start them anew with a new "
                "--state",
            )

    @contextmanager
    def _refusals_told(self, hand: Hand, version: str) -> Iterator[None]:
        """Write to the log that somebody was refused, and why."""
        try:
            yield
        except RefusedError as error:
            self._tell(hand, "refusal", version, {"reason": error.reason, "told": str(error)})
            raise

    def _tell(self, hand: Hand, event: Event, version: str, details: Mapping[str, str]) -> None:
        self.log.append(Record.of(event, hand.signer.owner.name, version, details, hand.clock()), hand.signer)


def find(among: list[Publication], version: str) -> Publication:
    """The publication of a version. InputError if there is none."""
    found = next((one for one in among if one.statement.version == version), None)
    if found is None:
        there = ", ".join(one.statement.version for one in among) or "none"
        raise InputError(f"no version {version!r} is published; there are {there}")
    return found


def moment(at: int) -> datetime:
    """Microseconds since 1970 as a datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)


def _told(statement: Statement) -> dict[str, str]:
    told = {"number": str(statement.number), "effective_from": statement.effective_from}
    return told | ({"rollback_of": statement.rollback_of} if statement.rollback_of else {})


def _proposal(version: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}", version):
        raise InputError(f"version {version!r}: write letters, digits, . + -, at most 64")
    return f"{_PROPOSALS}/{version}.json"


def _object(digest: str) -> str:
    return f"{_OBJECTS}/{digest[:2]}/{digest}"
