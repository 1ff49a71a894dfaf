"""Coefficients of participants."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.study.lineage import lineage
from corridor.study.material import Material
from corridor.study.participants import DAY_US, coefficient, participants
from corridor.study.read import Reading
from corridor.study.results import Results
from tests.study.service import batch, declaration


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 1000), st.floats(0, 1), st.floats(0, 1))
def test_between_minus_one_and_one_and_of_the_sign_of_the_difference(
    n: float, rate: float, base: float
) -> None:
    c = float(coefficient(np.array([n * rate]), np.array([n]), base)[0])
    assert -1 <= c <= 1
    assert c * (rate - base) >= -1e-9


def test_few_inspections_say_little() -> None:
    few, many = coefficient(np.array([1.0, 100.0]), np.array([1.0, 100.0]), 0.2)
    assert 0 < few < 0.1
    assert many > 0.9


def test_a_table_of_two_days() -> None:
    times = ["2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z", "2026-11-03T12:00:00Z"]
    declarations = batch([declaration(str(k), at, importer="AB"[k % 2]) for k, at in enumerate(times)])
    at = declarations.heads["registered_at"].copy()
    results = Results(np.array([0, 1]), np.array([True, False]), at[:2], np.zeros(2), 0)
    lines = lineage(declarations)
    names = {int(declarations.heads[role][0]): role for role in ("declarant", "exporter")}
    material = Material(Reading(declarations, names, 0), lines, results)
    rows = participants(material, int(at[2])).to_pylist()
    importers = {row["code"]: row for row in rows if row["role"] == "importer"}
    assert importers["A"]["declarations"] == 1, "the third is not before `until`"
    assert importers["A"]["hits"] == 1
    assert importers["A"]["coefficient"] > 0 > importers["B"]["coefficient"]
    assert importers["A"]["daily"] == pytest.approx(0.4), "one in two and a half days"
    assert importers["B"]["first_seen"].timestamp() * 1e6 == at[1]
    assert (at[2] - at[0]) / DAY_US == 2
    assert [row["code"] for row in rows if row["role"] == "declarant"] == ["declarant"]
