"""Contributions and cells: from columns, from bytes, and from a sum in plain Python."""

import json
from collections import defaultdict
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings

from corridor.errors import InputError
from corridor.kernels.write import ESCAPED, HEAD_BYTES, ITEM_BYTES
from corridor.messages.columns import NO_MONEY
from corridor.messages.contributions import Contributions
from corridor.messages.decision import contributions, decode_decisions, encode
from corridor.messages.quality import HEAD_BITS
from corridor.messages.sums import UNTOLD, goods, grams
from corridor.messages.tokens import hs_token, token
from tests.messages.batches import assemble, batches, judged, plain
from tests.naive import decision as naive
from tests.schemas.documents import valid

DECIDED = 1_700_000_000_123_456
MEASURES = ("items", "customs_value", "grams", "duty", "vat")


def by_label(found) -> list[dict[str, tuple[int, ...]]]:
    """For each declaration: label to sums."""
    return summed(found, found.labels())


def by_pair(found) -> list[dict[str, tuple[int, ...]]]:
    return summed(found.pairs, [found.pair(key) for key in found.pairs.key.tolist()])


def summed(found, labels) -> list[dict[str, tuple[int, ...]]]:
    out = []
    for begin, end in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        rows = defaultdict(lambda: [0] * len(MEASURES))
        for k in range(begin, end):
            for c, name in enumerate(MEASURES):
                rows[labels[k]][c] = min(rows[labels[k]][c] + int(getattr(found, name)[k]), 2**63 - 1)
        out.append({label: tuple(row) for label, row in rows.items()})
    return out


def naive_cells(batch, label) -> list[dict[str, tuple[int, ...]]]:
    out = []
    for i in range(len(batch)):
        groups = defaultdict(list)
        for item in batch.items[batch.offsets[i] : batch.offsets[i + 1]]:
            groups[label(item)].append(item)
        out.append({key: naive_sums(items) for key, items in groups.items()})
    return out


def naive_sums(items) -> tuple[int, ...]:
    money = [naive.summed([int(item[name]) for item in items]) for name in ("customs_value", "duty", "vat")]
    mass = naive.summed([naive.grams(float(item["net_mass_kg"])) for item in items])
    return len(items), money[0], mass, money[1], money[2]


@settings(max_examples=60, deadline=None)
@given(batches())
def test_cells_equal_a_sum_in_plain_python(case) -> None:
    batch, _ = case
    chapter = naive_cells(batch, lambda item: naive.chapter(int(item["hs_code"])))
    origin = naive_cells(batch, lambda item: naive.country(int(item["origin_country"])) or "unknown")
    found = goods(batch)
    assert by_label(found.chapters) == chapter
    assert by_label(found.origins) == origin
    pair = naive_cells(
        batch,
        lambda item: (
            f"{naive.country(int(item['origin_country'])) or 'unknown'}/{naive.chapter(int(item['hs_code']))}"
        ),
    )
    assert by_pair(found) == pair


@settings(max_examples=60, deadline=None)
@given(batches())
def test_decisions_read_back_add_the_same_to_the_picture(case) -> None:
    batch, verdicts = case
    batch.heads["registered_at"].clip(
        -62_135_596_800_000_000, 253_402_300_799_999_999, batch.heads["registered_at"]
    )
    decided = decode_decisions(encode(batch, verdicts, DECIDED))
    expected = contributions(batch, verdicts)
    for field in fields(Contributions):
        found, known = getattr(decided.contributions, field.name), getattr(expected, field.name)
        assert found.tolist() == known.tolist(), field.name
    assert decided.declaration_id == [batch.texts(i)[0] for i in range(len(batch))]
    assert decided.decided_at.tolist() == [DECIDED] * len(batch)
    told = goods(batch)
    assert by_label(decided.goods.chapters) == by_label(told.chapters)
    assert by_label(decided.goods.origins) == by_label(told.origins)
    assert by_pair(decided.goods) == by_pair(told)


@settings(max_examples=60, deadline=None)
@given(batches())
def test_decisions_meet_their_schema(case) -> None:
    batch, verdicts = case
    valid("decision.v1", encode(batch, verdicts, DECIDED))


