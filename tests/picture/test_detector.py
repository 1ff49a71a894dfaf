import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.messages.anomaly import encode
from corridor.picture.hourly import BIN, HOUR, Hourly, merge
from corridor.picture.norms import ALARMS, PictureNorms, fit
from corridor.picture.replay import detect
from corridor.rulebook.participants import ParticipantTable
from tests.picture.material import MONDAY, ORIGINS, World, bins, totals

DAYS = 28
DAY = MONDAY + (DAYS + 1) * 24 * HOUR
"""A Tuesday after the history."""
WORLD = World(24)
RARE = 0.01
"""So few false alarms an office and week that a test of one day is not disturbed by any."""


@pytest.fixture(scope="module")
def norms():
    return PictureNorms.of(fit(WORLD.draw(MONDAY, DAYS, 5), alarms=RARE))


def participants(daily=None):
    if not daily:
        return ParticipantTable.empty()
    rows = [
        {"role": "importer", "code": name, "coefficient": 0.0, "declarations": 100, "daily": mean}
        | {"first_seen": datetime(2026, 1, 1), "inspected": 0, "hits": 0}
        for name, mean in daily.items()
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "participants.parquet"
        pq.write_table(pa.Table.from_pylist(rows), path)
        return ParticipantTable.load(path)


def at(office, hours, factor):
    def change(mean):
        mean = mean.copy()
        mean[office, hours] *= factor
        return mean

    return change


def draw(*args, **kwargs):
    return WORLD.draw(*args, step=BIN, **kwargs)


def found(norms, totals, **kwargs):
    return detect(totals, norms, participants(**kwargs))


@pytest.mark.parametrize(("alarms", "weeks", "at_most"), [(RARE, 6, 0.02), (ALARMS, 3, ALARMS)])
def test_clean_weeks_raise_no_more_false_alarms_than_are_asked_for(norms, alarms, weeks, at_most):
    norms, alarms = replace(norms, alarms=alarms), Counter()
    for seed in range(weeks):
        week = draw(MONDAY + DAYS * 24 * HOUR, 7, 100 + seed)
        alarms.update(f.kind for f in found(norms, week))
    assert sum(alarms.values()) <= at_most * weeks * WORLD.offices, alarms


@pytest.mark.parametrize("office", [0, 3, 9, 20])
def test_an_office_that_falls_silent_in_its_hours_is_one_episode(norms, office):
    day = draw(DAY, 1, 7, at(office, slice(9, 24), 0.0))
    (silence,) = found(norms, day)
    assert silence.kind == "picture.silence"
    assert silence.subject == ("office", WORLD.names[office])
    assert silence.observed == 0
    assert silence.low > 0 or silence.expected < 25
    assert abs(silence.start - DAY - 9 * HOUR) <= (3 * BIN if office < 9 else HOUR)
    assert silence.episode.opened_at - silence.start <= (1 if office < 9 else 8) * HOUR


def test_night_is_not_silence_and_does_not_split_one(norms):
    two_days = draw(DAY, 2, 7, at(1, slice(10, 48), 0.0))
    (silence,) = found(norms, two_days)
    assert silence.kind == "picture.silence"
    assert silence.stop >= DAY + 40 * HOUR


def test_a_drop_and_a_spike_are_told_once_with_their_band(norms):
    day = draw(DAY, 1, 8, at(0, slice(8, 14), 0.2))
    (drop,) = found(norms, day)
    assert (drop.kind, drop.office) == ("picture.drop", WORLD.names[0])
    assert drop.observed < drop.low < drop.expected < drop.high
    day = draw(DAY, 1, 8, at(2, slice(10, 13), 4.0))
    spikes = found(norms, day)
    assert [s.kind for s in spikes] == ["picture.spike"]
    assert spikes[0].observed > spikes[0].high
    assert {c["dimension"] for c in spikes[0].evidence["contributors"]} <= {"origin_country", "hs_chapter"}
    assert spikes[0].evidence["contributors"]
    assert abs(spikes[0].start - (DAY + 10 * HOUR)) <= HOUR


def test_a_share_that_jumps_names_its_origin_and_is_one_finding(norms):
    least = int(np.argmin(WORLD.mix["office/origin_country"][1][4]))

    def jump(p, pair, office):
        if pair != "office/origin_country" or office != 4:
            return p
        p = p.copy() * 0.6
        p[:, least] += 0.4
        return p

    (shift,) = found(norms, draw(DAY, 1, 9, mix_change=jump))
    assert (shift.kind, shift.office) == ("picture.share_shift", WORLD.names[4])
    assert shift.evidence["value"] == ORIGINS[least]
    assert 0 <= shift.low <= shift.expected <= shift.high < shift.observed <= 1


def test_a_holiday_is_one_finding_of_the_service_not_one_an_office(norms):
    holiday = draw(DAY, 1, 10, lambda mean: mean * 0.1)
    kinds = Counter((f.kind, f.subject[0]) for f in found(norms, holiday))
    assert kinds == {("picture.drop", "service"): 1}


def burst(count, hours, name="5012345678"):
    x = np.zeros(24)
    x[10 : 10 + hours] = count
    return merge([draw(DAY, 1, 11), totals(DAY, [("importer", name, bins(x))], BIN)])


def test_a_participant_far_over_its_own_norm_is_found_and_a_busy_one_is_not(norms):
    (known,) = found(norms, burst(15, 3), daily={"5012345678": 2.0})
    assert (known.kind, known.subject) == ("participant.burst", ("importer", "5012345678"))
    assert known.observed == 45
    (unknown,) = found(norms, burst(15, 3), daily={"another": 1.0})
    assert unknown.kind == "participant.burst"
    assert not found(norms, burst(15, 3)), "without participants in the rulebook nobody has a norm"
    assert not found(norms, burst(15, 3), daily={"5012345678": 60.0})
    assert not found(norms, burst(2, 2), daily={"5012345678": 0.5})


def test_a_newcomer_with_several_dear_declarations_is_told_and_a_modest_one_is_not():
    rng = np.random.default_rng(3)
    rows = [("importer", f"old{i}", rng.poisson(0.3, DAYS * 24)) for i in range(40)]
    rows += [("importer", f"new{i}", np.eye(DAYS * 24)[rng.integers(240, DAYS * 24)]) for i in range(80)]
    history = merge([WORLD.draw(MONDAY, DAYS, 5), valued(totals(MONDAY, rows), rng.lognormal(14, 1, 99_999))])
    norms = PictureNorms.of(fit(history, alarms=RARE))
    assert norms.importers["newcomer_value"][0] == pytest.approx(np.exp(14), rel=0.5)
    for n, worth, told in ((5, 18.0, 1), (1, 18.0, 0), (3, 13.0, 0)):
        today = valued(
            totals(DAY, [("importer", "stranger", np.eye(24)[9] * n)]), np.full(1, n * np.exp(worth))
        )
        anomalies = found(norms, merge([draw(DAY, 1, 11), today]), daily={"old1": 7.0})
        assert [a.kind for a in anomalies] == ["participant.newcomer"] * told
        assert all("stranger is new" in json.loads(encode(a))["text"]["en"] for a in anomalies)


def valued(hourly, values):
    return replace(hourly, customs_value=np.asarray(values[: len(hourly.hour)], np.int64))


def test_what_a_burst_does_to_its_office_is_told_with_it(norms):
    office, least = WORLD.names[6], int(np.argmin(WORLD.mix["office/origin_country"][1][6]))
    x = np.zeros(24)
    x[10:12] = 30
    x = bins(x)
    rows = [("service", "all", x), ("office", office, x), ("importer", "5012345678", x)]
    rows += [("office/origin_country", f"{office}/{ORIGINS[least]}", x)]
    (told,) = found(norms, merge([draw(DAY, 1, 11), totals(DAY, rows, BIN)]), daily={"5012345678": 1.0})
    assert told.kind == "participant.burst"
    assert {e["kind"] for e in told.evidence["effects"]} >= {"picture.share_shift"}


def test_strays_of_other_days_are_no_days(norms):
    strays = [("service", "all", np.eye(24)[3] * 2), ("office", WORLD.names[0], np.eye(24)[3] * 2)]
    day = draw(DAY, 1, 12)
    long_ago, yesterday = totals(9 * HOUR, strays), totals(DAY - 24 * HOUR, strays)
    assert not found(norms, merge([day, long_ago, yesterday]))


def test_a_file_that_begins_and_ends_within_a_day_is_no_silence(norms):
    day = draw(DAY, 1, 12)
    assert not found(norms, day.where((day.hour >= DAY + 9 * HOUR) & (day.hour < DAY + 15 * HOUR)))


def test_every_anomaly_is_worded_and_its_identity_does_not_depend_on_the_rulebook(norms):
    day = draw(DAY, 1, 8, at(0, slice(8, 14), 0.2))
    ids = set()
    for version in ("a", "b"):
        (anomaly,) = detect(day, norms, participants(), version)
        document = json.loads(encode(anomaly))
        assert document["rulebook"] == version
        assert WORLD.names[0] in document["text"]["en"]
        assert WORLD.names[0] in document["text"]["ru"]
        ids.add(document["anomaly_id"])
    assert len(ids) == 1


def test_nothing_is_found_without_totals_or_without_norms(norms):
    assert not detect(Hourly.of([], [], [], {}), norms, ParticipantTable.empty())
    day = draw(DAY, 1, 7, at(1, slice(0, 24), 0.0))
    assert not detect(day, PictureNorms.empty(), ParticipantTable.empty())


def test_the_order_of_rows_changes_nothing(norms):
    day = draw(DAY, 1, 8, at(0, slice(8, 14), 0.2))
    rows = np.random.default_rng(0).permutation(len(day.hour))
    assert found(norms, day) == found(norms, day.where(rows))
