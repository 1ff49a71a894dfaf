import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.errors import RulebookError
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.norms import MAD_FLOOR, MONTHS, NormTable

ROW = {
    "measure": "value_per_kg", "level": 2, "hs": "851712", "origin": None, "unit": None, "n": 100,
    "median": math.log(50), "mad": 0.4, "p1": 10.0, "p5": 20.0, "p95": 90.0, "p99": 200.0,
    "fence_low": 5.0, "fence_high": 300.0,
}  # fmt: skip
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("measure", "hs", "origin", "unit")]
    + [("level", pa.int8()), ("n", pa.int32())]
    + [
        (name, pa.float64())
        for name in ("median", "mad", "p1", "p5", "p95", "p99", "fence_low", "fence_high")
    ]
)


def write(folder, *rows):
    path = folder / "norms.parquet"
    pq.write_table(pa.Table.from_pylist([ROW | row for row in rows], SCHEMA), path)
    return path


def score(table, hs, origin, x, unit="", measure="value_per_kg"):
    got = table.score(measure, [hs_token(hs)], [token(origin)], [token(unit)], [x])
    return [float(column[0]) for column in got]


def test_the_finest_cell_with_enough_declarations_serves(tmp_path):
    path = write(
        tmp_path,
        {"level": 0, "hs": "8517120000", "origin": "CN", "n": 29, "median": 0.0},
        {"level": 0, "hs": "8517120000", "origin": "VN", "n": 30, "median": 1.0},
        {"level": 1, "hs": "851712", "origin": "CN", "median": 2.0},
        {"level": 2, "hs": "851712", "median": 3.0},
        {"level": 3, "hs": "8517", "median": 4.0},
    )
    table = NormTable.load(path, n_min=30)

    def level(hs, origin):
        return score(table, hs, origin, 1.0)[3]

    assert level("8517120000", "VN") == 0
    assert level("8517120000", "CN") == 1
    assert level("851712", "CN") == 1
    assert level("8517120000", "KR") == 2
    assert level("8517120000", "") == 2
    assert level("8517990000", "CN") == 3
    assert math.isnan(level("0101210000", "CN"))
    assert math.isnan(level("85171200AB", "CN"))
    assert math.isnan(level("8517", "CN"))
    assert score(NormTable.load(path, n_min=1), "8517120000", "CN", 1.0)[3] == 0


def test_z_ratio_band_and_outlier(tmp_path):
    table = NormTable.load(write(tmp_path, {}))
    z, ratio, band, level, outlier = score(table, "8517120000", "CN", 25.0)
    assert z == pytest.approx(math.log(0.5) / (1.4826 * 0.4))
    assert ratio == pytest.approx(0.5)
    assert (band, level, outlier) == (2, 2, 0)
    assert score(table, "851712", "CN", 4.0)[2:] == [0, 2, 1]


def test_a_constant_cell_gives_finite_deviations(tmp_path):
    table = NormTable.load(write(tmp_path, {"mad": 0.0}))
    assert score(table, "851712", "", 50.0)[0] == pytest.approx(0.0)
    assert score(table, "851712", "", 100.0)[0] == pytest.approx(math.log(2) / (1.4826 * MAD_FLOOR))


@pytest.mark.parametrize("x", [math.nan, math.inf, 0.0, -3.0])
def test_no_value_no_score(tmp_path, x):
    assert np.isnan(score(NormTable.load(write(tmp_path, {})), "851712", "", x)).all()


def test_measures_by_unit_need_the_unit(tmp_path):
    table = NormTable.load(write(tmp_path, {"measure": "kg_per_unit", "unit": "PCE"}))
    assert score(table, "851712", "CN", 50.0, "PCE", "kg_per_unit")[3] == 2
    for unit in ("", "LTR"):
        assert math.isnan(score(table, "851712", "CN", 50.0, unit, "kg_per_unit")[3])
    assert math.isnan(score(table, "851712", "CN", 50.0, "PCE")[3])


def test_an_empty_table_and_an_empty_batch(tmp_path):
    assert np.isnan(score(NormTable.empty(), "851712", "CN", 1.0)).all()
    assert all(len(column) == 0 for column in NormTable.empty().score("value_per_kg", [], [], [], []))
    assert np.isnan(score(NormTable.load(write(tmp_path)), "851712", "CN", 1.0)).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"measure": "price"}, "row 2: measure is none of"),
        ({"level": 4}, "row 2: level is not"),
        ({"level": 0, "origin": "CN"}, "row 2: hs must have"),
        ({"level": 1, "hs": "85171A", "origin": "CN"}, "row 2: hs must have"),
        ({"origin": "CN"}, "row 2: levels 0 and 1 need an origin"),
        ({"unit": "PCE"}, "row 2: per-unit measures need a unit"),
        ({"median": math.inf}, "row 2: median is no logarithm"),
        ({"mad": -1.0}, "row 2: mad is not"),
        ({"n": None}, "row 2: n is empty"),
        ({}, "row 2: a second row for the same cell"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    with pytest.raises(RulebookError, match=message):
        NormTable.load(write(tmp_path, {}, row))


def test_a_wrong_file_is_named(tmp_path):
    path = tmp_path / "norms.parquet"
    with pytest.raises(RulebookError, match="not a readable parquet file"):
        NormTable.load(path)
    path.write_bytes(b"PAR1")
    with pytest.raises(RulebookError, match="not a readable parquet file"):
        NormTable.load(path)
    pq.write_table(pa.table({"measure": ["x"]}), path)
    with pytest.raises(RulebookError, match="column 'level' is missing"):
        NormTable.load(path)
    pq.write_table(pa.Table.from_pylist([ROW], SCHEMA).set_column(0, "n", pa.array(["many"])), path)
    with pytest.raises(RulebookError, match=r"norms\.parquet"):
        NormTable.load(path)


def seasonal(folder, *rows):
    """A table whose file has the columns of MONTHS, empty unless told."""
    path = folder / "norms.parquet"
    schema = pa.schema([*SCHEMA, *((name, pa.float64()) for name in MONTHS)])
    pq.write_table(pa.Table.from_pylist([ROW | row for row in rows], schema), path)
    return path


def test_a_value_is_measured_by_what_is_usual_in_its_month(tmp_path):
    rows = [{"month_01": math.log(1.4), "month_07": math.log(0.6)}, {"hs": "010121"}]
    table = NormTable.load(seasonal(tmp_path, *rows))
    assert table.seasonal
    codes = [hs_token("8517120000")] * 3 + [hs_token("0101210000")]
    got = table.score("value_per_kg", codes, [0] * 4, [0] * 4, [70.0, 30.0, 50.0, 70.0], [0, 6, 3, 0])
    assert got.z[:3] == pytest.approx(0.0, abs=1e-12)
    assert got.ratio == pytest.approx([1, 1, 1, 1.4])
    plain = NormTable.load(seasonal(tmp_path, {}))
    assert not plain.seasonal


@pytest.mark.parametrize("effect", [math.nan, math.inf, -6.0])
def test_a_month_that_is_no_factor_is_refused(tmp_path, effect):
    with pytest.raises(RulebookError, match="row 2: month_03 is no logarithm of a factor"):
        NormTable.load(seasonal(tmp_path, {}, {"hs": "010121", "month_03": effect}))


def test_months_stand_all_or_none(tmp_path):
    path = seasonal(tmp_path, {})
    pq.write_table(pq.read_table(path).drop_columns(["month_12"]), path)
    with pytest.raises(RulebookError, match="column 'month_12' is missing"):
        NormTable.load(path)
