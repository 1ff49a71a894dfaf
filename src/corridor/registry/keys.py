"""Ed25519 keys: a private one for each person, encrypted; public ones with names and roles for those who verify.

A private key is PKCS #8 in PEM under a passphrase. Public keys lie in a folder of trusted ones, a TOML file each,
which is kept apart from the registry: who may write there decides who may publish.
"""

import os
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, get_args

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from corridor.errors import InputError
from corridor.messages.moment_text import rfc3339
from corridor.output import reason
from corridor.registry.moments import given
from corridor.registry.refusal import RefusedError
from corridor.rulebook.lists import microseconds

Role = Literal["author", "approver", "service", "officer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""author: proposes rulebooks; approver: puts them in force; service: writes the log of a running service; officer: asks for
explanations."""
PASSPHRASE: Final = "CORRIDOR_KEY_PASSPHRASE"
"""The environment variable that a service's passphrase comes by."""
SHORTEST: Final = 12
NAME: Final = r"[a-z][a-z0-9._-]{0,63}"
_FIELDS: Final = {"name", "roles", "valid_from", "valid_until", "public_key"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A person's key as those see it who verify. raw: its 32 bytes; validity: µs since 1970, the end exclusive."""

    name: str
    roles: tuple[Role, ...]
    valid_from: int
    valid_until: int
    raw: bytes

    def valid(self, at: int) -> bool:
        """Whether it was valid at a moment (µs)."""
        return self.valid_from <= at < self.valid_until

    def signed(self, signature: str, message: bytes) -> bool:
        """Whether a signature (128 hex digits) is this key's under the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(bytes.fromhex(signature), message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, opened, and whose it is."""

    owner: PublicKey
    _key: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> str:
        """The signature under the message, 128 hex digits."""
        return self._key.sign(message).hex()

    def __reduce__(self) -> str:
        raise TypeError("a private key is not written into files")


@dataclass(frozen=True, slots=True)
class Trust:
    """The public keys that count, by name."""

    keys: dict[str, PublicKey]

    @classmethod
    def load(cls, folder: Path) -> "Trust":
        """All of a folder's *.toml. InputError for anything else in it, a name or a key that stands twice, or none."""
        keys: dict[str, PublicKey] = {}
        for path in _files(folder):
            key = read_public(path)
            if key.name in keys:
                raise InputError(
                    f"{path}: the name {key.name!r} stands in another file too; keep one of them"
                )
            same = next((other.name for other in keys.values() if other.raw == key.raw), None)
            if same is not None:
                raise InputError(
                    f"{path}: {key.name!r} has the key of {same!r}; each person needs an own one"
                )
            keys[key.name] = key
        if not keys:
            raise InputError(
                f"{folder}: no *.toml in it; put the public keys there that `corridor keys make` made"
            )
        return cls(keys)

    def check(self, name: str, role: Role, at: int, signature: str, message: bytes) -> PublicKey:
        """Whose signature it is: `name`'s, who has the role, with a key valid at `at`. RefusedError if it is not."""
        key = self.keys.get(name)
        if key is None:
            raise RefusedError("unsigned", f"signed by {name!r}, whose key is not among the trusted ones")
        if role not in key.roles:
            raise RefusedError(
                "unsigned", f"signed by {name!r} as {role}, who is trusted as {', '.join(key.roles)}"
            )
        if not key.signed(signature, message):
            raise RefusedError("unsigned", f"the signature of {name!r} as {role} is not of this content")
        if not key.valid(at):
            raise RefusedError(
                "expired",
                f"signed by {name!r} at {rfc3339(at)}, when the key was not valid (until {rfc3339(key.valid_until)})",
            )
        return key


def make(
    name: str, roles: tuple[Role, ...], folder: Path, passphrase: str, days: int = 365
) -> tuple[Path, Path]:
    """Make NAME.key (private, encrypted, for its owner's eyes) and NAME.toml (public) in `folder`; their paths.

    InputError for a bad name or a short passphrase, and if one of the files is there: no key is ever overwritten.
    """
    if not re.fullmatch(NAME, name):
        raise InputError(f"name {name!r}: begin with a small letter, then letters, digits, . _ -, at most 64")
    if len(passphrase) < SHORTEST:
        raise InputError(f"the passphrase has {len(passphrase)} signs; give {SHORTEST} or more")
    private, public = folder / f"{name}.key", folder / f"{name}.toml"
    for path in (private, public):
        if path.exists():
            raise InputError(
                f"{path}: there is one already, and no key is overwritten; choose another --output or name"
            )
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    begins = datetime.now(UTC).replace(microsecond=0)
    shown = PublicKey(
        name,
        roles,
        microseconds(begins),
        microseconds(begins + timedelta(days=days)),
        key.public_key().public_bytes_raw(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        public.write_text(as_text(shown), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {reason(error)}; choose another --output") from error
    return private, public


def read_public(path: Path) -> PublicKey:
    """A public key's file. InputError says what is wrong with it."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}; give a file that can be read") from error
    except ValueError as error:
        raise InputError(
            f"{path}: {' '.join(str(error).split())}; give what `corridor keys make` wrote"
        ) from None
    if told.keys() != _FIELDS:
        odd = ", ".join(sorted(told.keys() ^ _FIELDS))
        raise InputError(f"{path}: {odd}: keys are exactly {', '.join(sorted(_FIELDS))}")
    name, roles, raw = told["name"], told["roles"], told["public_key"]
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise InputError(f"{path}: name {name!r}: give small letters, digits, . _ -")
    if not isinstance(roles, list) or not roles or not set(map(str, roles)) <= set(ROLES):
        raise InputError(f"{path}: roles {roles!r}: give some of {', '.join(ROLES)}")
    if not isinstance(raw, str) or not re.fullmatch("[0-9a-f]{64}", raw):
        raise InputError(f"{path}: public_key must be 64 hex digits")
    begins, ends = _moment(path, told, "valid_from"), _moment(path, told, "valid_until")
    return PublicKey(name, tuple(roles), begins, ends, bytes.fromhex(raw))


def open_private(path: Path, passphrase: str, trust: Trust) -> Signer:
    """The signer of a private key's file, known by its public half among the trusted ones.

    InputError if it cannot be read or opened, is no encrypted Ed25519 key, or nobody trusts it.
    """
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: {reason(error)}; give the file NAME.key that `corridor keys make` made"
        ) from error
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode())
    except (TypeError, ValueError, UnsupportedAlgorithm):
        if b"-----BEGIN PRIVATE KEY-----" in pem:
            raise InputError(
                f"{path}: the key is not encrypted; make one with `corridor keys make`"
            ) from None
        raise InputError(
            f"{path}: no private key, or another passphrase (of {PASSPHRASE} or typed)"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: no Ed25519 key; make one with `corridor keys make`")
    raw = key.public_key().public_bytes_raw()
    owner = next((known for known in trust.keys.values() if known.raw == raw), None)
    if owner is None:
        raise InputError(
            f"{path}: its public half is not among the trusted keys; put the NAME.toml of it there first"
        )
    return Signer(owner, key)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give the folder of trusted public keys")
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    odd = next((path for path in found if path.suffix != ".toml"), None)
    if odd is not None:
        raise InputError(f"{odd}: not a public key (NAME.toml); keep nothing else among the trusted keys")
    return found


def _moment(path: Path, told: dict[str, Any], key: str) -> int:
    value = told[key]
    if isinstance(value, datetime) and value.tzinfo:
        return microseconds(value)
    if isinstance(value, str):
        return given(value, f"{path}: {key}")
    raise InputError(f"{path}: {key} must be a time with an offset, such as 2026-12-01T00:00:00Z")


def as_text(key: PublicKey) -> str:
    """A public key as its file holds it."""
    roles = ", ".join(f'"{role}"' for role in key.roles)
    return (
        "# A public key. Who trusts it for these roles puts this file into the folder of trusted keys; to revoke it, set\n"
        "# valid_until to the moment from which its signatures no longer count.\n"
        f'name = "{key.name}"\nroles = [{roles}]\nvalid_from = {rfc3339(key.valid_from)}\n'
        f'valid_until = {rfc3339(key.valid_until)}\npublic_key = "{key.raw.hex()}"\n'
    )
