"""`corridor run`: the jobs over files, on Flink inside this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corridor.flink.embedded import Files
    from corridor.flink.execution import Report


@click.group()
def run() -> None:
    """Run a job over files, on embedded Flink."""


_INPUT = click.option(
    "--input", "source", required=True, type=click.Path(path_type=Path), help="File or folder of NDJSON."
)
_OUTPUT = click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="New or empty folder."
)
_PARALLELISM = click.option(
    "--parallelism", default=2, show_default=True, type=click.IntRange(1, 64), help="Subtasks and workers."
)


@run.command()
@_INPUT
@click.option("--rulebook", type=click.Path(path_type=Path), help="Rulebook folder, or a folder of them.")
@_OUTPUT
@_PARALLELISM
@click.option("--picture/--no-picture", default=True, show_default=True, help="Paint the picture of the day.")
@click.option(
    "--histories/--no-histories",
    default=True,
    show_default=True,
    help="Without: for measuring what they cost.",
)
def decide(  # options of a command
    source: Path, rulebook: Path | None, output: Path, parallelism: int, picture: bool, histories: bool
) -> None:
    """Decide on declarations: a corridor for each, anomalies, rejects, the picture of the day.

    Writes DIR/decisions, anomalies, picture, rejects, traces (NDJSON) and summary.json. Without --rulebook
    the sample rulebook judges: 77 rules, nothing fitted.
    """
    from corridor.flink.embedded import Files, run_decide  # noqa: PLC0415  # keeps `--help` quick

    files = Files(source, output, rulebook, parallelism, picture, histories)
    with _progress("deciding") as report:
        summary = _until_stopped(run_decide, files, report)
    _tell(summary, output)


@run.command()
@_INPUT
@_OUTPUT
@_PARALLELISM
def picture(source: Path, output: Path, parallelism: int) -> None:
    """Paint the picture of the day from decisions alone.

    Reads what `run decide` wrote into its folder decisions/, writes DIR/picture and summary.json.
    """
    from corridor.flink.embedded import Files, run_picture  # noqa: PLC0415  # keeps `--help` quick

    with _progress("painting") as report:
        summary = _until_stopped(run_picture, Files(source, output, parallelism=parallelism), report)
    _tell(summary, output)


def _until_stopped(job: Callable[..., dict[str, Any]], files: "Files", report: "Report") -> dict[str, Any]:
    """The summary of a run; Ctrl-C ends the command with code 130 and how far it came."""
    from corridor.flink.execution import InterruptedRunError  # noqa: PLC0415

    try:
        return job(files, report)
    except InterruptedRunError as stopped:
        click.echo(f"corridor: {stopped}", err=True)
        raise click.exceptions.Exit(130) from None


@contextmanager
def _progress(what: str) -> Iterator["Report"]:
    """A bar on stderr: records, rate, corridors so far."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting Flink", total=None, told="")

        def report(counts: dict[str, int], total: int) -> None:
            done = counts["judged"] + counts["rejected"]
            elapsed = bar.tasks[0].elapsed or 1.0
            corridors = "  ".join(f"{name} {counts[name]:,}" for name in ("green", "blue", "yellow", "red"))
            told = f"read {counts['read']:,}  {done / elapsed:,.0f}/s  {corridors}" if counts["read"] else ""
            bar.update(task, description=what, total=total, completed=done, told=told)

        yield report


def _tell(summary: dict[str, Any], output: Path) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(show_header=False, box=None)
    for name, value in summary.items():
        if isinstance(value, dict):
            value = "  ".join(f"{key} {n:,}" for key, n in value.items()) or "none"  # noqa: PLW2901
        table.add_row(name, f"{value:,}" if isinstance(value, int | float) else str(value))
    console = Console()
    console.print(table)
    console.print(f"written to {output}")
