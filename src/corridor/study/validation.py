"""What the last part of the time says of a fit: rankings beside the oracle's, what each part adds, calibration.

The rulebook that is measured was fitted on what was known before `since`; nothing after it reached its norms,
tables, model, calibration or weights. Figures are of inspected items: officers chose most of them, so they
are no figures of all goods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.history import History
from corridor.judge import judge, judgement
from corridor.messages.columns import Array
from corridor.rulebook.book import Rulebook
from corridor.rulebook.rules import RuleSet
from corridor.study.backtest import estimate
from corridor.study.material import Material
from corridor.study.measure import SHARES, Inspection, inspections
from corridor.study.model import labelled_declarations
from corridor.study.recovery import stakes

MODEL, RULES, BOTH, LOSS = "model alone", "rules alone", "rules and model", "by expected loss"
RECOVERY: Final = "by recovery"
FORETOLD: Final = "what a finding brings in, foretold"
RANKINGS: Final = (MODEL, RULES, BOTH, LOSS, RECOVERY)
GAINS: Final = (
    ("the model adds to rules", BOTH, RULES),
    ("rules add to the model", BOTH, MODEL),
    ("ranking by expected loss", LOSS, BOTH),
    (FORETOLD, RECOVERY, LOSS),
)
"""What a comparison says, the ranking it is of and the one it is against."""
MEASURES: Final = ("precision", "recall", "revenue")
BINS: Final = 10
RESAMPLES: Final = 400
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Gain:
    """One comparison at one share inspected: by measure the difference and its 95 % interval."""

    name: str
    share: float
    differences: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class Bin:
    """Items of about the same probability: how many, their mean, the share with a finding and its 95 % interval."""

    items: int
    predicted: float
    found: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures of the items with results registered from `since` on (microseconds since 1970).

    rankings: by name of RANKINGS, at the shares of measure.SHARES; without a model only those that need none.
    reliability: bins of the model's probability and of that of rules and model; brier: their mean squared errors.
    """

    since: int
    declarations: int
    items: int
    findings: int
    recovered: float
    rankings: dict[str, list[Inspection]]
    gains: list[Gain]
    reliability: dict[str, list[Bin]]
    brier: dict[str, float]


@dataclass(frozen=True)
class Scores:
    """k items with results: by ranking float64[k]; bool[k] found; float64[k] recovered; int64[k] their declaration."""

    by: dict[str, Array]
    hit: Array
    recovered: Array
    declaration: Array


def scores(
    material: Material,
    history: History,
    book: Rulebook,
    authors: RuleSet,
    which: Array,
    shares: Array | None = None,
) -> Scores:
    """Judge the items of the results `which`: by `book`, by its rules alone with their authors' weights, by its model.

    shares: float64[k], what a finding would bring in by an item's payments (see `recovery`); None where nobody knows.
    """
    owners, inside = labelled_declarations(material, which)
    batch, known = material.batch.take(owners), history.take(owners)
    by: dict[str, Array] = {}
    alone = judge(batch, known, replace(book, model=None, rules=authors)).item_probability[inside]
    whole = judgement(batch, known, book)
    probability = whole.verdicts.item_probability[inside]
    if book.model is not None:
        by[MODEL] = whole.columns.model_probability[inside]
    by[RULES] = alone
    if book.model is not None:
        by[BOTH] = probability
    by[LOSS] = probability * stakes(batch, inside)
    if shares is not None:
        by[RECOVERY] = by[LOSS] * shares
    results = material.results
    owner = material.declaration[results.item[which]]
    return Scores(by, results.hit[which], results.recovered[which], owner)


def validation(scores: Scores, since: int) -> Validation:
    """All figures of the scores."""
    hit, recovered = scores.hit, scores.recovered
    probabilities = {name: scores.by[name] for name in (MODEL, BOTH) if name in scores.by}
    return Validation(
        since=since,
        declarations=len(np.unique(scores.declaration)),
        items=len(hit),
        findings=int(hit.sum()),
        recovered=float(recovered.sum()),
        rankings={name: inspections(score, hit, recovered) for name, score in scores.by.items()},
        gains=gains(scores),
        reliability={name: reliability(p, hit) for name, p in probabilities.items()} if len(hit) else {},
        brier={name: float(((p - hit) ** 2).mean()) for name, p in probabilities.items()} if len(hit) else {},
    )


