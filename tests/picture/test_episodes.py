"""Episodes: who tells for whom, none left open, none closed that was not opened, and room for so many names only."""

import logging
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.messages.anomaly import encode
from corridor.picture import bursts, detector, newcomers
from corridor.picture.detector import LONGEST_GAP, MOST_FRESH, Bin, Detector
from corridor.picture.hourly import BIN, COUNTS, HOUR, merge
from corridor.picture.norms import PictureNorms, fit
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable
from tests.picture.material import MONDAY, ORIGINS, World, bins, totals
from tests.picture.test_fold import all_bins
from tests.schemas.documents import valid

WORLD = World(6)
DAYS = 14
DAY = MONDAY + (DAYS + 1) * 24 * HOUR
FIRST = DAY // BIN
OFFICE = WORLD.names[1]
DEAR = 10**10
NOBODY = ParticipantTable.empty()


@pytest.fixture(scope="module")
def norms():
    found = PictureNorms.of(fit(WORLD.draw(MONDAY, DAYS, 5)))
    return replace(found, importers={"newcomer": (1.0, 1.0), "newcomer_value": (1e6, 1.0)})


@pytest.fixture(scope="module")
def participants(tmp_path_factory):
    """Two importers with two declarations a day."""
    path = tmp_path_factory.mktemp("rulebook") / "participants.parquet"
    known = {
        "role": "importer",
        "coefficient": 0.0,
        "declarations": 100,
        "daily": 2.0,
        "inspected": 0,
        "hits": 0,
    }
    rows = [known | {"code": name, "first_seen": datetime(2026, 1, 1)} for name in ("known", "other")]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return ParticipantTable.load(path)


def told(found, norms, participants=NOBODY, state=None):
    fold, state = Detector(norms, participants, "v"), state or State()
    return [one for bin_ in found for one in fold.fold(state, bin_)], state


def of(found, *kinds):
    return [(a.kind, a.episode.state) for a in found if a.kind in kinds]


def well_told(found):
    """Each episode is opened once, closed at most once, and nothing is told of it after that."""
    by_episode = sorted(found, key=lambda a: a.episode.id)
    for _, tellings in groupby(by_episode, lambda a: a.episode.id):
        states = [a.episode.state for a in tellings]
        assert states[0] == "opened", states
        assert (states.count("opened"), "closed" in states[:-1]) == (1, False), states


def lodged(at, **importers):
    """A bin with importers: declarations, and value in minor units of each."""
    counts = np.zeros((len(importers), len(COUNTS)), np.int64)
    counts[:, COUNTS.index("declarations")] = [n for n, _ in importers.values()]
    counts[:, COUNTS.index("customs_value")] = [n * value for n, value in importers.values()]
    return Bin(at, [f"importer:{name}" for name in importers], counts)


def hour(n):
    return FIRST + 12 * n


def test_what_was_told_with_a_share_speaks_for_itself_when_that_is_back(norms):
    """An origin jumps for four hours and a chapter, less, for the whole day: the origin tells for both while it lasts."""

    def jump(p, pair, office):
        if office != 1:
            return p
        origin = pair == "office/origin_country"
        second, hours, share = (
            int(np.argsort(p[0])[-2]),
            slice(8, 12) if origin else slice(10, 24),
            0.7 if origin else 0.4,
        )
        p = p.copy()
        p[hours] *= 1 - share
        p[hours, second] += share
        return p

    found, _ = told(all_bins(WORLD.draw(DAY, 1, 9, mix_change=jump, step=BIN)), norms)
    shares = [a for a in found if a.kind == "picture.share_shift" and a.office == OFFICE]
    well_told(shares)
    first = [a for a in shares if a.episode.id == shares[0].episode.id]
    assert first[0].evidence["dimension"] == "origin_country"
    assert first[-1].episode.state == "closed"
    after = [a for a in shares if a.evidence["dimension"] == "hs_chapter"]
    assert after[0].event_time >= first[-1].event_time
    assert after[0].episode.opened_at < first[-1].event_time, "it was out of its norm long before"


