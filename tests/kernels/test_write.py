"""The writer kernel against its slow twin, byte for byte."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from corridor.messages.columns import Declarations
from corridor.messages.decision import encode
from tests.messages.batches import assemble, batches, judged, plain
from tests.naive import decision as naive

DECIDED = 1_700_000_000_123_456


@settings(max_examples=60, deadline=None)
@given(batches())
def test_equals_the_slow_twin_byte_for_byte(case) -> None:
    batch, verdicts = case
    documents = encode(batch, verdicts, DECIDED)
    expected = [naive.text(naive.decision(batch, verdicts, i, DECIDED)) for i in range(len(batch))]
    assert documents == expected


@settings(max_examples=30, deadline=None)
@given(batches())
def test_probabilities_and_contributions_come_back_with_the_same_bits(case) -> None:
    batch, verdicts = case
    for i, document in enumerate(map(json.loads, encode(batch, verdicts, DECIDED))):
        assert float(document["probability"]) == verdicts.probability[i]
        kept = verdicts.reason_contribution[i][verdicts.reason_group[i] >= 0]
        assert [float(reason["contribution"]) for reason in document["reasons"]] == kept.tolist()


def test_an_empty_batch_gives_nothing() -> None:
    rng = np.random.default_rng(1)
    batch = assemble([], [], rng)
    assert encode(batch, judged(batch, rng), DECIDED) == []


def test_batch_size_never_changes_a_document() -> None:
    batch, verdicts = plain(7)
    whole = encode(batch, verdicts, DECIDED)
    single = []
    for i in range(7):
        items = slice(3 * i, 3 * i + 3)
        one = Declarations(
            batch.heads[i : i + 1],
            batch.items[items],
            np.array([0, 3]),
            batch.text,
            batch.text_starts[i : i + 1],
        )
        columns = {name: getattr(verdicts, name)[i : i + 1] for name in PER_DECLARATION}
        columns |= {name: getattr(verdicts, name)[items] for name in PER_ITEM}
        single += encode(one, replace(verdicts, **columns), DECIDED)
    assert single == whole


def test_more_than_are_written_at_once() -> None:
    batch, verdicts = plain(600)
    documents = encode(batch, verdicts, DECIDED)
    some = (0, 255, 256, 511, 512, 599)
    assert len(documents) == 600
    for i in some:
        assert documents[i] == naive.text(naive.decision(batch, verdicts, i, DECIDED))


def test_read_only_and_non_contiguous_columns() -> None:
    batch, verdicts = plain(5)
    expected = encode(batch, verdicts, DECIDED)
    doubled = {
        name: np.repeat(getattr(verdicts, name), 2, axis=0)[::2] for name in PER_DECLARATION + PER_ITEM
    }
    strided = Declarations(
        np.repeat(batch.heads, 2)[::2],
        np.repeat(batch.items, 2)[::2],
        np.repeat(batch.offsets, 2)[::2],
        np.repeat(batch.text, 2)[::2],
        np.repeat(batch.text_starts, 2)[::2],
    )
    for array in (*doubled.values(), strided.heads, strided.items, strided.offsets):
        array.flags.writeable = False
    assert encode(strided, replace(verdicts, **doubled), DECIDED) == expected


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_null(bad: float) -> None:
    batch, verdicts = plain(1)
    batch.items["net_mass_kg"] = bad
    verdicts = replace(verdicts, probability=np.array([bad]))
    document = json.loads(encode(batch, verdicts, DECIDED)[0], parse_constant=pytest.fail)
    assert document["probability"] is None
    assert [item["net_mass_kg"] for item in document["items"]] == [None] * 3
    assert document["net_mass_kg"] == 0


PER_DECLARATION = [
    *("corridor", "probability", "expected_loss", "basis", "at_random", "inclusion", "quality"),
    *("reason_group", "reason_item", "reason_contribution"),
]
PER_ITEM = ["item_probability", "item_corridor", "item_quality"]
