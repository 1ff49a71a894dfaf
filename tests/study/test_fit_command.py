"""`corridor rulebook fit` with input that cannot be used: one clear line, exit code 2, nothing written."""

import json
from pathlib import Path

import pytest

from corridor.cli import main
from corridor.rulebook.load import load
from tests.study.service import declaration, write
from tests.study.test_fit import history


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["rulebook", "fit", *map(str, words)])
    assert stop.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_no_history_at_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "give --history DIR" in refused(capsys, "--output", tmp_path / "book")


def test_a_history_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = refused(capsys, "--history", tmp_path / "nowhere", "--output", tmp_path / "book")
    assert line.startswith("corridor: ")
    assert "nowhere/declarations does not exist" in line
    assert not list(tmp_path.iterdir())


def test_a_history_without_results(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path / "h" / "declarations" / "1.ndjson", [declaration("x")])
    (tmp_path / "h" / "results").mkdir()
    line = refused(capsys, "--history", tmp_path / "h", "--output", tmp_path / "book")
    assert "h/results holds no *.ndjson file" in line
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--effective-from", "soon"], "write it like 2026-12-01T00:00:00Z"),
        (["--red-share", "0.9", "--yellow-share", "0.5"], "not over 1 together"),
        (["--from", "/nowhere"], "/nowhere"),
    ],
)
def test_options_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], told: str
) -> None:
    assert told in refused(capsys, "--history", tmp_path, "--output", tmp_path / "book", *words)


def test_a_rate_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path / "h" / "declarations" / "1.ndjson", [declaration("x")])
    write(tmp_path / "h" / "results" / "1.ndjson", [])
    missing = tmp_path / "rates.csv"
    line = refused(capsys, "--history", tmp_path / "h", "--output", tmp_path / "book", "--rates", missing)
    assert "rates.csv is not a file" in line
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


@pytest.mark.parametrize(
    ("place", "told"),
    [("book/report.html", "seals"), ("rules.yaml", "ends with .html"), ("nowhere/r.html", "does not exist")],
)
def test_a_report_in_a_place_that_cannot_be(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: str, told: str
) -> None:
    write(tmp_path / "h" / "declarations" / "1.ndjson", [declaration("x")])
    write(tmp_path / "h" / "results" / "1.ndjson", [])
    book = tmp_path / "book"
    line = refused(capsys, "--history", tmp_path / "h", "--output", book, "--report", tmp_path / place)
    assert told in line
    assert [path.name for path in tmp_path.iterdir()] == ["h"]


def test_a_fit_leaves_its_rulebook_and_a_report_beside_it(tmp_path: Path) -> None:
    past = history(tmp_path / "h")
    with pytest.raises(SystemExit) as stop:
        main(["rulebook", "fit", "--history", str(past), "--output", str(tmp_path / "book")])
    assert stop.value.code == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["book", "book.report.html", "book.report.json", "h"]
    told = json.loads((tmp_path / "book.report.json").read_text())
    assert told["restricted"] is True
    assert told["rulebook"] == load(tmp_path / "book").version
    assert "RESTRICTED" in (tmp_path / "book.report.html").read_text()