def gains(scores: Scores) -> list[Gain]:
    """Differences of rankings at each share, with intervals of a Poisson bootstrap over declarations.

    A declaration's items stand or fall together, so it is declarations that are drawn (Hanley & MacGibbon 2006).
    """
    named = [gain for gain in GAINS if gain[1] in scores.by and gain[2] in scores.by]
    if not named or not scores.hit.any():
        return []
    declarations, place = np.unique(scores.declaration, return_inverse=True)
    drawn = np.random.default_rng(1).poisson(1.0, (RESAMPLES, len(declarations))).astype(np.float64)
    weights = np.concatenate([np.ones((1, len(declarations))), drawn])[:, place]
    wanted = {name for _, of, against in named for name in (of, against)}
    found = {name: _weighted(scores.by[name], scores, weights) for name in RANKINGS if name in wanted}
    out = []
    for name, of, against in named:
        steps = found[of] - found[against]
        known, ends = np.isfinite(steps[0]), np.full((2, *steps[0].shape), np.nan)
        ends[:, known] = np.nanquantile(steps[1:, known], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        low, high = ends
        for s, share in enumerate(SHARES):
            differences = {
                measure: (float(steps[0, s, m]), float(low[s, m]), float(high[s, m]))
                for m, measure in enumerate(MEASURES)
            }
            out.append(Gain(name, share, differences))
    return out


def borne_out(told: Validation, name: str, shares: Sequence[float]) -> bool:
    """Whether the comparison `name` of GAINS brings in more revenue at each of `shares`: no interval holds 0."""
    lows = {one.share: one.differences["revenue"][1] for one in told.gains if one.name == name}
    return all(lows.get(share, 0.0) > 0 for share in shares)


def _weighted(score: Array, scores: Scores, weights: Array) -> NDArray[np.float64]:
    """float64[b, shares, 3]: precision, recall and revenue under each row of weights; ties at the cut pro rata."""
    ranks = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-ranks, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(ranks[order]) != 0)[: len(order)])
    hit, money = scores.hit[order].astype(np.float64), scores.recovered[order]
    out = np.full((len(weights), len(SHARES), len(MEASURES)), np.nan)
    for b, row in enumerate(weights):
        w = row[order]
        n, found, got = (
            np.append(0.0, np.cumsum(np.add.reduceat(part, starts))) for part in (w, w * hit, w * money)
        )
        k = np.maximum(np.floor(n[-1] * np.array(SHARES)), 1.0)
        here, there = np.interp(k, n, found), np.interp(k, n, got)
        out[b, :, 0] = here / k
        out[b, :, 1] = here / found[-1] if found[-1] else np.nan
        out[b, :, 2] = there / got[-1] if got[-1] else np.nan
    return out


def reliability(probability: Array, hit: Array) -> list[Bin]:
    """At most BINS bins by rising probability, fine where items are many and where they are likely to hold findings.

    Each has about the same part of all items and of all findings expected; equal probabilities stay together.
    """
    order = np.argsort(probability, kind="stable")
    p, found = probability[order], hit[order]
    running = np.cumsum(1.0 / len(p) + p / max(float(p.sum()), 1e-12)) / 2.0
    inner = np.searchsorted(running, np.arange(1, BINS) / BINS)
    cuts = np.searchsorted(p, p[np.minimum(inner, len(p) - 1)], side="left")
    bounds = np.unique([0, *cuts.tolist(), len(p)])
    bins = []
    for low, high in pairwise(bounds.tolist()):
        hits, n = int(found[low:high].sum()), high - low
        of = estimate.share(hits, n)
        bins.append(Bin(n, float(p[low:high].mean()), of.value, of.low, of.high))
    return bins
