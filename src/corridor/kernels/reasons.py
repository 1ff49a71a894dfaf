"""Why a declaration is not green: the largest contributions by reason group and goods item.

What scored rules and the model add to -ln(1 - p) is additive over items and groups; a reason's
contribution is its share of the declaration's whole. Groups that set a mandatory floor count 1.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly
from corridor.kernels.integrate import Evidence

Array = NDArray[Any]


class Reasons(NamedTuple):
    """At most k reasons for each of n declarations, largest first."""

    group: Array  # int8[n, k], -1 for none
    item_no: Array  # int32[n, k], 0 for the declaration as a whole
    contribution: Array  # float64[n, k], 0-1, multiples of 1e-6


@inline
def _insert(out: Reasons, d: int, group: int, item_no: int, contribution: float) -> None:
    """Keep the largest; an equal one stays behind those before it."""
    k = out.group.shape[1]
    if out.group[d, k - 1] >= 0 and contribution <= out.contribution[d, k - 1]:
        return
    j = k - 1
    while j > 0 and (out.group[d, j - 1] < 0 or out.contribution[d, j - 1] < contribution):
        out.group[d, j] = out.group[d, j - 1]
        out.item_no[d, j] = out.item_no[d, j - 1]
        out.contribution[d, j] = out.contribution[d, j - 1]
        j -= 1
    out.group[d, j], out.item_no[d, j], out.contribution[d, j] = group, item_no, contribution


@kernel
def _explain(
    offsets: Array, item_no: Array, wanted: Array, nats: Array, mandatory: Array, drawn: Array, out: Reasons
) -> None:
    random_group = nats.shape[1] - 1
    for d in range(len(offsets) - 1):
        if drawn[d]:
            _insert(out, d, random_group, 0, 1.0)
        if not wanted[d]:
            continue
        total = 0.0
        for i in range(offsets[d], offsets[d + 1]):
            for g in range(nats.shape[1]):
                total += nats[i, g]
        for i in range(offsets[d], offsets[d + 1]):
            for g in range(nats.shape[1]):
                share = 1.0 if mandatory[i, g] else 0.0
                if share == 0.0 and total > 0.0:
                    share = math.floor(nats[i, g] / total * 1e6 + 0.5) / 1e6
                if share > 0.0:
                    _insert(out, d, g, item_no[i], share)


def explain(
    offsets: Array, item_no: Array, wanted: Array, evidence: Evidence, drawn: Array, most: int
) -> Reasons:
    """The reasons of n declarations with m items.

    Args:
        offsets: int64[n + 1]. item_no: int32[m]. wanted: bool[n], false leaves a row empty.
        evidence: its `nats` float64[m, G] with the model's part already in them, and `mandatory`.
        drawn: bool[n], in the random control group by corridor: the last group, `random`, comes first.
        most: how many reasons a declaration has at most.

    """
    n = len(offsets) - 1
    out = Reasons(np.full((n, most), -1, np.int8), np.zeros((n, most), np.int32), np.zeros((n, most)))
    _explain(
        readonly(offsets, np.int64),
        readonly(item_no, np.int32),
        readonly(wanted, np.bool_),
        readonly(evidence.nats, np.float64),
        readonly(evidence.mandatory, np.bool_),
        readonly(drawn, np.bool_),
        out,
    )
    return out
