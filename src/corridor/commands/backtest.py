"""`corridor backtest`: a history judged by a rulebook, beside another one or what was decided then."""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from corridor.errors import InputError

if TYPE_CHECKING:
    from corridor.study.backtest.content import Report
    from corridor.study.backtest.question import Question

FOLDER: Final = click.Path(path_type=Path)
DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--rulebook", type=FOLDER, help="Rulebook folder, or a folder of them: what is tested.")
@click.option("--decisions", type=FOLDER, help="In its place: output folder of `corridor run decide`.")
@click.option(
    "--against", type=FOLDER, help="What it is compared with: a rulebook, or the output folder of a run."
)
@click.option("--history", type=FOLDER, help="Folder with declarations/ and results/ in it.")
@click.option(
    "--declarations", type=FOLDER, help="File or folder of NDJSON, in place of HISTORY/declarations."
)
@click.option("--results", type=FOLDER, help="File or folder of NDJSON, in place of HISTORY/results.")
@click.option(
    "--capacity",
    type=FOLDER,
    help="CSV: office, controls (an hour), and hour (0 to 23, UTC) where they differ.",
)
@click.option("--since", type=DAY, help="First day (UTC) to be judged; histories are those of all.")
@click.option("--until", type=DAY, help="Day before which to stop.")
@click.option("--histories/--no-histories", default=True, help="Without: each declaration by itself.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Blocks judged at once; default: one a core.")
@click.option("--report", "page", type=FOLDER, help="New file for the page, HTML.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, in place of the tables.")
def backtest(  # noqa: PLR0913, PLR0917  # options of a command
    rulebook: Path | None,
    decisions: Path | None,
    against: Path | None,
    history: Path | None,
    declarations: Path | None,
    results: Path | None,
    capacity: Path | None,
    since: datetime | None,
    until: datetime | None,
    histories: bool,
    threads: int | None,
    page: Path | None,
    as_json: bool,
) -> None:
    """Judge a history by a rulebook and tell what it would have done. Restricted: the report names rules.

    By the same code as the stream's, histories as of each event, so that decisions are equal to the stream's. With
    --against also who moves from corridor to corridor, and why. A history that outgrows one machine goes through
    `corridor run decide` on a cluster; --decisions makes the report of what that wrote, without the figures of rules.
    """
    from corridor.study.backtest.question import Question  # noqa: PLC0415  # keeps `--help` quick

    if (rulebook is None) == (decisions is None):
        raise click.UsageError("give --rulebook DIR, or --decisions RUN")
    if history is not None:
        declarations = declarations or history / "declarations"
        results = results or (history / "results" if (history / "results").exists() else None)
    if rulebook is not None and declarations is None:
        raise click.UsageError("give --history DIR or --declarations DIR to judge")
    asked = Question(
        declarations=declarations if rulebook else None,
        rulebook=rulebook,
        decisions=decisions,
        against=against,
        results=results,
        capacity=capacity,
        since=_microseconds(since),
        until=_microseconds(until),
        use_histories=histories,
        threads=threads,
    )
    if page is not None:
        _refuse(page)
    found = _answer(asked)
    if page is not None:
        from corridor.study.report.backtest_page import render  # noqa: PLC0415  # keeps `--help` quick

        page.write_text(render(found), encoding="utf-8")
    _tell(found, as_json, page)


def _microseconds(day: datetime | None) -> int | None:
    return None if day is None else int(day.replace(tzinfo=UTC).timestamp()) * 1_000_000


def _refuse(page: Path) -> None:
    """Before anything is judged: a page that cannot be written."""
    if page.exists():
        raise InputError(f"--report {page}: is there already; give a new name, or remove it")
    if not page.parent.is_dir() or not os.access(page.parent, os.W_OK | os.X_OK):
        raise InputError(f"--report {page}: its folder cannot be written; make it, or give another")


def _answer(asked: "Question") -> "Report":
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    from corridor.study.backtest.answer import backtest as answer  # noqa: PLC0415  # keeps `--help` quick

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading", total=None, told="")

        def tell(step: str, done: int, whole: int) -> None:
            far = f"{done >> 20:,} MiB" if step == "decoding" else f"{done:,} declarations" if done else ""
            bar.update(task, description=step, total=whole or None, completed=done, told=far)

        return answer(asked, tell)


def _tell(found: "Report", as_json: bool, page: Path | None) -> None:
    if as_json:
        sys.stdout.write(json.dumps(found.plain(), ensure_ascii=False, indent=2) + "\n")
        return
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

    from corridor.study.report.backtest_terminal import show  # noqa: PLC0415  # keeps `--help` quick

    console = Console(highlight=False)
    show(found, console)
    if page is not None:
        console.print(f"written to {page}", markup=False)
