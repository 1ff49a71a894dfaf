"""Sums over the goods items of each declaration: in all, and by chapter or origin.

Only amounts above zero count: a missing, zero or negative value or mass is out of the totals
(design: bad-input, 12). Sums saturate at the largest int64 rather than wrap around; since no
addend is negative, they still do not depend on order.
"""

from typing import Any, Final

import numpy as np

from corridor.kernels._jit import inline, kernel

MEASURES: Final = 4
"""Columns of a sum: customs value, net mass in grams, duty, VAT; money in minor units."""

_MOST: Final = int(np.iinfo(np.int64).max)


@inline
def _add(total, amount):  # type: ignore[no-untyped-def]
    if amount <= 0:
        return total
    return total + amount if total <= _MOST - amount else _MOST


@kernel
def totals(offsets: Any, amounts: Any, out: Any) -> None:
    """Sum amounts: int64[m, c] over the items of each declaration into out: int64[n, c]."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] = 0
        for j in range(offsets[i], offsets[i + 1]):
            for c in range(out.shape[1]):
                out[i, c] = _add(out[i, c], amounts[j, c])


@kernel
def cells(offsets: Any, keys: Any, amounts: Any, ends: Any, key: Any, items: Any, sums: Any) -> int:
    """Sum amounts by (declaration, key), keys in the order in which they first stand.

    offsets: int64[n + 1]; keys: int64[m]; amounts: int64[m, c]; out: ends int64[n + 1], key int64[m],
    items int32[m], sums int64[m, c], of which the first k rows are filled. Returns k. A declaration
    has few distinct keys, so a linear search among its own is the cheapest.
    """
    k = 0
    ends[0] = 0
    for i in range(offsets.size - 1):
        begin = k
        for j in range(offsets[i], offsets[i + 1]):
            at = begin
            while at < k and key[at] != keys[j]:
                at += 1
            if at == k:
                k += 1
                key[at] = keys[j]
                items[at] = 0
                for c in range(amounts.shape[1]):
                    sums[at, c] = 0
            items[at] += 1
            for c in range(amounts.shape[1]):
                sums[at, c] = _add(sums[at, c], amounts[j, c])
        ends[i + 1] = k
    return k
