"""The picture as it stands in a stream: parts folded into windows, in any order and cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.picture.changes import DAY, KINDS, Changes
from corridor.picture.standing import WIDTHS, Part, Window, lost, parts, place_of, unpack
from corridor.picture.times import WIDTH

DAYS = st.integers(-800, 40_000)
NAMES = st.text(max_size=6)
SUMS = st.integers(-(2**60), 2**60)


@st.composite
def a_part(draw, kind="timed", day=None):
    names = draw(st.lists(NAMES | st.sampled_from(["a", "b"]), max_size=5))
    columns = sorted(draw(st.sets(st.integers(0, WIDTHS[kind] - 1), min_size=1, max_size=6)))
    numbers = draw(
        st.lists(
            st.lists(SUMS, min_size=len(columns), max_size=len(columns)),
            min_size=len(names),
            max_size=len(names),
        )
    )
    sums = np.array(numbers, np.int64).reshape(len(names), len(columns))
    at = draw(DAYS) if day is None else day
    return Part(kind, at, at * DAY + draw(st.integers(0, DAY - 1)), names, np.array(columns), sums)


def table(part):
    """What a part holds, a cell that is named twice summed (sums wrap, as everywhere), zeros left out."""
    found = {}
    for name, sums in zip(part.cells, part.sums.tolist(), strict=True):
        for c, n in zip(part.columns.tolist(), sums, strict=True):
            found[name, c] = wrapped(found.get((name, c), 0) + n)
    return {key: n for key, n in found.items() if n}


def wrapped(n):
    return (n + 2**63) % 2**64 - 2**63


@given(a_part())
def test_a_part_is_read_as_it_was_packed(part):
    read = unpack(part.pack())
    assert (read.kind, read.day, read.moment, read.cells) == (part.kind, part.day, part.moment, part.cells)
    assert table(read) == table(part)


@given(st.sampled_from(list(KINDS)), DAYS)
def test_parts_of_one_kind_and_week_have_one_place_and_no_others(kind, day):
    def place(kind, day):
        return place_of(Part(kind, day, day * DAY, [], np.arange(1), np.zeros((0, 1), np.int64)).pack())

    monday = (day + 3) // 7 * 7 - 3
    assert {place(kind, monday + i) for i in range(7)} == {place(kind, day)}
    others = [place(kind, monday - 1), place(kind, monday + 7), *(place(k, day) for k in KINDS if k != kind)]
    assert place(kind, day) not in others


@given(st.lists(a_part(day=20_000), max_size=5), st.integers(0, 5))
def test_a_window_holds_all_sums_whenever_it_was_kept(several, kept_after):
    window, expected, last = Window(WIDTHS["timed"]), {}, {}
    for i, part in enumerate(several):
        if i == kept_after:
            window = Window.load(window.dump(), WIDTHS["timed"])
        rows = window.fold(part)
        names = list(window.rows)
        assert [names[row] for row in rows.tolist()] == part.cells
        for key, n in table(part).items():
            expected[key] = wrapped(expected.get(key, 0) + n)
        for cell in part.cells:
            last[cell] = max(last.get(cell, part.moment), part.moment)
    found = {
        (name, c): n
        for name, row in window.rows.items()
        for c, n in enumerate(window.sums[row].tolist())
        if n
    }
    assert found == {key: n for key, n in expected.items() if n}
    assert {name: int(window.moment[row]) for name, row in window.rows.items()} == last


def test_decision_times_stand_behind_what_was_lost():
    sums = np.arange(1, WIDTH + 1)[None, :]
    (part,) = parts({"timed": Changes(np.array([20_000 * DAY + 5]), ["service:all"], sums)})
    (losses,) = lost("service:all", np.array([20_000 * DAY] * 2), np.array([1, 2]), np.array([0, 7]))
    window = Window(WIDTHS["timed"])
    window.fold(unpack(part.pack()))
    window.fold(unpack(losses.pack()))
    assert window.sums[0].tolist() == [*range(1, 13), 3, 7, *range(13, WIDTH + 1)]
    assert window.moment[0] == 20_000 * DAY + 5


def test_a_part_is_cut_by_days():
    moments = np.array([20_000 * DAY + 9, 20_001 * DAY + 3, 20_000 * DAY + 9])
    found = list(parts({"goods": Changes(moments, ["a", "b", "c"], np.ones((3, 12), np.int64))}))
    assert [(part.day, part.moment, part.cells) for part in found] == [
        (20_000, 20_000 * DAY + 9, ["a", "c"]),
        (20_001, 20_001 * DAY + 3, ["b"]),
    ]


@pytest.mark.parametrize("raw", [b"", b"\x00" * 8, b"\x00" * 8 + b"\x95\x01\x02\x90\xa0\xa0", b"garbage" * 9])
def test_what_is_no_state_of_the_picture_is_refused(raw):
    with pytest.raises(InputError, match="start the job"):
        unpack(raw)
    with pytest.raises(InputError, match="start the job"):
        Window.load(raw, 14)
