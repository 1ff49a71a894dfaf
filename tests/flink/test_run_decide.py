"""`corridor run` on embedded Flink: a small service with all that can go wrong, beside offline twins."""

import base64
import json
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.cache import cache_folder
from corridor.flink.embedded import Files, run_decide, run_picture
from corridor.judge import judge
from corridor.messages.columns import FUNCTIONS
from corridor.messages.decision import encode
from corridor.messages.picture import DIMENSIONS
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from corridor.study.history import histories
from corridor.study.lineage import lineage
from corridor.study.read import read
from tests.flink.totals import expected_cells, final_rows, picture_cells
from tests.schemas.documents import valid

pytestmark = [pytest.mark.flink, pytest.mark.timeout(900)]

CANARY = "canary-4be1-never-told"
NOW = 1_790_000_000_000_000
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Path:
    """Two days, 4 % garbage of every kind; files bear one old time, so that ingestion is known."""
    root = tmp_path_factory.mktemp("service")
    options = Options(garbage=0.04)
    folder.write(
        Service(3), folder.Span(date(2026, 11, 24), 2, 700, options, "none"), root / "s", lambda d, n: None
    )
    for path in (root / "s" / "declarations").glob("*.ndjson"):
        os.utime(path, (0, 0))
    return root / "s"


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory) -> Path:
    """The sample rulebook with rule ids that must never be told."""
    target = tmp_path_factory.mktemp("rulebook") / "canary"
    subprocess.run(["cp", "-r", str(sample_path()), str(target)], check=True)
    rules = (target / "rules.yaml").read_text(encoding="utf-8")
    (target / "rules.yaml").write_text(rules.replace("  - id: ", f"  - id: {CANARY}-"), encoding="utf-8")
    write_manifest(target, "canary", datetime(2020, 1, 1, tzinfo=UTC))
    return target


def run_in(where: Path, name: str, source: Path, rulebook: Path, parallelism: int = 2) -> Path:
    files = Files(source, where / name, rulebook, parallelism=parallelism, decided_at=NOW)
    run_decide(files)
    return where / name


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, service, rulebook) -> Path:
    return run_in(tmp_path_factory.mktemp("outcome"), "two", service / "declarations", rulebook)


def lines(output: Path, topic: str) -> list[bytes]:
    return [line for path in sorted((output / topic).glob("*")) for line in path.read_bytes().splitlines()]


def rows(output: Path, topic: str) -> list[dict]:
    return [json.loads(line) for line in lines(output, topic)]


def summary(output: Path) -> dict:
    return json.loads((output / "summary.json").read_text())


def test_every_record_is_accounted_for(service, outcome):
    counts = summary(outcome)
    written = sum(path.read_bytes().count(b"\n") for path in (service / "declarations").glob("*"))
    assert counts["read"] == written
    assert counts["read"] == counts["decided"] + counts["rejected"] + counts["duplicates"]
    assert counts["decided"] == len(lines(outcome, "decisions")) == len(lines(outcome, "traces"))
    assert counts["rejected"] == len(lines(outcome, "rejects"))
    assert sum(counts["corridors"].values()) == counts["decided"]
    assert sum(counts["anomalies"].values()) == len(lines(outcome, "anomalies"))
    assert counts["duplicates"] > counts["conflicts"] > 0
    assert counts["cancelled"] > 0


def test_garbage_is_rejected_exactly_by_code(service, outcome):
    truth = [json.loads(line) for line in (service / "truth" / "garbage.ndjson").read_text().splitlines()]
    expected = sorted(
        (spoiled["code"], spoiled["pointer"]) for spoiled in truth if spoiled["expect"] == "reject"
    )
    assert len({code for code, _ in expected}) > 10
    rejects = rows(outcome, "rejects")
    assert sorted((reject["code"], reject["pointer"]) for reject in rejects) == expected
    source = set()
    for path in (service / "declarations").glob("*"):
        source.update(path.read_bytes().split(b"\n"))
    kept = [base64.b64decode(reject["payload_base64"]) for reject in rejects if "payload_base64" in reject]
    assert len(kept) > 20
    assert set(kept) <= source


