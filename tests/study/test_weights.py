"""Weights of rules lowered to what results bear out."""

import numpy as np

from corridor.study.weights import LEAST, fitted_weights


def drawn(weights: list[float], n: int = 40_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    model = rng.uniform(0, 0.2, n)
    hits = rng.uniform(size=(len(weights), n)) < 0.05
    miss = (1 - model) * np.prod(np.where(hits, 1 - np.array(weights)[:, None], 1), axis=0)
    return model, hits, rng.uniform(size=n) < 1 - miss


def test_the_weights_that_made_the_results_are_found() -> None:
    model, hits, finding = drawn([0.3, 0.05, 0.0])
    found = fitted_weights(model, hits, finding, np.array([0.5, 0.5, 0.5]))
    np.testing.assert_allclose(found, [0.3, 0.05, 0.005], atol=0.02)


def test_an_authors_weight_is_never_exceeded_and_stands_without_results() -> None:
    model, hits, finding = drawn([0.6, 0.0])
    hits[1] = False
    found = fitted_weights(model, hits, finding, np.array([0.2, 0.4]))
    np.testing.assert_allclose(found, [0.2, 0.4], atol=1e-3)


def test_a_rule_that_never_finds_anything_is_all_but_silent() -> None:
    model, hits, finding = drawn([0.0])
    assert LEAST <= fitted_weights(model, hits, finding & ~hits[0], np.array([0.4]))[0] < 0.01
