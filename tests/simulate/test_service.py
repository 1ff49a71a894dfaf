"""Clean declarations: readable by the decoder, the same for a seed, spread as in a real service."""

import json
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest

from corridor.messages.declaration import decode
from corridor.simulate import (
    QUIET,
    Options,
    Service,
    blocks,
    catalogue,
    clean,
    day,
    declarations,
    offices,
    rates,
    write,
)
from tests.naive.simulate import documents

TUESDAY, SUNDAY, HOLIDAY = date(2026, 11, 24), date(2026, 11, 22), date(2026, 11, 4)


@pytest.fixture(scope="module")
def service():
    return Service(5)


@pytest.fixture(scope="module")
def read():
    return [json.loads(line) for line in declarations(4000, seed=5)]


def test_clean_declarations_decode_without_rejects_or_flags():
    decoded = decode(declarations(3000, seed=9), 0)
    assert len(decoded.declarations) == 3000
    assert decoded.rejects.codes == []
    assert not decoded.declarations.heads["quality"].any()
    assert not decoded.declarations.items["quality"].any()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    assert declarations(300, seed=5) == declarations(300, seed=5)
    assert declarations(300, seed=5) != declarations(300, seed=6)


def test_blocks_are_the_same_lines_whatever_their_size(service):
    whole = b"".join(blocks(service, TUESDAY, 500))
    assert whole == b"".join(blocks(service, TUESDAY, 500, size=7))
    assert whole.count(b"\n") == 500


def test_numbers_of_declarations_are_unique(read):
    assert len({d["declaration_id"] for d in read}) == len(read)


def test_three_items_on_average_and_a_heavy_tail(read):
    counts = np.array([len(d["items"]) for d in read])
    assert 2.4 < counts.mean() < 3.6
    assert 0.5 < (counts == 1).mean() < 0.75
    assert 40 < counts.max() <= 200


def test_participants_follow_zipf(read):
    counts = sorted(Counter(d["importer"] for d in read if d["direction"] == "import").values(), reverse=True)
    assert sum(counts[:20]) > 0.12 * sum(counts)
    assert sum(c == 1 for c in counts) > 0.3 * len(counts)


def test_the_tax_is_that_of_the_value(read):
    for d in read:
        for item in d["items"]:
            paid = item["duty"] + item["vat"]
            assert (paid > 0) == (d["direction"] == "import" and item["customs_value"] > 0.05) or paid < 0.02
            assert item["vat"] <= 0.2 * (item["customs_value"] + item["duty"]) + 0.02


def test_customs_value_is_the_invoice_at_the_rate_of_the_day(service, read):
    rate = dict(zip(rates.CURRENCIES, rates.on(5, TUESDAY), strict=True))
    for d in read[:500]:
        for item in d["items"]:
            ratio = item["customs_value"] / (item["invoice_amount"] * rate[item["currency"]])
            if item["customs_value"] > 1:
                assert 0.99 < ratio < 1.26


def test_offices_shut_on_sundays_and_holidays_unless_they_work_round_the_clock(service):
    table = offices.load()
    for when in (SUNDAY, HOLIDAY):
        batch = clean(service, when, 400)
        assert table.always_open[batch.heads["office"]].all()
        assert len(day(service, when, 400, Options(planted=False, mix=QUIET)).records) < 200
    assert not table.always_open[clean(service, TUESDAY, 400).heads["office"]].all()


def test_inland_offices_keep_their_hours(service):
    table, batch = offices.load(), clean(service, TUESDAY, 3000)
    inland = table.kind[batch.heads["office"]] == offices.KINDS.index("inland")
    hour = (batch.heads["registered"] // 3_600_000 + table.offset[batch.heads["office"]]) % 24
    assert inland.sum() > 100
    assert ((hour[inland] >= 7) & (hour[inland] <= 19)).all()


def test_prices_of_a_cell_are_log_normal_about_their_median(service):
    table, batch = catalogue.load(), clean(service, TUESDAY, 20_000)
    items = batch.items
    usual = table.usd_kg[items["good"]] * table.price[items["good"], items["origin"]]
    z = np.log(items["usd_kg"] / usual) / np.hypot(table.sigma[items["good"]], 0.07)
    assert abs(np.median(z)) < 0.35  # small lots are dearer
    assert 0.9 < z.std() < 1.15


def test_new_importers_appear_each_day(service):
    today, later = service.scene(TUESDAY), service.scene(TUESDAY + timedelta(days=1))
    new = set(later.traders.number) - set(today.traders.number)
    assert len(new) == 14


def test_rates_walk_slowly_about_their_mean():
    table = rates.table(5)
    steps = np.abs(np.diff(np.log(table), axis=0))
    assert steps.max() < 0.05
    assert (table[:, rates.CURRENCIES.index("RUB")] == 1.0).all()


def test_every_code_of_the_catalogue_is_in_the_nomenclature(shared_data):
    lines = (shared_data / "hs" / "harmonized-system.csv").read_text("utf-8-sig").splitlines()
    known = {line.split(",")[1] for line in lines[1:]}
    table = catalogue.load()
    assert [code for code in table.hs if code[:6] not in known] == []
    near = table.neighbour >= 0
    assert (table.duty_rate[table.neighbour[near]] < table.duty_rate[near]).all()


def test_the_writer_equals_the_standard_library(service):
    """The naive twin: the same documents built with json.dumps from the batch's columns."""
    batch = clean(service, TUESDAY, 300)
    batch.heads["zone"][:5] = 3
    batch.items["net"][:3] = [0, 5, 1_500]
    assert [json.loads(line) for line in write.split(*write.lines(batch))] == documents(batch)


def test_an_empty_batch_is_no_bytes(service):
    buffer, ends = write.lines(clean(service, TUESDAY, 3).take(np.array([], np.int64)))
    assert len(buffer) == len(ends) == 0
