"""What a ranking finds when a share of the goods is inspected: precision, recall, revenue.

The measures of the field's papers (DATE, KDD 2020): rank by a score, inspect the top k, and count
what was found. Rows with one score at the cut count pro rata, so the order of rows never matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import Array

SHARES: Final = (0.01, 0.02, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The outcome of inspecting the `inspected` highest of all rows (`share` of them).

    precision: hits by inspected; recall: hits by all hits; revenue: recovered by all that could be;
    the `oracle_` figures are those of a ranking that knows the truth: what can be reached at most.
    A ratio without a denominator is NaN.
    """

    share: float
    inspected: int
    precision: float
    recall: float
    revenue: float
    oracle_precision: float
    oracle_recall: float
    oracle_revenue: float


def inspections(
    score: Array, hit: Array, revenue: Array | None = None, shares: Sequence[float] = SHARES
) -> list[Inspection]:
    """Measure the ranking by `score` (float[n], highest first; NaN last) at each share.

    hit: bool[n], found when inspected; revenue: float[n], what inspecting brings in (hits if None).
    """
    hits = np.asarray(hit, np.float64)
    money = hits if revenue is None else np.asarray(revenue, np.float64)
    ranks = np.where(np.isnan(score), -np.inf, np.asarray(score, np.float64))
    if not len(ranks) == len(hits) == len(money):
        raise InputError(
            f"{len(ranks)} scores, {len(hits)} results and {len(money)} amounts: give one of each a row"
        )
    found, got = _running(ranks, hits), _running(ranks, money)
    best, richest = _running(hits, hits), _running(money, money)
    out = []
    for share in shares:
        k = min(len(hits), max(1, int(len(hits) * share)))
        out.append(
            Inspection(
                share,
                k,
                _ratio(found[k], k),
                _ratio(found[k], found[-1]),
                _ratio(got[k], got[-1]),
                _ratio(best[k], k),
                _ratio(best[k], best[-1]),
                _ratio(richest[k], richest[-1]),
            )
        )
    return out


def _running(score: NDArray[np.float64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """float64[n + 1]: what the first k rows by falling score hold; rows of one score share evenly."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    group = np.cumsum(np.append(False, ranked[1:] != ranked[:-1])[: len(ranked)])
    sums = np.bincount(group, amount[order])
    means = sums / np.maximum(np.bincount(group), 1)
    return np.concatenate([np.zeros(1), np.cumsum(means[group])])


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
