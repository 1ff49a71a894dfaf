"""Encodings: ranks of codes, and rates of findings without a look into the future."""

from pathlib import Path

import numpy as np
import pytest

from corridor.messages.columns import Declarations
from corridor.messages.tokens import hs_token, token
from corridor.study.encode import DAY_US, SMOOTHING, Labelled, encodings, rates_in_time
from corridor.study.lineage import lineage
from corridor.study.material import Material
from corridor.study.read import Reading
from corridor.study.results import Results
from tests.study.service import batch, declaration

HS = "item.hs_code"


def material(declarations: Declarations) -> Material:
    none = np.zeros(0, np.int64)
    results = Results(none, none.astype(bool), none, none.astype(float), 0)
    return Material(Reading(declarations, {}, 0), lineage(declarations), results)


def labelled(codes: list[int], days: list[float], known: list[float], hits: list[int]) -> Labelled:
    times = (np.array(days) * DAY_US).astype(np.int64), (np.array(known) * DAY_US).astype(np.int64)
    return Labelled({HS: np.array(codes)}, *times, np.array(hits, bool))


def test_codes_are_ranks_of_texts_and_rates_are_smoothed() -> None:
    a, b = hs_token("010121"), hs_token("8715001000")
    rows = labelled([b, a, a, 0, -5], [0] * 5, [0] * 5, [1, 0, 1, 0, 0])
    table = encodings(
        material(batch([declaration("x")])), rows, ["code.hs_code", "rate.hs_code"], 1
    ).to_pylist()
    assert [(row["text"], row["value"]) for row in table[:2]] == [("010121", 0.0), ("8715001000", 1.0)]
    expected = (1 + SMOOTHING * 0.4) / (2 + SMOOTHING)
    assert table[2] == {
        "feature": "rate.hs_code",
        "field": HS,
        "text": "010121",
        "value": pytest.approx(expected),
    }


def test_what_was_not_known_by_then_is_left_out() -> None:
    rows = labelled([hs_token("010121")] * 2, [0, 0], [0, 5], [1, 1])
    table = encodings(material(batch([declaration("x")])), rows, ["rate.hs_code"], DAY_US)
    assert table.num_rows == 1
    assert len(encodings(material(batch([declaration("x")])), rows, ["rate.hs_code"], 0)) == 0


def test_rates_in_time_equal_counting_by_hand() -> None:
    rng = np.random.default_rng(5)
    n = 200
    codes = rng.choice([0, token("A"), token("B"), hs_token("010121")], n)
    days = np.sort(rng.uniform(0, 10, n))
    known = days + rng.uniform(0, 3, n)
    rows = labelled(codes.tolist(), days.tolist(), known.tolist(), rng.integers(0, 2, n).tolist())
    found = rates_in_time(HS, rows)
    for i in range(n):
        before = rows.known_at <= rows.registered_at[i] // DAY_US * DAY_US
        mine = before & (codes == codes[i])
        if codes[i] == 0 or not mine.any():
            assert np.isnan(found[i])
        else:
            base = rows.hit[before].mean()
            assert found[i] == pytest.approx(
                (rows.hit[mine].sum() + SMOOTHING * base) / (mine.sum() + SMOOTHING)
            )


def test_no_rows(tmp_path: Path) -> None:
    del tmp_path
    assert len(rates_in_time(HS, labelled([], [], [], []))) == 0
