"""Declarations as one run of bytes each, and back: HEAD, text, ITEM records, little endian.

Everything is bytes here; the meaning of the records stands in messages/columns.py.
"""

from typing import Any

from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel

Bytes = NDArray[Any]
Index = NDArray[Any]


@inline
def _copy(source: Bytes, start: int, target: Bytes, place: int, length: int) -> int:
    target[place : place + length] = source[start : start + length]
    return place + length


@kernel
def join(
    heads: Bytes,
    text: Bytes,
    text_starts: Index,
    text_lengths: Index,
    items: Bytes,
    offsets: Index,
    out: Bytes,
) -> None:
    """Write heads u8[n, h], text u8 and items u8[m, w] to `out`, one declaration after another."""
    place, width = 0, items.shape[1]
    flat = items.reshape(items.size)
    for i in range(len(heads)):
        place = _copy(heads[i], 0, out, place, heads.shape[1])
        place = _copy(text, text_starts[i], out, place, text_lengths[i])
        start = offsets[i] * width
        place = _copy(flat, start, out, place, offsets[i + 1] * width - start)


@kernel
def split(
    source: Bytes, starts: Index, heads: Bytes, text: Bytes, text_starts: Index, items: Bytes, offsets: Index
) -> None:
    """Go the way back. starts i64[n]: where each declaration begins in `source`.

    Written: heads u8[n, h], text u8, items u8[m, w]; given: text_starts i64[n + 1], offsets i64[n + 1].
    """
    width = items.shape[1]
    flat = items.reshape(items.size)
    for i in range(len(starts)):
        _copy(source, starts[i], heads[i], 0, heads.shape[1])
        place = starts[i] + heads.shape[1]
        length = text_starts[i + 1] - text_starts[i]
        _copy(source, place, text, text_starts[i], length)
        begin = offsets[i] * width
        _copy(source, place + length, flat, begin, offsets[i + 1] * width - begin)
