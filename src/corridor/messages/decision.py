"""decision.v1: the corridor of a declaration and why, as bytes; and back to the picture's columns."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import write
from corridor.kernels.documents import Batch, Judged, Words
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, Declarations
from corridor.messages.quality import HEAD_BITS
from corridor.messages.sums import amounts, frozen, totals
from corridor.messages.vocabulary import BASES, GROUPS

if TYPE_CHECKING:
    from corridor.verdicts import Verdicts

Array = NDArray[Any]

_LATE = HEAD_BITS["late"]


@dataclass(frozen=True, slots=True)
class Contributions:
    """What n decisions add to the picture, a row a declaration.

    registered_at: int64[n], microseconds; office: object[n] of str; direction, corridor, function:
    int8[n], indices into columns.DIRECTIONS, CORRIDORS, FUNCTIONS; version, items: int32[n];
    customs_value, duty, vat: int64[n], minor units; grams: int64[n], net mass; late: bool[n].
    """

    registered_at: Array
    office: Array
    direction: Array
    corridor: Array
    function: Array
    version: Array
    items: Array
    customs_value: Array
    duty: Array
    vat: Array
    grams: Array
    late: Array


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


def contributions(batch: Declarations, verdicts: "Verdicts", summands: Array | None = None) -> Contributions:
    """Take from a batch what its decisions add to the picture. summands: `sums.amounts`, if at hand."""
    heads = batch.heads
    sums = totals(batch.offsets, amounts(batch.items) if summands is None else summands)
    return Contributions(
        registered_at=heads["registered_at"],
        office=offices(batch),
        direction=heads["direction"],
        corridor=verdicts.corridor,
        function=heads["function"],
        version=heads["version"],
        items=np.diff(batch.offsets).astype(np.int32),
        customs_value=sums[:, 0],
        duty=sums[:, 2],
        vat=sums[:, 3],
        grams=sums[:, 1],
        late=(verdicts.quality & _LATE) != 0,
    )


def offices(batch: Declarations) -> Array:
    """object[n]: the office of each declaration as text, each distinct one decoded once."""
    _, first, at = np.unique(batch.heads["office"], return_index=True, return_inverse=True)
    names = np.array([batch.texts(int(i))[1] for i in first], object)
    return names[at] if len(names) else np.empty(0, object)


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
        late=frozen((verdicts.quality & _LATE) != 0, np.bool_),
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
