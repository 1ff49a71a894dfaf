"""Sums of a batch by moment and cell: what its decisions change in the picture, each cell once.

A batch of thousands of declarations touches far fewer (moment, cell) pairs than it has declarations times
cells, so the picture's state sees a fraction of what was summed here. All sums are of integers: their
order, and how the stream was cut into batches, are of no matter.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from corridor.kernels._jit import inline, kernel

AMOUNTS: Final = 5
"""Columns of an amount: goods items, customs value, net mass in grams, duty, VAT."""
MEASURES: Final = 1 + AMOUNTS + 4 + 1
"""Columns of a sum: declarations, the amounts, declarations by corridor, late declarations."""
NEVER: Final = int(np.iinfo(np.int64).max)
"""The moment of what does not happen."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


@inline
def _slot(table, mask, key, keys):  # type: ignore[no-untyped-def]
    """Where `key` stands in the table, or the free slot where it would."""
    at = np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(32)) & mask
    while table[at] >= 0 and keys[table[at]] != key:
        at = (at + 1) & mask
    return at


@inline
def _add(sums, k, sign, amounts, j, corridor, late):  # type: ignore[no-untyped-def]
    sums[k, 0] += sign
    for c in range(amounts.shape[1]):
        sums[k, 1 + c] += sign * amounts[j, c]
    sums[k, 6 + corridor] += sign
    if late:
        sums[k, 10] += sign


class Heads(NamedTuple):
    """n decisions.

    moment: int64[n], at which one is added, NEVER if not; back: int64[n], at which it is taken back, NEVER
    if not; corridor: int8[n]; late: bool[n]; cells: int64[n, h], its own cells; amounts: int64[n, 5].
    """

    moment: Any
    back: Any
    corridor: Any
    late: Any
    cells: Any
    amounts: Any


class Goods(NamedTuple):
    """Sums by cell of each decision's goods: rows offsets[i] to offsets[i + 1] are those of decision i.

    offsets: int64[n + 1]; cells: int64[m]; amounts: int64[m, 5].
    """

    offsets: Any
    cells: Any
    amounts: Any


@kernel
def tally(heads: Heads, goods: Goods, width: int, table: Any, keys: Any, sums: Any) -> int:
    """Sum decisions by (moment, cell); k, how many pairs were filled in.

    Cells are 0 to width - 1. Out: keys int64[most], moment * width + cell; sums int64[most, 11]; table:
    int64[power of two, at least 2 * most], -1 at the start. Sums wrap around beyond int64.
    """
    mask, k = table.size - 1, 0
    for i in range(heads.moment.size):
        for way in range(2):
            at = heads.moment[i] if way == 0 else heads.back[i]
            if heads.moment[i] == NEVER or at == NEVER:
                continue
            sign, own = 1 - 2 * way, heads.cells.shape[1]
            for j in range(own + goods.offsets[i + 1] - goods.offsets[i]):
                row = i if j < own else goods.offsets[i] + j - own
                key = at * width + (heads.cells[i, j] if j < own else goods.cells[row])
                slot = _slot(table, mask, key, keys)
                if table[slot] < 0:
                    table[slot], keys[k] = k, key
                    sums[k, :] = 0
                    k += 1
                amounts = heads.amounts if j < own else goods.amounts
                _add(sums, table[slot], sign, amounts, row, heads.corridor[i], heads.late[i])
    return k
