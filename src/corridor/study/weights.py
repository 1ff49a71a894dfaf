"""Weights of scored rules, lowered to what results bear out.

A rule's weight is what it adds beside the model: p = 1 - (1 - p_model) prod(1 - w_r) over the rules that
speak (noisy-or, Pearl 1988). In t_r = -ln(1 - w_r) the likelihood of the results is concave, so the best
weights are found for sure. A rule's author is believed like RESULTS results of the rule alone with his
weight as their share of findings, and his weight is never exceeded: a fit only makes modest.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from corridor.messages.columns import Array

RESULTS: Final = 20.0
LEAST: Final = 0.001
"""No scored rule is silenced altogether."""


def fitted_weights(probability: Array, hits: Array, finding: Array, weights: Array) -> NDArray[np.float64]:
    """float64[R] in [LEAST, weights]: the weights under which the results are likeliest.

    probability: float64[k] of the model, on items that it was not trained on; hits: bool[R, k], where
    each scored rule speaks; finding: bool[k]; weights: float64[R] of the rules' authors.
    """
    cap = -np.log1p(-np.clip(weights, LEAST, 1.0 - 1e-6))
    base = -np.log1p(-np.clip(np.nan_to_num(probability), 1e-4, 1.0 - 1e-6))
    spoken = csr_matrix(np.asarray(hits, np.float64).T)
    silent, found = np.asarray(spoken[~finding].sum(axis=0)).ravel(), spoken[finding]
    start = base[finding]

    def loss(t: Array) -> tuple[float, Array]:
        total = start + found @ t
        author = np.expm1(t)
        value = silent @ t - np.log(-np.expm1(-total)).sum()
        value += RESULTS * ((1.0 - weights) * t - weights * np.log(-np.expm1(-t))).sum()
        slope = silent - found.T @ (1.0 / np.expm1(total))
        return float(value), slope + RESULTS * ((1.0 - weights) - weights / author)

    least = -np.log1p(-LEAST)
    best = minimize(loss, cap, jac=True, method="L-BFGS-B", bounds=[(least, float(top)) for top in cap])
    lowered: NDArray[np.float64] = np.round(-np.expm1(-best.x), 3)
    return np.minimum(np.maximum(lowered, LEAST), weights)
