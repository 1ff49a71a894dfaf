"""Shares of working and of free days, and the service's origins beside what its offices expect."""

from datetime import UTC, datetime

import numpy as np
import pytest

from corridor.messages.anomaly import encode
from corridor.picture.changes import cell_name
from corridor.picture.detector import Detector
from corridor.picture.hourly import BIN, HOUR, ORIGINS, Hourly, merge
from corridor.picture.norms import PictureNorms, fit
from corridor.picture.replay import bins, detect
from corridor.picture.series import rows
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable
from tests.picture.material import MONDAY, World
from tests.picture.material import ORIGINS as COUNTRIES
from tests.schemas.documents import valid

DAYS = 28
NEXT = MONDAY + DAYS * 24 * HOUR
SATURDAY = NEXT + 5 * 24 * HOUR
WORLD = World(12)
PAIR = "office/origin_country"


def weekends(p, pair, office):
    """On Saturdays and Sundays half of what comes from the commonest origin comes from the rarest, at all offices."""
    if pair != PAIR:
        return p
    p, free = p.copy(), np.arange(len(p)) // 24 % 7 >= 5
    most, least = int(p[0].argmax()), int(p[0].argmin())
    moved = p[free, most] / 2
    p[free, most] -= moved
    p[free, least] += moved
    return p


@pytest.fixture(scope="module")
def norms():
    return PictureNorms.of(fit(WORLD.draw(MONDAY, DAYS, 5, mix_change=weekends), alarms=0.02))


def shifts(norms, totals):
    return [a for a in detect(totals, norms, ParticipantTable.empty()) if a.kind == "picture.share_shift"]


def test_a_share_of_weekends_is_told_apart_and_holidays_are_as_weekends(norms):
    office = WORLD.names[0]
    p = WORLD.mix[PAIR][1][0]
    for country, share in ((COUNTRIES[p.argmax()], p.max()), (COUNTRIES[p.argmin()], p.min())):
        working, free = norms.share(PAIR, office, country), norms.share(PAIR, office, country, free=True)
        assert working.expected == pytest.approx(share, abs=0.02)
        moved = share / 2 if share == p.max() else share + p.max() / 2
        assert free.expected == pytest.approx(moved, abs=0.03)
    names = [cell_name("office", office), cell_name(PAIR, f"{office}/{COUNTRIES[p.argmax()]}")]
    detector, state = (
        Detector(PictureNorms(norms.counts, norms.shares, country="KZ"), ParticipantTable.empty()),
        State(),
    )
    independence = int(datetime(2026, 12, 16, tzinfo=UTC).timestamp()) * 1_000_000  # a Wednesday
    seen = []
    for day in (independence - 24 * HOUR, independence):
        of = rows(names, detector.norms)
        detector._expected(of, day // BIN)
        seen.append(of.share[1])
    assert seen == [pytest.approx(p.max(), abs=0.02), pytest.approx(p.max() / 2, abs=0.03)]
    assert state.at < 0


def test_a_weekend_like_those_of_history_is_no_shift_and_a_working_day_like_a_weekend_is_one(norms):
    assert not shifts(norms, WORLD.draw(NEXT, 7, 21, mix_change=weekends, step=BIN))

    def always(p, pair, office):
        return weekends(np.repeat(p[:1], 24 * 7, 0), pair, office)[-len(p) :] if office == 0 else p

    told = shifts(norms, WORLD.draw(NEXT, 1, 22, mix_change=always, step=BIN))
    assert {a.office for a in told} == {WORLD.names[0]}


def test_an_origin_that_shifts_everywhere_is_one_finding_of_the_service(norms):
    """A third of everything comes from one country, at all offices: the service tells, with the origins that moved."""
    rising = int(np.argmin(WORLD.mix[PAIR][1].mean(0)))

    def everywhere(p, pair, office):
        if pair != PAIR:
            return p
        p = p.copy()
        p[10:] *= 0.75
        p[10:, rising] += 0.25
        return p

    told = shifts(norms, WORLD.draw(NEXT, 1, 23, mix_change=everywhere, step=BIN))
    (service,) = [a for a in told if a.subject == ("service", "all")]
    valid("anomaly.v1", [encode(anomaly) for anomaly in told])
    assert (service.office, service.evidence["dimension"]) == (None, "origin_country")
    assert service.evidence["value"] == COUNTRIES[rising]
    assert service.expected < service.high < service.observed
    assert service.evidence["contributors"][0]["dimension"] == "origin_country"
    assert NEXT + 9 * HOUR <= service.start < service.episode.opened_at <= NEXT + 11 * HOUR
    assert all(a.event_time > service.event_time for a in told if a.office), "hushed while the service tells"


def test_more_declarations_of_one_office_shift_no_origin_of_the_service(norms):
    """The office's own mix is far from the service's: its rise alone moves the service's shares."""

    def busier(mean):
        mean[0] *= 1.6
        mean[1:] *= 0.8
        return mean

    told = shifts(norms, WORLD.draw(NEXT, 1, 24, busier, step=BIN))
    assert not [a for a in told if a.subject[0] == "service"]


def test_the_service_s_row_is_the_sum_of_its_offices(norms):
    found: Hourly = merge([WORLD.draw(NEXT, 1, 25, step=BIN)])
    detector, state = Detector(norms, ParticipantTable.empty()), State()
    for bin_ in bins(found, (NEXT // BIN, NEXT // BIN + 143)):
        detector.fold(state, bin_)
    of = detector._rows
    sums = state.memory.hours.sum(2) + state.memory.fine.sum(2)
    row = of.at[cell_name(ORIGINS, f"all/{COUNTRIES[0]}")]
    below = np.flatnonzero(of.under == row)
    assert len(below) == WORLD.offices
    for column in (0, 2):
        assert sums[row, column] == pytest.approx(sums[below, column].sum())
    assert sums[row, 1] == sums[of.at["service:all"], 0]
