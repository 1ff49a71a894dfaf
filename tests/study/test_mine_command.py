"""`corridor rulebook mine`: what it prints and writes, and input that cannot be used."""

from pathlib import Path

import pytest

from corridor.cli import main
from corridor.rulebook.sample import sample_path
from tests.study.service import declaration, result, write
from tests.study.test_fit import history


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["rulebook", "mine", *map(str, words)])
    assert stop.value.code == 2
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_what_is_written_and_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    past, output = history(tmp_path / "h"), tmp_path / "mined.yaml"
    words = ["--history", str(past), "--rulebook", str(sample_path()), "--output", str(output)]
    with pytest.raises(SystemExit) as stop:
        main(["rulebook", "mine", *words])
    assert stop.value.code == 0
    told = capsys.readouterr().out
    assert "none of them active" in told
    assert "item.value_per_kg <= " in told
    text = output.read_text()
    assert text.startswith("# RESTRICTED")
    assert text.count("stage: shadow") == text.count("owner:  #") == text.count("- id: MINED-") > 0
    line = refused(capsys, "--history", past, "--rulebook", sample_path(), "--output", output)
    assert "is there already" in line
    assert output.read_text() == text


def test_input_that_cannot_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    usual = ("--history", tmp_path / "h", "--rulebook", sample_path())
    assert "h/declarations does not exist" in refused(capsys, *usual)
    write(tmp_path / "h" / "declarations" / "1.ndjson", [declaration("x")])
    (tmp_path / "h" / "results").mkdir()
    assert "holds no *.ndjson file" in refused(capsys, *usual)
    write(tmp_path / "h" / "results" / "1.ndjson", [result("x", 1, "2026-11-03T00:00:00Z", "none", 0)])
    assert "too few results" in refused(capsys, *usual)
    assert "no such folder" in refused(capsys, "--history", tmp_path / "h", "--rulebook", tmp_path / "none")
    for place, why in ((tmp_path / "no" / "m.yaml", "does not exist"), (sample_path() / "m.yaml", "seals")):
        assert why in refused(capsys, *usual, "--output", place)
    assert not (sample_path() / "m.yaml").exists()
