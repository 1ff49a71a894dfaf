"""`corridor console`: the centre's live page."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.kafka import kafka_options, settings_of
from corridor.errors import InputError

if TYPE_CHECKING:
    from corridor.console.books import Books
    from corridor.console.serving import Place, Show


@click.command()
@click.option("--run", "run", type=click.Path(path_type=Path), metavar="DIR", help="Output folder of a run.")
@click.option("--follow", is_flag=True, help="With --run: go on as its files grow.")
@click.option(
    "--replay",
    type=click.FloatRange(1.0, 100_000.0),
    metavar="SPEED",
    help="With --run: show its busiest day again from midnight, so many times as fast.",
)
@kafka_options
@click.option(
    "--rulebook",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Rulebook folder, or a folder of them: bands, and which is in force.",
)
@click.option(
    "--registry", metavar="PLACE", help="Folder or URL of published rulebooks, in place of --rulebook."
)
@click.option(
    "--trusted",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With --registry: folder of trusted public keys.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8750, show_default=True, type=click.IntRange(0, 65_535), help="0: any that is free."
)
@click.option("--open", "opens", is_flag=True, help="Open it in the browser of this machine.")
@click.option(
    "--screenshots",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Take pictures of the page by Chromium into DIR, and end.",
)
def console(**options: Any) -> None:
    """Show the centre's live page: the picture of the day and week, what is out of its norm, and the cause.

    From a run's folders (--run) or from topics (--kafka). Served to browsers on this machine unless --host says
    otherwise; it has no login and no TLS of its own (docs/security.md). It shows open fields only.
    """
    from corridor.console.serving import Place  # noqa: PLC0415  # keeps `--help` quick

    screenshots, place = options.pop("screenshots"), Place(options.pop("host"), options.pop("port"))
    opens, show = options.pop("opens"), _show(**options)
    if screenshots is not None:
        _photograph(show, screenshots)
    else:
        put_up(show, place, opens)


def put_up(show: "Show", place: "Place", opens: bool) -> None:
    """Serve until Ctrl-C; says where."""
    from corridor.console.serving import Running  # noqa: PLC0415  # keeps `--help` quick

    running = Running(show, place)
    if not place.loopback:
        click.echo(
            f"corridor: {place.host} can be reached from other machines, and the page asks nobody who they are: put a "
            "proxy with TLS and a login before it (docs/security.md)",
            err=True,
        )
    click.echo(f"The page is at {running.url} until Ctrl-C.")
    if opens:
        import webbrowser  # noqa: PLC0415

        webbrowser.open(running.url)
    running.serve()


def _show(
    rulebook: Path | None, registry: str | None, trusted: Path | None, run: Path | None, **source: Any
) -> "Show":
    from corridor.console.serving import Show  # noqa: PLC0415  # keeps `--help` quick

    books = _books(rulebook, registry, trusted)
    kafka = {name: source.pop(name) for name in ("bootstrap", "config", "insecure")}
    if run is None:
        if any(source.values()):
            raise InputError("--follow and --replay go with --run")
        return Show(*_of_topics(settings_of(**kafka)), books)
    if kafka["bootstrap"] or kafka["config"]:
        raise InputError("give --run or --kafka, not both")
    if all(source.values()):
        raise InputError("give --follow or --replay, not both")
    return Show(*_of_files(run, **source), books)


def _books(rulebook: Path | None, registry: str | None, trusted: Path | None) -> "Callable[[], Books] | None":
    from corridor.console.books import of_folder, of_registry  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.keys import Trust  # noqa: PLC0415
    from corridor.registry.registry import Registry  # noqa: PLC0415

    if rulebook is not None and registry is not None:
        raise InputError("give --rulebook or --registry, not both")
    if rulebook is not None:
        found = of_folder(rulebook)
        return lambda: found  # a folder does not change
    if registry is None and trusted is None:
        return None
    if registry is None or trusted is None:
        raise InputError(
            "--registry and --trusted go together: whose signatures count is told by the public keys"
        )
    Registry.open(registry), Trust.load(trusted)  # what is wrong is told at once
    return lambda: of_registry(registry, trusted)


def shown_files(run: Path, rulebook: Path, replay: float | None = None) -> "Show":
    """What is shown of a run's output folder with the bands of a rulebook."""
    from corridor.console.books import of_folder  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.serving import Show  # noqa: PLC0415

    found = of_folder(rulebook)
    return Show(*_of_files(run, False, replay), lambda: found)


def _of_files(run: Path, follow: bool, replay: float | None) -> tuple[Any, Any, Path]:
    from corridor.console.feed import Feed  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.replay import replayed  # noqa: PLC0415
    from corridor.console.sources import check, of_run  # noqa: PLC0415
    from corridor.console.state import FROM_FILES, State  # noqa: PLC0415

    check(run, FROM_FILES, follow)
    state = State(run.resolve().name, upsert=False, keep=False)
    if replay is None:
        return state, Feed(state, partial(of_run, run, FROM_FILES, follow)), run
    return state, Feed(state, partial(replayed, run, FROM_FILES, replay)), run


def _of_topics(settings: Any) -> tuple[Any, Any, None]:
    from corridor.console.feed import Feed  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.sources import of_topics  # noqa: PLC0415
    from corridor.console.state import STARTS, State  # noqa: PLC0415
    from corridor.kafka.connect import connect  # noqa: PLC0415

    connect(settings)  # one line now rather than a page without figures
    state = State("Kafka", upsert=True, keep=True)
    return state, Feed(state, partial(of_topics, settings, STARTS, True)), None


def _photograph(show: "Show", folder: Path) -> None:
    from corridor.console.screenshots import SHOTS, take  # noqa: PLC0415  # keeps `--help` quick

    for path in take(show, folder, SHOTS):
        click.echo(str(path))
