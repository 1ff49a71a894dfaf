"""Whole days: planted cases and their truth, follow-ups, garbage, results, the same bytes for a date."""

import json
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from corridor.messages.declaration import decode
from corridor.messages.quality import HEAD_BITS, ITEM_BITS
from corridor.simulate import QUIET, Options, Service, day, offices
from corridor.simulate.cases import ITEM_KINDS, PARTICIPANT_KINDS, PICTURE_KINDS
from corridor.simulate.garbage import KINDS
from tests.conftest import ROOT

WHEN = date(2026, 11, 24)
SIZE = 8000


@pytest.fixture(scope="module")
def made():
    return day(Service(5), WHEN, SIZE, Options(events=True, results=True))


@pytest.fixture(scope="module")
def records(made):
    return [json.loads(line) for line in made]


@pytest.fixture(scope="module")
def by_id(made, records):
    return {r["declaration_id"]: r for r in records if r["function"] == "original"}


def test_a_day_does_not_depend_on_the_days_made_before():
    service, options = Service(5), Options(results=True, garbage=0.01)
    before = [b"".join(day(service, WHEN - timedelta(days=k), 600, options).blocks()) for k in (2, 1, 0)]
    assert b"".join(day(Service(5), WHEN, 600, options).blocks()) == before[2]
    assert b"".join(day(service, WHEN, 600, options).blocks(size=11)) == before[2]


def test_every_kind_is_planted_and_named_in_the_truth(made):
    kinds = Counter(line["kind"] for line in made.planted())
    assert set(kinds) == {*ITEM_KINDS[1:], *PARTICIPANT_KINDS, *PICTURE_KINDS}
    assert len({line["case"] for line in made.planted()}) == kinds.total()


def test_two_to_three_in_a_hundred_declarations_hold_planted_items(made):
    ids = {line["declaration_id"] for line in made.planted() if line["declaration_id"]}
    assert 0.015 < len(ids) / len(made.originals) < 0.035


def test_the_truth_points_at_records_of_the_day(made, by_id):
    for line in made.planted():
        if line["declaration_id"]:
            found = by_id[line["declaration_id"]]
            assert found["direction"] == "import"
            assert line["item_no"] in {item["item_no"] for item in found["items"]}
            if line["kind"] in ("undervaluation", "origin_switch"):
                assert line["loss"] > 0
        for name in line["declarations"] or []:
            found = by_id[name]
            if line["subject"]["type"] == "importer":
                assert found["importer"] == line["subject"]["id"]


def test_undervalued_items_stand_at_a_third_to_two_thirds_of_the_usual_price(made):
    ratios = [line["deviation"] for line in made.planted() if line["kind"] == "undervaluation"]
    assert all(0.25 < ratio < 0.7 for ratio in ratios)


def test_a_silent_office_has_no_record_registered_in_its_window(made):
    heads = made.originals.heads
    for line, case in zip([x for x in made.planted() if x["subject"]], made.cases, strict=True):
        if case.kind == "office_silent":
            at = heads["office"] == offices.load().codes.index(case.office)
            assert line["window"][0] < line["window"][1]
            assert not (at & (heads["registered"] >= case.start) & (heads["registered"] < case.stop)).any()


def test_splits_stay_just_below_a_round_value(made, by_id):
    cases = [line for line in made.planted() if line["kind"] == "splitting"]
    assert cases
    for line in cases:
        values = [sum(i["customs_value"] for i in by_id[name]["items"]) for name in line["declarations"]]
        assert 6 <= len(values) <= 10
        assert np.median(values) > 400_000
        assert all(value < 500_000 for value in values)
        assert len({by_id[name]["items"][0]["hs_code"] for name in line["declarations"]}) == 1


def test_arrival_orders_the_file_and_some_are_late(records, made):
    arrival = made.records.heads["arrival"]
    assert (np.diff(arrival) >= 0).all()
    late = arrival - made.records.heads["registered"] > 1_800_000
    assert 0 < late.mean() < 0.02


def test_amendments_and_cancellations_follow_their_originals(made, records):
    functions = Counter(r["function"] for r in records)
    assert functions["amendment"] > 0
    assert functions["cancellation"] > 0
    today = f"/{WHEN:%d%m%y}/"
    first = {}
    for r in records:
        if r["function"] == "original":
            first[r["declaration_id"]] = r
        elif today in r["declaration_id"]:
            assert r["version"] >= 2
            assert first[r["declaration_id"]]["declarant"] == r["declarant"]


def test_duplicates_are_exact(made):
    lines = list(made)
    assert 0 < len(lines) - len(set(lines)) < 0.01 * len(lines)


def test_results_cover_the_inspected_share_and_miss_some_planted_cases(made):
    results = made.results
    inspected = {r["declaration_id"] for r in results}
    assert 0.13 < len(inspected) / len(made.originals) < 0.19
    found = {(r["declaration_id"], r["item_no"]) for r in results if r["finding"] != "none"}
    planted = {
        (p["declaration_id"], p["item_no"]) for p in made.planted() if p["declaration_id"] in inspected
    }
    assert 0.6 < len(planted & found) / len(planted) < 1.0
    assert found - planted


def test_honest_records_have_no_quality_flag(made):
    decoded = decode(list(made), 0)
    assert decoded.rejects.codes == []
    assert not decoded.declarations.heads["quality"].any()
    assert not decoded.declarations.items["quality"].any()


def test_messages_are_valid_by_their_schemas(made, records):
    for name, some in (("declaration", records[::50]), ("result", made.results[::20])):
        schema = json.loads((ROOT / "schemas" / f"{name}.v1.schema.json").read_text("utf-8"))
        validator = Draft202012Validator(schema)
        for message in some:
            validator.validate(message)


def test_a_plain_day_holds_originals_only():
    plain = day(Service(5), WHEN, 500, Options(planted=False, mix=QUIET))
    assert plain.planted() == plain.spoiled() == plain.results == []
    assert {json.loads(line)["function"] for line in plain} == {"original"}


@pytest.fixture(scope="module")
def spoiled():
    made = day(Service(5), WHEN, 3000, Options(garbage=0.06))
    lines = list(made)
    return made, lines, decode(lines, 0)


def test_every_kind_of_garbage_comes_and_nothing_else_is_rejected(spoiled):
    made, lines, decoded = spoiled
    truth = made.spoiled()
    assert {line["kind"] for line in truth} == {kind.name for kind in KINDS}
    wanted = {t["line"] - 1: (t["code"], t["pointer"]) for t in truth if t["expect"] == "reject"}
    rejects = decoded.rejects
    got = {int(r): (c, p) for r, c, p in zip(rejects.rows, rejects.codes, rejects.pointers, strict=True)}
    assert got == wanted
    assert len(lines) == len(made.records)


def test_flags_that_the_decoder_sets_are_set_on_the_garbage_alone(spoiled):
    made, _, decoded = spoiled
    flags = {t["line"] - 1: t["code"] for t in made.spoiled() if t["expect"] == "flag"}
    batch = decoded.declarations
    for i, row in enumerate(decoded.rows):
        head = int(batch.heads["quality"][i])
        item = int(np.bitwise_or.reduce(batch.items["quality"][batch.offsets[i] : batch.offsets[i + 1]]))
        flag = flags.get(int(row))
        if flag is None:
            assert head == item == 0
        elif max(HEAD_BITS.get(flag, 0), ITEM_BITS.get(flag, 0)) < 1 << 8:
            assert head & HEAD_BITS.get(flag, 0) or item & ITEM_BITS.get(flag, 0), flag
