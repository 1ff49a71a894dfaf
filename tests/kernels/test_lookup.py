import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels import lookup
from corridor.messages.tokens import hs_token
from tests.naive import lookup as naive

INT64 = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=100)
@given(st.lists(INT64, unique=True, max_size=60), st.lists(INT64, max_size=20))
def test_probe_finds_the_rows_and_nothing_else(keys, others):
    table, repeated = lookup.build(keys)
    assert repeated == -1
    wanted = keys + others
    assert lookup.probe(table, wanted).tolist() == naive.probe(keys, wanted)


@settings(max_examples=100)
@given(st.lists(st.tuples(INT64, INT64, INT64), max_size=20))
def test_mix_equals_the_slow_twin(rows):
    a, b, c = np.array(rows, np.int64).reshape(-1, 3).T
    assert lookup.mix(a, b, c).tolist() == [naive.mix(*row) for row in rows]
    assert lookup.mix(a, b).tolist() == [naive.mix(x, y) for x, y, _ in rows]


def test_mix_tells_the_order_of_columns_and_a_missing_one_apart():
    keys = lookup.mix([1, 2, 1, 1, 0], [2, 1, 0, 2, 1], [0, 0, 2, 1, 2])
    assert len(set(keys.tolist())) == 5


def test_a_repeated_key_is_named():
    assert lookup.build([5, 7, 5])[1] == 2
    assert lookup.build([0, 0])[1] == 1


def test_an_empty_table_holds_nothing():
    table, repeated = lookup.build([])
    assert repeated == -1
    assert lookup.probe(table, [0, -1, 5]).tolist() == [-1, -1, -1]
    assert lookup.probe(table, []).tolist() == []


def test_a_million_neighbouring_keys_are_found_quickly():
    keys = np.arange(1_000_000) << 8
    table, repeated = lookup.build(keys)
    assert repeated == -1
    assert np.array_equal(lookup.probe(table, keys), np.arange(1_000_000))


def test_strided_fields_and_read_only_input():
    keys = np.arange(10, dtype=np.int64)
    table, _ = lookup.build(keys[::2])
    keys.flags.writeable = False
    records = np.zeros(10, np.dtype([("a", "<i4"), ("b", "<i8")]))
    records["b"] = keys
    want = [0, -1, 1, -1, 2, -1, 3, -1, 4, -1]
    assert lookup.probe(table, keys).tolist() == want
    assert lookup.probe(table, records["b"]).tolist() == want


CODES = (
    "8517120000",
    "851712",
    "8517129999",
    "8517",
    "851799",
    "999999",
    "9999",
    "0101210000",
    "010121",
    "0101",
)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(CODES), st.integers(0, 2), st.integers(0, 1)), unique=True, max_size=20
    ),
    st.lists(
        st.tuples(st.sampled_from((*CODES, "85171200AB", "", "12345")), st.integers(0, 3), st.integers(0, 1))
    ),
)
def test_back_off_takes_the_finest_cell(cells, items):
    cells = [cell for cell in cells if len(cell[0]) > 4 or cell[1] == 0]
    keys = lookup.mix(*np.array([(hs_token(h), o, u) for h, o, u in cells], np.int64).reshape(-1, 3).T)
    table, _ = lookup.build(keys)
    hs, origin, unit = np.array([(hs_token(h), o, u) for h, o, u in items], np.int64).reshape(-1, 3).T
    rows = {cell: row for row, cell in enumerate(cells)}
    want = [naive.back_off(rows, *item) for item in items]
    assert lookup.back_off(table, hs, origin, unit).tolist() == want


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_batch_size_changes_nothing(batch):
    table, _ = lookup.build(np.arange(0, 100, 3))
    wanted = np.arange(50)
    parts = [lookup.probe(table, wanted[i : i + batch]) for i in range(0, 50, batch)]
    assert np.array_equal(np.concatenate(parts), lookup.probe(table, wanted))


@settings(max_examples=100)
@given(
    st.dictionaries(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), st.floats(0, 1), max_size=12),
    st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), max_size=30),
    st.tuples(st.booleans(), st.booleans()),
)
def test_shares_equal_the_slow_twin(known, asked, hs):
    pairs = np.array(list(known), np.int64).reshape(-1, 2)
    table, _ = lookup.build(lookup.mix(pairs[:, 0], pairs[:, 1]))
    of, _ = lookup.build(np.unique(pairs[:, 0]))
    sides = np.array(asked, np.int64).reshape(-1, 2)
    got = lookup.shares(of, table, np.array(list(known.values()), float), (sides[:, 0], sides[:, 1]), hs)
    want = [naive.share(known, a, b, hs) for a, b in asked]
    assert np.array_equal(got, np.array(want, float), equal_nan=True)