def test_what_was_told_with_a_burst_speaks_for_itself_when_that_is_over(norms, participants):
    """A burst lifts an office; when it is over, the office stays lifted by others."""

    def lifted(mean):
        mean[1, 12:] *= 6
        return mean

    x = np.zeros(24)
    x[10:12] = 150
    own = [("service", "all", bins(x)), ("office", OFFICE, bins(x)), ("importer", "known", bins(x))]
    day = merge([WORLD.draw(DAY, 1, 11, lifted, step=BIN), totals(DAY, own, BIN)])
    found, state = told(all_bins(day), norms, participants)
    burst = [a for a in found if a.kind == "participant.burst"]
    assert {e["kind"] for a in burst for e in a.evidence["effects"]} >= {"picture.spike"}
    assert burst[-1].episode.state == "closed"
    spikes = [a for a in found if a.kind == "picture.spike" and a.office == OFFICE]
    well_told(spikes)
    assert spikes[0].event_time >= burst[-1].event_time
    assert not state.bursts


def silent(norms, participants=NOBODY):
    """A state with an office that is silent since nine o'clock, at noon."""

    def change(mean):
        mean[1, 9:] = 0.0
        return mean

    noon = [b for b in all_bins(WORLD.draw(DAY, 1, 7, change, step=BIN)) if b.at < hour(12)]
    found, state = told(noon, norms, participants)
    silences = [a for a in found if a.kind == "picture.silence"]
    assert "closed" not in {a.episode.state for a in silences}
    return silences[0], state


def test_norms_that_know_a_row_no_more_close_its_episode(norms):
    opened, state = silent(norms)
    fewer = replace(norms, counts={key: own for key, own in norms.counts.items() if key[1] != OFFICE})
    after = Detector(fewer, ParticipantTable.empty(), "w").fold(
        state, Bin(hour(12), [], np.zeros((0, 8), np.int64))
    )
    (end,) = [a for a in after if a.episode.id == opened.episode.id]
    assert (end.episode.state, end.evidence["closed_by"], end.rulebook) == ("closed", "norms", "w")
    assert end.event_time == (hour(12) + 1) * BIN
    assert end.expected >= opened.expected
    assert not [key for key in state.standing if OFFICE in key]
    valid("anomaly.v1", [encode(end)])


def test_a_share_of_an_office_that_norms_know_no_more_is_closed_and_frees_the_others(norms):
    def jump(p, pair, office):
        p = p.copy()
        p[8:] *= 0.5
        p[8:, int(np.argmin(p[0]))] += 0.5
        return p

    noon = [b for b in all_bins(WORLD.draw(DAY, 1, 9, mix_change=jump, step=BIN)) if b.at < hour(12)]
    found, state = told(noon, norms)
    opened = [a for a in found if a.kind == "picture.share_shift" and a.office == OFFICE]
    assert state.hushed
    lead = state.leads[OFFICE].rpartition("|")[0]
    pair, _, value = lead.partition(":")
    shares = {
        key: own for key, own in norms.shares.items() if key not in ((pair, value), (pair, f"{OFFICE}/*"))
    }
    after = Detector(replace(norms, shares=shares), ParticipantTable.empty(), "w").fold(
        state, all_bins_at(hour(12))
    )
    (end,) = [a for a in after if a.episode.id == opened[-1].episode.id]
    assert (end.episode.state, end.low, end.high) == ("closed", None, None), "who has no norm has no band"
    assert "" in {by for key, by in state.hushed.items() if OFFICE in key}
    valid("anomaly.v1", [encode(end)])


def all_bins_at(at):
    return Bin(at, [], np.zeros((0, len(COUNTS)), np.int64))


def test_days_without_anything_close_all_that_was_open(norms, participants):
    opened, state = silent(norms, participants)
    at = hour(12)
    more, state = told(
        [lodged(at, known=(60, 1), stranger=(3, DEAR)), all_bins_at(at + 1)], norms, participants, state
    )
    assert of(more, "participant.burst", "participant.newcomer") == [
        ("participant.burst", "opened"),
        ("participant.newcomer", "opened"),
    ]
    after, state = told([all_bins_at(at + 3 + LONGEST_GAP)], norms, participants, state)
    assert [a.evidence["closed_by"] for a in after] == ["gap"] * len(after)
    assert {a.kind for a in after} == {"picture.silence", "participant.burst", "participant.newcomer"}
    well_told([opened, *more, *after])
    assert (state.standing, state.bursts, state.newcomers, state.hushed) == ({}, {}, {}, {})


