"""Cells of the picture: exact there and back, and by their schema."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.kernels.write_picture import CELL_BYTES
from corridor.messages.columns import NO_MONEY
from corridor.messages.picture import (
    DIMENSIONS,
    MEASURES,
    Beside,
    PictureRow,
    decode,
    encode,
    encode_columns,
    key_of,
)
from tests.messages.batches import texts
from tests.schemas.documents import schema, valid

counts = st.integers(0, 2**62)
amounts = st.integers(-(2**63), 2**63 - 1)
moments = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
seconds = st.floats(0, 1e9)
planned = st.none() | amounts
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
    flagged=counts,
    rejected=st.none() | counts,
    duplicates=st.none() | counts,
    decide_seconds=st.none() | st.tuples(seconds, seconds, seconds),
)
planned_rows = st.tuples(rows, planned, planned).map(
    lambda told: replace(told[0], plan=told[1], forecast=None if told[1] is None else told[2])
)


@settings(max_examples=100, deadline=None)
@given(st.lists(planned_rows, max_size=3))
def test_rows_meet_their_schema_and_come_back_to_the_last_minor_unit(given_rows: list[PictureRow]) -> None:
    lines = [encode(row) for row in given_rows]
    valid("picture.v1", lines)
    assert decode(lines) == given_rows


wide = st.integers(-(2**63), 2**63 - 1)
few = st.integers(0, 700)
told = st.tuples(st.sampled_from(DIMENSIONS), texts, wide, wide, st.booleans())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            told,
            st.lists(wide, min_size=10, max_size=10),
            st.lists(few, min_size=4, max_size=4) | st.lists(few | wide, min_size=4, max_size=4),
            st.none() | st.tuples(*[st.integers(0, 90_000_000)] * 3),
            st.tuples(*[st.none() | st.integers(1 - 2**63, 2**63 - 1) | st.integers(0, 10**14)] * 2),
        ),
        max_size=6,
    ),
    st.sampled_from(["day", "week"]),
)
def test_columns_are_encoded_as_rows_are(cells, period) -> None:
    rows, numbers = [], []
    for cell, (*six, late, flagged, rejected, duplicates), corridors, took, (plan, forecast) in cells:
        dimension, value, start, end, known = cell
        told = known and dimension == "service"
        numbers.append([*six, *corridors, late, flagged, rejected, duplicates])
        outside = {"rejected": rejected if told else None, "duplicates": duplicates if told else None}
        outside |= {"plan": plan, "forecast": None if plan is None else forecast}
        times = None if took is None else tuple(ms / 1000 for ms in took)
        row = PictureRow(start, end, period, dimension, value, *six, tuple(corridors), late, flagged)
        rows.append(replace(row, decide_seconds=times, **outside))
    dimensions, values, starts, ends, known = (
        zip(*(cell for cell, *_ in cells), strict=True) if cells else [()] * 5
    )
    measures = np.array(numbers, np.int64).reshape(-1, 14)
    beside = Beside(
        np.array([(-1, -1, -1) if took is None else took for *_, took, _ in cells], np.int64).reshape(-1, 3),
        np.array(
            [[NO_MONEY if amount is None else amount for amount in plan] for *_, plan in cells], np.int64
        ).reshape(-1, 2),
    )
    assert encode_columns(period, starts, ends, dimensions, values, measures, known, beside) == [
        encode(row) for row in rows
    ]


def shares(released: np.ndarray, total: np.ndarray) -> tuple[list[bytes], list[bytes]]:
    n = len(total)
    measures = np.zeros((n, len(MEASURES)), np.int64)
    measures[:, 6], measures[:, 9] = released, total - released
    ours = encode_columns("day", np.zeros(n), np.zeros(n), ["office"] * n, ["1"] * n, measures, np.zeros(n))
    rows = (
        PictureRow(0, 0, "day", "office", "1", *[0] * 6, corridors=(a, 0, 0, b - a))
        for a, b in zip(released.tolist(), total.tolist(), strict=True)
    )
    return ours, [encode(row) for row in rows]


def test_every_small_share_and_every_millionth_has_the_digits_of_a_rounded_float() -> None:
    total = np.repeat(np.arange(321), np.arange(321) + 1)
    ours, rows = shares(np.arange(len(total)) - total * (total + 1) // 2, total)
    assert ours == rows
    millionths = np.r_[0:1100, 9_990:10_010, 99_990:100_010, 999_900:1_000_001]
    ours, rows = shares(millionths, np.full(len(millionths), 1_000_000))
    assert ours == rows


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6 - 1), st.integers(1, 2**33), st.integers(-2, 2))
def test_shares_beside_a_tie(millionth: int, total: int, beside: int) -> None:
    released = min(max((2 * millionth + 1) * total // 2_000_000 + beside, 0), total)
    ours, rows = shares(np.array([released]), np.array([total]))
    assert ours == rows


def test_more_cells_than_are_written_at_once_and_longer_ones_later() -> None:
    values = [f"{i}" * (i // 100 + 1) for i in range(600)]
    measures = np.full((600, len(MEASURES)), -(2**63))
    measures[:, 6:10] = 3  # else each is left to the slow way
    zeros, moments = np.zeros(600, np.bool_), np.full(600, -(2**63))
    beside = Beside(np.full((600, 3), 90_000_000), np.full((600, 2), 2**62))
    ours = encode_columns("week", moments, moments, ["office"] * 600, values, measures, zeros)
    ours_shared = encode_columns("day", moments, moments, ["service"] * 600, values, measures, ~zeros, beside)
    one_by_one = [
        encode_columns("week", moments[:1], moments[:1], ["office"], [value], measures[:1], zeros[:1])[0]
        for value in values
    ]
    assert ours == one_by_one
    assert [json.loads(line)["rejected"] for line in ours_shared] == [-(2**63)] * 600
    assert max(map(len, ours_shared)) + 40 < CELL_BYTES + len("service") + max(map(len, values))


def test_dimensions_are_those_of_the_schema() -> None:
    assert schema("picture.v1")["properties"]["dimension"]["enum"] == list(DIMENSIONS)


def test_shares_and_key() -> None:
    row = PictureRow(0, 60_000_000, "day", "service", "all", 4, 9, 100, 1500, 30, 20, (2, 1, 1, 0), plan=100)
    document = json.loads(encode(row))
    assert (document["automatic_share"], document["net_mass_kg"]) == (0.75, 1.5)
    assert document["plan"] == {"payments": 1.0, "share": 0.5, "forecast": None}
    assert row.plan_share == 0.5
    assert key_of(row) == "1970-01-01T00:00:00.000Z/day/service/all"


def test_nothing_has_no_share() -> None:
    row = PictureRow(0, 1, "week", "office", "x", 0, 0, 0, 0, 0, 0, (0, 0, 0, 0), plan=0)
    document = json.loads(encode(row))
    assert document["automatic_share"] is None
    assert document["plan"] == {"payments": 0.0, "share": None, "forecast": None}


def test_messages_of_before_have_no_flag_and_no_forecast() -> None:
    row = PictureRow(
        0, 1, "day", "office", "x", 1, 1, 0, 0, 0, 0, (1, 0, 0, 0), flagged=1, plan=5, forecast=6
    )
    document = json.loads(encode(row))
    del document["flagged"], document["plan"]["forecast"]
    assert decode([json.dumps(document).encode()]) == [replace(row, flagged=0, forecast=None)]


@pytest.mark.parametrize("line", [b"{}", b"", b"\xff"])
def test_what_is_no_cell_is_named(line: bytes) -> None:
    with pytest.raises(InputError, match=r"line 1 is no picture\.v1"):
        decode([line])
