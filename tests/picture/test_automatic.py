"""The automatic share (green and blue) of an office: its norm, and the anomaly of leaving it."""

from dataclasses import replace

import numpy as np
import pytest

from corridor.picture.hourly import BIN, HOUR
from corridor.picture.mixes import PRIOR
from corridor.picture.norms import PictureNorms, fit
from corridor.picture.replay import detect
from corridor.rulebook.participants import ParticipantTable
from tests.picture.material import MONDAY, World

DAYS = 28
DAY = MONDAY + (DAYS + 1) * 24 * HOUR
WORLD = World(6)
PAIR = "office/automatic"
USUAL = 0.8


def decided(totals, seed, share=lambda office, hour: USUAL):
    """The totals with corridors: the share of office and hour goes to green and blue, half and half."""
    rng = np.random.default_rng(seed)
    office = totals.dimension == "office"
    pairs = zip(totals.value, totals.hour, strict=True)
    chance = np.array([share(value, int(hour)) for value, hour in pairs]) * office
    automatic = rng.binomial(np.where(office, totals.declarations, 0), chance)
    rest = np.where(office, totals.declarations - automatic, 0)
    return replace(
        totals, green=automatic // 2, blue=automatic - automatic // 2, yellow=rest // 2, red=rest - rest // 2
    )


@pytest.fixture(scope="module")
def history():
    return decided(WORLD.draw(MONDAY, DAYS, 5), 5)


@pytest.fixture(scope="module")
def norms(history):
    return PictureNorms.of(fit(history, alarms=0.05))


def shifts(norms, totals):
    found = detect(totals, norms, ParticipantTable.empty())
    return [a for a in found if a.kind == "picture.share_shift" and a.evidence["dimension"] == "corridor"]


def test_the_norm_is_the_share_of_green_and_blue_among_what_was_decided(norms, history):
    for office in WORLD.names:
        rows = (history.dimension == "office") & (history.value == office)
        total = history.declarations[rows].sum()
        automatic = (history.green + history.blue)[rows].sum()
        working, free = norms.shares[(PAIR, f"{office}/automatic")]
        assert working.n + free.n == total
        mean = (working.expected * working.n + free.expected * free.n) / total
        assert mean == pytest.approx((automatic + 1) / (total + 2), abs=0.01)
        assert 0 < working.rho == free.rho < 0.05, "drawn without any correlation"


def test_where_nothing_or_little_was_decided_there_is_no_norm(history):
    undecided = PictureNorms.of(fit(WORLD.draw(MONDAY, DAYS, 5)))
    assert not any(pair == PAIR for pair, _ in undecided.shares)
    first = np.flatnonzero((history.dimension == "office") & (history.value == WORLD.names[0]))[:1]
    for decided_there, known in ((PRIOR - 1, False), (PRIOR, True)):
        green = np.zeros(len(history.hour), np.int64)
        green[first] = decided_there
        none = np.zeros_like(green)
        few = PictureNorms.of(fit(replace(history, green=green, blue=none, yellow=none, red=none)))
        assert ((PAIR, f"{WORLD.names[0]}/automatic") in few.shares) is known
    assert shifts(undecided, decided(WORLD.draw(DAY, 1, 8, step=BIN), 8, lambda office, hour: 0.1)) == []


def test_clean_days_stay_within_the_norm(norms):
    alarms = sum(
        len(shifts(norms, decided(WORLD.draw(DAY, 1, seed, step=BIN), seed))) for seed in range(20, 26)
    )
    assert alarms <= 1


@pytest.mark.parametrize(("usual", "share"), [(0.8, 0.35), (0.5, 0.95)])
def test_a_share_that_leaves_its_norm_is_told_with_its_hours(usual, share):
    begin, end, office = DAY + 9 * HOUR, DAY + 16 * HOUR, WORLD.names[0]

    def changed(value, hour):
        return share if value == office and begin <= hour < end else usual

    history = decided(WORLD.draw(MONDAY, DAYS, 5), 5, lambda office, hour: usual)
    norms = PictureNorms.of(fit(history, alarms=0.05))
    (anomaly,) = shifts(norms, decided(WORLD.draw(DAY, 1, 31, step=BIN), 31, changed))
    assert anomaly.subject == ("office", office)
    assert anomaly.evidence["value"] == "green and blue"
    assert begin <= anomaly.start < anomaly.stop <= end + HOUR
    assert anomaly.expected == pytest.approx(usual, abs=0.02)
    assert anomaly.low < anomaly.expected < anomaly.high
    assert anomaly.observed < anomaly.low if share < usual else anomaly.observed > anomaly.high
    assert anomaly.evidence["declarations"] <= anomaly.evidence["of"]


def test_controls_that_stop_are_seen_where_most_is_released(norms):
    """The share rises from 0.8 to 0.99 only; of the controls nearly nothing is left."""
    begin, end, office = DAY + 9 * HOUR, DAY + 16 * HOUR, WORLD.names[0]

    def changed(value, hour):
        return 0.99 if value == office and begin <= hour < end else USUAL

    (anomaly,) = shifts(norms, decided(WORLD.draw(DAY, 1, 31, step=BIN), 31, changed))
    assert anomaly.subject == ("office", office)
    assert begin <= anomaly.start < end
    assert anomaly.observed > anomaly.high > anomaly.expected
