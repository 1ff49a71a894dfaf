"""decision.v1: the corridor of a declaration and why, as bytes.

What the picture takes from decisions is stated in `contributions` (on the way out, from columns) and
`decided` (from bytes); both are passed on here.
"""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import write
from corridor.kernels.documents import Batch, Judged, Words
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, Declarations
from corridor.messages.contributions import LATE, Contributions, contributions
from corridor.messages.decided import Decided, decode_decisions
from corridor.messages.sums import Cells, amounts, cells, frozen, totals
from corridor.messages.vocabulary import BASES, GROUPS

if TYPE_CHECKING:
    from corridor.verdicts import Verdicts

Array = NDArray[Any]

__all__ = [
    "Cells",
    "Contributions",
    "Decided",
    "cells",
    "contributions",
    "decode_decisions",
    "encode",
    "encode_block",
    "split",
]


def encode(batch: Declarations, verdicts: "Verdicts", decided_at: int) -> list[bytes]:
    """decision.v1 of each declaration, without line ends. decided_at: microseconds since 1970."""
    block, ends = encode_block(batch, verdicts, decided_at)
    return split(block, ends)


def encode_block(batch: Declarations, verdicts: "Verdicts", decided_at: int) -> tuple[Array, Array]:
    """Encode into one buffer: uint8[...] and int64[n], where each document ends."""
    summands = frozen(amounts(batch.items))
    source = source_of(batch)
    texts = sum(int(batch.heads[name].sum(dtype=np.int64)) for name in _LENGTHS)
    words = _words(verdicts.rulebook)
    size = len(batch) * (write.HEAD_BYTES + len(words.rulebook))
    size += write.ESCAPED * texts + len(batch.items) * write.ITEM_BYTES
    out, ends = np.empty(size, np.uint8), np.empty(len(batch), np.int64)
    write.decisions(source, _judged(batch, verdicts, summands), words, int(decided_at), out, ends)
    return out, ends


def split(block: Array, ends: Array) -> list[bytes]:
    """Cut a buffer into its documents."""
    raw = block[: ends[-1]].tobytes() if len(ends) else b""
    stops = ends.tolist()
    return [raw[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


_LENGTHS = ("id_length", "office_length", "importer_length")


def source_of(batch: Declarations) -> Batch:
    """Bring the batch into the one form that the writer is compiled for."""
    return Batch(
        frozen(batch.heads),
        frozen(batch.items),
        frozen(batch.offsets, np.int64),
        frozen(batch.text, np.uint8),
        frozen(batch.text_starts, np.int64),
    )


def _judged(batch: Declarations, verdicts: "Verdicts", summands: Array) -> Judged:
    return Judged(
        corridor=frozen(verdicts.corridor, np.int8),
        probability=frozen(verdicts.probability, np.float64),
        expected_loss=frozen(verdicts.expected_loss, np.int64),
        basis=frozen(verdicts.basis, np.int8),
        at_random=frozen(verdicts.at_random, np.bool_),
        inclusion=frozen(verdicts.inclusion, np.float64),
        item_probability=frozen(verdicts.item_probability, np.float64),
        item_corridor=frozen(verdicts.item_corridor, np.int8),
        reason_group=frozen(verdicts.reason_group, np.int8),
        reason_item=frozen(verdicts.reason_item, np.int32),
        reason_contribution=frozen(verdicts.reason_contribution, np.float64),
        late=frozen((verdicts.quality & LATE) != 0, np.bool_),
        grams=frozen(summands[:, 1], np.int64),
        totals=frozen(totals(batch.offsets, summands), np.int64),
    )


def table(names: tuple[str, ...]) -> Array:
    """uint8[k, width]: names as rows, zeros behind them, their lengths in the last byte."""
    rows = np.zeros((len(names), max(map(len, names)) + 1), np.uint8)
    for row, name in zip(rows, names, strict=True):
        row[: len(name)] = np.frombuffer(name.encode("ascii"), np.uint8)
        row[-1] = len(name)
    return frozen(rows)


def quoted(text: str) -> Array:
    """uint8[...]: a text as a JSON string with its quotes, ASCII only."""
    return np.frombuffer(json.dumps(text).encode(), np.uint8)


_FUNCTIONS, _DIRECTIONS, _CORRIDORS = table(FUNCTIONS), table(DIRECTIONS), table(CORRIDORS)
_BASES, _GROUPS = table(BASES), table(GROUPS)


def _words(rulebook: str) -> Words:
    return Words(_FUNCTIONS, _DIRECTIONS, _CORRIDORS, _BASES, _GROUPS, quoted(rulebook))
