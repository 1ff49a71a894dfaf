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
MEASURES: Final = 1 + AMOUNTS + 4 + 2
"""Columns of a sum: declarations, the amounts, declarations by corridor, late ones, flagged ones."""
NEVER: Final = int(np.iinfo(np.int64).max)
"""The moment of what does not happen."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


class Decisions(NamedTuple):
    """n decisions.

    moment: int64[n], at which one is added, NEVER if not; back: int64[n], at which it is taken back, NEVER
    if not; corridor: int8[n]; late, flagged: bool[n].
    """

    moment: Any
    back: Any
    corridor: Any
    late: Any
    flagged: Any


class Rows(NamedTuple):
    """Cells of each decision: rows offsets[i] to offsets[i + 1] are those of decision i.

    offsets: int64[n + 1]; cells: int64[m], numbers from 0 to the table's width; amounts: int64[m, 5], or where
    each cell takes all of its decision (whole) int64[n, 5].
    """

    offsets: Any
    cells: Any
    amounts: Any
    whole: bool


class Table(NamedTuple):
    """A hash table of sums by (moment, cell), to be filled.

    slots: int64[power of two, at least 2 * most], -1 at the start; keys: int64[most], moment * width + cell;
    sums: int64[most, at least 12], which wrap around beyond int64.
    """

    width: int
    slots: Any
    keys: Any
    sums: Any


@inline
def _place(table, key, k):  # type: ignore[no-untyped-def]
    """The row of `key` in the table; k, the next free one, if it has none yet."""
    mask = table.slots.size - 1
    at = np.int64((np.uint64(key) * _GOLDEN) >> np.uint64(32)) & mask
    while table.slots[at] >= 0 and table.keys[table.slots[at]] != key:
        at = (at + 1) & mask
    if table.slots[at] < 0:
        table.slots[at], table.keys[k] = k, key
        table.sums[k, :] = 0
    return table.slots[at]


@inline
def _add(sums, k, sign, amounts, j, decisions, i):  # type: ignore[no-untyped-def]
    sums[k, 0] += sign
    for c in range(amounts.shape[1]):
        sums[k, 1 + c] += sign * amounts[j, c]
    sums[k, 6 + decisions.corridor[i]] += sign
    sums[k, 10] += sign * decisions.late[i]
    sums[k, 11] += sign * decisions.flagged[i]


@kernel
def tally(decisions: Decisions, rows: Rows, table: Table, k: int) -> int:
    """Add the cells of decisions to a table that holds k (moment, cell) pairs; how many it holds then."""
    for i in range(decisions.moment.size):
        for way in range(2):
            at = decisions.moment[i] if way == 0 else decisions.back[i]
            if decisions.moment[i] == NEVER or at == NEVER:
                continue
            for j in range(rows.offsets[i], rows.offsets[i + 1]):
                place = _place(table, at * table.width + rows.cells[j], k)
                k += place == k
                _add(table.sums, place, 1 - 2 * way, rows.amounts, i if rows.whole else j, decisions, i)
    return k


@kernel
def times(moment: Any, bucket: Any, rows: Rows, table: Table, k: int) -> int:
    """Add buckets of decision times (see picture.times), two counts a column behind a sum's MEASURES; as `tally`.

    moment: int64[n]; bucket: int64[n], from 0 on.
    """
    for i in range(moment.size):
        column, count = MEASURES + bucket[i] // 2, np.int64(1) << 32 * (bucket[i] % 2)
        for j in range(rows.offsets[i], rows.offsets[i + 1]):
            place = _place(table, moment[i] * table.width + rows.cells[j], k)
            k += place == k
            table.sums[place, column] += count
    return k
