"""From int64 keys to row numbers: an open-addressing hash table in one array.

The table is int64[capacity, 2]: key and row, row -1 where a slot is empty. The capacity is a power
of two, at least twice the number of keys; a key's first slot is the top bits of its product with
the golden ratio (Knuth, TAOCP 3, 6.4), collisions go to the next slot. Several columns become one
key by `mix`: equal tuples give equal keys, different ones differ but for about n^2 / 2^65.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

Int64s = NDArray[np.int64]

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
M1: Final = np.uint64(0xFF51AFD7ED558CCD)
M2: Final = np.uint64(0xC4CEB9FE1A85EC53)
S33: Final = np.uint64(33)


@inline
def _scramble(x: Any) -> Any:
    """MurmurHash3's finaliser: a bijection of uint64."""
    x ^= x >> S33
    x *= M1
    x ^= x >> S33
    x *= M2
    return x ^ (x >> S33)


@inline
def _find(table: Any, shift: Any, key: Any) -> Any:
    """Find the slot that holds `key`, or the empty one where it would go."""
    slot = np.int64((np.uint64(key) * GOLDEN) >> shift)
    while table[slot, 1] >= 0 and table[slot, 0] != key:
        slot = (slot + 1) & (table.shape[0] - 1)
    return slot


@inline
def _shift(capacity: Any) -> Any:
    """64 - log2(capacity)."""
    bits = np.uint64(64)
    while capacity > 1:
        capacity >>= 1
        bits -= np.uint64(1)
    return bits


@inline
def _mix3(a: Any, b: Any, c: Any) -> Any:
    h = _scramble(np.uint64(a))
    h = _scramble(h ^ np.uint64(b))
    return np.int64(_scramble(h ^ np.uint64(c)))


@kernel
def _build(table: Any, keys: Any) -> Any:
    shift = _shift(table.shape[0])
    for row in range(keys.shape[0]):
        slot = _find(table, shift, keys[row])
        if table[slot, 1] >= 0:
            return row
        table[slot, 0] = keys[row]
        table[slot, 1] = row
    return -1


@kernel
def _probe(table: Any, keys: Any, rows: Any) -> None:
    shift = _shift(table.shape[0])
    for i in range(keys.shape[0]):
        rows[i] = table[_find(table, shift, keys[i]), 1]


@kernel
def _mix(a: Any, b: Any, c: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = _mix3(a[i], b[i], c[i])


@inline
def _cut(hs: Any, digits: Any) -> Any:
    """Shorten an HS token to its first `digits` digits; 0 if it has fewer."""
    length = hs & 15
    if hs <= 0 or length < digits:
        return np.int64(0)
    value = hs >> 4
    for _ in range(length - digits):
        value //= 10
    return value * 16 + digits


@kernel
def _back_off(table: Any, hs: Any, origin: Any, unit: Any, rows: Any) -> None:
    shift = _shift(table.shape[0])
    nothing = np.int64(0)
    for i in range(hs.shape[0]):
        rows[i] = -1
        hs6 = _cut(hs[i], 6)
        if hs6 == 0:
            continue
        if origin[i] != 0:
            if hs[i] != hs6:
                rows[i] = table[_find(table, shift, _mix3(hs[i], origin[i], unit[i])), 1]
            if rows[i] < 0:
                rows[i] = table[_find(table, shift, _mix3(hs6, origin[i], unit[i])), 1]
        if rows[i] < 0:
            rows[i] = table[_find(table, shift, _mix3(hs6, nothing, unit[i])), 1]
        if rows[i] < 0:
            rows[i] = table[_find(table, shift, _mix3(_cut(hs6, 4), nothing, unit[i])), 1]


@kernel
def _shares(known: Any, table: Any, share: Any, first: Any, second: Any, least: Any, out: Any) -> None:
    of_known, of_table, nothing = _shift(known.shape[0]), _shift(table.shape[0]), np.int64(0)
    for i in range(out.shape[0]):
        a, b = first[i], second[i]
        out[i] = np.nan
        if a == 0 or a < least[0] or b == 0 or b < least[1] or known[_find(known, of_known, a), 1] < 0:
            continue
        row = table[_find(table, of_table, _mix3(a, b, nothing)), 1]
        out[i] = share[row] if row >= 0 else 0.0


def build(keys: Any) -> tuple[Int64s, int]:
    """Build a table of `keys` int64[n]; also the row of the first key that stood before (-1 if none).

    The table is int64[capacity, 2]; with a repeated key it is not complete and must not be used.
    """
    known = readonly(keys, np.int64)
    capacity = 2
    while capacity < 2 * len(known):
        capacity *= 2
    table = np.full((capacity, 2), -1, np.int64)
    repeated = int(_build(table, known))
    table.flags.writeable = False
    return table, repeated


def probe(table: Int64s, keys: Any) -> Int64s:
    """int64[n]: for each of `keys` int64[n] its row, -1 if it is not in the table."""
    wanted = readonly(keys, np.int64)
    rows = np.empty(len(wanted), np.int64)
    _probe(table, wanted, rows)
    return rows


def mix(a: Any, b: Any, c: Any = 0) -> Int64s:
    """int64[n]: one key for each pair or triple of int64[n] columns; scalars are repeated."""
    columns = np.broadcast_arrays(a, b, c)
    first, second, third = (readonly(column, np.int64) for column in columns)
    out = np.empty(len(first), np.int64)
    _mix(first, second, third, out)
    return out


def shares(
    known: Int64s, table: Int64s, share: Any, pairs: tuple[Any, Any], hs: tuple[bool, bool]
) -> NDArray[np.float64]:
    """float64[m]: the shares float64[k] of pairs, a tuple of int64[m] tokens or, where `hs` says so, hs_tokens.

    `known` was built from the first sides, `table` from mix(first, second). 0.0 where the first side is known
    without this second one; NaN where it is not, where a side is 0 and where an HS code is negative.
    """
    first, second = (readonly(side, np.int64) for side in pairs)
    least = np.where(np.array(hs), 1, np.iinfo(np.int64).min)
    out = np.empty(len(first))
    _shares(known, table, readonly(share, np.float64), first, second, readonly(least, np.int64), out)
    return out


def back_off(table: Int64s, hs: Any, origin: Any, unit: Any) -> Int64s:
    """int64[m]: the row of the finest cell that the table has for an item, -1 if it has none.

    `table` was built from mix(hs, origin, unit); it is asked for the whole HS code x origin, the
    first six digits x origin, then for six and four digits with origin 0. hs: `hs_token`s;
    origin, unit: tokens. An item of unknown origin starts at six digits; codes of less than
    six digits or with other signs than digits have no cell.
    """
    rows = np.empty(len(hs), np.int64)
    _back_off(table, readonly(hs, np.int64), readonly(origin, np.int64), readonly(unit, np.int64), rows)
    return rows
