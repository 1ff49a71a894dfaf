"""Which codes stand in a list: open-addressed tables, the time of each entry included.

A plain table is int64[size], 0 where a place is empty. A dated table is one flat int64 array:

    size, lengths, then `size` codes, the number of each one's window, and windows as pairs (first second, end)

`lengths` has bit d set where an HS list holds codes of d digits, and is 0 for other codes. A code may stand several
times with windows of its own. Sizes are powers of two; a place is found by Fibonacci hashing (Knuth, TAOCP 3, 6.4).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

Array = NDArray[Any]
Int64s = NDArray[np.int64]

HASH: Final = -7046029254386353131  # 2^64 / golden ratio, odd
HEAD: Final = 2
"""Words of a dated table before its codes."""
SPARSE: Final = 1 << 16
"""Tables of so many codes are at most a quarter full, larger ones at most half: then memory is what costs."""


@inline
def hashed(codes: Array, table: Array, out: Array) -> None:
    """uint8[m] out: 1 where a code stands in a plain table; the missing code 0 stands in none."""
    mask = table.size - 1
    for i in range(out.size):
        place = ((codes[i] * HASH) >> 32) & mask
        while table[place] != 0 and table[place] != codes[i]:
            place = (place + 1) & mask
        out[i] = (table[place] == codes[i]) & (codes[i] != 0)


@inline
def _stands(code: Any, now: Any, table: Array) -> Any:
    """Whether a code has an entry that counts at `now`, in seconds."""
    size = table[0]
    mask, windows = size - 1, HEAD + 2 * size
    place = ((code * HASH) >> 32) & mask
    while table[HEAD + place] != 0:
        if table[HEAD + place] == code:
            window = windows + 2 * table[HEAD + size + place]
            if table[window] <= now < table[window + 1]:
                return True
        place = (place + 1) & mask
    return False


@inline
def dated(codes: Array, now: Array, table: Array, out: Array) -> None:
    """uint8[m] out: 1 where a code stands in a dated table at that moment. now: float64[m], seconds since 1970."""
    for i in range(out.size):
        out[i] = codes[i] != 0 and _stands(codes[i], now[i], table)


@inline
def dated_prefix(codes: Array, now: Array, table: Array, out: Array) -> None:
    """As `dated` for hs_tokens: 1 where the code begins with one that stands there."""
    for i in range(out.size):
        out[i] = 0
        if codes[i] <= 0:
            continue
        value, digits = codes[i] >> 4, codes[i] & 15
        while digits > 0:
            if (table[1] >> digits) & 1 and _stands(value * 16 + digits, now[i], table):
                out[i] = 1
                break
            value //= 10
            digits -= 1


@kernel
def _fill(codes: Array, table: Array) -> None:
    mask = table.size - 1
    for code in codes:
        place = ((code * HASH) >> 32) & mask
        while table[place] != 0 and table[place] != code:
            place = (place + 1) & mask
        table[place] = code


@kernel
def _fill_dated(codes: Array, windows: Array, table: Array) -> None:
    mask = table[0] - 1
    for i in range(codes.size):
        place = ((codes[i] * HASH) >> 32) & mask
        while table[HEAD + place] != 0:
            place = (place + 1) & mask
        table[HEAD + place] = codes[i]
        table[HEAD + table[0] + place] = windows[i]


@kernel
def _holds(codes: Array, table: Array, out: Array) -> None:
    hashed(codes, table, out)


@kernel
def _holds_dated(codes: Array, now: Array, table: Array, out: Array) -> None:
    dated(codes, now, table, out)


def build(codes: Any) -> Int64s:
    """The plain table of codes int64[k]; the missing code 0 is left out."""
    known = readonly(codes, np.int64)
    table = np.zeros(_size(len(known)), np.int64)
    _fill(known, table)
    return table


def build_dated(codes: Any, first: Any, end: Any, lengths: int = 0) -> Int64s:
    """The dated table of entries: codes int64[k] (none 0), first and end int64[k], seconds since 1970, end exclusive."""
    known = readonly(codes, np.int64)
    firsts, from_first = np.unique(readonly(first, np.int64), return_inverse=True)
    ends, from_end = np.unique(readonly(end, np.int64), return_inverse=True)
    pairs, places = np.unique(from_first * max(len(ends), 1) + from_end, return_inverse=True)
    windows = np.stack([firsts[pairs // max(len(ends), 1)], ends[pairs % max(len(ends), 1)]], axis=1)
    size = _size(len(known))
    table = np.zeros(HEAD + 2 * size + windows.size, np.int64)
    table[0], table[1] = size, lengths
    table[HEAD + 2 * size :] = windows.ravel()
    _fill_dated(known, readonly(places.ravel(), np.int64), table)
    return table


def _size(count: int) -> int:
    spare = 4 if count < SPARSE else 2
    return 1 << max(spare * count - 1, 0).bit_length()


def holds(codes: Any, table: Int64s) -> NDArray[np.bool_]:
    """bool[n]: which of codes int64[n] stand in a plain table."""
    wanted = readonly(codes, np.int64)
    out = np.empty(len(wanted), np.bool_)
    _holds(wanted, readonly(table, np.int64), out)
    return out


def holds_dated(codes: Any, now: Any, table: Int64s) -> NDArray[np.bool_]:
    """bool[n]: which of codes int64[n] stand in a dated table at their moments, float64[n] seconds since 1970."""
    wanted = readonly(codes, np.int64)
    out = np.empty(len(wanted), np.bool_)
    _holds_dated(wanted, readonly(now, np.float64), readonly(table, np.int64), out)
    return out
