"""`corridor produce`: declarations of files or of the simulated service into a topic, at a pace of one's choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.kafka import kafka_options, settings_of
from corridor.commands.service import SERVICE_OPTIONS, service_options
from corridor.kafka.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from corridor.kafka.pace import Pace
    from corridor.kafka.replay import Line, Progress


@click.command()
@click.option("--input", "source", type=click.Path(path_type=Path), help="File or folder of NDJSON.")
@click.option("--simulate", "simulated", is_flag=True, help="The simulated service in place of --input.")
@kafka_options
@click.option("--topic", default=TOPICS["declarations"], show_default=True, help="Where to.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Records a second.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="The data's own clock, so many times as fast.",
)
@click.option("--live", is_flag=True, help="registered_at becomes the time at which a declaration is sent.")
@click.option("--max", "limit", type=click.IntRange(min=1), help="Stop after so many lines.")
@click.option("--days", type=click.IntRange(min=1), help="With --simulate: how many; default: on and on.")
@service_options
def produce(  # noqa: PLR0913, PLR0917  # options of a command
    source: Path | None,
    simulated: bool,
    bootstrap: str | None,
    config: Path | None,
    insecure: bool,
    topic: str,
    rate: float | None,
    speed: float | None,
    live: bool,
    limit: int | None,
    days: int | None,
    **service: Any,
) -> None:
    """Send declarations into a topic, of files or of the simulated service: each line as it is, once, in order.

    Key: importer; timestamp: registered_at; CloudEvents headers. Without --rate or --speed as fast as the broker
    takes them. Empty lines are skipped. Ctrl-C ends it in order.

    --simulate sends what `corridor simulate` would write into files, day after day until Ctrl-C, or for --days.
    Its declarations bear the numbers of their day: sent twice they are duplicates, so a further run into the same
    topic begins at another --start. With --live they are registered as they are sent.
    """
    from corridor.kafka.replay import replay  # noqa: PLC0415  # keeps `--help` quick

    if rate and speed:
        raise click.UsageError("give --rate or --speed, not both")
    if (source is not None) == simulated:
        raise click.UsageError("give --input PATH or --simulate, one of both")
    if source is not None:
        _refuse_service(click.get_current_context())
        lines = _of_files(source)
    else:
        if not (rate or speed or days or limit):
            raise click.UsageError("--simulate has no end: give --rate or --speed, or --days or --max")
        lines = _of_service(days, **service)
    settings = settings_of(bootstrap, config, insecure)
    with _display() as report:
        done = replay(settings, topic, islice(lines, limit), _pace(rate, speed), report, live)
    click.echo(_told(done, topic))
    if done.interrupted:
        click.echo("corridor: stopped by Ctrl-C; what was sent is acknowledged", err=True)
        raise click.exceptions.Exit(130)


def _refuse_service(context: click.Context) -> None:
    """Options of the simulated service beside --input: click.UsageError names the first."""
    from click.core import ParameterSource  # noqa: PLC0415  # keeps `--help` quick

    for option in context.command.params:
        given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
        if option.name in {"days", *SERVICE_OPTIONS} and given:
            raise click.UsageError(f"{option.opts[0]} is of the simulated service: give it with --simulate")


def _of_files(source: Path) -> "Iterator[Line]":
    from corridor.flink.folders import find_material  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.replay import files_of  # noqa: PLC0415

    return files_of(find_material(source).files)


def _of_service(
    days: int | None, start: datetime, per_day: int, seed: int, events: str, **holds: Any
) -> "Iterator[Line]":
    from corridor.simulate import Options, Service, folder, rates, stream  # noqa: PLC0415  # keeps `--help` quick

    to_the_end = max(1, rates.LAST - start.toordinal() + 1)
    span = folder.Span(start.date(), days or to_the_end, per_day, Options(**holds), events)  # type: ignore[arg-type]  # click checked it
    return stream.lines(Service(seed), span)


def _pace(rate: float | None, speed: float | None) -> "Pace":
    from corridor.kafka.pace import AtClock, AtOnce, AtRate  # noqa: PLC0415

    if rate:
        return AtRate(rate)
    return AtClock(speed) if speed else AtOnce()


def _told(done: "Progress", topic: str) -> str:
    rate = f"{done.delivered / done.seconds:,.0f}/s" if done.seconds else ""
    more = f", {done.empty:,} empty lines skipped" if done.empty else ""
    more += f", {done.too_large:,} lines over 2 MiB not sent" if done.too_large else ""
    return f"{topic}: {done.delivered:,} records in {done.seconds:.1f} s ({rate}){more}"


@contextmanager
def _display() -> "Iterator[Callable[[Progress], None]]":
    """One live line on a terminal's stderr: records, rate, the data's time, how late the replay is."""
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with Live(Text("connecting"), console=console, transient=True, refresh_per_second=8) as live:
        before = (0.0, 0)

        def report(now: "Progress") -> None:
            nonlocal before
            passed, more = now.seconds - before[0], now.delivered - before[1]
            if passed > 0:
                live.update(Text(_line(now, more / passed)))
            if passed > 1:
                before = (now.seconds, now.delivered)

        yield report


def _line(now: "Progress", rate: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415

    told = (
        f"{now.delivered:,} acknowledged  {rate:,.0f}/s  {now.sent - now.delivered - now.failed:,} on the way"
    )
    if now.event_ms is not None:
        told += f"  at {datetime.fromtimestamp(now.event_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    if now.behind > 1:
        told += f"  {now.behind:.0f} s behind"
    if now.failed:
        told += f"  {now.failed:,} failed"
    return told
