"""One batch judged: the only place that states the order of scoring.

The stream, the back-test, the demo and the tests all come through `judge`.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.features import HOUR_US, Columns, assess_quality, items_minor, sums_by_declaration, total_minor
from corridor.history import History
from corridor.kernels import corridors, integrate, reasons
from corridor.messages.columns import FUNCTIONS, Declarations
from corridor.rulebook.book import Rulebook
from corridor.rulebook.candidate import Candidate
from corridor.rulebook.groups import GROUPS
from corridor.rulebook.load import Shelf
from corridor.rulebook.rules import RuleSet
from corridor.verdicts import REASONS, Notice, Shadow, Verdicts

Array = NDArray[Any]

EPSILON: Final = math.log(1.5)
"""What a participant coefficient of 1 adds to the log-odds, at most."""
ROLE_WEIGHTS: Final = {"importer": 0.5, "declarant": 0.25, "exporter": 0.25}
"""How much each party's coefficient counts; they sum to 1, so the bound of EPSILON holds."""
MOST_LOSS: Final = 9e15
"""Minor units that one item counts at most: 999 items still fit an int64."""
_MODEL_GROUP: Final = GROUPS.index("model")


@dataclass(frozen=True, slots=True)
class Judgement:
    """n declarations with m items judged, and what their verdicts came from. Restricted: an explanation's material.

    columns: the fields they were judged by; features: float64[m, F] of the model, None without one; hits: uint8[R, m],
    which rule spoke of which item; shift: float64[n], what the parties' coefficients added to the log-odds.
    """

    verdicts: Verdicts
    columns: Columns
    features: Array | None
    hits: Array
    shift: Array
    evidence: integrate.Evidence
    policy: corridors.Policy
    circumstances: corridors.Circumstances


def judge(batch: Declarations, history: History | None, rulebook: Rulebook) -> Verdicts:
    """Judge every consignment of a batch under one rulebook.

    Args:
        batch: n declarations with m goods items.
        history: what the stream knows beside them; None where nothing does.
        rulebook: the one in force when they were registered.

    Rows do not see each other, so a batch may be cut anywhere without changing a verdict.

    """
    return judgement(batch, history, rulebook).verdicts


def judgement(
    batch: Declarations, history: History | None, rulebook: Rulebook, explained: bool = True
) -> Judgement:
    """As `judge`, with what the verdicts came from; unless `explained` without reasons and notices, which cost a third."""
    columns = Columns(batch, history if history is not None else History.none(len(batch)), rulebook)
    found = _weighed(columns)
    evidence, chosen = found.evidence, found.chosen
    drawn = (chosen.basis == corridors.RANDOM).astype(np.bool_)
    wanted = ((chosen.corridor > 0) | (chosen.basis == corridors.EXEMPT)) & explained
    _model_reasons(columns, evidence, wanted)
    why = reasons.explain(batch.offsets, batch.items["item_no"], wanted, evidence, drawn, REASONS)
    verdicts = Verdicts(
        corridor=chosen.corridor,
        probability=chosen.probability,
        expected_loss=_expected_loss(columns, chosen.probability, evidence.probability),
        basis=chosen.basis,
        at_random=chosen.at_random,
        inclusion=np.round(found.policy.random_rate, 9),
        item_probability=evidence.probability,
        item_corridor=chosen.item_corridor,
        reason_group=why.group,
        reason_item=why.item_no,
        reason_contribution=why.contribution,
        quality=columns.head_quality,
        item_quality=columns.item_quality,
        notices=_notices(columns, found.hits) if explained else (),
        rulebook=rulebook.version,
    )
    return Judgement(
        verdicts,
        columns,
        columns.features,
        found.hits,
        found.shift,
        evidence,
        found.policy,
        found.circumstances,
    )


class _Weighed(NamedTuple):
    """What leads to the corridors of a batch, and they; see `Judgement`."""

    hits: Array
    shift: Array
    evidence: integrate.Evidence
    policy: corridors.Policy
    circumstances: corridors.Circumstances
    chosen: corridors.Corridors


def _weighed(columns: Columns, groups: int = len(GROUPS)) -> _Weighed:
    """Quality, model, rules, parties, integrator, corridors: the order of scoring; groups: 0 without reasons to come."""
    batch, rulebook = columns.batch, columns.rulebook
    assess_quality(columns)
    _model(columns)
    hits, shift = active_hits(columns), _shift(columns)
    evidence = integrate.integrate(
        hits, _rule_columns(rulebook), columns.model_probability, shift, columns.declaration, groups
    )
    policy, circumstances = _policy(columns), _circumstances(columns)
    chosen = corridors.choose(batch.offsets, evidence, policy, circumstances)
    return _Weighed(hits, shift, evidence, policy, circumstances, chosen)


def beside(found: Judgement, candidate: Candidate) -> Shadow:
    """What a candidate says of the declarations that were judged; those on which it fails are left out.

    It decides nothing, so its fault must not keep a consignment waiting.
    """
    batch, rulebook = found.columns.batch, candidate.rulebook
    corridor = np.full(len(batch), -1, np.int8)
    pending, failed = [candidate.share_of(batch)], 0
    while pending:
        rows = pending.pop()
        if not len(rows):
            continue
        columns = found.columns if len(rows) == len(batch) else found.columns.take(rows)
        try:
            corridor[rows] = _weighed(columns.under(rulebook), groups=0).chosen.corridor
        except Exception:  # whatever it is; its neighbours are asked without it
            if len(rows) > 1:
                pending += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
            failed += len(rows) == 1
    return Shadow(rulebook.version, corridor, failed)


