"""What a publication's files hold: the rulebook that was signed, or why it must not be used."""

from collections.abc import Sequence
from pathlib import Path

from corridor.errors import RulebookError
from corridor.registry.publication import Publication
from corridor.registry.refusal import RefusedError
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import load
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import files_of, sha256


def loaded(folder: Path, found: Publication, like: Sequence[Rulebook] = ()) -> Rulebook:
    """The rulebook in a folder of a publication's files. RefusedError unless it is that one and fit to judge by.

    like: loaded ones, with which it shares what is the same.
    """
    statement = found.statement
    there = {
        name: sha256(folder / name) for name in (*files_of(folder), MANIFEST) if (folder / name).is_file()
    }
    if there != statement.files:
        odd = sorted({name for name, _ in there.items() ^ statement.files.items()})
        raise RefusedError("content", f"{statement.version}: {odd[0]} is not what was signed")
    try:
        book = load(folder, like)
    except RulebookError as error:
        raise RefusedError("rulebook", str(error)) from None
    told = book.version, book.effective_from, histories(book)
    if told != (statement.version, statement.starts, statement.histories):
        raise RefusedError(
            "rulebook", f"{statement.version}: its manifest or histories are not what was signed"
        )
    return book


def histories(book: Rulebook) -> tuple[str, ...]:
    """The histories that a rulebook asks for, as party/bucket."""
    return tuple("/".join(pair) for pair in book.policy.histories)
