"""The page put up for a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corridor.console.books import of_folder
from corridor.console.files import Files
from corridor.console.server import Source
from corridor.console.serving import Place, Running, Show
from corridor.console.state import State


@contextmanager
def up(
    run: Path, book: Path | None = None, follow: bool = False, port: int = 0
) -> Iterator[tuple[str, Running]]:
    """Its address and what runs, from a run's folder."""
    state = State(run.name, upsert=False, keep=False)
    known = None if book is None else of_folder(book)
    show = Show(state, Files(state, run, follow), Source(run), (lambda: known) if known else None)
    running = Running(show, Place(port=port))
    with running.served() as url:
        yield url, running
