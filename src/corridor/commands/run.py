"""`corridor run`: the jobs over files and topics, on Flink inside this process or submitted by `flink run`."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args

import click

from corridor.commands.kafka import kafka_options, settings_of
from corridor.errors import InputError
from corridor.flink.topics import Backend, default, load
from corridor.settings import named

if TYPE_CHECKING:
    from corridor.flink.execution import Report

T = TypeVar("T")


@click.group()
def run() -> None:
    """Run a job over files or topics, on embedded Flink."""


_INPUT = click.option("--input", "source", type=click.Path(path_type=Path), help="File or folder of NDJSON.")
_OUTPUT = click.option("--output", type=click.Path(path_type=Path), help="New or empty folder.")
_PARALLELISM = click.option(
    "--parallelism", type=click.IntRange(1, 64), help="Subtasks and workers: 2, or what `flink run -p` says."
)


_PLAN = click.option(
    "--plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="CSV file of payments planned: office,date,payments.",
)


def _of_stream(name: str, key: str, unit: str, purpose: str) -> Callable[[Any], Any]:
    """An option of a number in the table [stream], where its default and its limits stand."""
    return click.option(
        name, key, type=int, metavar=unit, show_default=str(default(key)), help=f"With Kafka: {purpose}"
    )


_ON_TOPICS: Final = (
    kafka_options,
    click.option("--state", metavar="PLACE", help="With Kafka: folder or URI of checkpoints; a run goes on from it."),
    click.option("--bounded", is_flag=True, default=None, help="With Kafka: stop at what stands in the topic now."),
    click.option("--from-beginning", is_flag=True, default=None,
                 help="With Kafka: pass over the group's committed offsets."),
    _of_stream("--checkpoint", "checkpoint_ms", "MS", "how often what was written becomes readable."),
    _of_stream("--bound", "bound_ms", "MS", "how long a declaration waits for those out of order."),
    _of_stream("--bundle", "bundle_ms", "MS", "how long a worker's batch waits to be filled."),
    _of_stream("--metrics", "metrics_port", "PORT", "where Prometheus finds this run's metrics; 0 for nowhere."),
    _of_stream("--ttl", "ttl_days", "DAYS", "how long versions and histories are remembered."),
    click.option("--backend", type=click.Choice(get_args(Backend)), show_default=str(default("backend")),
                 help="With Kafka: state in memory, or on disk where it outgrows it."),
)  # fmt: skip


def _on_topics(command: T) -> T:
    """The options of a job over topics."""
    for option in reversed(_ON_TOPICS):
        command = option(command)
    return command


_ON_REGISTRY: Final = (
    click.option("--registry", metavar="PLACE", help="Folder or URL of published rulebooks, in place of --rulebook."),
    click.option("--trusted", "trusted_keys", type=click.Path(path_type=Path), metavar="DIR",
                 help="Folder of the public keys that may publish."),
    _of_stream("--poll", "registry_poll_s", "S", "how often workers look for new rulebooks."),
    click.option("--audit", type=click.Path(path_type=Path), metavar="FILE",
                 help="With Kafka: log of switches and refusals on each machine."),
    click.option("--audit-key", type=click.Path(path_type=Path), metavar="FILE",
                 help="Private key that signs it; its passphrase: CORRIDOR_KEY_PASSPHRASE."),
)  # fmt: skip


def _on_registry(command: T) -> T:
    """The options of a job that judges by published rulebooks."""
    for option in reversed(_ON_REGISTRY):
        command = option(command)
    return command


@run.command()
@_INPUT
@_OUTPUT
@_on_topics
@click.option("--rulebook", type=click.Path(path_type=Path), help="Rulebook folder, or a folder of them.")
@_on_registry
@click.option(
    "--shadow",
    type=click.Path(path_type=Path),
    help="Rulebook folder on trial: told beside, decides nothing.",
)
@click.option(
    "--shadow-percent",
    type=click.IntRange(1, 100),
    show_default=str(default("shadow_percent")),
    help="Of the declarations, those the trial is asked about.",
)
@_PARALLELISM
@click.option("--picture/--no-picture", default=None, help="Paint the picture of the day, as is the default.")
@_PLAN
@click.option("--histories/--no-histories", default=None, help="Without: for measuring what they cost.")
def decide(source: Path | None, output: Path | None, **options: Any) -> None:
    """Decide on declarations: a corridor for each, anomalies, rejects, the picture of the day.

    With --input and --output over files: writes DIR/decisions, anomalies, picture, rejects, traces (NDJSON)
    and summary.json. With --kafka and --state over topics, until Ctrl-C; all of that may stand in the table
    [stream] of --config too, or in the environment as CORRIDOR_STREAM_... . Without --rulebook the sample
    rulebook judges: 77 rules, nothing fitted.
    """
    from corridor.flink import embedded, streaming  # noqa: PLC0415  # keeps `--help` quick

    both = (
        "rulebook",
        "registry",
        "trusted_keys",
        "shadow",
        "shadow_percent",
        "parallelism",
        "picture",
        "histories",
        "plan",
    )
    _run("deciding", (embedded.run_decide, streaming.run_decide), source, output, options, both)


@run.command()
@_INPUT
@_OUTPUT
@_on_topics
@_PARALLELISM
@_PLAN
@click.option(
    "--rulebook",
    type=click.Path(path_type=Path),
    help="Rulebook folder with norms of the picture: for forecasts and the detector.",
)
def picture(source: Path | None, output: Path | None, **options: Any) -> None:
    """Paint the picture of the day from decisions alone.

    With --input and --output over files: reads what `run decide` wrote into its folder decisions/, writes
    DIR/picture and summary.json. With --kafka and --state over topics, beside a `run decide --no-picture`. With
    --rulebook the picture's detector tells anomalies too, as it does beside `run decide`.
    """
    from corridor.flink import embedded, streaming  # noqa: PLC0415  # keeps `--help` quick

    both = ("parallelism", "plan", "rulebook")
    _run("painting", (embedded.run_picture, streaming.run_picture), source, output, options, both)


def _run(
    what: str, jobs: tuple[Callable[..., Any], Callable[..., Any]], source: Path | None, output: Path | None,
    options: dict[str, Any], both: Iterable[str],
) -> None:  # fmt: skip
    """Run a job over files (the first of `jobs`) or over topics; both: options that files know too."""
    from corridor.flink.embedded import Files  # noqa: PLC0415  # keeps `--help` quick

    shared = {name: options.pop(name) for name in both}
    told = any(value is not None and value is not False for value in options.values())
    given: Any
    if source is None and output is None and (told or named(os.environ)):
        kafka = {name: options.pop(name) for name in ("bootstrap", "config", "insecure")}
        given = load(settings_of(**kafka), kafka["config"], shared | options)
        job, place = jobs[1], given.settings.bootstrap
    elif source is not None and output is not None and not told:
        given = Files(source, output, **{name: value for name, value in shared.items() if value is not None})
        job, place = jobs[0], output
    else:
        raise InputError("give --input and --output to run over files, or --kafka and --state over topics")
    with _progress(what) as report:
        summary = _until_stopped(lambda: job(given, report))
    if summary:  # a cluster has its own
        _tell(summary, place)


def _until_stopped(job: Callable[[], T]) -> T:
    """What a run gives; Ctrl-C ends the command with code 130 and how far it came."""
    from corridor.flink.execution import InterruptedRunError  # noqa: PLC0415

    try:
        return job()
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
            bar.update(task, description=what, total=total or None, completed=done, told=told)

        yield report


def _tell(summary: Mapping[str, object], output: object) -> None:
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