def test_decisions_equal_the_offline_ones_bit_for_bit(service, outcome, rulebook):
    book = load(rulebook)
    batch = read(service / "declarations").declarations
    lived = histories(batch, book.policy.histories, lineage(batch))
    standing = np.flatnonzero(lineage(batch).standing)
    part = batch.take(standing)
    offline = encode(part, judge(part, lived.take(standing), book), NOW)
    assert sorted(lines(outcome, "decisions")) == sorted(offline)


def test_a_candidate_is_told_beside_each_decision_and_changes_none(tmp_path, service, outcome, rulebook):
    candidate = tmp_path / "candidate"
    subprocess.run(["cp", "-r", str(rulebook), str(candidate)], check=True)
    rules = (candidate / "rules.yaml").read_text(encoding="utf-8")
    (candidate / "rules.yaml").write_text(rules.replace("weight: 0.3", "weight: 0.6"), encoding="utf-8")
    write_manifest(candidate, "candidate", datetime(2040, 1, 1, tzinfo=UTC))
    files = Files(service / "declarations", tmp_path / "tried", rulebook, candidate, 40, decided_at=NOW)
    run_decide(files)
    alone = run_in(tmp_path, "alone", service / "declarations", candidate)
    tried = rows(tmp_path / "tried", "decisions")
    valid("decision.v1", lines(tmp_path / "tried", "decisions"))
    told = {key(one): one["shadow"] for one in tried}
    corridors = {key(one): one["corridor"] for one in rows(alone, "decisions")}
    asked = [name for name, shadow in told.items() if shadow]
    assert 0.3 < len(asked) / len(told) < 0.5
    for name in asked:
        assert told[name] == {"rulebook": "candidate", "corridor": corridors[name]}
    assert any(one["shadow"] and one["shadow"]["corridor"] != one["corridor"] for one in tried)
    plain = {key(one): one for one in rows(outcome, "decisions")}
    assert {key(one): one | {"shadow": None} for one in tried} == plain


def key(decision: dict) -> tuple[str, int]:
    return decision["declaration_id"], decision["version"]


