"""A rulebook fitted on a small made-up history."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow.parquet as pq
import pytest

from corridor.errors import InputError
from corridor.features import Columns, assess_quality
from corridor.judge import judge
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.study import recovery
from corridor.study.fit import FitOptions, FitReport, fit
from corridor.study.folder import copy_source
from corridor.study.history import histories
from corridor.study.material import gather
from tests.naive import boxplot
from tests.study.service import declaration, item, result, write

DAYS = 10
PER_DAY = 150


def history(folder: Path, with_results: bool = True) -> Path:
    """Cheap goods of importer 13 and of any importer at half the price are found out."""
    rng = np.random.default_rng(7)
    records, results = [], []
    for k in range(DAYS * PER_DAY):
        at = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=k // PER_DAY, seconds=400 * (k % PER_DAY))
        importer, low = int(rng.integers(0, 25)), rng.uniform() < 0.1
        goods = [made(number + 1, rng, low) for number in range(int(rng.integers(1, 4)))]
        text = at.isoformat().replace("+00:00", "Z")
        who = {"importer": f"IMPORTER-{importer}", "exporter": f"EX{importer % 7}"}
        records.append(declaration(f"D{k}", text, items=goods, **who))
        bad = low or importer == 13 or rng.uniform() < 0.02
        for goods_item in goods:
            finding = "violation" if bad else "none"
            results.append(result(f"D{k}", goods_item["item_no"], text, finding, 10.0 * bad))
    write(folder / "declarations" / "1.ndjson", records[: len(records) // 2])
    write(folder / "declarations" / "2.ndjson", records[len(records) // 2 :])
    write(folder / "results" / "r.ndjson", results if with_results else results[:20])
    (folder / "rates.csv").write_text("currency,date,rate\nUSD,2026-11-01,92.5\n")
    return folder


def made(number: int, rng: np.random.Generator, low: bool) -> dict[str, Any]:
    code, price = [("8715001000", 400.0), ("640399", 900.0)][int(rng.integers(0, 2))]
    mass = round(float(rng.lognormal(3, 1)), 3)
    value = round(mass * price * float(rng.lognormal(0, 0.1)) * (0.5 if low else 1.0), 2)
    return item(number, hs_code=code, net_mass_kg=mass, customs_value=value, origin_country="CN")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, FitReport]:
    folder = tmp_path_factory.mktemp("fit")
    past, book = history(folder / "history"), folder / "book"
    return past, book, fit(past / "declarations", past / "results", book, sample_path())


def test_the_whole_rulebook_loads(fitted: tuple[Path, Path, FitReport]) -> None:
    _, folder, report = fitted
    book = load(folder)
    assert book.version == report.version == "2026.11.12"
    assert book.effective_from == int(datetime(2026, 11, 12, tzinfo=UTC).timestamp()) * 1_000_000
    assert book.model is not None
    assert len(book.rates) == 1
    assert book.sampling_key != load(sample_path()).sampling_key, "the sample's key is public"
    assert report.counts["declarations"] == DAYS * PER_DAY
    assert report.counts["results_unmatched"] == 0
    assert not list(folder.parent.glob(".*"))


def test_norms_equal_their_slow_twin(fitted: tuple[Path, Path, FitReport]) -> None:
    past, folder, _ = fitted
    items = gather(past / "declarations", past / "results").batch.items
    mine = items["hs_code"] == 8715001000 * 16 + 10
    x = items["customs_value"][mine] / 100.0 / items["net_mass_kg"][mine]
    rows = pq.read_table(folder / "norms.parquet").to_pylist()
    row = next(r for r in rows if (r["measure"], r["level"], r["hs"]) == ("value_per_kg", 0, "8715001000"))
    assert row["n"] == len(x)
    assert row["origin"] == "CN"
    found = [row[k] for k in ("median", "mad", "p1", "p5", "p95", "p99", "fence_low", "fence_high")]
    np.testing.assert_allclose(found, boxplot.summary(x), rtol=1e-9)
    assert {r["unit"] for r in rows if r["measure"] == "kg_per_unit"} == {"NMB"}


def test_the_one_who_is_always_found_stands_out(fitted: tuple[Path, Path, FitReport]) -> None:
    table = pq.read_table(fitted[1] / "participants.parquet").to_pylist()
    importers = {r["code"]: r["coefficient"] for r in table if r["role"] == "importer"}
    assert max(importers, key=lambda code: importers[code]) == "IMPORTER-13"
    assert len(importers) == 25


def test_the_model_finds_what_was_planted_and_judges_as_it_was_trained(
    fitted: tuple[Path, Path, FitReport],
) -> None:
    past, folder, report = fitted
    assert report.validation is not None
    assert report.validation.rankings["rules and model"][2].precision > 0.8
    book, material = load(folder), gather(past / "declarations", past / "results")
    assert book.model is not None
    lived = histories(material.batch, book.policy.histories, material.lines)
    columns = Columns(material.batch, lived, book)
    assess_quality(columns)
    rows = columns.matrix(book.model.features)
    booster = lightgbm.Booster(model_file=str(folder / "model.txt"))
    assert np.array_equal(booster.predict(rows, raw_score=True), book.model.raw(rows))
    verdicts = judge(material.batch, lived, book)
    hit = np.zeros(len(rows), bool)
    hit[material.results.item] = material.results.hit
    assert verdicts.item_probability[hit].mean() > 3 * verdicts.item_probability[~hit].mean()


def test_shares_come_near_what_was_asked(fitted: tuple[Path, Path, FitReport]) -> None:
    shares = fitted[2].corridors
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["red"] == pytest.approx(0.04, abs=0.03)


def test_the_same_history_gives_the_same_rulebook(
    fitted: tuple[Path, Path, FitReport], tmp_path: Path
) -> None:
    past, first, _ = fitted
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    options = FitOptions(version="x", sampling_key=key)
    fit(past / "declarations", past / "results", tmp_path / "again", sample_path(), options)
    names = (
        "norms.parquet",
        "shares.parquet",
        "participants.parquet",
        "features.parquet",
        "model.txt",
        "corridors.yaml",
    )
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (first / name).read_bytes(), name


def test_figures_are_of_what_came_last(fitted: tuple[Path, Path, FitReport]) -> None:
    report = fitted[2]
    told = report.validation
    assert told is not None
    assert report.at["begin"] < report.at["learned"] < told.since < report.at["end"]
    assert list(told.rankings) == [
        *("model alone", "rules alone", "rules and model", "by expected loss", "by recovery")
    ]
    assert 0 < told.findings < told.items < report.counts["results"] / 5
    for found in told.rankings.values():
        assert all(one.precision <= one.oracle_precision + 1e-12 for one in found)
    assert sum(one.gain for one in report.importance) == pytest.approx(1.0)
    assert {one.role for one in report.participants} == {"importer", "declarant", "exporter"}
    assert sum(report.participants[0].histogram) == report.participants[0].inspected
    assert report.drift is None, "the sample has no features.parquet"
    assert report.norm_moves is None


def test_the_next_fit_tells_what_moved(fitted: tuple[Path, Path, FitReport], tmp_path: Path) -> None:
    past, book, first = fitted
    (tmp_path / "h" / "declarations").mkdir(parents=True)
    for path in sorted((past / "declarations").glob("*")):
        lines = path.read_text().replace('"origin_country": "CN"', '"origin_country": "TR"')
        (tmp_path / "h" / "declarations" / path.name).write_text(lines)
    shutil.copytree(past / "results", tmp_path / "h" / "results")
    report = fit(tmp_path / "h" / "declarations", tmp_path / "h" / "results", tmp_path / "next", book)
    assert report.previous == first.version
    assert report.drift is not None
    moved = {drift.feature for drift in report.drift if drift.index > 0.25}
    assert "code.origin_country" in moved
    assert not moved & {"item.net_mass_kg", "declaration.weekday", "code.hs_code"}
    assert report.norm_moves is not None
    assert (report.norm_moves.moved, report.norm_moves.new, report.norm_moves.gone) == (0, 9, 9)


def test_what_findings_bring_in_is_foretold_where_it_is_borne_out(
    fitted: tuple[Path, Path, FitReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, first, report = fitted
    assert not report.model["recovery"], "every finding brings in 10.00, so nothing is gained"
    assert load(first).recovery is None
    lines = [json.loads(x) for x in (past / "results" / "r.ndjson").read_text().splitlines()]
    shoes = {
        one["declaration_id"]
        for path in (past / "declarations").glob("*")
        for one in map(json.loads, path.read_text().splitlines())
        if one["items"][0]["hs_code"] == "640399"
    }
    more = [
        one | {"recovered": one["recovered"] * 9} if one["declaration_id"] in shoes else one for one in lines
    ]
    write(tmp_path / "results" / "r.ndjson", more)
    monkeypatch.setattr(recovery, "BORNE_OUT", ())
    again = fit(past / "declarations", tmp_path / "results", tmp_path / "book", sample_path())
    assert again.model == report.model | {"recovery": True}
    book = load(tmp_path / "book")
    assert book.model is not None
    assert book.recovery is not None
    assert book.recovery.features == book.model.features
    booster = lightgbm.Booster(model_file=str(tmp_path / "book" / "recovery.txt"))
    split = np.array(booster.feature_importance())
    rates = np.array([name.startswith("rate.") for name in book.model.features])
    assert split[~rates].sum() > 0
    assert split[rates].sum() == 0
    (tmp_path / "copy").mkdir()
    copy_source(tmp_path / "book", tmp_path / "copy", [None, None])
    assert not (tmp_path / "copy" / "recovery.txt").exists(), "the next fit has to bear it out again"


def test_few_results_make_a_rulebook_without_a_model(tmp_path: Path) -> None:
    past = history(tmp_path / "history", with_results=False)
    report = fit(past / "declarations", past / "results", tmp_path / "book", sample_path())
    assert report.model == {}
    assert load(tmp_path / "book").model is None


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "x").touch()
    with pytest.raises(InputError, match="holds something"):
        fit(tmp_path / "d", tmp_path / "r", tmp_path / "book", sample_path())


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "declarations" / "1.ndjson", [{"no": "declaration"}])
    with pytest.raises(InputError, match="1 rejected"):
        fit(tmp_path / "declarations", tmp_path / "r", tmp_path / "book", sample_path())
    assert [path.name for path in tmp_path.iterdir()] == ["declarations"]
