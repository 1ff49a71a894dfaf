"""From goods items to declarations, and from probabilities to corridors.

A declaration's probability is 1 - prod(1 - p_i) over its items; its corridor is at least that of
its worst item. Mandatory floors always hold; an exemption takes an item out of what the score may
demand; the participant coefficient alone never lifts green to red; the random control group is
drawn last and only raises.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly
from corridor.kernels.integrate import Evidence

Array = NDArray[Any]

GREEN, BLUE, YELLOW, RED = range(4)
MANDATORY, SCORE, RANDOM, EXEMPT, LATE, TECHNICAL = range(6)


class Policy(NamedTuple):
    """What the rulebook demands of each of n declarations."""

    thresholds: Array  # float64[n, 3]: from here on blue, yellow, red
    random_rate: Array  # float64[n], 0-1
    random_corridor: int  # index into columns.CORRIDORS


class Circumstances(NamedTuple):
    """What else is known of each of n declarations."""

    draw: Array  # float64[n] in [0, 1), the keyed hash of its id
    late: Array  # bool[n]
    cancellation: Array  # bool[n]


class Corridors(NamedTuple):
    """The corridors of n declarations and of their m items."""

    corridor: Array  # int8[n]
    probability: Array  # float64[n]
    basis: Array  # int8[n]
    at_random: Array  # bool[n]
    item_corridor: Array  # int8[m]


@inline
def _corridor(p: float, blue: float, yellow: float, red: float) -> int:
    if p >= red:
        return 3
    if p >= yellow:
        return 2
    return 1 if p >= blue else 0


@inline
def _restrained(p: float, neutral: float, blue: float, yellow: float, red: float) -> int:
    """The corridor of p, unless only the coefficient lifted it from green to red: then yellow."""
    corridor = _corridor(p, blue, yellow, red)
    if corridor == 3 and _corridor(neutral, blue, yellow, red) == 0:
        return 2
    return corridor


@kernel
def _choose(
    offsets: Array, evidence: Evidence, policy: Policy, circumstances: Circumstances, out: Corridors
) -> None:
    for d in range(len(offsets) - 1):
        blue, yellow, red = policy.thresholds[d, 0], policy.thresholds[d, 1], policy.thresholds[d, 2]
        miss = counted = neutral = 1.0  # all items; those not exempt; the same without coefficient
        mandatory = worst = unexempted = 0
        for i in range(offsets[d], offsets[d + 1]):
            p, q = evidence.probability[i], evidence.neutral[i]
            miss *= 1.0 - p
            scored = _restrained(p, q, blue, yellow, red)
            unexempted = max(unexempted, scored)
            if evidence.exempt[i]:
                scored = 0
            else:
                counted *= 1.0 - p
                neutral *= 1.0 - q
            floor = evidence.floor[i]
            mandatory = max(mandatory, floor)
            out.item_corridor[i] = max(scored, floor)
            worst = max(worst, out.item_corridor[i])
        out.probability[d] = math.floor((1.0 - miss) * 1e9 + 0.5) / 1e9
        scored = max(worst, _restrained(1.0 - counted, 1.0 - neutral, blue, yellow, red))
        unexempted = max(unexempted, _corridor(1.0 - miss, blue, yellow, red))
        corridor, basis = scored, 1
        if scored == mandatory and mandatory > 0:
            basis = 0
        elif unexempted > scored:
            basis = 3
        elif circumstances.late[d]:
            basis = 4
        out.at_random[d] = circumstances.draw[d] < policy.random_rate[d]
        if out.at_random[d] and policy.random_corridor > corridor:
            corridor, basis = policy.random_corridor, 2
        if circumstances.cancellation[d]:
            corridor, basis, out.at_random[d] = 0, 5, False
            out.item_corridor[offsets[d] : offsets[d + 1]] = 0
        out.corridor[d], out.basis[d] = corridor, basis


def choose(offsets: Array, evidence: Evidence, policy: Policy, circumstances: Circumstances) -> Corridors:
    """Choose the corridor of each declaration and of each of its items.

    Args:
        offsets: int64[n + 1], items of declaration d are offsets[d]:offsets[d + 1].
        evidence: the integrator's columns over m items.
        policy: thresholds and random control rates, n rows.
        circumstances: keyed draw, lateness and cancellation, n rows.

    A cancellation has no goods to control: green, basis technical.

    """
    n, m = len(offsets) - 1, len(evidence.probability)
    out = Corridors(
        np.empty(n, np.int8), np.empty(n), np.empty(n, np.int8), np.empty(n, np.bool_), np.empty(m, np.int8)
    )
    _choose(
        readonly(offsets, np.int64),
        evidence,
        Policy(
            readonly(policy.thresholds, np.float64),
            readonly(policy.random_rate, np.float64),
            int(policy.random_corridor),
        ),
        Circumstances(
            readonly(circumstances.draw, np.float64),
            readonly(circumstances.late, np.bool_),
            readonly(circumstances.cancellation, np.bool_),
        ),
        out,
    )
    return out
