"""One 64-bit number for what a declaration says, so that duplicates and conflicts can be told apart.

Computed over decoded values in the order of the schema: key order, white space, escapes and 1.50
against 1.5 make no difference. The twin of `content` in kernels/scan.py.
"""

import struct
from collections.abc import Iterable
from typing import Final

_M64: Final = (1 << 64) - 1
_STEP: Final = 0x9E3779B97F4A7C15
_C1: Final = 0xFF51AFD7ED558CCD
_C2: Final = 0xC4CEB9FE1A85EC53


def _mix(x: int) -> int:
    """MurmurHash3's 64-bit finaliser."""
    x ^= x >> 33
    x = x * _C1 & _M64
    x ^= x >> 33
    x = x * _C2 & _M64
    return x ^ x >> 33


def _fold(values: Iterable[int]) -> int:
    """The sum of the mixed values, each with a key of its place."""
    return sum(_mix((value + place * _STEP) & _M64) for place, value in enumerate(values, 1)) & _M64


def float_bits(value: float) -> int:
    """The bits of a float64 without negative zero; NaN is the missing one and always the same."""
    return int(struct.unpack("<q", struct.pack("<d", value + 0.0))[0])


def content(head: Iterable[int], items: Iterable[Iterable[int]]) -> int:
    """int64 hash of the values of a declaration and of its items, in the schema's order."""
    h = _fold(head)
    for item in items:
        h = _mix(((h << 27 | h >> 37) + _fold(item)) & _M64)
    return h - (1 << 64) if h >> 63 else h
