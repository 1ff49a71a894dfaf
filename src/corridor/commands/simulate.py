"""`corridor simulate`: a believable service's declarations as files."""

from datetime import datetime
from pathlib import Path
from time import perf_counter

import click

from corridor.commands.service import service_options


@click.command()
@click.option("--output", required=True, type=click.Path(path_type=Path), help="New or empty folder.")
@click.option("--days", default=1, show_default=True, help="How many days.")
@service_options
@click.option("--results", is_flag=True, help="Results of inspections too.")
def simulate(  # noqa: PLR0913, PLR0917  # options of a command
    output: Path,
    days: int,
    start: datetime,
    per_day: int,
    seed: int,
    garbage: float,
    planted: bool,
    events: str,
    results: bool,
) -> None:
    """Simulate a customs service: declarations with planted cases whose truth is known.

    Writes DIR/declarations/YYYY-MM-DD.ndjson in order of arrival, rates.csv, offices.csv, truth/ and, with
    --results, results/. Everything follows from the seed.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from corridor.output import filled  # noqa: PLC0415
    from corridor.simulate import Options, Service, folder  # noqa: PLC0415

    options = Options(planted=planted, garbage=garbage, results=results)
    span = folder.Span(start.date(), days, per_day, options, events)  # type: ignore[arg-type]  # click checked it
    console, begun, done = Console(stderr=True), perf_counter(), 0
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("days"),
        TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), console=console,
        disable=not console.is_terminal,
    )  # fmt: skip
    with filled(output), bar:
        task = bar.add_task("simulate", total=days, rate="")

        def progress(when: object, records: int) -> None:
            nonlocal done
            done += records
            bar.update(task, advance=1, rate=f"{done / (perf_counter() - begun):,.0f} records/s")

        totals = folder.fill(Service(seed), span, output, progress)
    counts = ", ".join(f"{value:,} {key}" for key, value in totals.items() if value)
    click.echo(f"{output}: {counts}")
