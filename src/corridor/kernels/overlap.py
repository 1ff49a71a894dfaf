"""How the hits of rules lie over one another: items and declarations of each rule, and of each pair."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import kernel, readonly

Array = NDArray[Any]


class Overlap(NamedTuple):
    """Sums over items; those of further batches are added.

    together: int64[R, R], items that both rules hit, on the diagonal each rule's own; alone: int64[R], items that it
    hits and no other counted rule does; declarations: int64[R], with an item that it hits.
    """

    together: Array
    alone: Array
    declarations: Array

    @classmethod
    def none(cls, rules: int) -> "Overlap":
        """Nothing seen yet."""
        return cls(np.zeros((rules, rules), np.int64), np.zeros(rules, np.int64), np.zeros(rules, np.int64))


@kernel
def _add(
    hits: Array, declaration: Array, counted: Array, spoken: Array, size: Array, last: Array, out: Overlap
) -> None:
    block = spoken.shape[0]
    for first in range(0, hits.shape[1], block):
        end = min(first + block, hits.shape[1])
        size[: end - first] = 0
        for r in range(hits.shape[0]):
            for i in range(first, end):
                if hits[r, i]:
                    spoken[i - first, size[i - first]] = r
                    size[i - first] += 1
        for i in range(first, end):
            k, many = i - first, 0
            for a in range(size[k]):
                many += counted[spoken[k, a]]
            for a in range(size[k]):
                r = spoken[k, a]
                if many == counted[r]:
                    out.alone[r] += 1
                if last[r] != declaration[i]:
                    last[r] = declaration[i]
                    out.declarations[r] += 1
                for b in range(size[k]):
                    out.together[r, spoken[k, b]] += 1


def add(hits: Array, declaration: Array, counted: Array, out: Overlap, block: int = 1024) -> None:
    """Add a batch to `out`.

    Args:
        hits: uint8[R, m], 1 where a rule spoke of an item.
        declaration: int64[m], ascending.
        counted: bool[R], rules beside which a hit is no longer alone.
        out: what is added to.
        block: items looked at together.

    """
    rules = len(counted)
    _add(
        readonly(hits, np.uint8),
        readonly(declaration, np.int64),
        readonly(counted, np.int64),
        np.empty((block, rules), np.int16),
        np.empty(block, np.int64),
        np.full(rules, -1, np.int64),
        out,
    )
