"""Hits of rules that are snoozed for a party, taken back before they count."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import lookup
from corridor.kernels._jit import kernel, readonly

Int64s = NDArray[np.int64]


class Snoozed(NamedTuple):
    """The snoozes of k parties of one kind.

    table: of lookup.build, code → party; starts: int64[k + 1], the snoozes of party j are starts[j]:starts[j + 1] of
    the others: rules int64, since and until int64, µs since 1970, until exclusive.
    """

    table: Int64s
    starts: Int64s
    rules: Int64s
    since: Int64s
    until: Int64s


@kernel
def _silence(
    hits: Any, offsets: Any, parties: Any, moments: Any, starts: Any, rules: Any, since: Any, until: Any
) -> None:
    for d in range(parties.shape[0]):
        party = parties[d]
        if party < 0:
            continue
        for e in range(starts[party], starts[party + 1]):
            if since[e] <= moments[d] < until[e]:
                for i in range(offsets[d], offsets[d + 1]):
                    hits[rules[e], i] = 0


def silence(hits: NDArray[np.uint8], offsets: Any, codes: Any, moments: Any, snoozed: Snoozed) -> None:
    """Clear what snoozed rules said.

    hits: uint8[R, m], changed in place; offsets: int64[n + 1]; codes: int64[n], each declaration's party of this kind,
    0 for none; moments: int64[n], µs since 1970.
    """
    parties = lookup.probe(snoozed.table, codes)
    rest = (snoozed.starts, snoozed.rules, snoozed.since, snoozed.until)
    _silence(
        hits, readonly(offsets, np.int64), parties, readonly(moments, np.int64),
        *(readonly(part, np.int64) for part in rest),
    )  # fmt: skip