@pytest.mark.parametrize(
    ("topic", "schema"),
    [
        ("decisions", "decision"),
        ("anomalies", "anomaly"),
        ("picture", "picture"),
        ("rejects", "reject"),
        ("traces", "trace"),
    ],
)
def test_every_message_meets_its_schema(outcome, topic, schema):
    found = lines(outcome, topic)
    assert found
    valid(f"{schema}.v1", found[:: max(1, len(found) // 3000)])


def final_totals(output: Path, dimension: str, period: str = "day") -> dict:
    return final_rows(rows(output, "picture"), dimension, period)


def test_every_cell_and_sum_of_the_picture_equals_that_of_polars(outcome):
    found = picture_cells(rows(outcome, "picture"))
    assert found == expected_cells(rows(outcome, "decisions"))
    assert {dimension for _, _, dimension, _ in found} == set(DIMENSIONS)
    assert {cell["late"] for cell in found.values()} == {0}  # files are read whole
    assert sum(cell["flagged"] for key, cell in found.items() if key[2] == "office" and key[0] == "day") > 10


def test_the_picture_rolls_every_minute_and_week(outcome):
    service_rows = [row for row in rows(outcome, "picture") if row["dimension"] == "service"]
    for period in ("day", "week"):
        mine = sorted((r["window_start"], r["window_end"]) for r in service_rows if r["period"] == period)
        assert len(mine) == len(set(mine)) > 400
    week = final_totals(outcome, "service", "week")
    days = final_totals(outcome, "service")
    inside = [row["declarations"] for (day, _), row in days.items() if "2026-11-23" <= day <= "2026-11-29"]
    assert week["2026-11-23", "all"]["declarations"] == sum(inside)


def test_the_picture_from_decisions_alone_is_the_same(tmp_path, outcome, plan):
    """With the plan of payments, and the norms of a rulebook that has none, so without a forecast."""
    run_picture(Files(outcome / "decisions", tmp_path / "again", plan=plan))
    alone = rows(tmp_path / "again", "picture")
    assert picture_cells(alone) == picture_cells(rows(outcome, "picture"))
    told = [row for row in alone if row["plan"] is not None]
    assert {(row["dimension"], row["value"]) for row in told} == {("service", "all"), ("office", "10131010")}
    for row in told:
        payments = 300_000.5 if row["dimension"] == "office" else 1_000_000.0
        reached = (row["duty"] + row["vat"]) / payments  # told to a millionth
        assert row["plan"] == {
            "payments": payments,
            "share": pytest.approx(reached, abs=0.6e-6),
            "forecast": None,
        }
        assert row["period"] == "week" or row["window_start"].startswith("2026-11-24")
    valid("picture.v1", [json.dumps(row).encode() for row in told[:500]])


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Path:
    """A plan of one of the two days."""
    path = tmp_path_factory.mktemp("plan") / "plan.csv"
    path.write_text(
        "\ufeffoffice,date,payments\n,2026-11-24,1000000\n10131010,2026-11-24,300000.50\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("parallelism", [1, 4])
def test_decisions_do_not_depend_on_parallelism_or_files(tmp_path, service, rulebook, outcome, parallelism):
    records = [
        line
        for path in sorted((service / "declarations").glob("*"))
        for line in path.read_bytes().split(b"\n")[:-1]
    ]
    random.Random(parallelism).shuffle(records)
    shuffled = tmp_path / "in"
    shuffled.mkdir()
    for k in range(3):
        path = shuffled / f"{k}.ndjson"
        path.write_bytes(b"".join(record + b"\n" for record in records[k::3]))
        os.utime(path, (0, 0))
    again = run_in(tmp_path, "out", shuffled, rulebook, parallelism)
    assert sorted(lines(again, "decisions")) == sorted(lines(outcome, "decisions"))
    assert sorted(lines(again, "anomalies")) == sorted(lines(outcome, "anomalies"))
    assert picture_cells(rows(again, "picture")) == picture_cells(rows(outcome, "picture"))


def test_no_rule_id_in_open_output(outcome):
    for path in outcome.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    log = cache_folder() / "last-failure.log"
    assert not log.exists() or CANARY not in log.read_text(errors="replace")


def test_amendments_and_cancellations_are_decided_as_such(outcome):
    told = {(row["declaration_id"], row["version"]): row for row in rows(outcome, "decisions")}
    functions = {name: [row for row in told.values() if row["function"] == name] for name in FUNCTIONS}
    assert all(functions.values())
    assert {row["basis"] for row in functions["cancellation"]} == {"technical"}
    assert {row["corridor"] for row in functions["cancellation"]} == {"green"}


def corridor(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, service):
    declarations = service / "declarations"
    empty, full, broken = tmp_path / "empty", tmp_path / "full", tmp_path / "broken"
    empty.mkdir()
    full.mkdir()
    (full / "kept.txt").write_text("mine")
    subprocess.run(["cp", "-r", str(sample_path()), str(broken)], check=True)
    (broken / "rules.yaml").write_text("rules: [")
    cases = {
        "nowhere": ("--input", tmp_path / "nowhere", "--output", tmp_path / "out"),
        "empty": ("--input", empty, "--output", tmp_path / "out"),
        "full": ("--input", declarations, "--output", full),
        "broken": ("--input", declarations, "--rulebook", broken, "--output", tmp_path / "out"),
    }
    for name, arguments in cases.items():
        done = corridor("run", "decide", *arguments)
        assert done.returncode == 2, (name, done.stderr)
        assert done.stderr.startswith("corridor: "), name
        assert done.stderr.count("\n") == 1, (name, done.stderr)
        assert name in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "empty", "full"]
    assert (full / "kept.txt").read_text() == "mine"


def test_one_bad_record_among_other_files_is_one_reject(tmp_path, rulebook):
    """Not one good record in a batch, and files that are none of ours beside it."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "g.ndjson").write_bytes(b"{}\n")
    (source / "old.csv").write_bytes(b"a;b\n1;2\n")
    (source / "README.txt").write_bytes(b"not ours\n")
    run_decide(Files(source, tmp_path / "out", rulebook))
    counts = summary(tmp_path / "out")
    assert (counts["read"], counts["rejected"], counts["decided"]) == (1, 1, 0)
    assert lines(tmp_path / "out", "decisions") == []
