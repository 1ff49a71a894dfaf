"""What became of a partition's records, as a document."""

import json

from hypothesis import given
from hypothesis import strategies as st

from corridor.messages.conservation import COUNTS, encode, waiting
from tests.schemas.documents import valid


@given(st.lists(st.integers(0, 10**12), min_size=len(COUNTS), max_size=len(COUNTS)), st.integers(-1, 2**40))
def test_it_meets_its_schema_and_adds_up(numbers, position):
    counts = dict(zip(COUNTS, numbers, strict=True))
    told = encode("customs.declarations.v1", 3, position, counts, 1_795_514_400_000_000)
    valid("conservation.v1", [told])
    document = json.loads(told)
    ends = sum(document[name] for name in ("decided", "rejected", "duplicates", "tombstones"))
    assert document["read"] == ends + document["waiting"]
    assert document["told_at"] == "2026-11-24T10:00:00.000Z"


def test_a_conflict_is_a_duplicate_already():
    counts = dict.fromkeys(COUNTS, 0) | {"read": 3, "decided": 1, "duplicates": 2, "conflicts": 1}
    assert waiting(counts) == 0
