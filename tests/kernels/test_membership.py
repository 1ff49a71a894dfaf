"""Tables of codes against a walk over every entry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels import membership
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.lists import ALWAYS, FOREVER, CodeList
from corridor.rulebook.program import compile_rules
from corridor.rulebook.semantics import Expr
from tests.naive import lists as naive

DAY = 86_400_000_000
CODES = ["", "CN", "HK", "1", "a long name of a firm", "77" * 5, "\N{SNOWMAN}"]
HS = ["", "85", "8517", "851713", "8517130000", "01", "9503", "0101210000", "85A713"]
DAYS = [0, 1, 2, 20_000]
bounds = st.tuples(
    st.sampled_from([ALWAYS, *(day * DAY for day in DAYS)]),
    st.sampled_from([FOREVER, *(day * DAY for day in DAYS)]),
)
moments = st.builds(lambda day, step: day * DAY + step, st.sampled_from(DAYS), st.sampled_from([-1, 0, 1]))


def entries(codes):
    return st.lists(st.tuples(st.sampled_from(codes), bounds).map(lambda e: (e[0], *e[1])), max_size=12)


@given(entries(CODES[1:]), st.lists(st.tuples(st.sampled_from(CODES), moments), max_size=30))
def test_a_code_stands_while_one_of_its_entries_counts(rows, asked):
    codes = np.array([token(code) for code, _ in asked], np.int64)
    seconds = np.array([moment for _, moment in asked]) / 1e6
    wanted = [naive.stands(code, moment, rows) for code, moment in asked]
    assert CodeList.of("some", rows).holds(codes, seconds).tolist() == wanted


@given(
    entries([code for code in HS[1:] if code.isdigit()]),
    st.lists(st.tuples(st.sampled_from(HS), moments), max_size=30),
)
def test_hs_codes_stand_by_prefix_in_a_rule_and_whole_in_a_flag(rows, asked):
    found = CodeList.of("hs_some", rows)
    codes = np.array([hs_token(code) for code, _ in asked], np.int64)
    seconds = np.array([moment for _, moment in asked]) / 1e6
    digits = [code if code.isdigit() else "" for code, _ in asked]
    times = [moment for _, moment in asked]
    whole = [naive.stands(c, t, rows) for c, t in zip(digits, times, strict=True)]
    assert found.holds(codes, seconds).tolist() == whole
    program = compile_rules([Expr("listed", (Expr("hs", value="item.hs_code"),), found)])
    by_prefix = [naive.stands(c, t, rows, prefix=True) for c, t in zip(digits, times, strict=True)]
    numbers = seconds[None, :] if program.numbers else np.empty((0, len(codes)))
    held = codes[None, :] if program.codes else np.empty((0, len(codes)), np.int64)
    assert program.run(numbers, held).astype(bool)[0].tolist() == by_prefix


@pytest.mark.parametrize(
    "count", [0, 1, 2, 3, 1000, membership.SPARSE - 1, membership.SPARSE, membership.SPARSE + 1]
)
def test_every_size_finds_its_own_and_nothing_else(count):
    rng = np.random.default_rng(count)
    codes = np.unique(rng.integers(-(1 << 63), 1 << 63, count))
    others = np.setdiff1d(rng.integers(-(1 << 63), 1 << 63, 500), codes)
    table = membership.build(codes)
    assert membership.holds(codes, table).all()
    assert not membership.holds(np.append(others, 0), table).any()
    dated = membership.build_dated(codes, np.zeros(len(codes)), np.full(len(codes), 10))
    assert membership.holds_dated(codes, np.full(len(codes), 9.999999), dated).all()
    assert not membership.holds_dated(codes, np.full(len(codes), 10.0), dated).any()
    assert not membership.holds_dated(np.append(others, 0), np.ones(len(others) + 1), dated).any()


def test_a_code_with_a_thousand_windows():
    code, windows = token("X"), np.arange(1000)
    table = membership.build_dated(np.full(1000, code), windows * 10, windows * 10 + 1)
    found = membership.holds_dated(np.full(4, code), np.array([0.5, 9990.0, 9991.0, 5.0]), table)
    assert found.tolist() == [True, True, False, False]
