"""The model: boosted trees on items with results, calibrated on the last part of the time.

Ke et al., LightGBM (2017); Platt, Probabilistic outputs for support vector machines (1999), with
his targets that keep small samples from certainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from corridor.messages.columns import Array
from corridor.study.measure import inspections

TREES: Final = 200
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 31,
    "learning_rate": 0.1,
    "max_bin": 255,
    "min_data_in_leaf": 20,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
    # OpenMP's barriers stall when other processes hold a core; trials run side by side instead
    "num_threads": 1,
}
MOST_ROWS: Final = 60_000
"""Of more rows, misses are left out; the calibration puts their share right."""
LEAST_CEILING: Final = 0.5
"""An inspection finds half of what there is, at the least."""
LEAST_ROWS: Final = 500
LEAST_OF_A_KIND: Final = 30
"""Fewer results, or fewer hits or misses, make no model."""


@dataclass(frozen=True)
class Examples:
    """k items with results: float64[k, F] features, bool[k] hits."""

    rows: Array
    hit: Array

    def enough(self) -> bool:
        """Whether a model can be trained on them."""
        hits = int(self.hit.sum())
        return len(self.hit) >= LEAST_ROWS and min(hits, len(self.hit) - hits) >= LEAST_OF_A_KIND


def misses_kept(hit: Array) -> float:
    """The share of misses to train on, so that about MOST_ROWS rows come together.

    One share holds for the first part of the time and for all of it: the scores' level depends on it, and
    the calibration found on the one serves the other.
    """
    hits = int(hit.sum())
    room = max(MOST_ROWS - hits, hits)
    return min(1.0, room / max(len(hit) - hits, 1))


def train(examples: Examples, names: Sequence[str], misses: float = 1.0) -> lightgbm.Booster:
    """Boosted trees on the examples and a share of their misses, in one thread; always the same trees."""
    kept = _thinned(examples.hit, misses)
    data = lightgbm.Dataset(examples.rows[kept], examples.hit[kept], feature_name=list(names))
    return lightgbm.train(PARAMETERS, data, TREES)


def varying(rows: Array) -> NDArray[np.bool_]:
    """bool[F]: columns with more than one value (NaN is one)."""
    if not len(rows):
        return np.zeros(rows.shape[1], np.bool_)
    first = rows[0]
    return np.asarray(((rows != first) & ~(np.isnan(rows) & np.isnan(first))).any(axis=0))


def calibrate(raw: Array, hit: Array) -> tuple[float, float, float]:
    """Platt's a and b in p = c / (1 + exp(-(a raw + b))), by Newton's method, and the ceiling c; a stays above 0.

    raw: float64[k] scores, hit: bool[k]. Without both hits and misses, or where a higher score does
    not mean more hits, the scores are kept and only their mean is put right. An inspection does not find all that
    there is, so no score is a sure finding, which a plain sigmoid cannot say: c is below 1 where the results bear it
    out (Schwarz 1978, the Bayesian information criterion).
    """
    hits, n = float(hit.sum()), len(hit)
    if hits in (0.0, float(n)):
        return 1.0, 0.0, 1.0
    target = np.where(hit, (hits + 1) / (hits + 2), 1 / (n - hits + 2))
    a, b = _newton(np.stack([raw, np.ones(n)], axis=1), target)
    if a <= 0.01:
        return 1.0, float(_newton(np.ones((n, 1)), target)[0] - raw.mean()), 1.0
    return _with_ceiling(raw, target, (float(a), float(b)))


def _with_ceiling(raw: Array, target: Array, plain: tuple[float, float]) -> tuple[float, float, float]:
    """a, b and c of the greatest likelihood; c is 1 unless the third figure earns its keep."""

    def loss(parameters: Array) -> tuple[float, Array]:
        a, b, c = parameters
        s = 1.0 / (1.0 + np.exp(-np.clip(a * raw + b, -500.0, 500.0)))
        p = np.clip(c * s, 1e-12, 1.0 - 1e-12)
        slope = (p - target) / (p * (1.0 - p))  # of the loss by p
        by_score = slope * c * s * (1.0 - s)
        value = -(target * np.log(p) + (1.0 - target) * np.log1p(-p)).sum()
        return float(value), np.array([(by_score * raw).sum(), by_score.sum(), (slope * s).sum()])

    bounds = [(plain[0] / 10.0, None), (None, None), (LEAST_CEILING, 1.0)]
    found = minimize(loss, np.array([*plain, 0.9]), jac=True, method="L-BFGS-B", bounds=bounds)
    gain = loss(np.array([*plain, 1.0]))[0] - found.fun
    if not gain > 0.5 * np.log(len(raw)):
        return *plain, 1.0
    a, b, c = found.x.tolist()
    return a, b, c


def average_precision(score: Array, hit: Array) -> float:
    """Mean precision over the hits of a ranking; 0 without hits."""
    if not hit.any():
        return 0.0
    ranked = hit[np.argsort(-score, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].mean())


def summary(score: Array, hit: Array, revenue: Array) -> list[dict[str, float]]:
    """Precision, recall and revenue at the usual shares, as plain numbers."""
    return [
        {
            "share": found.share,
            "precision": found.precision,
            "recall": found.recall,
            "revenue": found.revenue,
            "oracle_precision": found.oracle_precision,
            "oracle_recall": found.oracle_recall,
            "oracle_revenue": found.oracle_revenue,
        }
        for found in inspections(score, hit, revenue)
    ]


def _newton(x: Array, target: Array) -> NDArray[np.float64]:
    """Logistic regression of targets in (0, 1) on x float64[k, d], a whisper of ridge for safety."""
    w = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ w, -500.0, 500.0)))
        gradient = x.T @ (p - target) + 1e-6 * w
        hessian = (x * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ x + 1e-6 * np.eye(len(w))
        step = np.linalg.solve(hessian, gradient)
        w -= np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            break
    return w


def _thinned(hit: Array, misses_kept: float) -> NDArray[np.int64]:
    """Rows to train on: all, or every hit and an even draw of the misses."""
    if misses_kept >= 1.0:
        return np.arange(len(hit))
    return np.flatnonzero(hit | (np.random.default_rng(1).uniform(size=len(hit)) < misses_kept))
