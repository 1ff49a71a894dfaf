"""Lists and prefixes as the arrays that kernels/rules.py looks them up in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import membership
from corridor.kernels import rules as k
from corridor.messages.tokens import hs_token


@dataclass(frozen=True, eq=False, slots=True)
class Lookup:
    """A table for a program, int64; it is equal to itself only: comparing a million entries would cost."""

    array: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.array)


def range_of(prefix: str) -> tuple[int, int]:
    """[first, end) of the ordered HS codes (kernels/rules.ORDERED) that begin with `prefix`."""
    unit = 10 ** (k.DIGITS - len(prefix))
    value = hs_token(prefix) >> 4
    return value * unit * 16 + len(prefix), (value + 1) * unit * 16


def ranges_of(prefixes: Sequence[str]) -> tuple[int, ...]:
    """Sorted disjoint ranges as one flat tuple; what a shorter prefix covers is left out."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not (kept and prefix.startswith(kept[-1])):
            kept.append(prefix)
    bounds: list[int] = []
    for prefix in kept:
        first, end = range_of(prefix)
        if bounds and prefix[-1] != "0" and first - len(prefix) == bounds[-1]:
            bounds[-1] = end  # 84 and 85 touch; 89 and 90 do not: a lone 9 lies between them
        else:
            bounds += [first, end]
    return tuple(bounds)


@lru_cache(maxsize=1024)  # rules share lists
def heading_table(bounds: tuple[int, ...]) -> tuple[int, ...]:
    """The table of kernels/rules.BY_HEADING: two bits a heading in words, then the bounds themselves."""
    unit = 16 * 10 ** (k.DIGITS - 4)
    kinds = [0] * k.HEADINGS
    kinds[k.HEADINGS - 2] = 2  # codes too short to have a heading are searched
    for first, end in zip(bounds[::2], bounds[1::2], strict=True):
        for heading in range(first // unit, (end - 1) // unit + 1):
            whole = first <= heading * unit + 4 and end >= (heading + 1) * unit  # from its four digits on
            kinds[heading] = 1 if whole else 2
    words = [0] * k.HEADING_WORDS
    for heading, kind in enumerate(kinds):
        words[heading >> 5] |= kind << (heading & 31) * 2
    return (len(bounds), *(w - (1 << 64) if w >> 63 else w for w in words), *bounds)


@lru_cache(maxsize=1024)
def hash_table(tokens: tuple[int, ...]) -> Lookup:
    """The table of some tokens, as kernels/rules.HASHED reads it; the same one for the same tokens."""
    return Lookup(membership.build(tokens))
