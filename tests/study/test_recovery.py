"""What a finding brings in by the payments declared: learned from findings, from nothing else, and only from the past."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from corridor.features import Columns
from corridor.messages.columns import NO_MONEY
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.study.features import candidates
from corridor.study.history import histories
from corridor.study.material import Material, gather
from corridor.study.model import Sheet, labelled_columns, sheet
from corridor.study.recovery import MOST, expected_shares, stakes
from tests.study.service import declaration, item, result, write

Past = tuple[Material, Sheet]
SHARES = {"8517120000": 0.1, "0810100000": 2.0}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Findings in two kinds of goods: a fine of a tenth of what was paid, or twice as much again."""
    folder, rng = tmp_path_factory.mktemp("recovery"), np.random.default_rng(4)
    records: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for k in range(900):
        at = datetime(2026, 9, 1, tzinfo=UTC) + timedelta(hours=k)
        code = str(rng.choice(list(SHARES)))
        goods = item(hs_code=code, duty=round(float(rng.lognormal(6, 1)), 2), vat=0.0)
        brought = goods["duty"] * SHARES[code] * float(rng.lognormal(0, 0.2)) if k % 3 else 0.0
        records.append(declaration(f"D{k}", f"{at:%Y-%m-%dT%H:%M:%SZ}", items=[goods]))
        finding = "violation" if k % 3 else "none"
        results.append(result(f"D{k}", 1, f"{at:%Y-%m-%dT%H:%M:%SZ}", finding, round(brought, 2)))
    write(folder / "declarations" / "1.ndjson", records)
    write(folder / "results" / "1.ndjson", results)
    material = gather(folder / "declarations", folder / "results")
    return material, sheet_of(material)


def sheet_of(material: Material) -> Sheet:
    book = load(sample_path())
    lived = histories(material.batch, book.policy.histories, material.lines)
    columns: tuple[Columns, Any] = labelled_columns(material, lived, book)
    return sheet(material, *columns, candidates(book.policy.histories))


def test_the_share_is_that_of_findings_like_it(past: Past) -> None:
    material, known = past
    found = expected_shares(material, known, known)
    assert found is not None
    codes = known.labelled.codes["item.hs_code"]
    for code, share in SHARES.items():
        of = codes == int(code) * 16 + 10
        assert of.sum() > 100
        assert np.median(found[of]) == pytest.approx(share, rel=0.3)


def test_what_was_no_finding_teaches_nothing(past: Past) -> None:
    material, known = past
    results = material.results
    odd = replace(results, recovered=np.where(results.hit, results.recovered, 1e9))
    found = expected_shares(replace(material, results=odd), known, known)
    assert found is not None
    assert np.array_equal(found, expected_shares(material, known, known))  # type: ignore[arg-type]
    assert found.max() < MOST


def test_few_findings_say_nothing(past: Past) -> None:
    material, known = past
    few = replace(known, labelled=replace(known.labelled, hit=known.labelled.hit & (np.arange(900) < 200)))
    assert expected_shares(material, few, known) is None


def test_stakes_are_duty_and_vat_as_declared(past: Past) -> None:
    items = past[0].batch.items
    items = items.copy()
    items["duty"][:3], items["vat"][:3] = [100, -500, NO_MONEY], [50, 100, 25]
    batch = replace(past[0].batch, items=items)
    assert stakes(batch, np.arange(3)).tolist() == [1.5, 0.0, 0.25]
