"""Canaries in every confidential part of a fitted rulebook, and a whole run: no open output may hold one."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from corridor.cache import cache_folder
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from corridor.study.fit import fit

pytestmark = [pytest.mark.flink, pytest.mark.timeout(900)]

CANARY = "canary-9d27-never-told"
LIST = "canary_9d27_never_told"
NUMBERS = {"blue": "0.0314159265", "yellow": "0.0618033988", "red": "0.3678794411"}
WEIGHT, COEFFICIENT = "0.1732050807", "0.7310585786"
IMPORTER = re.compile(r'"importer": ?"([^"]+)"')


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("canaries") / "service"
    span = folder.Span(date(2026, 11, 2), 9, 800, Options(results=True, garbage=0.02), "none")
    folder.write(Service(1), span, root, lambda day, records: None)
    return root


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory, service) -> Path:
    """A rulebook with a model, in whose ids, texts, lists, snoozes and numbers stand canaries."""
    book = tmp_path_factory.mktemp("book") / "book"
    fit(service / "declarations", service / "results", book, sample_path())
    yaml = YAML()
    rules = yaml.load((book / "rules.yaml").read_text())
    for n, rule in enumerate(rules["rules"]):
        rule |= {
            "id": f"{CANARY}-{n}",
            "title": CANARY,
            "owner": CANARY,
            "legal_basis": CANARY,
            "description": CANARY,
        }
        rule["when"] = str(rule["when"]).replace("lists.dispatch_risk", f"lists.{LIST}")
        if rule["response"] == "score":
            rule["weight"] = float(WEIGHT)
    yaml.dump(rules, book / "rules.yaml")
    (book / "lists" / "dispatch_risk.csv").rename(book / "lists" / f"{LIST}.csv")
    corridors = yaml.load((book / "corridors.yaml").read_text())
    corridors["thresholds"] = [{name: float(value) for name, value in NUMBERS.items()}]
    yaml.dump(corridors, book / "corridors.yaml")
    people = pq.read_table(book / "participants.parquet")
    place = people.column_names.index("coefficient")
    people = people.set_column(place, "coefficient", pa.array([float(COEFFICIENT)] * len(people)))
    pq.write_table(people, book / "participants.parquet")
    (book / "cases.yaml").unlink(missing_ok=True)
    importers = sorted(
        set(IMPORTER.findall((next((service / "declarations").glob("*"))).read_text(errors="replace")))
    )
    snoozed = [n for n, rule in enumerate(rules["rules"]) if rule["response"] in ("score", "notify")][:5]
    rows = [
        f"{CANARY}-{n},importer,{code},2026-10-01,2027-01-31,{CANARY},{CANARY}"
        for n in snoozed
        for code in importers[:60]
    ]
    (book / "snoozes.csv").write_text(
        "\n".join(["rule,subject,code,valid_from,valid_until,reason,owner", *rows, ""])
    )
    write_manifest(book, "open-version", datetime(2020, 1, 1, tzinfo=UTC))
    return book


@pytest.fixture(scope="module")
def secrets(rulebook) -> list[str]:
    """What no open output may hold: canaries, numbers, the sampling key, names of the model's features."""
    features = [
        row["name"] for row in YAML(typ="safe").load((rulebook / "model.yaml").read_text())["features"]
    ]
    assert len(features) > 20
    key = (rulebook / "sampling.key").read_text().strip()
    return [CANARY, LIST, WEIGHT[:10], COEFFICIENT[:10], *(v[:10] for v in NUMBERS.values()), key, *features]


def corridor(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    wide = os.environ | {"COLUMNS": "400"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=wide)


@pytest.fixture(scope="module")
def run(tmp_path_factory, service, rulebook) -> tuple[Path, str]:
    """A run and the picture from its decisions, and all that they told on the terminal."""
    root = tmp_path_factory.mktemp("run")
    decided = corridor(
        "run", "decide", "--input", service / "declarations", "--rulebook", rulebook, "--output", root / "out"
    )
    assert decided.returncode == 0, decided.stderr[-3000:]
    painted = corridor("run", "picture", "--input", root / "out" / "decisions", "--output", root / "picture")
    assert painted.returncode == 0, painted.stderr[-3000:]
    return root, decided.stdout + decided.stderr + painted.stdout + painted.stderr


def told(text: str, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret in text]


def open_files(root: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(root.rglob("*")):
        if path.is_file() and "traces" not in path.parts:
            raw = path.read_bytes()
            yield path, (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(errors="replace")


def test_the_run_is_one_in_which_everything_spoke(run):
    root, _ = run
    summary = json.loads((root / "out" / "summary.json").read_text())
    assert min(summary["corridors"][name] for name in ("green", "yellow", "red")) > 0
    assert {path.name for path in (root / "out").iterdir()} >= {
        "decisions",
        "anomalies",
        "picture",
        "rejects",
        "traces",
    }


def test_no_open_output_holds_a_canary(run, secrets):
    root, terminal = run
    files = list(open_files(root))
    assert len(files) > 5
    for path, text in files:
        assert not told(text, secrets), path
    assert not told(terminal, secrets)
    log = cache_folder() / "last-failure.log"
    assert not log.exists() or not told(log.read_text(errors="replace"), [CANARY, LIST])


def test_a_rulebook_that_cannot_be_loaded_is_refused_without_telling_what_is_in_it(
    tmp_path, service, rulebook, secrets
):
    broken = tmp_path / "broken"
    subprocess.run(["cp", "-r", str(rulebook), str(broken)], check=True)
    text = (broken / "rules.yaml").read_text()
    (broken / "rules.yaml").write_text(text.replace("weight: ", "weight: 9", 3))
    write_manifest(broken, "broken", datetime(2020, 1, 1, tzinfo=UTC))
    done = corridor(
        "run",
        "decide",
        "--input",
        service / "declarations",
        "--rulebook",
        broken,
        "--output",
        tmp_path / "out",
    )
    assert done.returncode == 2
    assert re.search(
        r"broken/rules\.yaml:\d+:\d+: not fit to judge by \(and 2 more: corridor rulebook check", done.stderr
    )
    assert not told(done.stdout + done.stderr, secrets)


def test_restricted_outputs_hold_them(run, service, rulebook, secrets):
    """The canaries do sing where they may, so that the tests above can fail."""
    root, _ = run
    shown = corridor("rulebook", "show", rulebook).stdout
    assert CANARY in shown
    assert LIST in shown
    assert "0.0314159" in shown
    decisions = [
        json.loads(line)
        for p in (root / "out" / "decisions").iterdir()
        for line in p.read_bytes().splitlines()
    ]
    one = next(d for d in decisions if d["corridor"] == "red" and d["basis"] == "score")
    place = (
        "--run",
        root / "out",
        "--input",
        service / "declarations",
        "--rulebook",
        rulebook,
        "--version",
        one["version"],
    )
    why = corridor("rulebook", "explain", one["declaration_id"], *place)
    assert why.returncode == 0, why.stderr
    assert len(told(why.stdout, secrets)) > 5
