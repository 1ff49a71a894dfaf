"""`corridor keys`: keys of the persons who publish rulebooks, and of the service that writes a log."""

from pathlib import Path

import click

from corridor.commands.signing import passphrase


@click.group()
def keys() -> None:
    """Make keys for those who publish rulebooks."""


@keys.command()
@click.argument("name")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="Folder for NAME.key and NAME.toml."
)
@click.option(
    "--role",
    "roles",
    type=click.Choice(["author", "approver", "service", "officer"]),
    multiple=True,
    required=True,
    help="What the key is for; may be given more than once.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is valid."
)
def make(name: str, output: Path, roles: tuple[str, ...], days: int) -> None:
    """Make a person's pair of keys: NAME.key, private, under a passphrase, and NAME.toml, for the folder of trusted keys.

    The passphrase comes by the environment, CORRIDOR_KEY_PASSPHRASE, or is typed.
    """
    from corridor.registry import keys as made  # noqa: PLC0415  # keeps `--help` quick

    chosen = tuple(role for role in made.ROLES if role in roles)
    private, public = made.make(name, chosen, output, passphrase(confirm=True), days)
    click.echo(f"{private}: private, for {name} alone; without its passphrase it is of no use, to nobody")
    click.echo(
        f"{public}: public; who trusts {name} as {' and '.join(chosen)} puts it into the folder of trusted keys"
    )
