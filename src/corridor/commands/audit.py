"""`corridor audit`: whether a log is as it was written."""

from pathlib import Path

import click

from corridor.commands.signing import trusted_option


@click.group()
def audit() -> None:
    """Check the append-only logs of publications, switches, refusals and explanations."""


@audit.command()
@click.argument("place")
@trusted_option
@click.option(
    "--head", metavar="NUMBER:HASH", help="What a former check told: everything up to it must be there."
)
@click.option("--show", is_flag=True, help="The entries, as NDJSON.")
def verify(place: str, trusted: Path, head: str | None, show: bool) -> None:
    """Check a log whole, PLACE being its file or a registry: every bit, every signature, nothing gone or moved.

    Ends with code 1 at the first entry that is not as it was written. Keep the head that it tells somewhere else: with
    --head the next check finds entries that are gone from the end.
    """
    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry import audit as logs  # noqa: PLC0415
    from corridor.registry.keys import Trust  # noqa: PLC0415
    from corridor.registry.store import Store  # noqa: PLC0415

    trust, known = Trust.load(trusted), None if head is None else logs.read_head(head)
    log: logs.Log
    if "://" in place or Path(place).is_dir():
        log = logs.StoreLog(Store.open(place))
    else:
        log = logs.FileLog(Path(place))
    lines = list(log.lines())
    if not lines and known is None:
        raise InputError(f"{place}: no log in it; give the file of one, or a registry")
    if show:
        for line in lines:
            click.echo(line.decode("utf-8", "backslashreplace"))
    try:
        found = logs.verify(lines, trust, known)
    except logs.AuditError as error:
        click.echo(f"{place}: {error}", err=True)
        raise SystemExit(1) from None
    click.echo(f"{place}: {found.number} entries, all as they were written", err=show)
    click.echo(f"head {found}", err=show)
