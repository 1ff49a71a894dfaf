"""A registry checked whole: every record, signature and file, and the log beside them."""

from dataclasses import dataclass
from pathlib import Path

from corridor.registry import audit
from corridor.registry.audit import Head
from corridor.registry.content import loaded
from corridor.registry.keys import Trust
from corridor.registry.publication import Publication
from corridor.registry.refusal import RefusedError
from corridor.registry.registry import Registry


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found. head: of the publications; log_head: of the log."""

    publications: int
    head: Head
    log_head: Head
    problems: tuple[str, ...]


def problems(url: str, trusted: Path, known: str | None = None) -> Found:
    """Check all of a registry. known: a head that must be among its publications.

    Raises InputError and StoreError where there is nothing to check.
    """
    registry, trust = Registry.open(url), Trust.load(trusted)
    found: list[str] = []
    chain = _chain(registry, trust, found)
    for one in chain:
        try:
            with registry.fetched(one) as folder:
                loaded(folder, one)
        except RefusedError as error:
            found.append(f"publication {one.statement.number} ({error.reason}): {error}")
    heads = [Head(), *(Head(one.statement.number, one.digest) for one in chain)]
    if known is not None and audit.read_head(known) not in heads:
        found.append(f"the publication {known} is not among them: something is gone or was changed")
    return Found(len(chain), heads[-1], _log(registry, trust, chain, found), tuple(found))


def _chain(registry: Registry, trust: Trust, found: list[str]) -> list[Publication]:
    chain: list[Publication] = []
    for number in range(1, max(registry.numbers(), default=0) + 1):
        try:
            chain.append(registry.next(number, chain, trust))
        except RefusedError as error:
            found.append(f"{error} ({error.reason}); what follows it is not looked at")
            break
    return chain


def _log(registry: Registry, trust: Trust, chain: list[Publication], found: list[str]) -> Head:
    """The log's head; each publication must have its approval in it."""
    lines = list(registry.log.lines())
    try:
        head = audit.verify(lines, trust)
    except audit.AuditError as error:
        found.append(f"the log: {error}")
        return Head()
    approved = {
        (entry.record.details.get("record"), entry.signer)
        for entry in map(audit.read, lines)
        if entry.record.event == "approval"
    }
    found += [
        f"publication {one.statement.number}: the log tells of no approval by the one who signed it"
        for one in chain
        if one.approver is None or (one.digest, one.approver.name) not in approved
    ]
    return head