def test_an_origin_declared_as_unknown_is_one_with_those_that_are_not_declared() -> None:
    """The picture's cells go by their names: one that stood twice would lose counts."""
    batch, _ = plain(4)
    batch.items["hs_code"] = hs_token("87150010")
    batch.items["origin_country"] = np.resize([0, token("unknown"), token("Китай")], len(batch.items))
    found = goods(batch)
    assert len(batch.items) > 3
    assert set(found.origins.key.tolist()) == {UNTOLD}
    assert found.countries.tolist() == [UNTOLD]
    assert {found.pair(key) for key in found.pairs.key.tolist()} == {"unknown/87"}


def test_read_only_and_strided_items_give_the_same_cells() -> None:
    batch, _ = plain(5)
    strided = replace(batch, items=np.repeat(batch.items, 2)[::2])
    strided.items.flags.writeable = False
    assert by_label(goods(strided).chapters) == by_label(goods(batch).chapters)


def test_masses_are_grams_and_what_is_no_mass_is_missing() -> None:
    kilograms = np.array([1430.5, 0.0005, 0.0015, -1.0, np.nan, np.inf, -np.inf, 1e12, 1.1e12])
    missing = [NO_MONEY] * 3
    assert grams(kilograms).tolist() == [1_430_500, 0, 2, -1000, *missing, 10**15, NO_MONEY]


def test_sums_of_many_masses_do_not_depend_on_order() -> None:
    batch, verdicts = plain(4)
    turned = replace(batch, items=batch.items[::-1].copy())
    sums = contributions(batch, verdicts).grams.tolist()
    assert contributions(turned, verdicts).grams.tolist() == sums[::-1]


def test_an_office_and_its_look_alike_stay_apart_whatever_the_batch() -> None:
    rng = np.random.default_rng(1)
    batch = assemble([("1", "10О5", "x"), ("2", "10O5", "x")], [1, 1], rng)
    batch.heads["office"] = batch.heads["office"][1]
    batch.heads["quality"][0] = HEAD_BITS["look_alike"]
    assert contributions(batch, judged(batch, rng)).office.tolist() == ["10О5", "10O5"]


def test_the_longest_documents_fit_the_buffer() -> None:
    rng = np.random.default_rng(2)
    hostile = ("\0" * 64, "\0" * 64, "\0" * 64)
    batch = assemble([hostile], [3], rng)
    verdicts = judged(batch, rng, "r")
    for name in ("customs_value", "duty", "vat"):
        batch.items[name] = NO_MONEY + 1
    batch.items["net_mass_kg"], batch.items["item_no"], batch.items["origin_country"] = -1e12, 2**31 - 1, 7
    batch.items["hs_code"] = 0
    batch.heads["version"], batch.heads["registered_at"] = 2**31 - 1, DECIDED
    batch.heads["function"], batch.heads["direction"] = 2, 2
    verdicts = replace(
        verdicts,
        probability=np.array([0.123456789]),
        item_probability=np.full(3, 0.123456789),
        expected_loss=np.array([NO_MONEY + 1]),
        corridor=np.array([2], np.int8),
        item_corridor=np.full(3, 2, np.int8),
        basis=np.array([0], np.int8),
        reason_group=np.full((1, 5), 3, np.int8),
        reason_item=np.full((1, 5), 2**31 - 1, np.int32),
        reason_contribution=np.full((1, 5), -9.0e9 - 1e-6),
    )
    (document,) = encode(batch, verdicts, DECIDED)
    assert len(document) <= HEAD_BYTES + 3 + ESCAPED * 3 * 64 + 3 * ITEM_BYTES
    item_bytes = len(json.dumps(json.loads(document)["items"][0], separators=(",", ":"))) + 1
    assert item_bytes + 42 <= ITEM_BYTES
    assert len(document) - ESCAPED * 3 * 64 - 3 * item_bytes + 80 <= HEAD_BYTES


@pytest.mark.parametrize("line", [b"{}", b"[]", b"", b"{", b'{"declaration_id": 1}', b"\xff", b"{},{}"])
def test_what_is_no_decision_is_named_by_its_line(line: bytes) -> None:
    batch, verdicts = plain(1)
    lines = [*encode(batch, verdicts, DECIDED), line]
    with pytest.raises(InputError, match=r"line 2 is no decision\.v1: .*; give"):
        decode_decisions(lines)


def test_a_value_outside_the_vocabulary_is_named() -> None:
    batch, verdicts = plain(1)
    (line,) = encode(batch, verdicts, DECIDED)
    bad = line.replace(b'"function":"', b'"function":"x')
    with pytest.raises(InputError, match="must be one of original, amendment, cancellation"):
        decode_decisions([bad])
