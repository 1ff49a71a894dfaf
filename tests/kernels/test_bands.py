import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from corridor.kernels.bands import LEAST, count_bands, count_tails, share_tails
from tests.naive import bands as naive

ODD = [0.0, 1.0, 5.0, 40.0, math.nan, math.inf, -math.inf, -1.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.floats(0.01, 200), st.sampled_from([0.0, 1e-3, 0.05, 0.5, 2.0]))
def test_count_tails_equal_the_slow_twin(observed, mean, dispersion):
    lower, upper = count_tails(observed, mean, dispersion)
    expected = naive.count_tails(observed, mean, dispersion)
    np.testing.assert_allclose(10.0 ** np.array([lower[0], upper[0]]), expected, rtol=1e-6, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 120), st.floats(0.001, 0.999), st.sampled_from([0.0, 1e-3, 0.05, 0.5]))
def test_share_tails_equal_the_slow_twin(data, total, share, rho):
    hits = data.draw(st.integers(0, total))
    lower, upper = share_tails(hits, total, share, rho)
    expected = naive.share_tails(hits, total, share, rho)
    np.testing.assert_allclose(10.0 ** np.array([lower[0], upper[0]]), expected, rtol=1e-6, atol=1e-12)


def test_far_tails_keep_their_digits_as_in_scipy():
    r, mean = 20.0, 30.0
    k = np.array([60, 150, 400, 800])
    expected = stats.nbinom.logsf(k - 1, r, r / (r + mean)) / math.log(10)
    np.testing.assert_allclose(count_tails(k, mean, 1 / r)[1], np.maximum(expected, LEAST), rtol=1e-6)


def test_silence_is_as_unlikely_as_poisson_says():
    lower, _ = count_tails(0.0, 23.0, 0.0)
    assert float(lower[0]) == pytest.approx(-23 / math.log(10), rel=1e-4)


@pytest.mark.parametrize("tail", [0.5, 0.025, 0.005, 1e-4])
@pytest.mark.parametrize("dispersion", [0.0, 0.02, 0.4])
def test_bands_equal_the_slow_twin(tail, dispersion):
    means = np.array([0.0, 0.02, 0.7, 3.0, 18.5, 240.0])
    low, high = count_bands(means, dispersion, tail)
    expected = [naive.count_band(m, dispersion, tail) for m in means]
    np.testing.assert_array_equal(np.stack([low, high], 1), expected)


def test_input_without_meaning_gives_nan_and_harms_no_neighbour():
    a, b = np.meshgrid(ODD, ODD)
    for lower, upper in zip(*count_tails(a, b, 0.1), strict=True):
        assert np.array_equal(np.isnan(lower), np.isnan(upper))
    got = np.stack(count_tails(a.ravel(), b.ravel(), 0.1), 1)
    want = np.array([naive.count_tails(x, y, 0.1) for x, y in zip(a.ravel(), b.ravel(), strict=True)])
    np.testing.assert_allclose(10.0**got, want, rtol=1e-6, atol=1e-12)
    got = np.stack(share_tails(a.ravel(), b.ravel(), 0.3, 0.1), 1)
    want = np.array([naive.share_tails(x, y, 0.3, 0.1) for x, y in zip(a.ravel(), b.ravel(), strict=True)])
    np.testing.assert_allclose(10.0**got, want, rtol=1e-6, atol=1e-12)
    assert np.isnan(share_tails(1, 2, [0.0, 1.0, -1.0, math.nan], 0.1)[0]).all()
    assert np.isnan(count_bands([math.nan, math.inf, -1.0], 0.1, 0.01)[0]).all()


def test_empty_one_row_read_only_and_strided_input():
    assert len(count_tails([], [], [])[0]) == len(share_tails([], [], [], [])[0]) == 0
    assert len(count_bands([], [], 0.01)[0]) == 0
    records = np.zeros(40, [("x", "f8"), ("m", "f8"), ("other", "i4")])
    records["x"], records["m"] = np.arange(40), np.linspace(0.5, 60, 40)
    records.flags.writeable = False
    whole = count_tails(records["x"], records["m"], 0.1)
    np.testing.assert_array_equal(
        count_tails(records["x"][::2], records["m"][::2], 0.1), [w[::2] for w in whole]
    )
    for i in range(40):
        one = count_tails(records["x"][i : i + 1], records["m"][i : i + 1], 0.1)
        np.testing.assert_array_equal(one, [w[i : i + 1] for w in whole])
