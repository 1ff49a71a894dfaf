from hypothesis import given
from hypothesis import strategies as st

from corridor.kafka.pace import AtClock, AtOnce, AtRate


def dues(pace, times):
    return [pace.due(n, time) for n, time in enumerate(times)]


def test_at_once_is_at_once():
    assert dues(AtOnce(), [0, 10_000, None]) == [0.0, 0.0, 0.0]


def test_a_rate_is_an_even_row():
    assert dues(AtRate(4), [5, None, 0, 7]) == [0.0, 0.25, 0.5, 0.75]


def test_the_clock_is_one_record_behind_and_as_many_times_as_fast():
    assert dues(AtClock(10), [1_000, 2_000, 3_000, 3_000, 13_000]) == [0.0, 0.0, 0.1, 0.2, 0.2]


def test_one_wrong_time_neither_stops_nor_turns_back_the_clock():
    decade = 315_000_000_000
    times = [1_000, 2_000, 2_000 + decade, 3_000, None, 5, 4_000, 5_000]
    assert dues(AtClock(1), times) == [0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0]


def test_a_wrong_first_time_does_not_hold_the_clock():
    decade = 315_000_000_000
    assert dues(AtClock(1), [1_000 + decade, 1_000, 2_000, 3_000]) == [0.0, 0.0, 0.0, 1.0]


@given(st.lists(st.none() | st.integers(0, 10**9)))
def test_the_clock_never_goes_back(times):
    found = dues(AtClock(2), times)
    assert found == sorted(found)
    assert all(due >= 0 for due in found)
