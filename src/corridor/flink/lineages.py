"""What the texts of `views.lineage` tell of a record's other versions."""

from typing import Any, Final

import numpy as np

NEVER: Final = int(np.iinfo(np.int64).max)
"""As kernels.tally.NEVER, which workers cannot import before numba has the true print."""


def predecessors(version: Any, earlier: Any, versions: Any) -> tuple[Any, Any, Any]:
    """What came before and after each record, from the texts of its lineage.

    Returns:
        int32[n], the greatest version below its own that was known when it came, 0 for none; int64[n],
        the token of its original's declarant, 0 if unknown; int64[n], when the next version was
        registered, NEVER if none was. The first record of a version stands, so later ones are passed over.

    """
    n = len(version)
    previous, declarant = np.zeros(n, np.int32), np.zeros(n, np.int64)
    superseded = np.full(n, NEVER)
    for i in np.flatnonzero(earlier.notna()).tolist():
        for before, (by, _) in _first(earlier.iloc[i]).items():
            if before < version[i]:
                previous[i] = max(previous[i], before)
                declarant[i] = by or declarant[i]
    for i in np.flatnonzero(versions.notna()).tolist():
        known = _first(versions.iloc[i])
        later = [other for other in known if other > version[i]]
        if later:
            superseded[i] = known[min(later)][1]
    return previous, declarant, superseded


def _first(told: str) -> dict[int, tuple[int, int]]:
    """Of each version's first record the declarant (0 unless it is the original) and when it was registered.

    told: a ";" before each record, and "version,content,declarant,registered_at".
    """
    entries = [tuple(map(int, entry.split(","))) for entry in told[1:].split(";")]
    return {version: (declarant, at) for version, _, declarant, at in reversed(entries)}