def judge_in_force(
    batch: Declarations, history: History, shelf: Shelf, candidate: Candidate | None = None
) -> list[tuple[Array, Declarations, Verdicts]]:
    """Judge each declaration by the rulebook in force at its registration, and a candidate beside it.

    Returns:
        One entry a rulebook: int64 rows of the batch, those declarations, their verdicts.

    """
    in_force = shelf.at(np.ascontiguousarray(batch.heads["registered_at"]))
    judged = []
    for index in np.unique(in_force):
        rows = np.flatnonzero(in_force == index)
        whole = len(rows) == len(batch)
        part = batch if whole else batch.take(rows)
        known = history if whole else history.take(rows)
        found = judgement(part, known, shelf.rulebooks[int(index)])
        verdicts = found.verdicts
        if candidate is not None:
            verdicts = replace(verdicts, shadow=beside(found, candidate))
        judged.append((rows, part, verdicts))
    return judged


def _model(columns: Columns) -> None:
    """The model's features and its probability, left in the columns; unless they were taken over from others."""
    model = columns.rulebook.model
    if model is None or columns.features is not None:
        return
    columns.features = columns.matrix(model.features)
    columns.model_probability[:] = model.probability(model.raw(columns.features))


def recovered_shares(columns: Columns) -> Array | None:
    """float64[m]: of each item's payments the share that a finding would bring in; None where the rulebook tells none."""
    recovery, features = columns.rulebook.recovery, columns.features
    return None if recovery is None or features is None else recovery.share(features)


def _expected_loss(columns: Columns, probability: Array, of_items: Array) -> Array:
    """int64[n], minor units: what inspecting would bring in, so far as the rulebook tells.

    With a recovery model the sum over the items of probability x payments x share, each item rounded, so that the order
    of items does not matter; without one the declaration's probability x payments. Probabilities: float64[n], [m].
    """
    batch, shares = columns.batch, recovered_shares(columns)
    if shares is None:
        return np.asarray(np.floor(probability * total_minor(batch, "payments") + 0.5), np.int64)
    losses = np.floor(of_items * items_minor(batch, "payments") * shares + 0.5)
    whole: Array = np.minimum(losses, MOST_LOSS).astype(np.int64)
    return sums_by_declaration(batch, whole)


def spoken(columns: Columns, rules: RuleSet) -> Array:
    """uint8[R, m]: which rule speaks of which item, snoozed ones too."""
    m = len(columns.batch.items)
    numbers, codes = np.empty((len(rules.numbers), m)), np.empty((len(rules.codes), m), np.int64)
    for j, name in enumerate(rules.numbers):
        numbers[j] = columns.number(name)
    for j, name in enumerate(rules.codes):
        codes[j] = columns.code(name)
    return rules.run(numbers, codes)


def active_hits(columns: Columns) -> Array:
    """uint8[R, m]: which active rule spoke of which item; what is snoozed for its party at that time does not count."""
    hits = spoken(columns, columns.rulebook.rules)
    columns.rulebook.snoozes.silence(hits, columns.batch)
    return hits


def _rule_columns(rulebook: Rulebook) -> integrate.RuleColumns:
    rules = rulebook.rules
    return integrate.RuleColumns(rules.weight, rules.response, rules.floor, rules.group)


def _shift(columns: Columns) -> Array:
    """float64[n]: epsilon c, what the parties' coefficients add to the log-odds."""
    coefficient = np.zeros(len(columns.batch))
    for role, weight in ROLE_WEIGHTS.items():
        coefficient += weight * columns.participants(role).coefficient
    shift: Array = EPSILON * np.clip(coefficient, -1.0, 1.0)
    return shift


def _policy(columns: Columns) -> corridors.Policy:
    heads, policy = columns.batch.heads, columns.rulebook.policy
    demanded = policy.resolve(
        np.ascontiguousarray(heads["direction"]),
        np.ascontiguousarray(heads["office"]),
        (heads["registered_at"] // HOUR_US % 24).astype(np.int8),
    )
    return corridors.Policy(demanded.thresholds, demanded.random_rate, demanded.random_corridor)


def _circumstances(columns: Columns) -> corridors.Circumstances:
    cancelled = columns.batch.heads["function"] == FUNCTIONS.index("cancellation")
    return corridors.Circumstances(columns.draw(), columns.history.late, cancelled)


def _model_reasons(columns: Columns, evidence: integrate.Evidence, wanted: Array) -> None:
    """Share out the model's -ln(1 - p) among the groups of features that raised it."""
    model, features = columns.rulebook.model, columns.features
    rows = np.flatnonzero(wanted[columns.declaration])
    if model is None or features is None or not len(rows):
        return
    probability = np.clip(np.nan_to_num(columns.model_probability[rows]), 0.0, integrate.CERTAIN)
    shares = np.maximum(model.group_contributions(features.T[:, rows].T), 0.0)
    whole = shares.sum(axis=1)
    shares[whole == 0, _MODEL_GROUP] = 1.0
    shares /= np.where(whole == 0, 1.0, whole)[:, None]
    evidence.nats[rows] += shares * -np.log1p(-probability)[:, None]


def _notices(columns: Columns, hits: Array) -> tuple[Notice, ...]:
    """What `notify` rules tell the monitoring centre: the first item of each group and declaration."""
    rules, batch = columns.rulebook.rules, columns.batch
    found: dict[tuple[int, int], Notice] = {}
    for r in np.flatnonzero(rules.response == integrate.NOTIFY):
        for i in np.flatnonzero(hits[r]):
            d, group = int(columns.declaration[i]), int(rules.group[r])
            notice = Notice(d, group, int(batch.items["item_no"][i]), int(rules.severity[r]))
            known = found.get((d, group))
            if known is None or known.severity < notice.severity:
                found[d, group] = notice
    return tuple(found[key] for key in sorted(found))
