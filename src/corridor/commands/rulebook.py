"""`corridor rulebook`: check a rulebook (and fit one, explain by one, in modules of their own)."""

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from corridor.commands.kafka import printable

if TYPE_CHECKING:
    from rich.console import Console

    from corridor.rulebook.book import Rulebook

COMMANDS: Final = {
    "approve": "corridor.commands.publish:approve",
    "check": "corridor.commands.rulebook:check",
    "diff": "corridor.commands.compare:diff",
    "explain": "corridor.commands.explain:explain",
    "fetch": "corridor.commands.publish:fetch",
    "fit": "corridor.commands.fit:fit",
    "list": "corridor.commands.publish:list_",
    "publish": "corridor.commands.publish:publish",
    "rollback": "corridor.commands.publish:rollback",
    "seal": "corridor.commands.publish:seal",
    "mine": "corridor.commands.mine:mine",
    "shadow-report": "corridor.commands.shadow:shadow_report",
    "show": "corridor.commands.show:show",
    "test": "corridor.commands.cases:test",
    "verify": "corridor.commands.publish:verify",
}
"""Each command of the group and where it stands; imported when it is called."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for name, place in COMMANDS.items() if find_spec(place.split(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazy)
def rulebook() -> None:
    """Check, show, test, fit, compare and publish rulebooks, mine rules, and explain decisions."""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    type=click.Path(path_type=Path),
    help="Declarations, a file or a folder: tell rules that never hit, hit alike, or hit much.",
)
def check(directory: Path, sample: Path | None) -> None:
    """Check a rulebook folder whole and list every problem with its place, then what looks like a mistake.

    Ends with code 0 if the rulebook is fit to judge by, else with 2.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick

    from corridor.rulebook.check import examine  # noqa: PLC0415  # keeps `--help` quick

    book, problems = examine(directory)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for problem in problems:
        place, text = f"{problem.file}:{problem.line}:{problem.column}", problem.text
        line = Text(place if problem.line else problem.file, style="bold")
        console.print(line.append(": ", style="not bold").append(printable(text), style="not bold"))
    if book is None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        console.print(Text(f"{directory}: {count}; not fit to judge by", style="red"))
        raise SystemExit(2)
    from corridor.picture.norms import PictureNorms  # noqa: PLC0415  # keeps `--help` quick

    PictureNorms.load(directory)
    _advise(console, book, sample)
    _describe(console, directory, book)


def _advise(console: "Console", book: "Rulebook", sample: Path | None) -> None:
    import time  # noqa: PLC0415  # keeps `--help` quick

    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick

    from corridor.study import advice  # noqa: PLC0415  # keeps `--help` quick

    found = advice.advise(book, time.time_ns() // 1000)
    if sample is not None:
        from corridor.study.read import blocks_of  # noqa: PLC0415  # keeps `--help` quick

        seen = advice.Sample(book)
        for batch in blocks_of(sample):
            seen.add(batch)
        found += seen.advise()
    for one in found:
        place = f"rules.yaml:{one.line}" if one.line else "rulebook"
        console.print(
            Text(place, style="bold yellow").append(f": {printable(one.text)}", style="not bold default")
        )


def _describe(console: "Console", directory: Path, book: "Rulebook") -> None:
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415  # keeps `--help` quick

    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    from corridor.rulebook.groups import GROUPS, RESPONSES  # noqa: PLC0415  # keeps `--help` quick

    table = Table(box=None, pad_edge=False)
    table.add_column("group")
    for response in RESPONSES:
        table.add_column(response, justify="right")
    for g, group in enumerate(GROUPS):
        counts = [
            int(((book.rules.group == g) & (book.rules.response == r)).sum()) for r in range(len(RESPONSES))
        ]
        if any(counts):
            table.add_row(group, *(str(n) if n else "" for n in counts))
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=book.effective_from)
    facts = [
        f"{len(book.rules)} active rules ({len(book.rules.program.table.steps)} steps)",
        f"{len(book.shadow)} in shadow (watched by `corridor run decide --shadow`)",
        f"{len(book.lists)} lists",
        "a model" if book.model else "no model",
    ]
    console.print(table)
    console.print(f"{directory}: rulebook {book.version}, in force from {start:%Y-%m-%d %H:%M} UTC")
    console.print(f"{', '.join(facts)}: fit to judge by", style="green")