def test_norms_without_participants_leave_no_burst_open(norms, participants):
    _, state = told([lodged(hour(8), known=(60, 1))], norms, participants)
    assert state.bursts
    empty = (all_bins_at(hour(8) + 1 + n) for n in range(bursts.OVER + 1))
    found, state = told(empty, replace(norms, importers={}), ParticipantTable.empty(), state)
    assert of(found, "participant.burst") == [("participant.burst", "closed")]
    assert not state.bursts


def newcomer_s_day(norms, participants, *lodgings):
    """What is told of newcomers and bursts in a day and the morning after."""
    found = sorted([*lodgings, all_bins_at(FIRST), all_bins_at(hour(30))], key=lambda b: b.at)
    tellings, _ = told(found, norms, participants)
    tellings = [a for a in tellings if a.kind.startswith("participant.")]
    well_told(tellings)
    return of(tellings, "participant.newcomer"), tellings


def test_a_newcomer_whose_burst_is_told_is_told_once(norms, participants):
    """By its burst; its day is neither opened nor closed."""
    newcomer, all_ = newcomer_s_day(norms, participants, lodged(hour(9), stranger=(60, DEAR)))
    assert newcomer == []
    assert of(all_, "participant.burst") == [("participant.burst", "opened"), ("participant.burst", "closed")]


def test_a_newcomer_s_day_ends_though_a_burst_of_it_began(norms, participants):
    lodgings = lodged(hour(9), stranger=(3, DEAR)), lodged(hour(23), stranger=(60, DEAR))
    newcomer, _ = newcomer_s_day(norms, participants, *lodgings)
    assert newcomer == [("participant.newcomer", "opened"), ("participant.newcomer", "closed")]


def test_norms_that_know_no_first_days_end_a_newcomer_s_all_the_same(norms, participants):
    opened, state = told([lodged(hour(9), stranger=(3, DEAR))], norms, participants)
    assert of(opened, "participant.newcomer") == [("participant.newcomer", "opened")]
    found, _ = told([all_bins_at(hour(25))], replace(norms, importers={}), participants, state)
    assert of(found, "participant.newcomer") == [("participant.newcomer", "closed")]
    valid("anomaly.v1", [encode(a) for a in found])


def test_invented_importers_fill_no_memory_and_hide_nobody_who_is_known(
    norms, participants, monkeypatch, caplog
):
    monkeypatch.setattr(newcomers, "MOST", 50)
    monkeypatch.setattr(bursts, "MOST_REMEMBERED", 100)
    monkeypatch.setattr(bursts, "MOST", 5)
    caplog.set_level(logging.WARNING)
    flood, sizes = State(), []
    for t in range(10):
        invented = {f"x{t}-{i}": (1, 100) for i in range(80)} | {f"y{i}": (30, 1) for i in range(8)}
        own = {"known": (2, 1), "dear": (1, DEAR)} if t in (0, 9) else {}
        found, flood = told([lodged(hour(9) + t, **invented, **own)], norms, participants, flood)
        sizes.append(len(flood.dump()))
    assert len(flood.newcomers) <= 50
    assert len(flood.importers) == len(flood.recent) <= 100
    assert len(flood.bursts) == 2, "half is for those who are known"
    assert "known" in flood.importers
    assert flood.newcomers["dear"]["n"] == 2, "who is nearest to being told stays"
    assert ("participant.newcomer", "opened") in of(found, "participant.newcomer")
    assert all(flood.dropped[what] > 0 for what in ("importers", "bursts", "newcomers"))
    assert max(sizes) < 2 * sizes[1]
    assert len([r for r in caplog.records if "no room for more" in r.message]) == 3, "each is said once"
    again = State.load(flood.dump())
    assert again.dropped == flood.dropped
    late, again = told([lodged(hour(11), known=(60, 1), unknown=(60, 1))], norms, participants, again)
    assert [a.subject for a in late if a.kind == "participant.burst"] == [("importer", "known")]
    assert len(again.bursts) == 3


