"""docs/commands.md, made from the commands themselves.

`python -m corridor.reference .` renews it below the root of the project; a test says when it is stale.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from corridor.cli import cli

_MADE: Final = "<!-- made by `make reference` -->"


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from _commands(found, f"{path} {name}")
    else:
        yield path, command


def _row(option: click.Parameter) -> str:
    if isinstance(option, click.Argument):
        return f"| `{option.human_readable_name}` | |"
    assert isinstance(option, click.Option)
    names = ", ".join([*option.opts, *option.secondary_opts])
    takes = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    return f"| `{names}{takes}` | {(option.help or '').replace('|', '/')} |"


def reference() -> str:
    """docs/commands.md: a section a command, with its purpose and a table of its options."""
    sections = []
    for path, command in _commands(cli, "corridor"):
        purpose = re.sub(r"\s*\n\s*", " ", (command.help or "").split("\n\n")[0]).strip()
        rows = [_row(option) for option in command.params]
        table = ["| option | meaning |", "|---|---|", *rows] if rows else []
        sections.append("\n".join([f"## `{path}`", purpose, "", *table]))
    return "\n\n".join(["# Commands", _MADE, *sections]) + "\n"


if __name__ == "__main__":
    page = Path(sys.argv[1]) / "docs" / "commands.md"
    page.write_text(reference(), encoding="utf-8")
