import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import RulebookError
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.study.compare import changes
from tests.models import add_model, add_recovery

NORM = {"measure": "value_per_kg", "level": 2, "unit": "", "n": 100, "mad": 0.2}
BANDS = {"p1": 1.0, "p5": 2.0, "p95": 30.0, "p99": 40.0, "fence_low": 0.5, "fence_high": 60.0}


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    folders = tmp_path / "old", tmp_path / "new"
    for folder in folders:
        shutil.copytree(sample_path(), folder)
    return folders


def seal(folder: Path, version: str = "sample-1", since: datetime = datetime(2020, 1, 1, tzinfo=UTC)) -> None:
    write_manifest(folder, version, since)


def edit(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text)


def told(old: Path, new: Path) -> list[str]:
    return [f"{change.part}: {change.text}" for change in changes(old, new)]


def test_the_same_is_the_same(two):
    assert told(*two) == []


def test_rules_that_came_went_and_changed_are_told_in_words(two):
    old, new = two
    edit(
        new / "rules.yaml",
        ("weight: 0.3", "weight: 0.35"),
        ("norm.value_per_kg_z < -3.5", "norm.value_per_kg_z <\n      -4"),
        ("scope: {directions: [import]}", "scope: {directions: [import, export], offices: ['10131010']}"),
        ("id: VAL-02", "id: VAL-99"),
    )
    seal(new, "sample-2", datetime(2026, 12, 1, tzinfo=UTC))
    assert told(old, new) == [
        "manifest: version sample-1 became sample-2",
        "manifest: in force from 2026-12-01T00:00:00.000Z, was 2020-01-01T00:00:00.000Z",
        "rules: VAL-02 is gone: Value per kg below the first percentile",
        "rules: VAL-01: when norm.value_per_kg_z < -3.5 became norm.value_per_kg_z < -4; weight 0.3 became 0.35; "
        "scope directions import became directions import, export, offices 10131010",
        "rules: VAL-99 is new: Value per kg below the first percentile; score 0.1 when norm.value_per_kg_band == 0",
    ]


def test_a_rule_laid_out_otherwise_is_the_same(two):
    old, new = two
    edit(
        new / "rules.yaml",
        ("when: norm.value_per_kg_z < -3.5", "when: |\n      norm.value_per_kg_z\n        < -3.5"),
    )
    seal(new)
    assert told(old, new) == []


def test_lists_thresholds_and_other_files(two):
    old, new = two
    edit(new / "lists/authorised_operators.csv", ("9900000001,2027-12-31", "9900000001,2028-12-31"))
    with (new / "lists/authorised_operators.csv").open("a") as file:
        file.writelines(f"77000000{i:02},2027-12-31,tried,unit\n" for i in range(7))
    (new / "lists/watched.csv").write_text("code\nXX\n")
    edit(new / "corridors.yaml", ("red: 0.45", "red: 0.5"), ("exporter/day]", "exporter/day, exporter/week]"))
    (new / "sampling.key").write_text("ab" * 32)
    seal(new)
    found = told(old, new)
    assert found == [
        "lists: authorised_operators: 7700000000, 7700000001, 7700000002, 7700000003, 7700000004 and 2 more entered; "
        "9900000001 have another end",
        "lists: watched is new, with 1 entries",
        "corridors.yaml: thresholds 3 red 0.45 became 0.5",
        "corridors.yaml: histories importer/hour, importer/day, importer/week, exporter/day became importer/hour, "
        "importer/day, importer/week, exporter/day, exporter/week",
        "files: sampling.key is another",
    ]
    assert (new / "sampling.key").read_text() not in "".join(found), "the key itself is not told"


def test_fitted_tables_are_counted_and_the_largest_moves_named(two):
    """A median that doubled, one that moved by a tenth, one cell gone and two new."""
    old, new = two
    medians = [
        {"100630": 1.0, "100640": 2.0, "100650": 3.0},
        {"100630": 1.0 + 0.6931471805599453, "100640": 2.1, "100660": 1.0, "100670": 1.0},
    ]
    for folder, cells in zip(two, medians, strict=True):
        rows = [NORM | BANDS | {"hs": hs, "origin": "", "median": median} for hs, median in cells.items()]
        pl.DataFrame(rows).with_columns(pl.col("level").cast(pl.Int8)).write_parquet(folder / "norms.parquet")
        seal(folder)
    assert told(old, new) == [
        "norm cells: 1 gone, 2 new, 1 moved, of 3",
        "norm cells: value_per_kg 2 100630: x 2.00",
    ]
    (new / "norms.parquet").unlink()
    seal(new)
    assert told(old, new) == ["norm cells: 3 are gone"]
    assert told(new, old) == ["norm cells: 3 are new"]


def test_what_findings_bring_in_is_told_in_words(two):
    old, new = two
    for folder in two:
        add_model(folder)
    add_recovery(new)
    new_one = "expected recovery: is new: expected loss counts the share of payments that a finding brings in"
    assert told(old, new) == [new_one]
    assert told(new, old) == ["expected recovery: is gone: expected loss is probability x payments"]
    shutil.copy(new / "recovery.txt", old)
    edit(old / "recovery.txt", ("\nleaf_value=", "\nleaf_value=0"))
    seal(old)
    assert told(old, new) == ["expected recovery: is foretold by other trees"]


def test_a_broken_rulebook_is_refused(two):
    old, new = two
    edit(new / "rules.yaml", ("weight: 0.3", "weight: 3"))
    with pytest.raises(RulebookError, match=r"rules\.yaml"):
        changes(old, new)


def test_the_command(two):
    old, new = two
    done = CliRunner().invoke(cli, ["rulebook", "diff", str(old), str(new)])
    assert (done.exit_code, done.output) == (0, "the rulebooks are the same\n")
    edit(new / "rules.yaml", ("title: Value per kg far below", 'title: "Value\\e[31m per kg far below" #'))
    seal(new)
    done = CliRunner().invoke(cli, ["rulebook", "diff", str(old), str(new)])
    assert done.exit_code == 0
    assert "rules\n  VAL-01: title" in done.output
    assert "\x1b" not in done.output
