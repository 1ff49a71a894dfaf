"""Summaries of cells against numpy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels.boxplot import summaries
from tests.naive import boxplot as naive

amounts = st.floats(1e-3, 1e6) | st.sampled_from([1.0, 2.0, 5.0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(amounts, max_size=30), max_size=6))
def test_equals_the_slow_twin_ties_and_empty_cells_included(groups: list[list[float]]) -> None:
    starts = np.cumsum([0, *map(len, groups)])
    values = np.array([x for group in groups for x in group])
    expected = np.array([naive.summary(np.array(group)) for group in groups]).reshape(len(groups), 8)
    np.testing.assert_allclose(summaries(values, starts), expected, rtol=1e-9, atol=1e-9)


def test_large_cells_are_thinned_evenly() -> None:
    values = np.random.default_rng(1).lognormal(size=1000)
    np.testing.assert_allclose(summaries(values, [0, 1000])[0], naive.summary(values), rtol=1e-9)


def test_one_value_read_only_and_strided_input() -> None:
    np.testing.assert_allclose(summaries(np.array([np.e]), [0, 1])[0], [1, 0, *[np.e] * 6])
    values = np.random.default_rng(2).lognormal(size=80)[::2]
    values.flags.writeable = False
    assert np.array_equal(summaries(values, [0, 40]), summaries(values.copy(), [0, 40]))


@pytest.mark.parametrize("order", [1, -1])
def test_order_within_a_cell_is_of_no_matter(order: int) -> None:
    values = np.sort(np.random.default_rng(3).lognormal(size=50))
    assert np.array_equal(summaries(values[::order], [0, 50]), summaries(values, [0, 50]))
