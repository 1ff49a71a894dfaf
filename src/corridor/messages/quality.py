"""Data-quality bits: what is odd in a declaration that is judged all the same.

Customs wants to see suspicious data, not to have it hidden (design: bad-input). The decoder sets
the bits that it alone can see; `judge` sets those that need the rulebook or the stream.
Names become rule fields `quality.<name>`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

HEAD_BITS: Final[dict[str, int]] = {
    "byte_order_mark": 1 << 0,  # decoder: stripped before decoding
    "unknown_fields": 1 << 1,  # decoder
    "time_unusable": 1 << 2,  # decoder: 0001, 1970 or no offset; the time of ingestion serves
    "time_future": 1 << 3,  # decoder: capped at now + 5 minutes
    "look_alike": 1 << 4,  # decoder: a code matches only after NFKC and the confusables skeleton
    "control_characters": 1 << 5,  # decoder: NUL or other control characters in a text
    "office_unknown": 1 << 8,  # judge: not in list `offices`
    "dispatch_unknown": 1 << 9,  # judge: not in list `countries`
    "amendment_first": 1 << 10,  # judge: an amendment or cancellation before its original
    "other_declarant": 1 << 11,  # judge: by another declarant than the original's
    "late": 1 << 12,  # judge: behind the watermark, judged without history
}
ITEM_BITS: Final[dict[str, int]] = {
    "net_not_positive": 1 << 0,  # decoder
    "gross_not_positive": 1 << 1,  # decoder
    "net_over_gross": 1 << 2,  # decoder
    "value_not_positive": 1 << 3,  # decoder: customs_value or invoice_amount
    "quantity_not_positive": 1 << 4,  # decoder
    "hs_malformed": 1 << 5,  # decoder: letters, or not 6 to 10 digits
    "money_rounded": 1 << 6,  # decoder: more than two decimals, rounded half to even
    "hs_unknown": 1 << 8,  # judge: its HS6 is not in list `hs_nomenclature`
    "origin_unknown": 1 << 9,  # judge: not in list `countries`, ZZ and XX included
    "currency_unknown": 1 << 10,  # judge: no such currency in the rulebook's rates
    "rate_missing": 1 << 11,  # judge: no rate within 7 days
    "rate_stale": 1 << 12,  # judge: the rate is 1 to 7 days old
    "mass_outlier": 1 << 13,  # judge: outside the adjusted boxplot of its cell by far
}


def names(bits: int, of: dict[str, int]) -> list[str]:
    """The names of the bits set in `bits`, in the order of the table `of`."""
    return [name for name, bit in of.items() if bits & bit]


_NOT_THE_SOURCE_S: Final = HEAD_BITS["late"], ITEM_BITS["rate_missing"] | ITEM_BITS["rate_stale"]
"""Bits that speak of the stream or the rulebook, not of what was declared."""


def flagged(heads: Array, items: Array, offsets: Array) -> Array:
    """bool[n]: declarations in which something declared is odd, by their bits and those of their goods items.

    heads: uint32[n]; items: uint32[m]; offsets: int64[n + 1].
    """
    head, item = (np.uint32(0xFFFFFFFF ^ bits) for bits in _NOT_THE_SOURCE_S)
    odd = np.concatenate([[0], np.cumsum(items & item != 0)])
    found: Array = (heads & head != 0) | (odd[offsets[1:]] > odd[offsets[:-1]])
    return found
