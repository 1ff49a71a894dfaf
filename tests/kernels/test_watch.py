"""The detector's step beside its slow twin, and what must hold of it whatever comes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels import watch
from corridor.kernels.watch_layout import (
    CLOSED,
    COUNT,
    FORM,
    HIGH,
    LEVEL,
    LOW,
    OPENED,
    SHARE,
    START,
    Kinds,
    M,
    N,
    S,
    X,
)
from corridor.picture.series import COUNTED, MIXED, PRICED, cusum_limit, limits
from corridor.picture.state import memory_of
from tests.naive import watch as naive


def kinds(n, dispersion=0.0):
    usual = np.full((n, 2), np.nan)
    return Kinds(
        np.full(n, COUNT, np.int8),
        np.zeros(n, bool),
        np.full(n, COUNTED),
        np.ones(n, bool),
        np.zeros((n, 2)),
        usual,
    )


def run(observed, expected, dispersion=0.01, alarms=0.05):
    """Step through bins of n series, float64[n, t]; sums and events of each."""
    n, memory = len(observed), memory_of(len(observed))
    rule = limits(alarms, np.zeros(n, np.int64), n)
    told, seen = [], []
    for t in range(observed.shape[1]):
        now = np.ones((n, 4))
        now[:, X], now[:, M], now[:, S] = observed[:, t], expected[:, t], expected[:, t] * dispersion**0.5
        sums, events = np.zeros((n, 9, 4)), np.zeros((n, 4), np.int8)
        watch.step(now, t, kinds(n), rule, memory, sums, events)
        told.append(sums.copy())
        seen.append(events.copy())
    return np.array(told), np.array(seen), memory


def test_sums_of_windows_and_runs_of_nothing_equal_the_slow_twin():
    rng = np.random.default_rng(1)
    observed, expected = rng.poisson(0.7, (2, 700)).astype(float), rng.gamma(2, 0.4, (2, 700))
    told, _, memory = run(observed, expected)
    for t in (0, 5, 11, 12, 100, 287, 288, 500, 699):
        np.testing.assert_allclose(told[t, 1, :, X], naive.sums(observed[1].tolist(), t))
        np.testing.assert_allclose(told[t, 1, :, M], naive.sums(expected[1].tolist(), t))
    begin, usual = naive.zero_run(observed[1].tolist(), expected[1].tolist(), 699)
    assert memory.zero[1, 0] == begin
    assert memory.zero[1, 1] == pytest.approx(usual)


def test_the_cusum_of_days_equals_the_slow_twin():
    """Each day strays by a little; the first series is the service and says nothing of the second."""
    rng = np.random.default_rng(2)
    shift = rng.uniform(-0.08, 0.1, 30)
    expected = np.full((2, 30 * 288), 2.0)
    observed = expected * (1 + np.repeat(shift, 288))
    _, _, memory = run(observed, expected, 0.002)
    usual, spread = 576.0, 576.0 * 0.002**0.5
    z = 576.0 * shift / np.sqrt(usual + spread**2)
    rule = limits(0.05, np.zeros(2, np.int64), 2)
    assert memory.cusum[1, 1] == pytest.approx(naive.cusum(z, 0.5, 3.0, rule.slow[COUNTED])[-1])


def test_the_limit_of_the_cusum_gives_the_false_alarms_it_says():
    """Simulated days of no change: one false alarm in about so many weeks."""
    rng, rate = np.random.default_rng(3), 0.05
    limit, alarms, days = cusum_limit(rate), 0, 40_000
    high = low = 0.0
    for z in rng.normal(0, 1, days):
        high, low = max(high + z - 0.5, 0.0), max(low - z - 0.5, 0.0)
        if max(high, low) >= limit:
            alarms, high, low = alarms + 1, 0.0, 0.0
    assert 0.5 * rate < alarms / (days / 7) < 1.5 * rate


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=30, max_size=200), st.floats(0.05, 10.0))
def test_events_of_a_track_take_turns_and_sums_stay_whole(counts, mean):
    observed = np.array([counts, counts], float)
    _, events, memory = run(observed, np.full(observed.shape, mean))
    for track in range(4):
        open_ = False
        for event in events[:, 1, track].tolist():
            assert event in ((0, 2, 3) if open_ else (0, 1))
            open_ = (open_ or event == 1) and event != 3
        assert bool(memory.episodes[1, track, 0]) is open_
    assert np.isfinite(memory.episodes).all()


@pytest.mark.parametrize("strange", [np.nan, np.inf, -1.0, 0.0])
def test_a_series_without_a_usable_norm_never_speaks(strange):
    observed = np.random.default_rng(4).poisson(5.0, (2, 300)).astype(float)
    _, events, _ = run(observed, np.full(observed.shape, strange))
    assert not events[:, :, :2].any()


def test_silence_is_told_when_it_is_as_unlikely_as_asked():
    """Twenty a bin: one bin without any is beyond 1 in a million; two series so, one alarm each."""
    observed = np.full((2, 60), 20.0)
    observed[1, 40:] = 0.0
    for alarms, latest in ((0.05, 41), (1e-5, 42)):
        _, events, memory = run(observed, np.full((2, 60), 20.0), 0.01, alarms)
        (opened,) = np.flatnonzero(events[:, 1, LOW] == OPENED)
        assert 40 <= opened <= latest
        assert memory.episodes[1, LOW, START] == 40
        assert memory.episodes[1, LOW, FORM] == 1.0


def sudden(kind, rule, parameter, bins):
    """Bins in which the sudden episodes of one series opened and closed; bins: float[t, 3] of X, N and M."""
    of = Kinds(
        np.array([COUNT, kind], np.int8),
        np.zeros(2, bool),
        np.array([COUNTED, rule]),
        np.zeros(2, bool),
        np.array([[0.0, 0.0], parameter]),
        np.full((2, 2), np.nan),
    )
    memory, rules = memory_of(2), limits(0.5, of.rule, 1)
    sums, events, told = np.zeros((2, 9, 4)), np.zeros((2, 4), np.int8), []
    for t, values in enumerate(bins):
        now = np.zeros((2, 4))
        now[1, [X, N, M]] = values
        watch.step(now, t, of, rules, memory, sums, events)
        told += [
            (t, track, event) for track, event in enumerate(events[1].tolist()) if event in (OPENED, CLOSED)
        ]
    return told


@pytest.mark.parametrize("usual", [2.0, 0.0, -0.7])
def test_a_price_s_episode_ends_whatever_the_sign_of_its_logarithm(usual):
    """Halved for six hours, of four goods a bin: below 10 units a kg the mean logarithm is below zero."""
    bins = np.tile([4 * usual, 4.0, 4 * usual], (288 * 4, 1))
    bins[600:672, 0] -= 4 * 0.7
    (opened, *_), (closed, *_) = told = sudden(LEVEL, PRICED, (0.05, 0.3), bins)
    assert [one[1:] for one in told] == [(LOW, OPENED), (LOW, CLOSED)]
    assert 600 <= opened < 612
    assert 672 < closed < 672 + 48


@pytest.mark.parametrize("usual", [0.05, 0.002, 1e-4])
def test_an_origin_s_episode_ends_within_hours_however_rare_it_is(usual):
    """Two of five declarations a bin for four hours, then as many as ever."""
    bins = np.tile([0.0, 5.0, 5 * usual], (288 * 4, 1))
    bins[:, 0] = np.random.default_rng(1).poisson(5 * usual, len(bins)) if usual > 0.01 else 0
    bins[600:648, 0] = 2.0
    (opened, *_), (closed, *_) = told = sudden(SHARE, MIXED, (0.01, 0.0), bins)
    assert [one[1:] for one in told] == [(HIGH, OPENED), (HIGH, CLOSED)]
    assert 600 <= opened < 612
    assert 648 < closed < 648 + 48


def test_nights_of_a_small_office_part_no_shift_of_a_rare_origin():
    """Thirty declarations a day, most by day, for five days two in five of an origin that is else one in fifty."""
    rng, hours = np.random.default_rng(0), np.arange(288 * 14) % 288 // 12
    n = rng.poisson(30 / 288 * np.where((hours >= 8) & (hours < 18), 2.2, 0.15)).astype(float)
    share = np.full(len(n), 0.02)
    share[288 * 3 : 288 * 8] += 0.4
    bins = np.stack([rng.binomial(n.astype(int), share), n, n * 0.02], axis=1)
    (opened, *_), (closed, *_) = told = sudden(SHARE, MIXED, (0.02, 0.0), bins)
    assert [one[1:] for one in told] == [(HIGH, OPENED), (HIGH, CLOSED)]
    assert opened < 288 * 5
    assert 288 * 7 < closed < 288 * 10


@pytest.mark.parametrize(("moved", "told"), [(8, False), (1, True)])
def test_a_fall_of_all_prices_is_of_none_and_a_fall_of_one_is_told(moved, told):
    """A tenth less for good, forty goods a day in each of eight chapters: a currency fell, or one chapter's price."""
    n, days = 9, 20
    of = Kinds(
        np.array([COUNT] + [LEVEL] * 8, np.int8),
        np.zeros(n, bool),
        np.array([COUNTED] + [PRICED] * 8),
        np.array([False] + [True] * 8),
        np.tile([0.03, 0.1], (n, 1)),
        np.full((n, 2), np.nan),
    )
    memory, rule = memory_of(n), limits(0.5, of.rule, 1)
    sums, events, rng = np.zeros((n, 9, 4)), np.zeros((n, 4), np.int8), np.random.default_rng(5)
    opened = np.zeros(n, bool)
    for t in range(288 * days):
        now = np.zeros((n, 4))
        if t % 288 in range(100, 140):
            now[1:, N], now[1:, M] = 1.0, 3.0
            now[1:, X] = 3.0 + rng.normal(0, 0.1, 8)
            now[1 : 1 + moved, X] -= 0.1 * (t >= 288 * 5)
        watch.step(now, t, of, rule, memory, sums, events)
        opened |= (events[:, 2:] == OPENED).any(1)
    assert opened[1] == told
    assert not opened[2:].any()
