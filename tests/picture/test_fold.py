"""The fold: the same whether it runs on or is taken up from bytes; slow shifts, prices, silent participants."""

import json

import numpy as np
import pytest

from corridor.errors import CorridorError
from corridor.messages.anomaly import encode
from corridor.picture import state as layout
from corridor.picture.detector import MOST_FRESH, Bin, Detector
from corridor.picture.fitting import REGULAR
from corridor.picture.hourly import BIN, COUNTS, HOUR, PER_LOG, Hourly, merge
from corridor.picture.norms import PictureNorms, fit
from corridor.picture.replay import bins, detect
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable
from tests.picture.material import MONDAY, World, totals
from tests.schemas.documents import valid

WORLD = World(8)
DAYS = 28
NEXT = MONDAY + DAYS * 24 * HOUR


@pytest.fixture(scope="module")
def norms():
    rng = np.random.default_rng(8)
    busy = rng.poisson(np.tile(np.repeat([0.0, 2.0, 0.0], [6, 12, 6]), DAYS))
    rows = [("importer", "steady", busy), ("importer", "rare", rng.poisson(0.02, DAYS * 24))]
    return PictureNorms.of(
        fit(merge([WORLD.draw(MONDAY, DAYS, 5), totals(MONDAY, rows), priced(MONDAY, DAYS, 3.0, 1)]))
    )


def priced(first, days, log, seed):
    """Prices of one chapter and origin, three declarations an hour by day; log: mean logarithm by hour or for all."""
    rng = np.random.default_rng(seed)
    hours = first + np.flatnonzero(np.tile(np.repeat([0, 1, 0], [6, 12, 6]), days)) * HOUR
    logs = np.broadcast_to(log, days * 24)[(hours - first) // HOUR] + rng.normal(
        0, 0.3, (3, len(hours))
    ).mean(0)
    three = np.full(len(hours), 3)
    counts = {"declarations": three, "items": three, "log_price": np.rint(3 * logs * PER_LOG)}
    return Hourly.of(hours, ["price"] * len(hours), ["87/CN"] * len(hours), counts)


def all_bins(found):
    return bins(found, (int(found.hour.min()) // BIN, int(found.hour.max()) // BIN))


def told(norms, found):
    detector, state = Detector(norms, ParticipantTable.empty(), "v"), State()
    return [a for bin_ in all_bins(found) for a in detector.fold(state, bin_)], state


def test_a_state_that_was_kept_as_bytes_goes_on_where_it_was(norms):
    def broken(mean):
        mean[0, 8:14] *= 0.1
        return mean

    week = WORLD.draw(NEXT, 2, 9, broken, step=BIN)
    whole, state = told(norms, week)
    kept, parts = State().dump(), []
    for bin_ in all_bins(week):
        if bin_.at % 50 == 0 or not parts:
            detector = Detector(norms, ParticipantTable.empty(), "v")  # another worker
        again = State.load(kept)
        parts += detector.fold(again, bin_)
        kept = again.dump()
    assert [encode(a) for a in parts] == [encode(a) for a in whole]
    assert kept == state.dump()
    assert {a.kind for a in whole} & {"picture.drop", "picture.silence"}
    valid("anomaly.v1", [encode(anomaly) for anomaly in whole])


def test_bytes_of_another_layout_are_refused(monkeypatch):
    monkeypatch.setattr(layout, "FORM", 9)
    raw = State().dump()
    monkeypatch.undo()
    for other in (raw, b"", b"PK\3\4 as it was before"):
        with pytest.raises(CorridorError, match="--state"):
            State.load(other)


def test_a_bin_that_was_folded_before_changes_nothing(norms):
    detector, state = Detector(norms, ParticipantTable.empty()), State()
    one = np.zeros((1, len(COUNTS)), np.int64)
    one[0, 0] = 7
    detector.fold(state, Bin(NEXT // BIN, ["service:all"], one))
    before = state.dump()
    assert detector.fold(state, Bin(NEXT // BIN, ["service:all"], one)) == []
    assert state.dump() == before


def test_a_level_that_fell_is_told_within_days_and_closed_when_it_is_back(norms):
    def lower(mean):
        mean[1, : 5 * 24] *= 0.68
        return mean

    found, _ = told(norms, WORLD.draw(NEXT, 21, 12, lower, step=BIN))
    slow = [
        a
        for a in found
        if a.kind in ("picture.level_shift", "picture.slow_shift") and a.office == WORLD.names[1]
    ]
    slow = [a for a in slow if a.episode.id == slow[0].episode.id]
    assert slow[0].episode.state == "opened"
    assert slow[0].episode.opened_at <= NEXT + 5 * 24 * HOUR
    assert slow[0].observed < slow[0].expected
    assert slow[-1].episode.state == "closed"
    assert "since 2026-" in json.loads(encode(slow[0]))["text"]["en"]


def test_a_price_that_halves_is_told_by_chapter_and_origin(norms):
    log = np.full(48, 3.0)
    log[24 + 8 :] -= np.log(2)
    found, _ = told(norms, merge([WORLD.draw(NEXT, 2, 13, step=BIN), priced(NEXT, 2, log, 2)]))
    (shift, *_) = [a for a in found if a.kind == "picture.price_shift"]
    assert shift.subject == ("price", "87/CN")
    assert shift.evidence["value"] == "CN/87"
    assert shift.expected == pytest.approx(np.exp(3.0) * 10, rel=0.05)
    assert shift.observed < shift.low < shift.expected < shift.high
    assert NEXT + 32 * HOUR <= shift.event_time <= NEXT + 42 * HOUR


def test_who_is_never_silent_is_missed_and_who_comes_rarely_is_not(norms):
    assert {value for dimension, value in norms.counts if dimension == REGULAR} == {"steady"}
    found, _ = told(norms, WORLD.draw(NEXT, 2, 14, step=BIN))
    (silence, *_) = [a for a in found if a.kind == "participant.silence"]
    assert silence.subject == ("importer", "steady")
    assert silence.observed == 0.0


def test_hostile_origins_fill_no_memory(norms):
    """Ten thousand origins that nobody knows: rows are added up to a bound."""
    names = sorted(f"office/origin_country:{WORLD.names[0]}/X{i}" for i in range(10_000))
    detector, state = Detector(norms, ParticipantTable.empty()), State()
    counts = np.ones((len(names), len(COUNTS)), np.int64)
    for t in range(3):
        detector.fold(state, Bin(NEXT // BIN + t, names, counts))
    assert sum("/X" in name for name in state.names) == MOST_FRESH


def test_alarms_are_the_one_setting(norms):
    """Fewer false alarms asked for, later told."""

    def slower(mean):
        mean[0, 8:] *= 0.25
        return mean

    day = WORLD.draw(NEXT, 1, 15, slower, step=BIN)
    openings = []
    for alarms in (1.0, 1e-4):
        table = fit(WORLD.draw(MONDAY, DAYS, 5), alarms=alarms)
        first = [
            a
            for a in detect(day, PictureNorms.of(table), ParticipantTable.empty())
            if a.office == WORLD.names[0]
        ]
        openings.append(min(a.episode.opened_at for a in first))
    assert openings[0] < openings[1]
