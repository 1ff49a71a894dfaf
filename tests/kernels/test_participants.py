import numpy as np

from corridor.kernels.participants import NOT_SEEN, gather

NUMBERS = np.array([[0.5, 2.0], [-1.0, 0.1]])
TIMES = np.array([[10, 1_000], [7, -5]])


def naive(row):
    if row < 0:
        return False, 0.0, 0, NOT_SEEN, 0.0
    return True, NUMBERS[row, 0], TIMES[row, 0], TIMES[row, 1], NUMBERS[row, 1]


def test_gather_equals_the_slow_twin():
    rows = np.array([1, -1, 0, 0, -1])
    assert list(zip(*(column.tolist() for column in gather(NUMBERS, TIMES, rows)), strict=True)) == [
        naive(row) for row in rows
    ]


def test_empty_one_row_read_only_and_strided():
    assert all(len(column) == 0 for column in gather(NUMBERS, TIMES, np.empty(0, np.int64)))
    rows = np.array([0, 9, 1, 9])[::2]
    rows.flags.writeable = False
    assert gather(NUMBERS, TIMES, rows).coefficient.tolist() == [0.5, -1.0]
    assert gather(NUMBERS[::-1], TIMES[::-1], [0]).first_seen.tolist() == [-5]
