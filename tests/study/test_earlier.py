"""What was fitted before a moment is the same whatever came after it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corridor.rulebook.sample import sample_path
from corridor.study.earlier import Base, Earlier, earlier, validated
from corridor.study.folder import Lists
from corridor.study.history import histories
from corridor.study.lineage import lineage
from corridor.study.material import DAY_US, Material, gather
from tests.study.service import declaration, item, result, write
from tests.study.test_fit import history

Records = list[dict[str, Any]]


def rewritten(source: Path, target: Path, cut: str, change: Callable[[Records, Records], Records]) -> Path:
    """A history that is the same before `cut`; what came after is what `change` makes of it."""
    for name, key in (("declarations", "registered_at"), ("results", "at")):
        lines = [json.loads(x) for p in sorted((source / name).glob("*")) for x in p.read_text().splitlines()]
        before, after = ([r for r in lines if (r[key] < cut) == first] for first in (True, False))
        write(target / name / "1.ndjson", before + change(before, after))
    (target / "rates.csv").write_bytes((source / "rates.csv").read_bytes())
    return target


def another_world(before: Records, after: Records) -> Records:
    """After the cut: other prices, people, origins and codes, three times as much of it, every finding turned round."""
    if "finding" in before[0]:
        turned = {"none": "critical", "violation": "none"}
        late = [{**r, "finding": turned[r["finding"]], "at": "2026-11-11T23:00:00Z"} for r in before[:900]]
        return late + [{**r, "finding": turned[r["finding"]]} for r in after]
    found = []
    for k in range(3):
        for r in after:
            goods = [
                {
                    **g,
                    "customs_value": g["customs_value"] * 50,
                    "origin_country": "BR",
                    "hs_code": "8703231000",
                }
                for g in r["items"]
            ]
            name = r["declaration_id"] + ("x" * k)
            found.append(
                {**r, "declaration_id": name, "importer": "NEW", "office": "99999999", "items": goods}
            )
    amended = [
        {**r, "version": 2, "function": "amendment", "registered_at": after[0]["registered_at"]}
        for r in before[:300]
    ]
    for r in amended:
        r["items"] = [{**g, "customs_value": 1.0} for g in r["items"]]
    return found + amended


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    folder = tmp_path_factory.mktemp("worlds")
    first = history(folder / "one")
    cut = "2026-11-09T00:00:00Z"
    return first, rewritten(first, folder / "other", cut, another_world), 1_794_182_400_000_000


def base(past: Path) -> Base:
    return Base(sample_path(), [past / "rates.csv", None], Lists(), None, 30)


def fitted_before(past: Path, at: int) -> tuple[Material, Earlier]:
    material = gather(past / "declarations", past / "results")
    lived = histories(material.batch, [("importer", "day")], material.lines)
    return material, earlier(material, lived, base(past), at)


def tables(material: Material, past: Path, at: int, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    base(past).tables(material, at, folder)
    left_out = ("sampling.key", "manifest.yaml")
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in left_out
    }


def test_nothing_after_the_cut_reaches_what_was_fitted_before_it(worlds, tmp_path: Path) -> None:
    one, other, at = worlds
    (first, a), (second, b) = fitted_before(one, at), fitted_before(other, at)
    assert at % DAY_US == 0
    kept = (
        tables(first.before(at), one, at, tmp_path / "a"),
        tables(second.before(at), other, at, tmp_path / "b"),
    )
    assert kept[0] == kept[1]
    assert {"norms.parquet", "participants.parquet", "shares.parquet", "lists/offices.csv"} <= kept[0].keys()
    assert len(a.trials.fitted) == len(b.trials.fitted) == 2
    for mine, theirs in zip(a.trials.fitted, b.trials.fitted, strict=True):
        assert mine.booster.model_to_string() == theirs.booster.model_to_string()
        assert mine.features == theirs.features
        assert mine.table.equals(theirs.table)
        assert mine.misses == theirs.misses


def test_the_two_worlds_do_differ_after_the_cut(worlds, tmp_path: Path) -> None:
    """Without this the test above could not fail."""
    one, other, at = worlds
    whole = [
        tables(gather(past / "declarations", past / "results"), past, at, tmp_path / str(i))
        for i, past in enumerate((one, other))
    ]
    differing = {name for name in whole[0] if whole[0][name] != whole[1][name]}
    assert {"norms.parquet", "lists/offices.csv"} <= differing


def test_results_known_later_and_amendments_are_not_there_yet(worlds) -> None:
    one, other, at = worlds
    first, second = (gather(past / "declarations", past / "results") for past in (one, other))
    for name in ("item", "hit", "at", "recovered"):
        assert np.array_equal(
            getattr(first.before(at).results, name), getattr(second.before(at).results, name)
        )
    assert len(first.before(at).batch) == len(second.before(at).batch) < len(first.batch)
    assert (second.before(at).results.at < at).all()


def test_the_lineage_of_what_was_there_before_is_part_of_the_whole(worlds) -> None:
    """Of records that come again, amended or in conflict, those registered before the cut stand as they did then."""
    _, other, at = worlds
    reading = gather(other / "declarations", other / "results").batch
    rng = np.random.default_rng(4)
    rows = rng.integers(0, len(reading), 2 * len(reading))
    batch = reading.take(rows)
    batch.heads["content"][rng.uniform(size=len(batch)) < 0.3] += 1
    whole = lineage(batch)
    early = np.flatnonzero(batch.heads["registered_at"] < at)
    then = lineage(batch.take(early))
    for name in ("standing", "duplicate", "conflict", "previous_version", "original_declarant"):
        assert np.array_equal(getattr(whole.take(early), name), getattr(then, name)), name
    assert min(whole.duplicate.sum(), whole.conflict.sum(), (whole.previous_version > 0).sum()) > 0


def test_calibration_and_weights_do_not_see_the_half_that_is_measured(worlds) -> None:
    """Turning every finding of the measured half round leaves what is measured by as it was."""
    one, _, at = worlds
    material, before = fitted_before(one, at)
    lived = histories(material.batch, [("importer", "day")], material.lines)
    told = validated(material, lived, before, keep_weights=False)
    results = material.results
    registered = material.batch.heads["registered_at"][material.declaration[results.item]]
    hit = results.hit ^ (registered >= told.since)
    other = replace(material, results=replace(results, hit=hit))
    turned = validated(other, lived, earlier(other, lived, base(one), at), keep_weights=False)
    assert turned.since == told.since
    assert turned.items == told.items
    assert turned.findings == told.items - told.findings
    for name, bins in told.reliability.items():
        assert [b.predicted for b in bins] == [b.predicted for b in turned.reliability[name]]


def test_a_history_of_one_day_is_fitted_too(tmp_path: Path) -> None:
    records = [declaration(f"D{k}", f"2026-11-02T{k % 24:02d}:00:00Z", items=[item()]) for k in range(60)]
    write(tmp_path / "declarations" / "1.ndjson", records)
    write(tmp_path / "results" / "1.ndjson", [result("D1", 1, "2026-11-02T12:00:00Z", "none", 0.0)])
    (tmp_path / "rates.csv").write_text("currency,date,rate\nUSD,2026-11-01,92.5\n")
    material = gather(tmp_path / "declarations", tmp_path / "results")
    lived = histories(material.batch, [], material.lines)
    before = earlier(material, lived, base(tmp_path))
    assert before.trials.best() is None
    told = validated(material, lived, before, keep_weights=False)
    assert told.items <= 1
    assert told.gains == []
