"""The integrator: model, rules and participant coefficient become one probability a goods item.

p = 1 - (1 - p_model) * prod(1 - w_r * hit_r), then the odds are multiplied by e^(epsilon c)
(logit p <- logit p + epsilon c). The noisy-or is kept apart by reason group as "nats",
-ln(1 - p), which add up (Pearl 1988, section 4.3.2: the noisy-or model).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

Array = NDArray[Any]

SCORE, AT_LEAST, NOTIFY, DOCUMENT, EXEMPT = range(5)
CERTAIN = 1.0 - 1e-9
"""No rule and no model is surer than this, so that nats stay finite."""


class Evidence(NamedTuple):
    """What speaks for a finding in each of m goods items, before corridors are chosen."""

    probability: Array  # float64[m], with the participant coefficient
    neutral: Array  # float64[m], without it
    floor: Array  # int8[m], the corridor that mandatory rules demand at least
    exempt: Array  # bool[m], an exempting rule spoke
    nats: Array  # float64[m, G], what scored rules add to -ln(1 - p) by reason group
    mandatory: Array  # bool[m, G], groups whose rules set a floor


class RuleColumns(NamedTuple):
    """R rules as the integrator sees them."""

    weight: Array  # float64[R], 0-1
    response: Array  # int8[R], index into groups.RESPONSES
    floor: Array  # int8[R], corridor of at_least and document rules, else -1
    group: Array  # int8[R], index into groups.GROUPS


@inline
def _shifted(p: float, odds: float) -> float:
    """P with its odds multiplied: the same as adding ln(odds) to its logit."""
    return p * odds / (1.0 - p + p * odds)


@inline
def _rounded(p: float) -> float:
    """P as a multiple of 1e-9: its nine decimals give back the same bits."""
    return math.floor(p * 1e9 + 0.5) / 1e9


@kernel
def _rules(
    hits: Array, rules: RuleColumns, miss: Array, floor: Array, exempt: Array, nats: Array, mandatory: Array
) -> None:
    reasons = nats.shape[1] > 0
    for r in range(hits.shape[0]):
        response, group, weight, corridor = rules.response[r], rules.group[r], rules.weight[r], rules.floor[r]
        weight = min(weight, 1.0 - 1e-9)
        added = -math.log1p(-weight)
        for i in range(hits.shape[1]):
            if hits[r, i] == 0:
                continue
            if response == 0:
                miss[i] *= 1.0 - weight
                if reasons:
                    nats[i, group] += added
            elif response in (1, 3):
                floor[i] = max(floor[i], corridor)
                if reasons:
                    mandatory[i, group] = True
            elif response == 4:
                exempt[i] = True


@kernel
def _probabilities(
    p_model: Array, miss: Array, shift: Array, declaration: Array, probability: Array, neutral: Array
) -> None:
    for i in range(len(p_model)):
        model = p_model[i]
        if not model > 0.0:  # NaN: no answer from the model
            model = 0.0
        p = 1.0 - (1.0 - min(model, 1.0 - 1e-9)) * miss[i]
        neutral[i] = _rounded(p)
        probability[i] = _rounded(_shifted(p, math.exp(shift[declaration[i]])))


def integrate(
    hits: Array, rules: RuleColumns, p_model: Array, shift: Array, declaration: Array, groups: int
) -> Evidence:
    """Bring model, rules and coefficient together.

    Args:
        hits: uint8[R, m], 1 where rule r spoke of item i.
        rules: the R rules' weights, responses, floors and groups.
        p_model: float64[m], the model's calibrated probability; NaN where it has no answer.
        shift: float64[n], epsilon c of each declaration's parties, added to the log-odds.
        declaration: int64[m], index of each item's declaration.
        groups: number of reason groups G; 0 where nobody asks for reasons.

    """
    m = len(p_model)
    miss, floor, exempt = np.ones(m), np.zeros(m, np.int8), np.zeros(m, np.bool_)
    nats, mandatory = np.zeros((m, groups)), np.zeros((m, groups), np.bool_)
    columns = RuleColumns(
        readonly(rules.weight, np.float64),
        readonly(rules.response, np.int8),
        readonly(rules.floor, np.int8),
        readonly(rules.group, np.int8),
    )
    _rules(readonly(hits, np.uint8), columns, miss, floor, exempt, nats, mandatory)
    probability, neutral = np.empty(m), np.empty(m)
    _probabilities(
        readonly(p_model, np.float64),
        miss,
        readonly(shift, np.float64),
        readonly(declaration, np.int64),
        probability,
        neutral,
    )
    return Evidence(probability, neutral, floor, exempt, nats, mandatory)
