"""Training, calibration and thresholds on made-up figures."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from corridor.kernels import trees
from corridor.study.thresholds import NEVER, CorridorShares, Judged, thresholds
from corridor.study.train import Examples, average_precision, calibrate, train, varying


def test_calibration_finds_the_slope_and_the_shift() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=20_000)
    hit = rng.uniform(size=len(raw)) < 1 / (1 + np.exp(-(0.7 * raw - 1.5)))
    a, b, ceiling = calibrate(raw, hit)
    assert a == pytest.approx(0.7, abs=0.06)
    assert b == pytest.approx(-1.5, abs=0.06)
    assert ceiling == 1.0


def test_inspections_that_miss_some_of_what_there_is_give_a_ceiling() -> None:
    """Of what there is, 83 in 100 are found: the surest scores are told 83 %, and found so."""
    rng = np.random.default_rng(4)

    def world(n: int) -> tuple[Any, Any]:
        raw = rng.normal(-3.0, 3.0, size=n)
        there = rng.uniform(size=n) < 1 / (1 + np.exp(-(1.5 * raw + 0.5)))
        return raw, there & (rng.uniform(size=n) < 0.83)

    a, b, ceiling = calibrate(*world(8_000))
    assert a == pytest.approx(1.5, abs=0.2)
    assert b == pytest.approx(0.5, abs=0.4)
    assert ceiling == pytest.approx(0.83, abs=0.03)
    raw, hit = world(50_000)
    told = trees.probability(raw, a, b, ceiling)
    top = np.argsort(-told)[:3_000]
    assert told[top].mean() == pytest.approx(hit[top].mean(), abs=0.03)
    assert told[top].max() < 0.87
    assert calibrate(*world(40))[2] == 1.0  # so few say nothing of it


def test_a_score_that_points_the_wrong_way_keeps_only_the_mean() -> None:
    raw = np.linspace(-1, 1, 100)
    a, b, ceiling = calibrate(raw, raw < -0.5)
    assert a == ceiling == 1.0
    assert b < 0
    assert calibrate(raw, np.zeros(100, bool)) == (1.0, 0.0, 1.0)


def test_the_same_examples_give_the_same_trees() -> None:
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(600, 3))
    examples = Examples(rows, rows[:, 0] + rng.normal(size=600) > 0)
    assert examples.enough()
    texts = [train(examples, ["a", "b", "c"]).model_to_string() for _ in range(2)]
    assert texts[0] == texts[1]
    assert not Examples(rows[:100], examples.hit[:100]).enough()


def test_columns_that_never_change_are_found() -> None:
    nan = np.nan
    rows = np.array([[1.0, nan, 1.0, nan], [1.0, nan, 2.0, 1.0]])
    assert varying(rows).tolist() == [False, False, True, True]


def test_average_precision_by_hand() -> None:
    assert average_precision(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])) == pytest.approx(5 / 6)
    assert average_precision(np.array([1.0]), np.array([False])) == 0


def judged(p: Any, floor: Any, exempt: Any) -> Judged:
    strict = np.where(exempt, floor, 3)
    verdict = SimpleNamespace(corridor=np.asarray(floor), probability=np.asarray(p))
    direction = np.zeros(len(p), np.int8)
    return Judged(direction, SimpleNamespace(corridor=strict), verdict)  # type: ignore[arg-type]


def test_thresholds_bring_the_shares_with_what_rules_demand() -> None:
    rng = np.random.default_rng(3)
    n = 10_000
    p, floor = rng.uniform(size=n), rng.choice([0, 2, 3], n, p=[0.93, 0.05, 0.02])
    exempt = rng.uniform(size=n) < 0.1
    rows = thresholds(judged(p, floor, exempt), CorridorShares())
    assert [row.get("direction") for row in rows] == ["import", None]
    level = rows[0]
    scored = np.select([p >= level["red"], p >= level["yellow"], p >= level["blue"]], [3, 2, 1], 0)
    corridor = np.maximum(np.where(exempt, 0, scored), floor)
    shares = np.bincount(corridor, minlength=4) / n
    np.testing.assert_allclose(shares, [0.77, 0.03, 0.16, 0.04], atol=0.001)


def test_rules_that_demand_too_much_leave_the_score_nothing() -> None:
    rows = thresholds(judged([0.1, 0.9], [3, 3], [False, False]), CorridorShares())
    assert rows == [{"blue": NEVER, "yellow": NEVER, "red": NEVER}]


def test_ties_take_the_nearer_side() -> None:
    p = np.repeat([0.5, 0.2], [50, 950])
    rows = thresholds(judged(p, np.zeros(1000, int), np.zeros(1000, bool)), CorridorShares(0.0, 0.0, 0.04))
    assert rows[-1]["red"] == 0.5
