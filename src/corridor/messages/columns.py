"""A batch of declarations as columns: the one form that all of Corridor computes on.

Two structured arrays, `heads` (one record a declaration) and `items` (one record a goods item),
with offsets between them, and one text buffer for the few texts that outputs repeat. A column is
a field view: `batch.items["net_mass_kg"]`. The records are also the compact bytes that cross
Flink's shuffles (see `packed.py`).

Codes and names (countries, offices, participants, units ...) are *tokens*: one int64 for a text,
0 for a missing one (see `tokens.py`). HS codes are `hs_token`s, which keep prefixes computable.
Money is an int64 in minor units of the national currency; a missing amount is `NO_MONEY`.
Other numbers are float64; a missing one is NaN.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NO_MONEY: Final = int(np.iinfo(np.int64).min)
"""A money amount that was not declared."""

DIRECTIONS: Final = ("import", "export", "transit")
FUNCTIONS: Final = ("original", "amendment", "cancellation")
CORRIDORS: Final = ("green", "blue", "yellow", "red")

HEAD: Final = np.dtype(
    [
        ("registered_at", "<i8"),  # microseconds since 1970-01-01T00:00Z
        ("content", "<i8"),  # hash of all known fields: equal content, equal hash
        ("office", "<i8"),  # token
        ("procedure", "<i8"),  # token
        ("declarant", "<i8"),  # token
        ("importer", "<i8"),  # token
        ("exporter", "<i8"),  # token, 0 if none
        ("dispatch_country", "<i8"),  # token, 0 if none
        ("delivery_terms", "<i8"),  # token, 0 if none
        ("version", "<i4"),
        ("item_count", "<i4"),
        ("quality", "<u4"),  # bits of quality.HEAD_BITS
        ("unknown_fields", "<u2"),
        ("function", "<i1"),  # index into FUNCTIONS
        ("direction", "<i1"),  # index into DIRECTIONS
        ("transport_mode", "<i1"),  # 1-9
        ("spare", "<i1"),
        ("id_length", "<u2"),  # bytes of declaration_id in the text buffer
        ("office_length", "<u2"),  # bytes of office, right behind it
        ("importer_length", "<u2"),  # bytes of importer, right behind that
    ],
    align=False,
)
ITEM: Final = np.dtype(
    [
        ("hs_code", "<i8"),  # hs_token; negative if it has other signs than digits
        ("origin_country", "<i8"),  # token, 0 if none
        ("unit", "<i8"),  # token, 0 if none
        ("currency", "<i8"),  # token, 0 if none
        ("net_mass_kg", "<f8"),
        ("gross_mass_kg", "<f8"),
        ("quantity", "<f8"),
        ("packages", "<f8"),
        ("invoice_amount", "<f8"),  # in `currency`
        ("customs_value", "<i8"),  # minor units
        ("duty", "<i8"),  # minor units
        ("vat", "<i8"),  # minor units
        ("item_no", "<i4"),
        ("description_length", "<i4"),  # characters, 0 if none
        ("quality", "<u4"),  # bits of quality.ITEM_BITS
        ("spare", "<u4"),
    ],
    align=False,
)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Declarations:
    """A batch of n declarations with m goods items in all.

    heads: HEAD[n]; items: ITEM[m]; offsets: int64[n + 1], the items of declaration i are
    items[offsets[i]:offsets[i + 1]]; text: uint8 buffer; text_starts: int64[n], where the texts
    of declaration i begin (declaration_id, office, importer, one after another, UTF-8).
    """

    heads: Array
    items: Array
    offsets: Array
    text: Array
    text_starts: Array

    def __len__(self) -> int:
        return len(self.heads)

    def declaration_of_item(self) -> Array:
        """int64[m]: for each item the index of its declaration."""
        return np.repeat(np.arange(len(self.heads)), np.diff(self.offsets))

    def texts(self, i: int) -> tuple[str, str, str]:
        """declaration_id, office and importer of declaration i as text."""
        head, start = self.heads[i], int(self.text_starts[i])
        ends = np.cumsum([head["id_length"], head["office_length"], head["importer_length"]])
        raw = self.text[start : start + int(ends[-1])].tobytes()
        parts = raw[: ends[0]], raw[ends[0] : ends[1]], raw[ends[1] :]
        return parts[0].decode(), parts[1].decode(), parts[2].decode()

    def take(self, rows: Array) -> "Declarations":
        """The declarations `rows` (int64[k]) only, in that order; the text buffer is shared."""
        counts = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        picked = np.repeat(self.offsets[:-1][rows], counts) + within
        return Declarations(self.heads[rows], self.items[picked], offsets, self.text, self.text_starts[rows])
