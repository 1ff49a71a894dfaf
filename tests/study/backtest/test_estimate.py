"""Intervals against statsmodels, a slow twin, and what they promise: to hold the truth 95 times of 100."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from corridor.study.backtest.estimate import NOTHING, Sums, ratio, share, weighted


@given(st.integers(1, 2000), st.data())
def test_wilson_is_that_of_statsmodels(n, data):
    hits = data.draw(st.integers(0, n))
    found = share(hits, n)
    assert (found.low, found.high) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-9)
    assert found.low <= found.value <= found.high


def test_nothing_seen_is_no_share():
    assert share(0, 0) == weighted(Sums.of(np.zeros(0, np.bool_), np.zeros(0))) == NOTHING
    assert math.isnan(ratio(np.zeros(0), np.zeros(0), np.zeros(0)).value)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1.0)), min_size=1, max_size=30))
def test_weighted_is_the_ratio_of_two_horvitz_thompson_totals(sample):
    found = weighted(Sums.of(np.array([hit for hit, _ in sample]), np.array([pi for _, pi in sample])))
    total = sum(1 / pi for _, pi in sample)
    p = sum(hit / pi for hit, pi in sample) / total
    assert found.value == pytest.approx(p)
    variance = sum((1 - pi) / pi**2 * (hit - p) ** 2 for hit, pi in sample) / total**2
    assert -1e-12 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1 + 1e-12
    if variance > 1e-9 and 0.05 < p < 0.95:  # the interval is Wilson's of that variance
        n = p * (1 - p) / variance
        low, high = proportion_confint(p * n, n, method="wilson")
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 1.0), st.lists(st.booleans(), min_size=1, max_size=4)),
        min_size=1,
        max_size=20,
    )
)
def test_cases_that_are_drawn_together_are_one_unit(sample):
    """Slow twin: the spread is that of units about the share, not that of their cases."""
    chances = np.array([pi for pi, _ in sample])
    hits = np.array([sum(cases) for _, cases in sample], np.float64)
    size = np.array([len(cases) for _, cases in sample], np.float64)
    sums = Sums.of(hits, chances, size)
    found = weighted(sums)
    total = sum(len(cases) / pi for pi, cases in sample)
    p = sum(sum(cases) / pi for pi, cases in sample) / total
    assert found.value == pytest.approx(p)
    assert found.n == size.sum()
    variance = sum((1 - pi) / pi**2 * (sum(c) - p * len(c)) ** 2 for pi, c in sample) / total**2
    assert (sums.c_hit2 - 2 * p * sums.c_hit + p * p * sums.c) / sums.w**2 == pytest.approx(
        variance, abs=1e-9
    )


def test_with_equal_chances_it_is_nearly_the_plain_share():
    hit = np.arange(400) < 60
    drawn = weighted(Sums.of(hit, np.full(400, 0.001)))
    plain = share(60, 400)
    assert (drawn.value, drawn.low, drawn.high) == pytest.approx(
        (plain.value, plain.low, plain.high), abs=1e-3
    )


def test_where_all_were_taken_nothing_is_uncertain():
    found = weighted(Sums.of(np.array([True, False, False]), np.ones(3)))
    assert found.low == found.value == found.high == pytest.approx(1 / 3)


def test_a_sample_without_spread_is_not_sure_of_itself():
    found = ratio(np.array([3.0, 4.0]), np.array([3.0, 4.0]), np.full(2, 0.1))
    assert found.value == found.high == 1.0
    assert found.low < 0.5
    assert ratio(np.array([3.0, 4.0]), np.array([3.0, 4.0]), np.ones(2)).low == 1.0


def test_the_intervals_hold_the_truth():
    """A population with two strata of unequal chances and violations, drawn again and again."""
    rng = np.random.default_rng(7)
    n = 20_000
    rare = np.arange(n) < 15_000
    pi = np.where(rare, 0.01, 0.06)
    hit = rng.random(n) < np.where(rare, 0.05, 0.3)
    control = rng.random(n) < np.where(hit, 0.6, 0.1)
    money = np.where(hit, rng.lognormal(0, 0.5, n), 0.0)
    truth = {
        "violations": hit.mean(),
        "recall": control[hit].mean(),
        "precision": hit[control].mean(),
        "revenue": money[control].sum() / money.sum(),
    }
    held, values = dict.fromkeys(truth, 0), {name: [] for name in truth}
    rounds = 600
    for _ in range(rounds):
        s = np.flatnonzero(rng.random(n) < pi)
        y, c, p = hit[s], control[s], pi[s]
        found = {
            "violations": weighted(Sums.of(y, p)),
            "recall": weighted(Sums.of(c[y], p[y])),
            "precision": weighted(Sums.of(y[c], p[c])),
            "revenue": ratio(np.where(c, money[s], 0.0), money[s], p),
        }
        for name, estimate in found.items():
            held[name] += estimate.low <= truth[name] <= estimate.high
            values[name].append(estimate.value)
    for name, right in truth.items():
        assert 0.92 <= held[name] / rounds <= 0.985, (name, held[name] / rounds)
        assert np.mean(values[name]) == pytest.approx(right, rel=0.04), name
