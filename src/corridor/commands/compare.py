"""`corridor rulebook diff`: what changed from one rulebook to another."""

from itertools import groupby
from pathlib import Path

import click

from corridor.commands.kafka import printable


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def diff(old: Path, new: Path) -> None:
    """Say in words what the rulebook NEW has otherwise than OLD: rules, lists, thresholds, norms, participants."""
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick

    from corridor.study.compare import changes  # noqa: PLC0415  # keeps `--help` quick

    console = Console(highlight=False, soft_wrap=True)
    found = changes(old, new)
    for part, of in groupby(found, lambda change: change.part):
        console.print(Text(part, style="bold"))
        for change in of:
            console.print(Text(f"  {printable(change.text)}"))
    if not found:
        console.print("the rulebooks are the same")
