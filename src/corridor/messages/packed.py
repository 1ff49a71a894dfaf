"""Declarations as compact bytes, one value a declaration: what crosses Flink's shuffles.

HEAD bytes, the text (declaration_id, office, importer), ITEM bytes; little endian. A declaration of
three items is about 460 bytes, a third of its JSON.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.kernels.packing import join, split
from corridor.messages.columns import HEAD, ITEM, Declarations

_TEXT_LENGTHS: Final = ("id_length", "office_length", "importer_length")


def pack(declarations: Declarations) -> list[bytes]:
    """One bytes value for each of the n declarations."""
    if not len(declarations):
        return []
    heads = np.ascontiguousarray(declarations.heads)
    items = np.ascontiguousarray(declarations.items)
    offsets = np.ascontiguousarray(declarations.offsets, np.int64)
    text_lengths = _text_lengths(heads)
    ends = np.cumsum(HEAD.itemsize + text_lengths + np.diff(offsets) * ITEM.itemsize)
    out = np.empty(int(ends[-1]), np.uint8)
    join(
        _bytes(heads, HEAD),
        np.ascontiguousarray(declarations.text),
        np.ascontiguousarray(declarations.text_starts, np.int64),
        text_lengths,
        _bytes(items, ITEM),
        offsets,
        out,
    )
    whole, stops = out.tobytes(), ends.tolist()
    return [whole[a:b] for a, b in zip([0, *stops[:-1]], stops, strict=True)]


def unpack(blobs: Sequence[bytes]) -> Declarations:
    """The declarations of `pack`, in the order given.

    Raises InputError if a value is not one whole packed declaration.
    """
    n = len(blobs)
    sizes = np.fromiter(map(len, blobs), np.int64, n)
    if n and int(sizes.min()) < HEAD.itemsize:
        raise _broken(int(sizes.argmin()), int(sizes.min()), HEAD.itemsize)
    source = np.frombuffer(b"".join(blobs), np.uint8)
    starts = np.cumsum(sizes) - sizes
    counts = _field(source, starts, "item_count")
    text_lengths = np.sum([_field(source, starts, name) for name in _TEXT_LENGTHS], axis=0)
    expected = HEAD.itemsize + text_lengths + counts * ITEM.itemsize
    if not np.array_equal(expected, sizes):
        wrong = int(np.flatnonzero(expected != sizes)[0])
        raise _broken(wrong, int(sizes[wrong]), int(expected[wrong]))
    offsets, text_starts = _offsets(counts), _offsets(text_lengths)
    heads, items = np.empty(n, HEAD), np.empty(int(offsets[-1]), ITEM)
    text = np.empty(int(text_starts[-1]), np.uint8)
    split(source, starts, _bytes(heads, HEAD), text, text_starts, _bytes(items, ITEM), offsets)
    return Declarations(heads, items, offsets, text, text_starts[:-1])


def _bytes(records: NDArray[Any], of: np.dtype[Any]) -> NDArray[Any]:
    return records.view(np.uint8).reshape(len(records), of.itemsize)


def _text_lengths(heads: NDArray[Any]) -> NDArray[Any]:
    lengths: NDArray[Any] = np.sum([heads[name] for name in _TEXT_LENGTHS], axis=0, dtype=np.int64)
    return lengths


def _field(source: NDArray[Any], starts: NDArray[Any], name: str) -> NDArray[Any]:
    """int64[n]: a small unsigned field of each head, read where it stands in the bytes."""
    form, place = HEAD.fields[name][:2]  # type: ignore[index]  # HEAD has named fields
    value = np.zeros(len(starts), np.int64)
    for i in range(form.itemsize):
        value |= source[starts + place + i].astype(np.int64) << 8 * i
    return value


def _offsets(lengths: NDArray[Any]) -> NDArray[Any]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _broken(index: int, size: int, expected: int) -> InputError:
    return InputError(
        f"packed declaration {index} has {size} bytes where its head says {expected}: "
        "it was cut short or written by another version of Corridor; start the job from a clean state"
    )
