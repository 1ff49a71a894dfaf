"""How usual a pair is.

This origin for these goods, this dispatch for this origin, these goods for this importer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.kernels import lookup
from corridor.rulebook.parquet import Columns

KINDS: Final = {
    "origin_of_hs6": (True, False),
    "dispatch_of_origin": (False, False),
    "hs4_of_importer": (False, True),
}
"""Kind of share: whether `of` and `value` are HS codes."""


@dataclass(frozen=True)
class Pairs:
    """One kind: a table of the known `of`, a table of the pairs, and the pairs' shares float64[k]."""

    known: NDArray[np.int64]
    table: NDArray[np.int64]
    share: NDArray[np.float64]


@dataclass(frozen=True)
class ShareTable:
    """Shares by kind (see KINDS)."""

    kinds: dict[str, Pairs]

    @classmethod
    def empty(cls) -> "ShareTable":
        """Make a table that knows nothing: every share is NaN."""
        nothing = lookup.build([])[0]
        return cls({kind: Pairs(nothing, nothing, np.empty(0)) for kind in KINDS})

    @classmethod
    def load(cls, path: Path) -> "ShareTable":
        """Read shares.parquet; raises RulebookError naming file, column or row."""
        columns = Columns(path, ("kind", "of", "value", "share"))
        kind, share = columns.texts("kind"), columns.numbers("share")
        columns.refuse(~np.isin(kind, list(KINDS)), f"kind is none of {', '.join(KINDS)}")
        columns.refuse(~((share >= 0) & (share <= 1)), "share is not between 0 and 1")
        return cls({name: _pairs(columns, name, kind == name) for name in KINDS})

    def lookup(self, kind: str, of: Any, value: Any) -> NDArray[np.float64]:
        """float64[m]: the share of the pairs of, value: int64[m] tokens (hs_tokens for HS parts).

        0.0 for a known `of` without this value, NaN for an unknown `of`, for a missing side and
        for an HS code with other signs than digits.
        """
        pairs = self.kinds[kind]
        return lookup.shares(pairs.known, pairs.table, pairs.share, (of, value), KINDS[kind])


def _pairs(columns: Columns, kind: str, keep: NDArray[np.bool_]) -> Pairs:
    of_is_hs, value_is_hs = KINDS[kind]
    rows = np.flatnonzero(keep)
    of = columns.tokens("of", hs=of_is_hs)[rows]
    value = columns.tokens("value", hs=value_is_hs)[rows]
    empty = (of == 0) | (value == 0)
    if empty.any():
        raise columns.fail(int(rows[empty.argmax()]), "of or value is empty; give both")
    table, repeated = lookup.build(lookup.mix(of, value))
    if repeated >= 0:
        raise columns.fail(int(rows[repeated]), "a second row for the same pair; keep one")
    known, collision = lookup.build(np.unique(of))
    if collision >= 0:  # unique tokens cannot meet; kept so that a change of `build` is noticed
        raise RulebookError(f"{columns.path}: two values of `of` have one token")
    return Pairs(known, table, columns.numbers("share")[rows])
