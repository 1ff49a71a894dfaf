"""The texts of a batch as Arrow strings, without copying where the buffer allows it."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corridor.messages.columns import Declarations

_AT_ONCE: Final = 1 << 17
"""Texts gathered at once: their bytes' places take eight times the memory of the bytes."""


def declaration_ids(batch: Declarations) -> pa.Array:
    """declaration_id of each declaration as LargeString[n]."""
    starts = batch.text_starts.astype(np.int64)
    return _strings(batch.text, starts, batch.heads["id_length"].astype(np.int64))


def texts(batch: Declarations) -> tuple[pa.Array, pa.Array, pa.Array]:
    """declaration_id, office and importer of each declaration as LargeString[n]."""
    heads, starts = batch.heads, batch.text_starts.astype(np.int64)
    found = []
    for name in ("id_length", "office_length", "importer_length"):
        lengths = heads[name].astype(np.int64)
        found.append(_strings(batch.text, starts, lengths))
        starts = starts + lengths
    return found[0], found[1], found[2]


def _strings(text: NDArray[Any], starts: NDArray[Any], lengths: NDArray[Any]) -> pa.Array:
    """Gather n pieces of a uint8 buffer into one Arrow array of strings."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    gathered = np.empty(offsets[-1], np.uint8)
    for first in range(0, len(starts), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        begin, end = offsets[first], offsets[min(first + _AT_ONCE, len(starts))]
        where = np.repeat(starts[rows] - offsets[:-1][rows], lengths[rows]) + np.arange(begin, end)
        gathered[begin:end] = text[where]
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(gathered)]
    return pa.Array.from_buffers(pa.large_string(), len(starts), buffers)
