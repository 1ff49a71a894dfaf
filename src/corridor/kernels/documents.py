"""What the writer kernel takes: one record a declaration or goods item, so that few arrays cross calls.

Numba counts references to every array that a call carries; records carry none.
"""

from typing import Any, Final, NamedTuple

import numpy as np

REASONS: Final = 5
WIDE: Final = 32
"""Bytes of a row of names or literals; the byte behind them is the length."""

VERDICT: Final = np.dtype(
    [
        ("probability", "<f8"),
        ("inclusion", "<f8"),
        ("expected_loss", "<i8"),  # minor units
        ("customs_value", "<i8"),  # minor units, summed over the items
        ("grams", "<i8"),
        ("duty", "<i8"),
        ("vat", "<i8"),
        ("function", "<i2"),  # rows in the table of names
        ("direction", "<i2"),
        ("corridor", "<i2"),
        ("basis", "<i2"),
        ("at_random", "<i2"),
        ("late", "<i2"),
        ("shadow", "<i2"),  # -1: no candidate was asked
        ("flagged", "<i2"),
    ]
)
ITEM_VERDICT: Final = np.dtype([("probability", "<f8"), ("grams", "<i8"), ("corridor", "<i8")])
REASON: Final = np.dtype([("contribution", "<f8"), ("item_no", "<i4"), ("group", "<i4")])  # group -1: none
GIVEN: Final = np.dtype(
    [("late", "<i4"), ("previous_version", "<i4"), ("same_declarant", "<i8")]
)  # -1: unknown


class Batch(NamedTuple):
    """Declarations: HEAD[n], ITEM[m], int64[n + 1], uint8[...], int64[n] (see messages.columns)."""

    heads: Any
    items: Any
    offsets: Any
    text: Any
    starts: Any


class Judged(NamedTuple):
    """Verdicts aligned with a batch: VERDICT[n], ITEM_VERDICT[m], REASON[n, REASONS]."""

    verdicts: Any
    items: Any
    reasons: Any


class Same(NamedTuple):
    """What is the same for all documents of a batch: names of codes, and whole members as JSON.

    names: uint8[k, WIDE + 1], a member such as `,"corridor":"green"` a row; decided_at, rulebook: uint8[...],
    from the comma to the value's end; shadow: as those, `,"shadow":{"rulebook":"..."`, open.
    """

    names: Any
    decided_at: Any
    rulebook: Any
    shadow: Any


def rows(*texts: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """uint8[k, WIDE + 1]: ASCII texts as rows, zeros behind them, their lengths at the end."""
    out = np.zeros((len(texts), WIDE + 1), np.uint8)
    for row, text in zip(out, texts, strict=True):
        row[: len(text)] = np.frombuffer(text.encode("ascii"), np.uint8)
        row[WIDE] = len(text)
    return out
