"""Histories offline: the twin of Flink's OVER views, so that studies equal the stream.

For each declaration the number and the customs value of the originals of the same party,
registered in the same calendar bucket (hour, day, ISO week from Monday, UTC) up to and including its
own instant: `OVER (PARTITION BY party, bucket ORDER BY registered_at RANGE BETWEEN UNBOUNDED PRECEDING
AND CURRENT ROW)`. RANGE takes all rows of one instant together, so the order of ties is of no matter.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.history import History
from corridor.messages.columns import FUNCTIONS, NO_MONEY, Array, Declarations
from corridor.study.lineage import Lineage, lineage

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_THURSDAY: Final = 3
"""1970-01-01 was a Thursday: days since Monday of its week."""


def histories(
    batch: Declarations,
    views: Iterable[tuple[str, str]],
    lines: Lineage | None = None,
    value: NDArray[np.int64] | None = None,
) -> History:
    """Compute the histories that the rulebook's `views` ask for, as (party, bucket) pairs.

    `lines` is the lineage of the same batch, `value` its `declared_value` (computed if not given: items are read for
    nothing else). Duplicates and conflicts have no
    part in any sum; the numbers beside them are those that a standing record of their instant would
    have. A missing party (token 0) has no history: 0 here, NaN as a feature.
    """
    lines = lineage(batch) if lines is None else lines
    counted = lines.standing & (batch.heads["function"] == FUNCTIONS.index("original"))
    value = declared_value(batch) if value is None else value
    names: list[str] = []
    rows: list[NDArray[np.int64]] = []
    by_party: dict[str, list[str]] = {}
    for party, bucket in views:
        by_party.setdefault(party, []).append(bucket)
        names += [f"{party}_{bucket}_count", f"{party}_{bucket}_value"]
    found = {}
    for party, buckets in by_party.items():
        found.update(_of_party(batch, party, buckets, counted, value))
    rows = [found[name] for name in names]
    return History(
        names=tuple(names),
        values=np.array(rows, np.int64).reshape(len(names), len(batch)),
        late=np.zeros(len(batch), np.bool_),
        previous_version=lines.previous_version,
        original_declarant=lines.original_declarant,
    )


def declared_value(batch: Declarations) -> NDArray[np.int64]:
    """int64[n]: customs value of each declaration in minor units.

    Missing, zero and negative amounts count as 0 (bad-input 12).
    """
    money = batch.items["customs_value"]
    return sum_by_declaration(np.where((money == NO_MONEY) | (money < 0), 0, money), batch.offsets)


def sum_by_declaration(values: Array, offsets: Array) -> NDArray[np.int64]:
    """int64[n]: sums of int64[m] item values between int64[n + 1] offsets; 0 for an empty range."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    return np.asarray(running[offsets[1:]] - running[offsets[:-1]], np.int64)


def bucket_of(registered_at: Array, bucket: str) -> NDArray[np.int64]:
    """int64[n]: index of the calendar bucket (hour, day, week; UTC) of microseconds since 1970."""
    if bucket == "hour":
        return np.asarray(registered_at // (3600 * _SECOND), np.int64)
    day = registered_at // _DAY
    return np.asarray(day if bucket == "day" else (day + _THURSDAY) // 7, np.int64)


def _of_party(
    batch: Declarations, party: str, buckets: list[str], counted: Array, value: Array
) -> dict[str, NDArray[np.int64]]:
    """One sort by (party, instant) serves every bucket, since an instant lies in one bucket."""
    code, instant = batch.heads[party], batch.heads["registered_at"]
    n = len(code)
    order = np.lexsort((instant, code))
    code, instant = code[order], instant[order]
    party_starts = np.ones(n, np.bool_)
    party_starts[1:] = code[1:] != code[:-1]
    tie_starts = party_starts.copy()
    tie_starts[1:] |= instant[1:] != instant[:-1]
    ends = _ends(tie_starts)
    out = {}
    for bucket in buckets:
        starts = party_starts.copy()
        index = bucket_of(instant, bucket)
        starts[1:] |= index[1:] != index[:-1]
        first = np.maximum.accumulate(np.where(starts, np.arange(n), 0))
        for what, amount in (("count", np.ones(n, np.int64)), ("value", value)):
            running = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(counted, amount, 0)[order])])
            total = np.empty(n, np.int64)
            total[order] = np.where(code == 0, 0, running[ends + 1] - running[first])
            out[f"{party}_{bucket}_{what}"] = total
    return out


def _ends(starts: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64[n]: the last position of each row's run, where runs begin at `starts`."""
    begins = np.flatnonzero(starts)
    lengths = np.diff(np.append(begins, len(starts)))
    return np.repeat(begins + lengths - 1, lengths)
