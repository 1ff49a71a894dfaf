"""What a candidate would have changed: sums beside a count in plain Python, and the command."""

import json
from collections import Counter

import numpy as np
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS
from corridor.messages.decision import encode
from corridor.study.shadow import EXAMPLES, document, findings, told
from tests.messages.batches import assemble, judged


def decided(n: int = 300, candidate: str | None = "2") -> list[bytes]:
    rng = np.random.default_rng(4)
    batch = assemble([(f"D{i}", f"O{i % 5}", "x") for i in range(n)], [1] * n, rng, extremes=False)
    return encode(batch, judged(batch, rng, "1", candidate), 0)


def test_sums_equal_a_count_in_plain_python():
    lines = decided()
    documents = [json.loads(line) for line in lines]
    results = {one["declaration_id"]: i % 3 == 0 for i, one in enumerate(documents) if i % 2}
    found = told(lines, results)
    asked = [one for one in documents if one["shadow"]]
    assert (found.decisions, found.not_asked) == (len(lines), len(lines) - len(asked))
    assert list(found.pairs) == [("1", "2")]
    pair = found.pairs["1", "2"]
    moves = Counter((one["corridor"], one["shadow"]["corridor"]) for one in asked)
    checked = Counter(
        (one["corridor"], one["shadow"]["corridor"]) for one in asked if one["declaration_id"] in results
    )
    hits = Counter(
        (one["corridor"], one["shadow"]["corridor"]) for one in asked if results.get(one["declaration_id"])
    )
    for i, one in enumerate(CORRIDORS):
        for j, other in enumerate(CORRIDORS):
            assert pair.moves[i, j] == moves[one, other]
            assert pair.checked[i, j] == checked[one, other]
            assert pair.found[i, j] == hits[one, other]
    for name, now, then in pair.offices():
        here = [one for one in asked if one["office"] == name]
        assert now == sum(one["corridor"] != "green" for one in here)
        assert then == sum(one["shadow"]["corridor"] != "green" for one in here)
    for (i, j), examples in pair.examples.items():
        losses = sorted(
            (one["expected_loss"] for one in asked
             if (one["corridor"], one["shadow"]["corridor"]) == (CORRIDORS[i], CORRIDORS[j])),
            reverse=True,
        )  # fmt: skip
        assert sorted((loss for loss, _, _ in examples), reverse=True) == losses[:EXAMPLES]
    of = pair.precision(slice(1, None), slice(None))
    assert of.n == sum(count for (one, _), count in checked.items() if one != "green")
    assert 0 < of.low < of.value < of.high < 1


def test_a_line_that_is_no_decision_is_named():
    with pytest.raises(InputError, match=r"line 2 is no decision\.v1"):
        told([decided(1)[0], b"{}"])


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run" / "decisions").mkdir(parents=True)
    (tmp_path / "run" / "decisions" / "part-0").write_bytes(b"\n".join(decided()) + b"\n")
    rows = [{"declaration_id": f"D{i}", "at": "2026-11-22T10:00:00Z",
             "finding": "violation" if i % 4 == 0 else "none"} for i in range(0, 300, 2)]  # fmt: skip
    (tmp_path / "results.ndjson").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path


def report(*words):
    return CliRunner().invoke(cli, ["rulebook", "shadow-report", *map(str, words)])


def test_the_command_tells_it_in_tables_and_as_json(run):
    done = report("--run", run / "run", "--results", run / "results.ndjson")
    assert done.exit_code == 0, done.output
    assert "2 on trial beside 1: asked about" in done.output
    for part in ("who moves where", "controls by office", "checked among all but green"):
        assert part in done.output
    told_json = json.loads(report("--run", run / "run", "--results", run / "results.ndjson", "--json").output)
    assert told_json == json.loads(json.dumps(document(told(decided(), findings(run / "results.ndjson")))))
    assert told_json["pairs"][0]["moved"] == sum(move["decisions"] for move in told_json["pairs"][0]["moves"])


def test_without_a_candidate_it_says_what_to_do(tmp_path):
    (tmp_path / "decisions").mkdir()
    (tmp_path / "decisions" / "part-0").write_bytes(b"\n".join(decided(5, None)))
    done = report("--run", tmp_path)
    assert done.exit_code == 0
    assert (
        "no candidate was asked about any of 5 decisions; run `corridor run decide --shadow DIR`"
        in done.output
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "give --run, the output folder of a run, or --kafka"),
        (["--run", "/nowhere"], "there is no such folder"),
        (["--run", ".", "--kafka", "localhost:1"], "give --run"),
    ],
)
def test_wrong_words_are_told(words, problem):
    done = report(*words)
    assert done.exit_code != 0
    assert problem in done.output + str(done.exception or "")
