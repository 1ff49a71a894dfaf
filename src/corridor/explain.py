"""Why a declaration was given its corridor: judged again from what is kept of it, and taken apart as a tree.

Restricted: a tree names rules, thresholds, coefficients and the model's features.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from corridor.errors import InputError
from corridor.features import Columns, items_minor
from corridor.history import History
from corridor.judge import EPSILON, ROLE_WEIGHTS, Judgement, beside, judgement, recovered_shares, spoken
from corridor.messages import decision, quality
from corridor.messages.columns import CORRIDORS, Declarations
from corridor.messages.declaration import AHEAD, decode
from corridor.messages.moment_text import rfc3339
from corridor.messages.tokens import hs_text, untoken
from corridor.messages.trace import Trace
from corridor.rulebook.book import Rulebook
from corridor.rulebook.candidate import Candidate
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.groups import BASES, GROUPS
from corridor.rulebook.norms import MEASURES
from corridor.rulebook.rules import Rule
from corridor.verdicts import Shadow

_MOST_FEATURES: Final = 8
_FIELD: Final = re.compile(r"[a-z_]+\.[a-z0-9_]+")
_TEXTS: Final = ("declaration.declaration_id", "declaration.office", "declaration.importer")
"""Fields whose texts a batch keeps, in the order of `Declarations.texts`."""


@dataclass(frozen=True, slots=True)
class Part:
    """One node of an explanation: what, its figure in words, and what that comes from."""

    what: str
    value: str = ""
    parts: tuple["Part", ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """tree: why; decision: decision.v1 as it comes out now; equal: whether that is what was written, bit for bit."""

    tree: Part
    decision: bytes
    equal: bool


def again(
    payloads: Sequence[bytes],
    trace: Trace,
    written: bytes,
    rulebook: Rulebook,
    candidate: Candidate | None = None,
) -> Explanation:
    """Judge a declaration again, from what is kept of it, and take the verdict apart.

    Args:
        payloads: the messages that bear its identity, as they came. More than one where one came again or with
            other content: then that which gives the decision.
        trace: what was known beside it.
        written: its decision.v1.
        rulebook: the version that the trace names.
        candidate: the one on trial then, to be asked again where it was asked; without it, what it said is taken as written.

    Raises:
        InputError: no payload is a declaration of that identity, or the rulebook is another.

    """
    if rulebook.version != trace.rulebook:
        raise InputError(
            f"{trace.declaration_id!r} was judged by the rulebook {trace.rulebook!r}, and {rulebook.version!r} was given; "
            "give the folder that holds it"
        )
    told = decision.decode_decisions([written])
    batches = list(_batches(payloads, trace, int(told.contributions.registered_at[0])))
    if not batches:
        raise InputError(
            f"no declaration {trace.declaration_id!r} of version {trace.version} is among the {len(payloads)} messages given"
        )
    found = []
    for batch in batches:
        of = judgement(batch, known(trace, batch), rulebook)
        shadow = _as_written(written)
        if shadow is not None and candidate is not None:
            shadow = beside(of, candidate)
        of = replace(of, verdicts=replace(of.verdicts, shadow=shadow))
        anew = decision.encode(batch, of.verdicts, int(told.decided_at[0]))[0]
        found.append((anew == written, anew, batch, of))
    equal, anew, batch, of = max(found, key=lambda one: one[0])
    return Explanation(explain(batch, of, rulebook), anew, equal)


def _as_written(decided: bytes) -> Shadow | None:
    told = decision.decode_shadow(decided)
    if told is None or told.corridor not in CORRIDORS:
        return None
    return Shadow(told.rulebook, np.array([CORRIDORS.index(told.corridor)], np.int8))


def _batches(payloads: Sequence[bytes], trace: Trace, registered_at: int) -> Iterator[Declarations]:
    """Each message decoded as it was: a time that could not be used was replaced by that of its decision."""
    for payload in payloads:
        batch = decode([payload], registered_at, registered_at - AHEAD).declarations
        if len(batch) and (batch.texts(0)[0], int(batch.heads["version"][0])) == (
            trace.declaration_id,
            trace.version,
        ):
            yield batch


def known(trace: Trace, batch: Declarations) -> History:
    """What a trace says was known beside the one declaration of a batch."""
    declarant = int(batch.heads["declarant"][0])
    other = {None: 0, True: declarant, False: declarant ^ 1 or 2}[trace.original_declarant_same]
    return History(
        names=tuple(trace.history),
        values=np.array([[value or 0] for value in trace.history.values()], np.int64).reshape(-1, 1),
        late=np.array([trace.late]),
        previous_version=np.array([trace.previous_version], np.int32),
        original_declarant=np.array([other], np.int64),
    )


def explain(batch: Declarations, found: Judgement, rulebook: Rulebook) -> Part:
    """The verdict on the one declaration of a batch as a tree. found: of that batch under that rulebook."""
    assert len(batch) == 1, "one declaration at a time"
    verdicts = found.verdicts
    identity, version = batch.texts(0)[0], int(batch.heads["version"][0])
    return Part(
        f"declaration {identity}, version {version}",
        f"{CORRIDORS[verdicts.corridor[0]]}, basis {BASES[verdicts.basis[0]]}, by rulebook {rulebook.version}",
        (
            _chosen(found),
            _told(found),
            _participants(found),
            _histories(found),
            *(_item(found, rulebook, i) for i in range(len(batch.items))),
            *_shadow(verdicts.shadow),
        ),
    )


def _shadow(shadow: Shadow | None) -> list[Part]:
    if shadow is None or shadow.corridor[0] < 0:
        return []
    return [Part(f"on trial, rulebook {shadow.rulebook}", f"{CORRIDORS[shadow.corridor[0]]}, without effect")]


def _chosen(found: Judgement) -> Part:
    verdicts, policy = found.verdicts, found.policy
    cuts = ", ".join(
        f"{name} from {_number(cut)}"
        for name, cut in zip(CORRIDORS[1:], policy.thresholds[0], strict=True)
        if math.isfinite(cut)
    )
    floor = int(found.evidence.floor.max(initial=0))
    drawn = "in it" if verdicts.at_random[0] else "not in it"
    odd = quality.names(int(verdicts.quality[0]), quality.HEAD_BITS)
    parts = [
        Part("thresholds", cuts or "none"),
        _expected_loss(found),
        Part("mandatory floor", CORRIDORS[floor] if floor else "none"),
        Part(
            "random control group",
            f"drew {found.circumstances.draw[0]:.9f} against a rate of {_number(policy.random_rate[0])}: {drawn}",
        ),
    ]
    if odd:
        parts.append(Part("data quality", ", ".join(odd)))
    return Part("probability of the declaration", _number(verdicts.probability[0]), tuple(parts))


def _expected_loss(found: Judgement) -> Part:
    columns, shares = found.columns, recovered_shares(found.columns)
    loss = f"{found.verdicts.expected_loss[0] / 100:,.2f}"
    if shares is None:
        return Part("expected loss", f"{loss}: probability x payments at stake")
    goods = zip(
        columns.batch.items["item_no"].tolist(),
        found.verdicts.item_probability.tolist(),
        (items_minor(columns.batch, "payments") / 100).tolist(),
        shares.tolist(),
        strict=True,
    )
    parts = tuple(
        Part(f"item {number}", f"{_number(p)} x {paid:,.2f} x {_number(share)}")
        for number, p, paid, share in goods
    )
    return Part(
        "expected loss", f"{loss}: over its items, probability x payments x what a finding brings in", parts
    )


def _told(found: Judgement) -> Part:
    verdicts = found.verdicts
    reasons = [
        Part(
            f"{GROUPS[group]}{f' of item {item}' if item else ''}",
            _number(verdicts.reason_contribution[0, i]),
        )
        for i, (group, item) in enumerate(
            zip(verdicts.reason_group[0].tolist(), verdicts.reason_item[0].tolist(), strict=True)
        )
        if group >= 0
    ]
    return Part("reasons that are told openly", "" if reasons else "none", tuple(reasons))


def _participants(found: Judgement) -> Part:
    parts = []
    for role, weight in ROLE_WEIGHTS.items():
        rows = found.columns.participants(role)
        if rows.known[0]:
            coefficient, before = float(rows.coefficient[0]), int(rows.declarations[0])
            text = f"coefficient {coefficient:+.4f} x {weight}, from {before:,} declarations"
        else:
            text = "not known"
        parts.append(Part(role, text))
    odds = math.exp(float(found.shift[0]))
    return Part(
        "participants",
        f"the odds x {odds:.6f}, never beyond {math.exp(-EPSILON):.3f} to {math.exp(EPSILON):.3f}",
        tuple(parts),
    )


def _histories(found: Judgement) -> Part:
    history = found.columns.history
    if history.late[0]:
        return Part("histories", "none: it came late")
    names = [f"history.{name}" for name in history.names]
    parts = tuple(Part(name, shown(found.columns, name, 0)) for name in names)
    before = int(history.previous_version[0])
    return Part("histories", f"follows version {before}" if before else "" if parts else "none", parts)


def _item(found: Judgement, rulebook: Rulebook, i: int) -> Part:
    columns, verdicts = found.columns, found.verdicts
    rules = [rulebook.rules.rules[r] for r in np.flatnonzero(found.hits[:, i])]
    parts = [_rule(rule, columns, i) for rule in rules] + _snoozed(found, rulebook, i)
    parts += [*_model(found, rulebook, i), *_norms(columns, i)]
    odd = quality.names(int(verdicts.item_quality[i]), quality.ITEM_BITS)
    if odd:
        parts.append(Part("data quality", ", ".join(odd)))
    goods = f"{shown(columns, 'item.hs_code', i)} from {shown(columns, 'item.origin_country', i)}"
    exempt = ", exempt from what is not mandatory" if found.evidence.exempt[i] else ""
    return Part(
        f"item {columns.batch.items['item_no'][i]}: {goods}",
        f"{CORRIDORS[verdicts.item_corridor[i]]}, probability {_number(verdicts.item_probability[i])}, "
        f"{_number(found.evidence.neutral[i])} without participants{exempt}",
        tuple(parts),
    )


def _snoozed(found: Judgement, rulebook: Rulebook, i: int) -> list[Part]:
    """Rules whose condition holds and which are snoozed for a party of the declaration."""
    if not len(rulebook.snoozes):
        return []
    columns, parts = found.columns, []
    for r in np.flatnonzero(spoken(columns, rulebook.rules)[:, i] > found.hits[:, i]).tolist():
        snooze = rulebook.snoozes.of(r, columns.batch, int(columns.declaration[i]))
        assert snooze is not None, "a hit is taken back by a snooze alone"
        rule = rulebook.rules.rules[r]
        told = f"snoozed for {snooze.subject} {snooze.code} until {rfc3339(snooze.until)} by {snooze.owner}: {snooze.reason}"
        parts.append(Part(f"rule {rule.id}: {rule.title}", told, _rule(rule, columns, i).parts))
    return parts


def _rule(rule: Rule, columns: Columns, i: int) -> Part:
    names = dict.fromkeys(name for name in _FIELD.findall(rule.when) if name in FIELDS)
    does = {
        "score": f"score, weight {rule.weight:g}",
        "at_least": f"at least {rule.corridor}",
        "notify": f"notify, {rule.severity}",
        "document": "a document, at least yellow",
        "exempt": "exempt",
    }[rule.response]
    told = [Part("when", " ".join(rule.when.split()))]
    told += [Part(name, shown(columns, name, i)) for name in names]
    return Part(f"rule {rule.id}: {rule.title}", f"{rule.group}, {does}", tuple(told))


def _model(found: Judgement, rulebook: Rulebook, i: int) -> list[Part]:
    model = rulebook.model
    if model is None or found.features is None:
        return []
    row = np.ascontiguousarray(found.features[i : i + 1])
    moved = model.contributions(row)[0]
    order = np.argsort(-np.abs(moved), kind="stable")
    first = [j for j in order[:_MOST_FEATURES].tolist() if moved[j]]
    parts = [
        Part(
            f"{model.features[j]} = {_number(row[0, j])}",
            f"{moved[j]:+.4f} ({GROUPS[model.groups[j]]})",
        )
        for j in first
    ]
    rest = float(moved.sum() - moved[first].sum())
    slope, offset, ceiling = model.calibration
    raw = float(model.raw(row)[0])
    most = f"{ceiling:.6g} x " if ceiling != 1.0 else ""
    curve = f"sigmoid({slope:.6g} x {raw:.6g} + {offset:.6g})"
    parts += [Part("other features", f"{rest:+.4f}"), Part("the average item", f"{model.mean:+.4f}")]
    return [
        Part(
            "model",
            f"probability {_number(found.columns.model_probability[i])} = {most}{curve}",
            tuple(parts),
        )
    ]


def _norms(columns: Columns, i: int) -> list[Part]:
    levels = ("HS10 x origin", "HS6 x origin", "HS6", "HS4")
    parts = []
    for measure in MEASURES:
        scores = columns.norm(measure)
        if math.isnan(scores.z[i]):
            continue
        in_month = " in its month" if columns.rulebook.norms.cells[measure].seasons is not None else ""
        cell = f"{scores.ratio[i]:.4g} of the median of its {levels[int(scores.level[i])]}{in_month}"
        parts.append(Part(measure, f"{shown(columns, f'item.{measure}', i)}: {cell}, z {scores.z[i]:+.2f}"))
    return [Part("norms", "", tuple(parts))] if parts else []


def shown(columns: Columns, name: str, i: int) -> str:
    """A field's value of item i in words."""
    kind = FIELDS[name].kind
    if kind in ("number", "flag"):
        value = float(columns.number(name)[i])
        if math.isnan(value):
            return "unknown"
        return _number(value) if kind == "number" else "yes" if value else "no"
    value = int(columns.code(name)[i])
    if value == 0:
        return "unknown"
    if kind == "hs":
        return hs_text(value) or "malformed"
    if name in _TEXTS:
        return columns.batch.texts(int(columns.declaration[i]))[_TEXTS.index(name)]
    text = untoken(value)
    return f"#{value & (1 << 64) - 1:016x}" if text is None else text


def _number(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:,.10g}"
