"""Traces against their slow twin and schema, and read back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.history import History
from corridor.messages import trace
from corridor.messages.columns import NO_MONEY, Declarations
from tests.messages.batches import EXTREMES, batches, plain
from tests.naive import decision as naive
from tests.schemas.documents import valid

NAMES = ("importer_hour_count", "importer_day_value", "exporter_day_count")


def histories(batch: Declarations, seed: int, names: tuple[str, ...]) -> History:
    rng, n = np.random.default_rng(seed), len(batch)
    return History(
        names,
        rng.choice(EXTREMES, (len(names), n)),
        rng.random(n) < 0.3,
        rng.integers(0, 3, n).astype(np.int32),
        rng.integers(-2, 5, n),
    )


@settings(max_examples=60, deadline=None)
@given(batches(), st.integers(0, 99), st.integers(0, 3))
def test_equals_the_slow_twin_meets_its_schema_and_comes_back(case, seed: int, k: int) -> None:
    batch, verdicts = case
    history = histories(batch, seed, NAMES[:k])
    documents = trace.encode(batch, history, verdicts.rulebook)
    expected = [naive.trace(batch, history, verdicts.rulebook, i) for i in range(len(batch))]
    assert documents == [naive.text(document) for document in expected]
    valid("trace.v1", documents)
    traced = trace.columns(trace.decode(documents))
    known = np.where(history.late, NO_MONEY, history.values)
    assert traced.late.tolist() == history.late.tolist()
    assert traced.values.T.tolist() == known.T.tolist()
    assert traced.previous_version.tolist() == history.previous_version.tolist()
    same = np.where(
        history.original_declarant == 0, -1, history.original_declarant == batch.heads["declarant"]
    )
    assert traced.original_declarant.tolist() == same.tolist()


def test_read_only_and_strided_histories() -> None:
    batch, _ = plain(4)
    history = histories(batch, 1, NAMES)
    strided = replace(history, values=np.asfortranarray(history.values), late=np.repeat(history.late, 2)[::2])
    strided.values.flags.writeable = False
    assert trace.encode(batch, strided, "r") == trace.encode(batch, history, "r")


def test_what_is_no_trace_is_named() -> None:
    with pytest.raises(InputError, match=r"trace 1 is no trace\.v1"):
        trace.decode([b'{"declaration_id": "1"}'])


def test_traces_of_different_histories_do_not_mix() -> None:
    batch, _ = plain(1)
    mixed = [trace.encode(batch, histories(batch, 1, NAMES[:k]), "r")[0] for k in (1, 2)]
    with pytest.raises(InputError, match=r"trace 2 .* has the histories"):
        trace.columns(trace.decode(mixed))
