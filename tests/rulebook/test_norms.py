import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.errors import RulebookError
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.norms import MAD_FLOOR, NormTable

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
