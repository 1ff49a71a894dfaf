import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.errors import RulebookError
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.shares import ShareTable

ROWS = [
    ("origin_of_hs6", "851712", "CN", 0.75),
    ("origin_of_hs6", "851712", "VN", 0.25),
    ("dispatch_of_origin", "CN", "KZ", 0.1),
    ("hs4_of_importer", "910340012345", "8517", 1.0),
]


def write(folder, rows):
    path = folder / "shares.parquet"
    schema = pa.schema(
        [("kind", pa.string()), ("of", pa.string()), ("value", pa.string()), ("share", pa.float64())]
    )
    pq.write_table(pa.table(dict(zip(schema.names, zip(*rows, strict=True), strict=True)), schema), path)
    return path


@pytest.fixture
def table(tmp_path):
    return ShareTable.load(write(tmp_path, ROWS))


def test_known_pairs_have_their_share_and_others_zero(table):
    phones = hs_token("851712")
    of = [phones, phones, phones, hs_token("010121")]
    got = table.lookup("origin_of_hs6", of, [token("CN"), token("VN"), token("KR"), token("CN")])
    assert got[:3].tolist() == [0.75, 0.25, 0.0]
    assert math.isnan(got[3])
    assert table.lookup("dispatch_of_origin", [token("CN")] * 2, [token("KZ"), token("RU")]).tolist() == [
        0.1,
        0.0,
    ]


def test_an_importer_with_a_hashed_token_is_found(table):
    importer = token("910340012345")
    assert importer < 0
    got = table.lookup(
        "hs4_of_importer", [importer, importer, 1], [hs_token("8517"), hs_token("0101"), hs_token("8517")]
    )
    assert got[:2].tolist() == [1.0, 0.0]
    assert math.isnan(got[2])


def test_a_missing_side_is_unknown(table):
    assert math.isnan(table.lookup("origin_of_hs6", [hs_token("851712")], [0])[0])
    assert math.isnan(table.lookup("origin_of_hs6", [0], [token("CN")])[0])
    assert math.isnan(table.lookup("hs4_of_importer", [token("910340012345")], [hs_token("85AB")])[0])


def test_empty():
    assert ShareTable.empty().lookup("origin_of_hs6", [], []).tolist() == []
    assert math.isnan(ShareTable.empty().lookup("origin_of_hs6", [1], [2])[0])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("origin", "851712", "KR", 0.5), "row 5: kind is none of"),
        (("origin_of_hs6", "851712", "KR", 1.5), "row 5: share is not between"),
        (("origin_of_hs6", "851712", "KR", None), "row 5: share is not between"),
        (("origin_of_hs6", "", "KR", 0.5), "row 5: of or value is empty"),
        (("origin_of_hs6", "851712", "VN", 0.5), "row 5: a second row for the same pair"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    with pytest.raises(RulebookError, match=message):
        ShareTable.load(write(tmp_path, [*ROWS, row]))
