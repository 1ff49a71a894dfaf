"""The page put up for a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from corridor.console.books import of_folder
from corridor.console.feed import Feed
from corridor.console.serving import Place, Running, Show
from corridor.console.sources import of_run
from corridor.console.state import FROM_FILES, State


@contextmanager
def up(
    run: Path, book: Path | None = None, follow: bool = False, port: int = 0
) -> Iterator[tuple[str, Running]]:
    """Its address and what runs, from a run's folder."""
    state = State(run.name, upsert=False, keep=False)
    known = None if book is None else of_folder(book)
    feed = Feed(state, partial(of_run, run, FROM_FILES, follow))
    show = Show(state, feed, run, (lambda: known) if known else None)
    running = Running(show, Place(port=port))
    with running.served() as url:
        yield url, running
