"""`corridor rulebook test`: officers' own cases judged by a rulebook."""

from pathlib import Path

import click

from corridor.commands.kafka import printable


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--cases", type=click.Path(path_type=Path), help="Their file; default: cases.yaml in the rulebook."
)
@click.option("--only", default="", metavar="TEXT", help="Cases whose names hold this text.")
@click.option("--explain", "explained", is_flag=True, help="Show why, for each case that fails.")
def test(directory: Path, cases: Path | None, only: str, explained: bool) -> None:
    """Judge officers' own cases by a rulebook and say which do not come out as expected.

    Ends with code 1 if one does not.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick

    from corridor.cases import FILE, read_cases, run_cases  # noqa: PLC0415  # keeps `--help` quick
    from corridor.commands.explain import tree  # noqa: PLC0415  # keeps `--help` quick
    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.load import load  # noqa: PLC0415  # keeps `--help` quick

    book, file = load(directory), cases or directory / FILE
    chosen = [case for case in read_cases(file, book) if only.casefold() in case.name.casefold()]
    if not chosen:
        raise InputError(f"{file}: no case has {only!r} in its name")
    outcomes = run_cases(chosen, book)
    console = Console(highlight=False, soft_wrap=True)
    for outcome in outcomes:
        fails = bool(outcome.failures)
        line = Text("fails " if fails else "holds ", style="red" if fails else "green")
        line.append(f"{printable(outcome.case.name)}  ", style="default")
        console.print(line.append(outcome.corridor, style="dim"))
        for failure in outcome.failures:
            console.print(Text(f"      {file.name}:{outcome.case.line}: {printable(failure)}"))
        if explained and fails and outcome.tree is not None:
            console.print(tree(outcome.tree))
    failed = sum(bool(outcome.failures) for outcome in outcomes)
    total = f"{len(outcomes)} case{'s' if len(outcomes) > 1 else ''}"
    told = f"{failed} of {total} {'fail' if failed > 1 else 'fails'}" if failed else f"{total}: all hold"
    console.print(
        Text(f"{directory}: {told}, by rulebook {book.version}", style="red" if failed else "green")
    )
    if failed:
        raise SystemExit(1)
