"""Figures of the last part of the time: rankings, their differences, calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.study.measure import SHARES, inspections
from corridor.study.validation import (
    BOTH,
    FORETOLD,
    GAINS,
    LOSS,
    MODEL,
    RECOVERY,
    RULES,
    Scores,
    borne_out,
    gains,
    reliability,
    validation,
)


def made(n: int, seed: int, levels: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    risk = rng.uniform(size=n)
    hit = rng.uniform(size=n) < risk**3
    money = np.where(hit, rng.lognormal(8, 1, n), 0.0)
    by = {
        MODEL: risk,
        RULES: rng.uniform(size=n),
        BOTH: risk + 0.01 * rng.uniform(size=n),
        LOSS: risk * money,
        RECOVERY: risk**2 * money,
    }
    if levels:
        by = {name: np.round(score * levels) / levels for name, score in by.items()}
    return Scores(by, hit, money, np.arange(n) // 3)


@given(st.integers(1, 300), st.integers(0, 9), st.sampled_from([0, 4]))
def test_differences_are_those_of_the_rankings(n: int, seed: int, levels: int) -> None:
    scores = made(n, seed, levels)
    found = {(gain.name, gain.share): gain.differences for gain in gains(scores)}
    assert bool(found) == bool(scores.hit.any())
    for name, of, against in GAINS if found else ():
        one, other = (inspections(scores.by[key], scores.hit, scores.recovered) for key in (of, against))
        for a, b in zip(one, other, strict=True):
            for measure in ("precision", "recall", "revenue"):
                wanted = getattr(a, measure) - getattr(b, measure)
                assert found[name, a.share][measure][0] == pytest.approx(wanted, abs=1e-12)


def test_a_ranking_by_recovery_is_borne_out_where_no_interval_holds_nothing() -> None:
    scores = made(6_000, 1)
    scores.by[RECOVERY], scores.by[LOSS] = scores.by[LOSS], scores.by[RULES]
    assert borne_out(validation(scores, 0), FORETOLD, SHARES)
    scores.by[LOSS] = scores.by[RECOVERY]
    assert not borne_out(validation(scores, 0), FORETOLD, SHARES[:1])
    del scores.by[RECOVERY]
    assert not borne_out(validation(scores, 0), FORETOLD, SHARES)
    few = made(40, 1)
    assert not borne_out(validation(few, 0), FORETOLD, SHARES)


def test_a_good_ranking_beats_chance_for_sure_and_itself_never() -> None:
    scores = made(6_000, 1)
    scores.by[MODEL] = scores.by[BOTH]
    found = {(gain.name, gain.share): gain.differences for gain in gains(scores)}
    assert found["the model adds to rules", 0.10]["precision"][1] > 0.1
    assert all(found["rules add to the model", share]["recall"] == (0.0, 0.0, 0.0) for share in SHARES)


def test_intervals_are_wider_where_items_stand_together() -> None:
    """With all items of a declaration alike, twenty items say as much as one."""
    rng = np.random.default_rng(2)
    risk = rng.uniform(size=300)
    hit, noise = rng.uniform(size=300) < risk, rng.uniform(size=300)
    zero = np.zeros(300)

    def width(times: int) -> float:
        by = {
            MODEL: np.repeat(risk, times),
            RULES: np.repeat(noise, times),
            BOTH: np.repeat(risk, times),
            LOSS: np.repeat(zero, times),
        }
        scores = Scores(
            by, np.repeat(hit, times), np.repeat(hit * 1.0, times), np.repeat(np.arange(300), times)
        )
        _, low, high = gains(scores)[3].differences["precision"]
        return high - low

    assert width(20) == pytest.approx(width(1), rel=0.25)


def test_bins_hold_every_item_once_and_equal_probabilities_together() -> None:
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(1, 8, 3_000), 2)
    hit = rng.uniform(size=len(p)) < p
    bins = reliability(p, hit)
    assert sum(b.items for b in bins) == len(p)
    assert sum(b.found * b.items for b in bins) == pytest.approx(hit.sum())
    means = [b.predicted for b in bins]
    assert means == sorted(means)
    at = 0
    for b in bins:
        part = np.sort(p)[at : at + b.items]
        at += b.items
        assert b.predicted == pytest.approx(part.mean())
        assert at == len(p) or np.sort(p)[at] > part[-1]
    assert sum(b.low <= b.predicted <= b.high for b in bins) >= len(bins) - 1


def test_one_probability_for_all_and_nothing_at_all() -> None:
    (only,) = reliability(np.full(7, 0.3), np.array([1, 0, 0, 0, 0, 0, 0], bool))
    assert (only.items, only.found) == (7, pytest.approx(1 / 7))
    empty = validation(
        Scores({RULES: np.zeros(0), LOSS: np.zeros(0)}, np.zeros(0, bool), np.zeros(0), np.zeros(0, int)), 0
    )
    assert empty.items == empty.findings == 0
    assert empty.gains == []
    assert empty.reliability == {}