def test_dear_newcomers_fill_no_memory_either(norms, participants, monkeypatch):
    monkeypatch.setattr(newcomers, "MOST", 50)
    monkeypatch.setattr(newcomers, "MOST_TOLD", 20)
    state = State()
    for t in range(3):
        dear = {f"x{t}-{i}": (3, DEAR) for i in range(15)}
        found, state = told([lodged(hour(9) + t, **dear)], norms, participants, state)
        opened = of(found, "participant.newcomer")
        assert opened == [("participant.newcomer", "opened")] * (15, 5, 0)[t]
    assert state.dropped == {"newcomers": 25}
    _, state = told(
        [lodged(hour(10), **{f"y{i}": (3, DEAR) for i in range(400)})], norms, participants, state
    )
    assert len(state.newcomers) == 50
    assert sum(day["since"] > 0 for day in state.newcomers.values()) == 20


@pytest.mark.parametrize(
    ("later", "ends"), [(bursts.OVER, 0), (bursts.OVER + 1, 0), (bursts.OVER + 6, 1), (90, 1)]
)
def test_what_a_burst_told_of_is_told_by_no_other(norms, participants, later, ends):
    """Sixty declarations, and one later: it prolongs the burst up to the bin in which that would end, and is none after."""
    at = hour(9)
    seen = [lodged(at, known=(60, 1)), lodged(at + later, known=(1, 1)), all_bins_at(hour(23))]
    found, state = told(seen, norms, participants)
    tellings = [a for a in found if a.kind == "participant.burst"]
    well_told(tellings)
    assert of(tellings, "participant.burst") == [
        ("participant.burst", "opened"),
        ("participant.burst", "closed"),
    ]
    assert tellings[-1].observed == (60 if ends else 61)
    assert not state.bursts


def test_a_burst_after_a_burst_is_of_its_own_declarations_alone(norms, participants):
    seen = [
        lodged(hour(9), known=(60, 1)),
        lodged(hour(14), known=(6, 1)),
        all_bins_at(hour(23)),
    ]
    found, _ = told(seen, norms, participants)
    tellings = [a for a in found if a.kind == "participant.burst"]
    well_told(tellings)
    assert [(a.episode.state, a.observed) for a in tellings] == [
        ("opened", 60), ("closed", 60), ("opened", 6), ("closed", 6)
    ]  # fmt: skip


def test_categories_that_were_invented_make_room_for_others_after_a_day(norms, monkeypatch):
    monkeypatch.setattr(detector, "MOST_FRESH", 20)
    assert MOST_FRESH > 20

    def seen(at, name, count):
        names = sorted(f"office/origin_country:{OFFICE}/{name}{i}" for i in range(count))
        return Bin(at, names, np.ones((count, len(COUNTS)), np.int64))

    _, state = told([seen(FIRST, "X", 30)], norms)
    kept = [name for name in state.names if "/X" in name]
    assert (len(kept), state.dropped) == (20, {"categories": 10})
    _, state = told([seen(FIRST + 1, "Y", 5)], norms, state=state)
    assert not [name for name in state.names if "/Y" in name]
    assert state.dropped == {"categories": 15}
    _, state = told([seen(FIRST + 288 + 24, "Y", 5)], norms, state=state)
    assert [name for name in state.names if "/Y" in name]
    assert state.dropped == {"categories": 15}
    assert set(ORIGINS) <= {name.rpartition("/")[2] for name in state.names}


def test_norms_that_name_less_than_was_seen_leave_no_room_and_take_none(norms, monkeypatch):
    """What they name no more counts as invented: more than there is room for."""
    monkeypatch.setattr(detector, "MOST_FRESH", 20)
    names = sorted(
        f"office/origin_country:{OFFICE}/{name}" for name in (*ORIGINS, *(f"X{i}" for i in range(20)))
    )
    _, state = told([Bin(FIRST, names, np.ones((len(names), len(COUNTS)), np.int64))], norms)
    before = len(state.names)
    shares = {k: v for k, v in norms.shares.items() if k[1].endswith("/*") or not k[1].startswith(OFFICE)}
    more = [f"office/origin_country:{OFFICE}/Y{i:02d}" for i in range(40)]
    late = Bin(FIRST + 1, more, np.ones((40, len(COUNTS)), np.int64))
    Detector(replace(norms, shares=shares), NOBODY, "w").fold(state, late)
    assert not [name for name in state.names if "/Y" in name]
    assert len(state.names) <= before
    assert state.dropped == {"categories": 40}
