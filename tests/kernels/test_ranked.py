import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels import ranked
from corridor.rulebook import lightgbm
from corridor.rulebook.ranking import rank
from tests import forests
from tests.naive import ranked as naive
from tests.naive import trees


@pytest.fixture(scope="module", params=forests.KINDS)
def pair(request, tmp_path_factory):
    """A LightGBM model, its forest and the ranked forest."""
    booster = forests.booster(request.param)
    path = tmp_path_factory.mktemp("models") / "model.txt"
    booster.save_model(path)
    forest = lightgbm.read(path)[1]
    return booster, forest, rank(forest)


def same(a, b):
    return np.array_equal(np.asarray(a).view(np.int64), np.asarray(b).view(np.int64))


def test_scores_are_lightgbms_bits(pair):
    booster, _, forest = pair
    for rows in (forests.rows(777, 5), forests.odd_rows(3000, 6)):
        assert same(ranked.raw(forest, rows), booster.predict(rows, raw_score=True, num_threads=1))


def test_scores_equal_the_slow_twins(pair):
    _, walked, forest = pair
    rows = forests.odd_rows(60, 7)
    got = ranked.raw(forest, rows)
    assert same(got, naive.raw(forest, rows))
    assert same(got, trees.raw(walked, rows))


@pytest.mark.parametrize("size", [1, 7, 63, 64, 65, 255, 256, 257])
def test_batch_size_changes_nothing(pair, size):
    forest, rows = pair[2], forests.odd_rows(600, 8)
    parts = [ranked.raw(forest, rows[i : i + size]) for i in range(0, len(rows), size)]
    assert same(np.concatenate(parts), ranked.raw(forest, rows))


def test_empty_one_row_read_only_and_strided(pair):
    forest, rows = pair[2], forests.odd_rows(100, 10)
    want = ranked.raw(forest, rows)
    assert ranked.raw(forest, rows[:0]).shape == (0,)
    assert same(ranked.raw(forest, rows[3:4]), want[3:4])
    assert same(ranked.raw(forest, rows[::2]), want[::2])
    assert same(ranked.raw(forest, np.asfortranarray(rows)), want)
    rows.flags.writeable = False
    assert same(ranked.raw(forest, rows), want)


@given(st.data())
def test_any_row_gives_lightgbms_bits(pair, data):
    booster, walked, forest = pair
    near = sorted({*walked.threshold.tolist(), *forests.EDGES} - {math.nan})
    cell = st.one_of(
        st.sampled_from(near),
        st.sampled_from(near).map(lambda x: float(np.nextafter(x, np.inf))),
        st.floats(),
    )
    row = np.array([[data.draw(cell) for _ in range(forests.FEATURES)]])
    assert same(ranked.raw(forest, row), booster.predict(row, raw_score=True, num_threads=1))
