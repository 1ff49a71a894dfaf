import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels.norms import Seasons, score
from tests.naive import norms as naive

CELLS = np.array(
    [
        [0.0, 1.0, 0.1, 0.5, 0.7, 1.5, 2.0, 0.4, 3.0],
        [math.log(20), 20.0, 0.8, 2.0, 5.0, 80.0, 200.0, math.nan, math.nan],
    ]
)
LEVELS = np.array([0, 3], np.int8)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(-1, 1), st.floats(allow_nan=True, allow_infinity=True)), max_size=30))
def test_score_equals_the_slow_twin(items):
    rows = np.array([row for row, _ in items], np.int64)
    x = np.array([value for _, value in items], float)
    got = np.array(score(CELLS, LEVELS, rows, x)).reshape(5, -1).T
    want = [naive.score(None if r < 0 else CELLS[r], 0 if r < 0 else LEVELS[r], v) for r, v in items]
    assert np.array_equal(got, np.array(want, float).reshape(-1, 5), equal_nan=True)


SEASONS = Seasons(np.array([-1, 0], np.int32), np.linspace(0.5, 1.7, 12)[None])


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(-1, 1), st.integers(0, 11), st.floats(allow_nan=True, allow_infinity=True)),
        max_size=30,
    )
)
def test_a_score_in_its_month_equals_the_slow_twin(items):
    rows, month = (np.array([item[k] for item in items], np.int64) for k in (0, 1))
    x = np.array([value for _, _, value in items], float)
    got = np.array(score(CELLS, LEVELS, rows, x, SEASONS, month)).reshape(5, -1).T
    want = [
        naive.score(
            None if r < 0 else CELLS[r],
            0 if r < 0 else LEVELS[r],
            v,
            float(SEASONS.factor[0, k]) if r == 1 else 1.0,
        )
        for r, k, v in items
    ]
    assert np.array_equal(got, np.array(want, float).reshape(-1, 5), equal_nan=True)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_what_is_no_positive_number_has_no_score(x):
    assert np.isnan(np.array(score(CELLS, LEVELS, [0], [x]))).all()


def test_bands_and_fences_are_open():
    x = [0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 3.1]
    got = score(CELLS, LEVELS, [0] * 8, x)
    assert got.band.tolist() == [0, 1, 2, 2, 2, 3, 4, 4]
    assert got.outlier.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_unknown_fences_judge_nothing():
    assert score(CELLS, LEVELS, [1], [1e9]).outlier.tolist() == [0.0]


def test_views_and_batches_change_nothing():
    x = np.exp(np.linspace(-3, 5, 100))
    rows = np.arange(100) % 3 - 1
    whole = np.array(score(CELLS, LEVELS, rows, x))
    x.flags.writeable = False
    spread = np.repeat(x, 2)[::2]
    assert np.array_equal(np.array(score(CELLS, LEVELS, rows, spread)), whole, equal_nan=True)
    parts = [np.array(score(CELLS, LEVELS, rows[i : i + 7], x[i : i + 7])) for i in range(0, 100, 7)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole, equal_nan=True)


@pytest.mark.parametrize("month", [[], [0], [0, 12], [-1, 0]])
def test_months_that_do_not_fit_are_refused(month):
    with pytest.raises(ValueError, match="one from 0 to 11 for each of 2 rows"):
        score(CELLS, LEVELS, [1, 1], [1.0, 2.0], SEASONS, month)
