"""A batch of simulated declarations: two structured arrays with offsets, as indices into tables.

Indices point into the texts of `texts.py` (a country, a good, an office), so that a draw never touches
a string; `write.py` turns a batch into JSON. Masses are in grams, quantities in thousandths, money in
hundredths: exact decimals on paper.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MASS_MAX: Final = 4_000_000_000_000
Array = NDArray[Any]

HEAD: Final = np.dtype(
    [
        ("registered", "<i8"),  # ms since 1970, UTC
        ("arrival", "<i8"),  # ms: the order in the file
        ("declarant", "<i8"),
        ("importer", "<i8"),
        ("exporter", "<i8"),
        ("sequence", "<i4"),  # the number in declaration_id
        ("date", "<i4"),  # yymmdd as ddmmyy digits in declaration_id
        ("trader", "<i4"),  # row in the pool of the day
        ("case", "<i4"),  # planted case of the day, counted from 1; 0 none
        ("importer_country", "<i2"),  # -1: a national number
        ("exporter_country", "<i2"),  # -1: a national number
        ("dispatch", "<i2"),
        ("terms", "<i2"),
        ("version", "<i2"),
        ("zone", "<i2"),  # hours east of UTC in which the time is written
        ("office", "<i1"),
        ("id_office", "<i1"),  # office in declaration_id
        ("direction", "<i1"),
        ("function", "<i1"),
        ("procedure", "<i1"),
        ("mode", "<i1"),
        ("garbage", "<i1"),  # kind of garbage, 0 none
        ("carried", "<i1"),  # 1: an earlier day's
    ]
)
ITEM: Final = np.dtype(
    [
        ("usd_kg", "<f8"),  # price as declared, US dollars a kg
        ("true_usd_kg", "<f8"),
        ("freight", "<f8"),  # by the invoice
        ("deviation", "<f8"),  # planted: declared by right
        ("net", "<i8"),
        ("gross", "<i8"),
        ("quantity", "<i8"),  # -1 none
        ("invoice", "<i8"),
        ("value", "<i8"),
        ("duty", "<i8"),
        ("vat", "<i8"),
        ("due", "<i8"),  # duty and VAT that would have been right
        ("packages", "<i4"),
        ("item_no", "<i4"),
        ("kind", "<i1"),  # planted in this item: index into cases.ITEM_KINDS, 0 none
        ("good", "<i2"),  # as declared
        ("true_good", "<i2"),
        ("origin", "<i2"),  # as declared
        ("true_origin", "<i2"),
        ("currency", "<i1"),
        ("variant", "<i1"),  # of the description, of the true good
    ]
)


@dataclass(frozen=True)
class Batch:
    """heads: HEAD[n]; items: ITEM[m]; offsets: i8[n + 1]."""

    heads: Array
    items: Array
    offsets: Array

    def __len__(self) -> int:
        return len(self.heads)

    def owner(self) -> Array:
        """i8[m]: the declaration of each item."""
        return np.repeat(np.arange(len(self.heads)), np.diff(self.offsets))

    def take(self, rows: Array) -> "Batch":
        """Copy some rows, in their order."""
        counts = np.diff(self.offsets)[rows]
        offsets = span(counts)
        picked = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], counts)
        return Batch(self.heads[rows], self.items[picked], offsets)


def span(counts: Array) -> Array:
    """i8[n + 1]: offsets of groups of the given sizes."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def join(parts: "list[Batch]") -> Batch:
    """One batch of several."""
    return Batch(
        np.concatenate([part.heads for part in parts]),
        np.concatenate([part.items for part in parts]),
        span(np.concatenate([np.diff(part.offsets) for part in parts])),
    )


def empty(counts: Array) -> Batch:
    """Make a batch of zeros with the given numbers of items."""
    offsets = span(counts)
    return Batch(np.zeros(len(counts), HEAD), np.zeros(int(offsets[-1]), ITEM), offsets)
