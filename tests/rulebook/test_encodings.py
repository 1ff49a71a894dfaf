import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.errors import RulebookError
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.encodings import Encodings

ROWS = [
    ("code.hs4", "item.hs4", "8517", 3.0),
    ("code.hs4", "item.hs4", "0101", 4.0),
    ("rate.office", "declaration.office", "8517", 0.25),
]


def write(folder, rows):
    path = folder / "encodings.parquet"
    names = ("feature", "field", "text", "value")
    schema = pa.schema([(name, pa.float64() if name == "value" else pa.string()) for name in names])
    pq.write_table(pa.table(dict(zip(names, zip(*rows, strict=True), strict=True)), schema), path)
    return path


def test_codes_become_their_values_and_unseen_ones_nan(tmp_path):
    encodings = Encodings.load(write(tmp_path, ROWS))
    assert {name: encoding.field for name, encoding in encodings.features.items()} == {
        "code.hs4": "item.hs4",
        "rate.office": "declaration.office",
    }
    got = encodings.apply("code.hs4", [hs_token("0101"), hs_token("8517"), token("8517"), 0])
    assert np.array_equal(got, [4.0, 3.0, np.nan, np.nan], equal_nan=True)
    assert encodings.apply("rate.office", [token("8517")]).tolist() == [0.25]
    assert encodings.apply("rate.office", []).tolist() == []


def test_no_encodings():
    assert Encodings.empty().features == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("code.x", "item.colour", "a", 1.0), "row 4: field is none of"),
        (("code.x", "item.net_mass_kg", "a", 1.0), "row 4: field is none of"),
        (("code.x", "item.unit", "", 1.0), "row 4: text is empty"),
        (("", "item.unit", "a", 1.0), "row 4: feature is empty"),
        (("code.hs4", "item.hs2", "85", 1.0), "row 4: feature code.hs4 is made of two fields"),
        (("code.hs4", "item.hs4", "8517", 1.0), "row 4: a second value"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, row, message):
    with pytest.raises(RulebookError, match=message):
        Encodings.load(write(tmp_path, [*ROWS, row]))


def test_features_of_the_same_codes_share_one_table(tmp_path):
    rates = [("rate.hs4", "item.hs4", "8517", 0.5), ("rate.hs4", "item.hs4", "0101", 0.25)]
    found = Encodings.load(write(tmp_path, [*ROWS, *rates])).features
    assert found["rate.hs4"].table is found["code.hs4"].table
    assert found["rate.office"].table is not found["code.hs4"].table
    other = Encodings.load(write(tmp_path, [*ROWS, *rates[::-1]]))
    asked = [hs_token("8517"), hs_token("0101"), 0]
    assert np.array_equal(other.apply("rate.hs4", asked), [0.5, 0.25, np.nan], equal_nan=True)
