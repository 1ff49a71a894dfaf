"""`corridor rulebook` seal, publish, approve, rollback, list, verify, fetch: from a folder to what is in force."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.signing import hand, publishing_options, registry_option, trusted_option

if TYPE_CHECKING:
    from corridor.registry.publication import Publication

_PATH = click.Path(path_type=Path)
_VERSION = click.option(
    "--version", required=True, help="Its name: letters, digits, . + -; never used again."
)
_FROM = click.option(
    "--effective-from", required=True, metavar="TIME", help="RFC 3339: registered from then on, it judges."
)


@click.command()
@click.argument("directory", type=_PATH)
@_VERSION
@_FROM
def seal(directory: Path, version: str, effective_from: str) -> None:
    """Write a rulebook's manifest: its version, when it takes effect, the SHA-256 of each of its files."""
    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.moments import given  # noqa: PLC0415
    from corridor.registry.registry import moment  # noqa: PLC0415
    from corridor.rulebook.manifest import write_manifest  # noqa: PLC0415

    if not (directory / "rules.yaml").is_file():
        raise InputError(f"{directory}: no rules.yaml in it; give the folder of a rulebook")
    at = moment(given(effective_from, "--effective-from"))
    write_manifest(directory, version, at)
    click.echo(f"{directory}: sealed as {version}, to take effect at {at:%Y-%m-%d %H:%M:%S} UTC")


@click.command()
@click.argument("directory", type=_PATH)
@publishing_options
def publish(directory: Path, registry: str, **options: Any) -> None:
    """Sign a sealed rulebook as its author and propose it; it takes effect once another person approves it."""
    from corridor.picture.norms import PictureNorms  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.registry import Registry  # noqa: PLC0415

    PictureNorms.load(directory)  # the registry looks into no norms
    made = Registry.open(registry).propose(directory, hand(**options))
    _tell_proposal(made)


@click.command()
@click.argument("version")
@publishing_options
def approve(version: str, registry: str, **options: Any) -> None:
    """Sign a proposal as its second person: from then on it is published, and never changes.

    Look at it first: `corridor rulebook fetch VERSION`, then check, test and diff.
    """
    from corridor.registry.registry import Registry  # noqa: PLC0415  # keeps `--help` quick

    made = Registry.open(registry).approve(version, hand(**options))
    click.echo(
        f"{version}: publication {made.statement.number}, in force from {made.statement.effective_from}"
    )
    click.echo(f"head {made.statement.number}:{made.digest}")


@click.command()
@click.argument("to")
@_VERSION
@_FROM
@publishing_options
def rollback(to: str, version: str, effective_from: str, registry: str, **options: Any) -> None:
    """Propose the content of an earlier version TO as a new one; another person approves it as any other."""
    from corridor.registry.moments import given  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.registry import Registry, moment  # noqa: PLC0415

    at = moment(given(effective_from, "--effective-from"))
    _tell_proposal(Registry.open(registry).roll_back(to, version, at, hand(**options)))


@click.command("list")
@registry_option
@trusted_option
def list_(registry: str, trusted: Path) -> None:
    """List the publications, and what waits for approval. Looks at signatures, not at every file: see verify."""
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.table import Table  # noqa: PLC0415

    from corridor.registry.keys import Trust  # noqa: PLC0415
    from corridor.registry.registry import Registry  # noqa: PLC0415

    place, trust = Registry.open(registry), Trust.load(trusted)
    table = Table(box=None, pad_edge=False)
    for name in ("no.", "version", "in force from", "author", "approver", "content"):
        table.add_column(name)
    waiting = [place.proposal(version, trust) for version in place.proposals()]
    for one in [*place.publications(trust), *waiting]:
        told = one.statement
        table.add_row(
            str(told.number) if one.approver else "-", told.version, told.effective_from, one.author.name,
            one.approver.name if one.approver else "waits for approval",
            f"that of {told.rollback_of}" if told.rollback_of else f"{len(told.files)} files",
        )  # fmt: skip
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(table if table.row_count else f"{registry}: nothing is published there")


@click.command()
@registry_option
@trusted_option
@click.option(
    "--head", metavar="NUMBER:HASH", help="What a former check told: that publication must be there."
)
def verify(registry: str, trusted: Path, head: str | None) -> None:
    """Check all publications whole: signatures, order, every file, that each is fit to judge by, and the log.

    Ends with code 1 if one is not as it must be. Keep the heads that it tells somewhere else.
    """
    from corridor.registry.verification import problems  # noqa: PLC0415  # keeps `--help` quick

    found = problems(registry, trusted, head)
    for problem in found.problems:
        click.echo(f"{registry}: {problem}", err=True)
    if found.problems:
        raise SystemExit(1)
    click.echo(f"{registry}: {found.publications} published, all as they were signed, and the log with them")
    click.echo(f"head {found.head}\nhead of the log {found.log_head}")


@click.command()
@click.argument("versions", nargs=-1)
@registry_option
@trusted_option
@click.option(
    "--output", type=_PATH, required=True, help="New or empty folder, for a folder of each version."
)
def fetch(versions: tuple[str, ...], registry: str, trusted: Path, output: Path) -> None:
    """Copy rulebooks out of a registry, all that are published or the VERSIONS given, a proposal too.

    What it writes every command takes as --rulebook. Restricted, as rulebooks are.
    """
    from corridor.output import filled  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.keys import Trust  # noqa: PLC0415
    from corridor.registry.registry import Registry, find  # noqa: PLC0415

    place, trust = Registry.open(registry), Trust.load(trusted)
    published, waiting = place.publications(trust), set(place.proposals())
    chosen = [
        place.proposal(version, trust) if version in waiting else find(published, version)
        for version in versions
    ] or published
    with filled(output):
        for one in chosen:
            place.fetch(one, output / one.statement.version)
    for one in chosen:
        state = (
            f"in force from {one.statement.effective_from}" if one.approver else "a proposal, not in force"
        )
        click.echo(f"{output / one.statement.version}: {state}")


def _tell_proposal(made: "Publication") -> None:
    told = made.statement
    click.echo(
        f"{told.version}: proposed as publication {told.number}, to take effect at {told.effective_from}"
    )
    click.echo(f"another person puts it in force: corridor rulebook approve {told.version}")
