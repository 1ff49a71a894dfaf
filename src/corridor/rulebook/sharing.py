"""Parts that rulebooks have in common, by the SHA-256 of the files they are read from: read once, in memory once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from corridor.rulebook.book import Rulebook
from corridor.rulebook.lists import CodeList

_FILES: Final = {
    "norms": ("norms.parquet",),
    "shares": ("shares.parquet",),
    "participants": ("participants.parquet",),
    "model": ("model.txt", "model.yaml"),
    "recovery": ("recovery.txt",),
    "encodings": ("encodings.parquet",),
    "rates": ("rates.parquet", "rates.csv"),
}
"""The files that make a part of a rulebook, beside its lists."""


def known_parts(files: Mapping[str, str], n_min: int, like: Sequence[Rulebook]) -> dict[str, Any]:
    """Parts that loaded rulebooks have from the same bytes. files: name → SHA-256, compared with what lies there."""
    found: dict[str, Any] = {}
    for other in like:
        for part, names in _FILES.items():
            fits = part != "norms" or other.policy.n_min == n_min
            if part not in found and fits and _are_same(files, other.files, names):
                found[part] = getattr(other, part)
    return found


def known_list(files: Mapping[str, str], name: str, like: Sequence[Rulebook]) -> CodeList | None:
    """The list of that name as a loaded rulebook has it from the same bytes; None if none has."""
    file = f"lists/{name}.csv"
    return next(
        (
            b.lists[name]
            for b in like
            if name in b.lists and file in files and b.files.get(file) == files[file]
        ),
        None,
    )


def sharing(book: Rulebook, other: Rulebook) -> Rulebook:
    """`book` with the parts of `other` that were read from the same bytes: what rests on them is computed once."""
    same = known_parts(book.files, book.policy.n_min, (other,))
    if _are_same(
        book.files, other.files, [f"lists/{name}.csv" for name in book.lists.keys() | other.lists.keys()]
    ):
        same["lists"] = other.lists
    return replace(book, **same)


def _are_same(files: Mapping[str, str], others: Mapping[str, str], names: Sequence[str]) -> bool:
    return all(files.get(name) == others.get(name) for name in names)
