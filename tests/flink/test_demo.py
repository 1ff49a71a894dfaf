"""The demo from end to end, small: simulate, fit, decide on embedded Flink, report."""

import json
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from corridor.flink.summary import read_rows
from corridor.messages.picture import decode
from corridor.study.demo import Places

pytestmark = [pytest.mark.flink, pytest.mark.timeout(900)]

MIDNIGHT = 1_795_478_400_000_000


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "demo"
    command = [sys.executable, "-m", "corridor.cli", "demo", "--output", str(folder), "--per-day", "900"]
    done = subprocess.run([*command, "--history-days", "9"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (folder / "terminal.txt").write_text(done.stdout)
    return Places(folder)


def test_every_record_is_accounted_for(places):
    summary = json.loads((places.output / "summary.json").read_text())
    lines = sum(p.read_bytes().count(b"\n") for p in (places.today / "declarations").glob("*.ndjson"))
    assert summary["read"] == lines
    assert summary["read"] == summary["decided"] + summary["rejected"] + summary["duplicates"]
    assert summary["decided"] == len(read_rows(places.output / "decisions"))


def test_the_report_says_what_was_done(places):
    told = json.loads(places.figures.read_text())
    assert {p["kind"] for p in told["planted"]} >= {"undervaluation", "office_silent", "splitting"}
    assert [s["name"] for s in told["steps"]] == [
        "simulate",
        "fit a rulebook",
        "decide and paint the picture",
    ]
    assert "report.html" in (places.root / "terminal.txt").read_text().replace("\n", "")
    page = places.page.read_text()
    parts = [
        line for f in sorted((places.output / "picture").iterdir()) for line in f.read_bytes().splitlines()
    ]
    whole = [
        row
        for row in decode(parts)
        if (row.period, row.dimension, row.window_start) == ("day", "service", MIDNIGHT)
    ]
    assert f"{max(whole, key=lambda row: row.window_end).declarations:,}" in page


def test_no_rule_id_and_no_key_leaves_the_rulebook(places):
    rules = (places.rulebook / "rules.yaml").read_text()
    secrets = [
        *re.findall(r"^\s*-?\s*id:\s*(\S+)", rules, re.M),
        (places.rulebook / "sampling.key").read_text().strip(),
    ]
    features = re.findall(r"name: (\S+?)[,}]?$", (places.rulebook / "model.yaml").read_text(), re.M)
    corridors = (places.rulebook / "corridors.yaml").read_text()
    people = pl.read_parquet(places.rulebook / "participants.parquet")
    coefficients = people["coefficient"].unique().to_list()
    numbers = [*re.findall(r"0\.\d{6,}", corridors), *(repr(c) for c in coefficients if len(repr(c)) > 10)]
    assert len(secrets) > 40
    assert len(features) > 20
    assert len(numbers) > 20
    secrets += [*features, *numbers]
    open_files = [places.page, places.figures, places.root / "terminal.txt", places.output / "summary.json"]
    for name in ("decisions", "anomalies", "picture", "rejects"):
        open_files += Path(places.output / name).iterdir()
    for file in open_files:
        text = file.read_text(errors="replace")
        assert not [s for s in secrets if s in text], file.name
