"""Decision times: counts that add up in any order, and quantiles within 5 % of those of the times themselves."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.picture.times import ACCURACY, COLUMNS, SHORTEST, buckets, milliseconds

HOURS_22 = 22 * 3_600_000_000
times = st.integers(SHORTEST, HOURS_22) | st.floats(5.0, 11.0).map(lambda e: int(10**e)).filter(
    lambda t: SHORTEST <= t <= HOURS_22
)


def counted(microseconds: np.ndarray) -> np.ndarray:
    bucket = buckets(microseconds)
    columns = np.zeros(COLUMNS, np.int64)
    np.add.at(columns, bucket // 2, np.int64(1) << 32 * (bucket % 2))
    return columns


@settings(max_examples=200, deadline=None)
@given(st.lists(times, min_size=1, max_size=60), st.integers(0, 60))
def test_quantiles_are_within_the_accuracy_however_the_times_are_cut(took, cut):
    parts = counted(np.array(took[:cut], np.int64)) + counted(np.array(took[cut:], np.int64))
    assert parts.tolist() == counted(np.array(took[::-1])).tolist()
    (told,) = milliseconds(parts[None])
    ordered = sorted(took)
    for quantile, found in zip((0.5, 0.95, 0.99), told.tolist(), strict=True):
        exact = ordered[int(quantile * (len(took) - 1))]
        assert (
            abs(found * 1000 - exact) <= ACCURACY * exact + 501
        )  # of a bound rounded to a microsecond, a value to 1 ms


def test_the_shortest_and_the_longest_are_told_as_bounds_and_none_as_none():
    rows = np.stack([counted(np.array(t)) for t in ([], [-5, 0, SHORTEST], [10**15])])
    assert milliseconds(rows).tolist() == [[-1] * 3, [100] * 3, [81_533_175] * 3]
    assert milliseconds(rows[:0]).shape == (0, 3)


def test_two_counts_of_a_column_do_not_meet_below_four_thousand_million():
    columns = counted(np.array([SHORTEST])) * (2**32 - 1) + counted(np.array([SHORTEST + 1])) * (2**31 - 1)
    assert milliseconds(columns[None])[0].tolist() == [100, 105, 105]
