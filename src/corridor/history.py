"""What the stream knows beside a declaration: its parties' histories and its own lineage."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class History:
    """Histories and lineage of n declarations, aligned with a batch.

    names: k names like "importer_day_count" or "importer_day_value"; values: int64[k, n], counts
    and sums in minor units over originals registered in the same calendar bucket (UTC) up to and
    including this moment; late: bool[n], behind the watermark, so `values` say nothing;
    previous_version: int32[n], the newest version known before, 0 for none;
    original_declarant: int64[n], token of the declarant of that version, 0 if unknown.
    """

    names: tuple[str, ...]
    values: Array
    late: Array
    previous_version: Array
    original_declarant: Array

    @classmethod
    def none(cls, n: int) -> "History":
        """No histories at all: each declaration stands alone, as in a rules-only study."""
        return cls(
            names=(),
            values=np.zeros((0, n), np.int64),
            late=np.zeros(n, np.bool_),
            previous_version=np.zeros(n, np.int32),
            original_declarant=np.zeros(n, np.int64),
        )

    def take(self, rows: Array) -> "History":
        """The same of the declarations `rows` only."""
        return History(
            self.names,
            self.values[:, rows],
            self.late[rows],
            self.previous_version[rows],
            self.original_declarant[rows],
        )
