"""manifest.yaml: the rulebook's version, when it takes effect, and the SHA-256 of each of its files."""

import hashlib
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from corridor.errors import RulebookError
from corridor.rulebook.documents import Entry, Located, Problems, said
from corridor.rulebook.lists import microseconds

NAME: Final = "manifest.yaml"
PICTURE: Final = "picture.parquet"
"""The file of the picture's norms."""
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """version; effective_from in µs since 1970; files: path in the folder → SHA-256 in hex."""

    version: str
    effective_from: int
    files: dict[str, str]


def files_of(folder: Path) -> list[str]:
    """The rulebook's files but the manifest, as paths within the folder; hidden files do not count."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return sorted(
        p.as_posix() for p in found if p.as_posix() != NAME and not any(q[0] == "." for q in p.parts)
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, version: str, effective_from: datetime) -> None:
    """Seal a rulebook folder: list every file with its hash. effective_from needs an offset."""
    if effective_from.tzinfo is None:
        raise RulebookError(f"effective_from {effective_from} has no offset; give it one (UTC)")
    if not _VERSION.fullmatch(version):
        raise RulebookError(f"version {version!r}: write letters, digits, . + -, at most 64")
    moment = effective_from.astimezone(UTC).isoformat().replace("+00:00", "Z")
    sheet = {
        "version": version,
        "effective_from": moment,
        "files": {n: sha256(folder / n) for n in files_of(folder)},
    }
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width, yaml.sort_base_mapping_type_on_output = False, 200, False  # type: ignore[assignment]
    yaml.dump(sheet, text)
    temporary = folder / f".{NAME}.part"
    temporary.write_text(text.getvalue(), encoding="utf-8")
    temporary.replace(folder / NAME)


def read_manifest(document: Located, folder: Path, problems: Problems) -> Manifest:
    """The manifest, every hash compared; what is wrong goes to `problems`."""
    entry = Entry(document, NAME, problems, "manifest")
    version = entry.text("version", required=True)
    if version and not _VERSION.fullmatch(version):
        entry.fail(f"version {version!r}: write letters, digits, . + -, at most 64", entry.values["version"])
    start = _effective_from(entry)
    listed = entry.get("files", required=True)
    entry.done()
    files: dict[str, str] = {}
    if listed is not None and not isinstance(listed.value, dict):
        entry.fail("files must be a mapping of file to its SHA-256", listed)
    elif listed is not None:
        files = {
            name: str(value.value) if isinstance(value.value, str) else ""
            for name, value in listed.value.items()
        }
        _compare(folder, listed, problems)
    return Manifest(version, start, files)


def _effective_from(entry: Entry) -> int:
    found = entry.get("effective_from", required=True)
    if found is None:
        return 0
    try:
        moment = datetime.fromisoformat(found.value if isinstance(found.value, str) else "")
        if moment.tzinfo is None:
            raise ValueError
        return microseconds(moment)
    except (ValueError, OverflowError):
        entry.fail(
            f"effective_from is {said(found.value)}; write 2026-01-01T00:00:00Z, with an offset", found
        )
        return 0


def _compare(folder: Path, listed: Located, problems: Problems) -> None:
    """Every file listed is there and as it was; every file there is listed."""
    there = set(files_of(folder))
    for name, value in listed.value.items():
        if name not in there:
            problems.add(NAME, f"{name} is listed but not in the folder", value.line, value.column)
        elif sha256(folder / name) != value.value:
            problems.add(name, "changed after the manifest was written (its SHA-256 differs)")
    for name in sorted(there - set(listed.value)):
        problems.add(NAME, f"{name} is in the folder but not listed", listed.line, listed.column)
