"""Persons with keys, a small rulebook, and a registry with publications of it."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from corridor.messages.moment_text import rfc3339
from corridor.registry.keys import PublicKey, Role, Signer, Trust, as_text
from corridor.registry.publication import Publication
from corridor.registry.registry import Hand, Registry
from corridor.rulebook.lists import microseconds
from corridor.rulebook.manifest import write_manifest
from tests.rulebook.rule_material import CORRIDORS, RULE

RULES = "rules:\n" + RULE
YEAR = 31_536_000_000_000
NOW = microseconds(datetime(2026, 12, 1, 12, tzinfo=UTC))
HOUR = 3_600_000_000


def person(name: str, *roles: Role, since: int = NOW - 2 * YEAR, until: int = NOW + YEAR) -> Signer:
    key = Ed25519PrivateKey.generate()
    return Signer(PublicKey(name, roles, since, until, key.public_key().public_bytes_raw()), key)


ANNA = person("anna", "author")
BORIS = person("boris", "approver")
BOTH = person("both", "author", "approver")
EVE = person("eve", "author", "approver")
SERVICE = person("worker", "service")
TRUSTED = (ANNA, BORIS, BOTH, SERVICE)
TRUST = Trust({one.owner.name: one.owner for one in TRUSTED})
"""Eve is not among them."""


def hand(signer: Signer, at: int = NOW, **more) -> Hand:
    return Hand(signer, TRUST, clock=lambda: at, **more)


def trusted_folder(folder: Path, *persons: Signer) -> Path:
    """Public keys as `corridor keys make` writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in persons or TRUSTED:
        write_key(folder, one.owner)
    return folder


def write_key(folder: Path, key: PublicKey) -> None:
    (folder / f"{key.name}.toml").write_text(as_text(key))


def moment(at: int) -> datetime:
    return datetime.fromisoformat(rfc3339(at))


def rulebook(folder: Path, version: str, starts: int, weight: str = "0.2", histories: str = "") -> Path:
    """A sealed rulebook in a new folder."""
    folder.mkdir(parents=True)
    (folder / "rules.yaml").write_text(RULES.replace("0.2", weight))
    (folder / "corridors.yaml").write_text(CORRIDORS + (f"histories: [{histories}]\n" if histories else ""))
    (folder / "sampling.key").write_text("ab" * 32 + "\n")
    write_manifest(folder, version, moment(starts))
    return folder


def publish(registry: Registry, folder: Path, at: int = NOW, **more) -> Publication:
    """Proposed by Anna, approved by Boris."""
    made = registry.propose(folder, hand(ANNA, at, **more))
    return registry.approve(made.statement.version, hand(BORIS, at, **more))


@dataclass
class Place:
    """A registry in a folder, what its rulebooks were made of, and the trusted keys."""

    path: Path
    work: Path
    trusted: Path

    @property
    def registry(self) -> Registry:
        return Registry.open(str(self.path))

    def publish(self, n: int, **more) -> Publication:
        """Version v<n>, in force from the nth hour on."""
        folder = rulebook(self.work / f"v{n}", f"v{n}", NOW + n * HOUR, weight=f"0.{n + 1}", **more)
        return publish(self.registry, folder, foreseen=True)

    def record(self, n: int) -> Path:
        return self.path / "versions" / f"{n:06d}.json"

    def copy(self, to: Path) -> "Place":
        shutil.copytree(self.path, to)
        return Place(to, self.work, self.trusted)


def place(base: Path) -> Place:
    return Place(base / "registry", base / "work", trusted_folder(base / "trusted"))
