"""A batch judged by the rulebooks in force: by `judge`, as the stream does, and what the back-test keeps of it."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.history import History
from corridor.judge import Judgement, judgement
from corridor.kernels import corridors
from corridor.messages.columns import Array, Declarations
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf

VERDICT: Final = np.dtype(
    [
        ("corridor", "i1"),  # index into CORRIDORS, -1: not judged
        ("targeted", "i1"),  # the same but for the random control group: what was chosen, not drawn
        ("basis", "i1"),  # index into BASES
        ("group", "i1"),  # of the first reason, -1: none, or not asked for
        ("at_random", "?"),
        ("inclusion", "f8"),
        ("probability", "f8"),
        ("expected_loss", "i8"),  # minor units
    ]
)
"""What the report takes from the verdict on a declaration."""


def unjudged(n: int) -> NDArray[np.void]:
    """VERDICT[n] of declarations that were not judged."""
    out = np.zeros(n, VERDICT)
    for name in ("corridor", "targeted", "group"):
        out[name] = -1
    return out


def verdicts_of(found: Judgement) -> NDArray[np.void]:
    """VERDICT[n] of what was judged."""
    said = found.verdicts
    out = np.zeros(len(said.corridor), VERDICT)
    for name in ("corridor", "basis", "at_random", "inclusion", "probability", "expected_loss"):
        out[name] = getattr(said, name)
    out["group"], out["targeted"] = said.reason_group[:, 0], said.corridor
    if (said.basis == corridors.RANDOM).any():
        nobody = found.policy._replace(random_rate=np.zeros(len(out)))
        chosen = corridors.choose(found.columns.batch.offsets, found.evidence, nobody, found.circumstances)
        out["targeted"] = chosen.corridor
    return out


def asked_histories(*shelves: Shelf) -> tuple[tuple[str, str], ...]:
    """The histories that any rulebook on the shelves asks for, each once."""
    return tuple(
        dict.fromkeys(pair for shelf in shelves for book in shelf.rulebooks for pair in book.policy.histories)
    )


def own_history(history: History, shelf: Shelf) -> History:
    """Only what this shelf asks for: a stream that runs by it would know nothing else."""
    wanted = [
        f"{party}_{bucket}_{what}" for party, bucket in asked_histories(shelf) for what in ("count", "value")
    ]
    names = tuple(name for name in wanted if name in history.names)
    if names == history.names:
        return history
    values = history.values[[history.names.index(name) for name in names]]
    return History(names, values, history.late, history.previous_version, history.original_declarant)


def judged(
    batch: Declarations, history: History, shelf: Shelf, explained: bool = False
) -> Iterator[tuple[Array, Judgement]]:
    """Judge each declaration by the rulebook in force at its registration.

    Yields int64[k] rows of the batch, ascending, with what was said of them. What no kernel can judge is left out.
    explained: with reasons, which the report needs of few.
    """
    in_force = shelf.at(np.ascontiguousarray(batch.heads["registered_at"]))
    own = own_history(history, shelf)
    for index in np.unique(in_force):
        rows = np.flatnonzero(in_force == index)
        yield from _surely(batch, own, shelf.rulebooks[int(index)], rows, explained)


def taken(batch: Declarations, rows: Array) -> Declarations:
    """The declarations `rows`, ascending, without copying where that is all of them."""
    return batch if len(rows) == len(batch) else batch.take(rows)


def _surely(
    batch: Declarations, history: History, book: Rulebook, rows: Array, explained: bool
) -> Iterator[tuple[Array, Judgement]]:
    """Halve where a kernel fails, until the failing ones are alone (bad-input 27)."""
    pending = [rows] * bool(len(rows))
    while pending:
        rows = pending.pop()
        known = history if len(rows) == len(batch) else history.take(rows)
        try:
            found = judgement(taken(batch, rows), known, book, explained)
        except Exception:  # whatever fails on one declaration must not stop the others
            if len(rows) > 1:
                pending += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
            continue
        yield rows, found
