"""Precision, recall and revenue at shares inspected."""

import numpy as np
import pytest

from corridor.errors import InputError
from corridor.study.measure import inspections


def test_a_ranking_by_hand() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, np.nan])
    hit = np.array([1, 0, 1, 0, 0, 0, 0, 0, 0, 1], bool)
    revenue = np.array([10.0, 0, 30, 0, 0, 0, 0, 0, 0, 60])
    top = inspections(score, hit, revenue, [0.2, 0.3])[0]
    assert (top.inspected, top.precision, top.recall, top.revenue) == (2, 0.5, pytest.approx(1 / 3), 0.1)
    assert (top.oracle_precision, top.oracle_recall, top.oracle_revenue) == (1, pytest.approx(2 / 3), 0.9)


def test_ties_at_the_cut_count_pro_rata_whatever_the_order() -> None:
    hit = np.array([1, 0, 0, 1], bool)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        assert inspections(np.full(4, 0.5), hit[order], shares=[0.25])[0].precision == 0.5


def test_nothing_to_find_is_nan() -> None:
    none = inspections(np.array([0.1, 0.2]), np.zeros(2, bool), shares=[0.5])[0]
    assert none.precision == 0
    assert np.isnan(none.recall)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="2 scores, 1 results"):
        inspections(np.zeros(2), np.zeros(1, bool))
