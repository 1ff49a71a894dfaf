"""`corridor exporter`: the picture, anomalies and the stream's health for Prometheus."""

import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from corridor.commands.kafka import kafka_options, settings_of

if TYPE_CHECKING:
    from corridor.console.exporter.collector import Parts
    from corridor.console.exporter.offices import Offices
    from corridor.console.exporter.rulebooks import Rulebooks
    from corridor.console.exporter.state import State
    from corridor.console.feed import Feed

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_PORT: Final = 9847
Work = Callable[[threading.Event], None]


@click.command()
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="DIR", help="Output folder of `corridor run decide`."
)
@click.option("--follow", is_flag=True, help="With --run: go on as its files grow or come.")
@kafka_options
@click.option(
    "--from",
    "start",
    default="end",
    show_default=True,
    metavar="PLACE",
    help="With --kafka: where counting decisions and rejects begins: beginning, end, or a time.",
)
@click.option("--host", default=_LOOPBACK[0], show_default=True, help="Where to answer.")
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(1, 65_535))
@click.option(
    "--offices", type=click.Path(path_type=Path), metavar="CSV", help="Offices with series of their own."
)
@click.option(
    "--most-offices",
    default=200,
    show_default=True,
    type=click.IntRange(0, 2_000),
    help="How many offices have series of their own; the rest is `other`.",
)
@click.option("--rulebook", type=click.Path(path_type=Path), help="Rulebook folder, or a folder of them.")
@click.option(
    "--registry", metavar="PLACE", help="Folder or URL of published rulebooks, in place of --rulebook."
)
@click.option(
    "--trusted", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the keys that may publish."
)
@click.option("--once", is_flag=True, help="Read what there is, write the metrics to stdout, and end.")
def exporter(  # options of a command
    run: Path | None, follow: bool, start: str, host: str, port: int, once: bool, **options: Any
) -> None:  # fmt: skip
    """Tell Prometheus of the day's picture, anomalies, rejects, conservation, rulebooks and freshness.

    Reads topics (--kafka) or the files of a run (--run) and answers at http://HOST:PORT/metrics, on this machine only
    unless told otherwise: open figures, yet nobody is asked for a name. docs/metrics.md lists every metric.
    """
    kafka = {name: options.pop(name) for name in ("bootstrap", "config", "insecure")}
    if (run is None) == (kafka["bootstrap"] is None and kafka["config"] is None):
        raise click.UsageError("give --run, the output folder of a run, or --kafka")
    if follow and (run is None or once):
        raise click.UsageError("--follow goes with --run, and not with --once")
    from corridor.console.exporter.collector import Parts  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.exporter.families import OFFSETS  # noqa: PLC0415
    from corridor.console.exporter.serve import serve  # noqa: PLC0415
    from corridor.console.exporter.state import State  # noqa: PLC0415
    from corridor.console.feed import lasting  # noqa: PLC0415

    state = State(_offices(options["offices"], options["most_offices"]))
    rulebooks = _rulebooks(options["rulebook"], options["registry"], options["trusted"])
    live = follow or (run is None and not once)
    if run is not None:
        feed, parts = _of_run(state, run, follow), Parts(state, rulebooks=rulebooks, clock=None, run=run)
    else:
        feed, parts = _of_topics(state, kafka, start, live, rulebooks)
    if not live:
        feed.once(strict=True)
    if once:
        _write(parts)
        return
    work: list[Work] = [feed.run] if live else []
    if parts.offsets is not None:
        work.append(partial(lasting, parts.offsets.run, partial(state.failed, OFFSETS)))
    serve(parts, host, port, work, partial(_announce, host, port))
    click.echo("corridor: stopped", err=True)


def _write(parts: "Parts") -> None:
    """All metrics on stdout."""
    from corridor.console.exporter.serve import exposition  # noqa: PLC0415  # keeps `--help` quick

    if parts.offsets is not None:
        parts.offsets.look()
    sys.stdout.write(exposition(parts).decode())


def _announce(host: str, port: int) -> None:
    if host not in _LOOPBACK:
        click.echo(
            f"corridor: {host} may be reached from elsewhere, and nobody is asked for a name", err=True
        )
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"corridor: metrics at http://{shown}:{port}/metrics; Ctrl-C ends it", err=True)


def _of_run(state: "State", run: Path, follow: bool) -> "Feed":
    from corridor.console.feed import Feed  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.sources import FILES, check, of_run  # noqa: PLC0415

    check(run, FILES, follow)
    return Feed(state, partial(of_run, run, FILES, follow))


def _of_topics(
    state: "State", kafka: dict[str, Any], start: str, follow: bool, rulebooks: "Rulebooks | None"
) -> "tuple[Feed, Parts]":
    from corridor.console.exporter.collector import Parts  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.exporter.offsets import Offsets  # noqa: PLC0415
    from corridor.console.exporter.state import starts  # noqa: PLC0415
    from corridor.console.feed import Feed  # noqa: PLC0415
    from corridor.console.sources import of_topics  # noqa: PLC0415
    from corridor.kafka.connect import connect  # noqa: PLC0415
    from corridor.kafka.follow import since  # noqa: PLC0415

    since(start)
    settings = settings_of(**kafka)
    connect(settings)  # one line now rather than a server without figures
    feed = Feed(state, partial(of_topics, settings, starts(start), follow))
    return feed, Parts(state, Offsets(settings), rulebooks)


def _offices(path: Path | None, most: int) -> "Offices":
    from corridor.console.exporter.offices import Offices, read_offices  # noqa: PLC0415  # keeps `--help` quick

    return Offices(read_offices(path, most) if path else (), most)


def _rulebooks(folder: Path | None, registry: str | None, trusted: Path | None) -> "Rulebooks | None":
    if folder is None and registry is None:
        return None
    from corridor.console.exporter.rulebooks import Rulebooks  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.origin import Origin  # noqa: PLC0415

    if folder is not None and registry is None:
        return Rulebooks(folder)
    if folder is not None or registry is None or trusted is None:
        raise click.UsageError("give --rulebook, or --registry and --trusted")
    return Rulebooks(Origin(registry, str(trusted), poll_s=30.0))
