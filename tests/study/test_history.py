"""Histories and lineage against their slow twins."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.messages.tokens import token
from corridor.study.history import histories
from corridor.study.lineage import lineage
from tests.naive import history as naive
from tests.study.service import batch, declaration, item

TIMES = ["2026-11-01T23:59:59.999Z", "2026-11-02T00:00:00Z", "2026-11-02T00:30:00Z", "2026-11-02T01:00:00Z"]
VIEWS = [("importer", "hour"), ("importer", "day"), ("importer", "week"), ("exporter", "day")]

record = st.builds(
    lambda number, at, version, function, importer, exporter, values: declaration(
        number,
        at,
        version=version,
        function=function,
        importer=importer,
        exporter=exporter,
        items=[item(k + 1, customs_value=value) for k, value in enumerate(values)],
    ),
    st.sampled_from(["a", "b", "c", "d"]),
    st.sampled_from(TIMES),
    st.integers(1, 2),
    st.sampled_from(["original", "original", "amendment", "cancellation"]),
    st.sampled_from(["I1", "I2"]),
    st.sampled_from(["E1", None]),
    st.lists(st.sampled_from([100.25, 3.1, -5.0, 0.0]), min_size=1, max_size=2),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(record, max_size=12))
def test_equal_to_the_slow_twins(records: list[dict[str, object]]) -> None:
    declarations = batch(records)
    rows = naive.records(declarations)
    lines = lineage(declarations)
    kinds = [lines.standing, lines.duplicate, lines.conflict]
    states = np.select(kinds, ["standing", "duplicate", "conflict"], "")
    assert states.tolist() == naive.standing(rows)
    found = histories(declarations, VIEWS, lines)
    for party, bucket in VIEWS:
        expected = naive.history(rows, party, bucket)
        counts = found.values[found.names.index(f"{party}_{bucket}_count")]
        values = found.values[found.names.index(f"{party}_{bucket}_value")]
        assert list(zip(counts.tolist(), values.tolist(), strict=True)) == expected


def test_ties_count_together_and_buckets_begin_anew() -> None:
    declarations = batch([declaration(str(k), at) for k, at in enumerate([*TIMES, TIMES[2]])])
    found = histories(declarations, [("importer", "day"), ("importer", "week")])
    assert found.names[::2] == ("importer_day_count", "importer_week_count")
    assert found.values[0].tolist() == [1, 1, 3, 4, 3]
    assert found.values[2].tolist() == [1, 1, 3, 4, 3]  # 1 November 2026 was a Sunday


def test_an_amendment_finds_its_original() -> None:
    first = declaration("x", TIMES[1], declarant="D-original")
    second = declaration("x", TIMES[2], version=2, function="amendment")
    third = declaration("x", TIMES[3], version=3, function="cancellation")
    early = declaration("x", TIMES[0], version=4, function="amendment")
    lines = lineage(batch([third, second, early, first]))
    assert lines.previous_version.tolist() == [2, 1, 0, 0]
    assert lines.original_declarant.tolist() == [token("D-original"), token("D-original"), 0, 0]


def test_an_empty_batch() -> None:
    found = histories(batch([]), VIEWS)
    assert found.values.shape == (8, 0)
