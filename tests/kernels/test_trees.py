import math

import numpy as np
import pytest

from corridor.kernels import trees
from corridor.rulebook import lightgbm
from tests import forests
from tests.naive import trees as naive


@pytest.fixture(scope="module", params=forests.KINDS)
def pair(request, tmp_path_factory):
    """A LightGBM model and its forest."""
    booster = forests.booster(request.param)
    path = tmp_path_factory.mktemp("models") / "model.txt"
    booster.save_model(path)
    return booster, lightgbm.read(path)[1]


def same(a, b):
    return np.array_equal(np.asarray(a).view(np.int64), np.asarray(b).view(np.int64))


def test_contributions_sum_to_the_score_and_equal_the_slow_twin(pair):
    forest, rows = pair[1], forests.odd_rows(60, 9)
    got = trees.contributions(forest, rows)
    assert same(got, naive.contributions(forest, rows))
    np.testing.assert_allclose(got.sum(axis=1) + trees.mean(forest), naive.raw(forest, rows), atol=1e-11)


def test_the_mean_is_that_of_the_training_rows(pair):
    booster, forest = pair
    rows = forests.rows(1500, 0)
    assert trees.mean(forest) == pytest.approx(booster.predict(rows, raw_score=True).mean(), abs=1e-9)


def test_empty_one_row_read_only_and_strided(pair):
    forest, rows = pair[1], forests.odd_rows(100, 10)
    want = trees.contributions(forest, rows)
    assert trees.contributions(forest, rows[:0]).shape == (0, forests.FEATURES)
    assert same(trees.contributions(forest, rows[3:4]), want[3:4])
    assert same(trees.contributions(forest, rows[::2]), want[::2])
    assert same(trees.contributions(forest, np.asfortranarray(rows)), want)
    rows.flags.writeable = False
    assert same(trees.contributions(forest, rows), want)


def test_probability_is_calibrated_and_bounded():
    scores = np.array([0.0, 1.0, -2000.0, 2000.0, np.nan, np.inf, -np.inf])
    got = trees.probability(scores, 2.0, 0.5)
    want = [1 / (1 + math.exp(-0.5)), 1 / (1 + math.exp(-2.5)), 0.0, 1.0, np.nan, 1.0, 0.0]
    assert np.array_equal(got, want, equal_nan=True)
    low = trees.probability(scores, 2.0, 0.5, 0.8)
    assert np.array_equal(low[:2], [0.8 / (1 + math.exp(-0.5)), 0.8 / (1 + math.exp(-2.5))])
    assert low[3] == 0.8
    assert trees.probability([], 1, 0).shape == (0,)
