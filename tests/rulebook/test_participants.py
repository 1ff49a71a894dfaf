from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.errors import RulebookError
from corridor.kernels.participants import NOT_SEEN
from corridor.messages.tokens import token
from corridor.rulebook.participants import ParticipantTable

SEEN = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
ROW = {
    "role": "importer", "code": "910340012345", "coefficient": 0.5, "declarations": 12, "first_seen": SEEN,
    "daily": 0.25, "inspected": 3, "hits": 1,
}  # fmt: skip
TYPES = {
    "role": pa.string(), "code": pa.string(), "coefficient": pa.float64(), "declarations": pa.int64(),
    "first_seen": pa.timestamp("us", "UTC"), "daily": pa.float64(), "inspected": pa.int64(),
    "hits": pa.int64(),
}  # fmt: skip


def write(folder, *rows, **types):
    path = folder / "participants.parquet"
    schema = pa.schema(list((TYPES | types).items()))
    pq.write_table(pa.Table.from_pylist([ROW | row for row in rows], schema), path)
    return path


def test_a_participant_is_found_in_its_role_only(tmp_path):
    table = ParticipantTable.load(
        write(tmp_path, {}, {"role": "exporter", "code": "DE1", "coefficient": -1.0})
    )
    codes = [token("910340012345"), token("DE1"), 0]
    got = table.lookup("importer", codes)
    assert got.known.tolist() == [True, False, False]
    assert got.coefficient.tolist() == [0.5, 0.0, 0.0]
    assert got.declarations.tolist() == [12, 0, 0]
    assert got.daily.tolist() == [0.25, 0.0, 0.0]
    assert got.first_seen.tolist() == [int(SEEN.timestamp()) * 1_000_000 + 6, NOT_SEEN, NOT_SEEN]
    assert table.lookup("exporter", codes).coefficient.tolist() == [0.0, -1.0, 0.0]
    assert not table.lookup("declarant", codes).known.any()


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Almaty"])
def test_first_seen_is_read_in_any_zone_and_unit(tmp_path, zone):
    seen = SEEN.replace(microsecond=0, tzinfo=None if zone is None else UTC)
    path = write(tmp_path, {"first_seen": seen}, first_seen=pa.timestamp("ms", zone))
    got = ParticipantTable.load(path).lookup("importer", [token("910340012345")])
    assert got.first_seen[0] == int(SEEN.timestamp()) * 1_000_000


def test_empty(tmp_path):
    for table in (ParticipantTable.empty(), ParticipantTable.load(write(tmp_path))):
        assert table.lookup("importer", []).known.tolist() == []
        assert table.lookup("importer", [5]).known.tolist() == [False]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"role": "carrier", "code": "x"}, "row 2: role is none of"),
        ({"code": ""}, "row 2: code is empty"),
        ({"code": "x", "coefficient": 1.01}, "row 2: coefficient is not between"),
        ({"code": "x", "coefficient": None}, "row 2: coefficient is not between"),
        ({"code": "x", "declarations": -1}, "row 2: declarations is less"),
        ({"code": "x", "daily": float("inf")}, "row 2: daily is not"),
        ({"code": "x", "first_seen": None}, "row 2: first_seen is empty"),
        ({}, "row 2: a second row for the same role and code"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    with pytest.raises(RulebookError, match=message):
        ParticipantTable.load(write(tmp_path, {}, row))
