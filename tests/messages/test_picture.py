"""Cells of the picture: exact there and back, and by their schema."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.messages.picture import DIMENSIONS, PictureRow, decode, encode, encode_all, key_of
from tests.messages.batches import texts
from tests.schemas.documents import schema, valid

counts = st.integers(0, 2**62)
amounts = st.integers(-(2**63), 2**63 - 1)
moments = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
seconds = st.floats(0, 1e9)
rows = st.builds(
    PictureRow,
    window_start=moments,
    window_end=moments,
    period=st.sampled_from(["day", "week"]),
    dimension=st.sampled_from(DIMENSIONS),
    value=texts,
    declarations=counts,
    items=counts,
    customs_value=amounts,
    grams=amounts,
    duty=amounts,
    vat=amounts,
    corridors=st.tuples(counts, counts, counts, counts),
    late=counts,
    rejected=st.none() | counts,
    duplicates=st.none() | counts,
    decide_seconds=st.none() | st.tuples(seconds, seconds, seconds),
    plan=st.none() | amounts,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(rows, max_size=3))
def test_rows_meet_their_schema_and_come_back_to_the_last_minor_unit(given_rows: list[PictureRow]) -> None:
    lines = encode_all(given_rows)
    valid("picture.v1", lines)
    assert decode(lines) == given_rows


def test_dimensions_are_those_of_the_schema() -> None:
    assert schema("picture.v1")["properties"]["dimension"]["enum"] == list(DIMENSIONS)


def test_shares_and_key() -> None:
    row = PictureRow(0, 60_000_000, "day", "service", "all", 4, 9, 100, 1500, 30, 20, (2, 1, 1, 0), plan=100)
    document = json.loads(encode(row))
    assert (document["automatic_share"], document["plan"]["share"], document["net_mass_kg"]) == (
        0.75,
        0.5,
        1.5,
    )
    assert key_of(row) == "1970-01-01T00:00:00.000Z/day/service/all"


def test_nothing_has_no_share() -> None:
    row = PictureRow(0, 1, "week", "office", "x", 0, 0, 0, 0, 0, 0, (0, 0, 0, 0), plan=0)
    document = json.loads(encode(row))
    assert document["automatic_share"] is None
    assert document["plan"] == {"payments": 0.0, "share": None}


@pytest.mark.parametrize("line", [b"{}", b"", b"\xff"])
def test_what_is_no_cell_is_named(line: bytes) -> None:
    with pytest.raises(InputError, match=r"line 1 is no picture\.v1"):
        decode([line])
