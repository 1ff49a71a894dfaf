"""`corridor produce`: files of declarations into a topic, at a pace of one's choice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corridor.commands.kafka import kafka_options, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from corridor.kafka.pace import Pace
    from corridor.kafka.replay import Progress


@click.command()
@click.option(
    "--input", "source", required=True, type=click.Path(path_type=Path), help="File or folder of NDJSON."
)
@kafka_options
@click.option("--topic", default="customs.declarations.v1", show_default=True, help="Where to.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Records a second.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    help="The data's own clock, so many times as fast.",
)
def produce(  # options of a command
    source: Path,
    bootstrap: str | None,
    config: Path | None,
    insecure: bool,
    topic: str,
    rate: float | None,
    speed: float | None,
) -> None:
    """Replay declarations into a topic: each line as it is, once, in order.

    Key: importer; timestamp: registered_at; CloudEvents headers. Without --rate or --speed as fast as the broker
    takes them. Empty lines are skipped. Ctrl-C ends it in order.
    """
    from corridor.flink.folders import find_material  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.replay import replay  # noqa: PLC0415

    if rate and speed:
        raise click.UsageError("give --rate or --speed, not both")
    files = find_material(source).files
    settings = settings_of(bootstrap, config, insecure)
    with _display() as report:
        done = replay(settings, topic, files, _pace(rate, speed), report)
    click.echo(_told(done, topic))
    if done.interrupted:
        click.echo("corridor: stopped by Ctrl-C; what was sent is acknowledged", err=True)
        raise click.exceptions.Exit(130)


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
