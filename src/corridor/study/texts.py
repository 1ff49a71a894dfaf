"""The texts of a batch as Arrow strings, without copying where the buffer allows it."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corridor.messages.columns import Declarations


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
    where = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    gathered = np.ascontiguousarray(text[where], np.uint8)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(gathered)]
    return pa.Array.from_buffers(pa.large_string(), len(starts), buffers)
