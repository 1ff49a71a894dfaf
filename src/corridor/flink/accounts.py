"""Conservation: what became of every record of a partition, counted by batches and summed by SQL.

read = decided + rejected + duplicates + tombstones + waiting, where waiting is what lies in the job's windows.
The sums are state of the job, so they are exact over failures and restarts, and a reader that sees committed
records only sees them agree with the other topics.
"""

from typing import Any, Final

import numpy as np
from pyflink.table import DataTypes

ACCOUNT: Final = DataTypes.ARRAY(DataTypes.BIGINT())
"""partition and COUNTS of a batch's records in it; null in all rows but the first of a batch, one a partition."""
COUNTS: Final = ("read", "decided", "rejected", "duplicates", "conflicts", "tombstones", "position")
"""conflicts are among the duplicates; position: the greatest offset read."""
STANDS, DUPLICATE, CONFLICT = range(3)
"""As `views.lineage` tells of a record's standing."""


def read_account(part: Any, place: Any, rejected: Any, empty: Any) -> Any:
    """object[n]: what was read. part, place: int64[n]; rejected, empty: bool[n]."""
    return _spread(part, place, read=np.ones(len(part), np.bool_), rejected=rejected, tombstones=empty)


def judged_account(part: Any, standing: Any, decided: Any) -> Any:
    """object[n]: what was judged. part: int64[n]; standing: int8[n]; decided: bool[n], False where a kernel failed."""
    return _spread(
        part,
        np.full(len(part), -1),
        decided=decided,
        rejected=(standing == STANDS) & ~decided,
        duplicates=standing != STANDS,
        conflicts=standing == CONFLICT,
    )


def _spread(part: Any, place: Any, **flags: Any) -> Any:
    out = np.full(len(part), None)
    parts, of = np.unique(part, return_inverse=True)
    table = np.zeros((len(parts), 1 + len(COUNTS)), np.int64)
    table[:, 0], table[:, -1] = parts, -1
    for name, flag in flags.items():
        table[:, 1 + COUNTS.index(name)] = np.bincount(of[flag], minlength=len(parts))
    np.maximum.at(table[:, -1], of, place)
    for row, account in enumerate(table):
        out[row] = account
    return out
