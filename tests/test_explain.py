import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import InputError
from corridor.explain import Part, again, known
from corridor.judge import judge, judge_in_force
from corridor.messages import decision, trace
from corridor.messages.declaration import decode
from corridor.rulebook.candidate import Candidate
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.manifest import write_manifest
from corridor.simulate import declarations
from tests.test_judge import CANARY, some_history, write_rulebook

DECIDED = 1_764_144_000_123_000
COUNT = 300


class Run:
    """Declarations decided under a rulebook with histories, as a stream leaves them: bytes only."""

    def __init__(self, folder: Path) -> None:
        self.book = load(folder)
        self.payloads = list(declarations(COUNT, 5))
        self.batch = decode(self.payloads, 0).declarations
        assert len(self.batch) == COUNT
        history = some_history(COUNT)
        heads = self.batch.heads
        history.previous_version[::3] = 1
        history.original_declarant[::3] = np.where(np.arange(0, COUNT, 3) % 2, heads["declarant"][::3], 77)
        self.history = history
        verdicts = judge(self.batch, history, self.book)
        self.decisions = decision.encode(self.batch, verdicts, DECIDED)
        self.traces = trace.encode(self.batch, history, self.book.version)

    def again(self, i: int):
        return again([self.payloads[i]], trace.decode([self.traces[i]])[0], self.decisions[i], self.book)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_rulebook(tmp_path_factory.mktemp("rulebook") / "one")


@pytest.fixture(scope="module")
def run(folder) -> Run:
    return Run(folder)


def nodes(part: Part):
    yield part
    for inner in part.parts:
        yield from nodes(inner)


def find(part: Part, what: str) -> Part:
    return next(node for node in nodes(part) if node.what.startswith(what))


def test_judged_again_every_decision_is_the_one_written(run):
    for i in range(COUNT):
        found = run.again(i)
        assert found.equal, run.decisions[i]
        assert found.decision == run.decisions[i]


def test_the_trace_gives_back_what_was_known(run):
    for i in range(40):
        told = trace.decode([run.traces[i]])[0]
        history, was = known(told, run.batch.take(np.array([i]))), run.history.take(np.array([i]))
        assert history.late.tolist() == was.late.tolist()
        assert history.late[0] or history.values.tolist() == was.values.tolist()
        assert history.previous_version.tolist() == was.previous_version.tolist()


def test_the_tree_names_what_spoke_and_the_fields_it_read(run):
    """Each rule that hits by the naive reading of its condition, and no other, stands below its item."""
    for i in range(60):
        tree = run.again(i).tree
        document = json.loads(run.payloads[i])
        items = [part for part in tree.parts if part.what.startswith("item ")]
        assert len(items) == len(document["items"])
        for part, item in zip(items, document["items"], strict=True):
            ids = {
                node.what.split(":")[0].removeprefix("rule ")
                for node in part.parts
                if node.what.startswith("rule ")
            }
            mass = item.get("net_mass_kg") or 0
            cheap = mass > 0 and item["customs_value"] > 0 and item["customs_value"] / mass < 100
            assert (f"{CANARY}-0" in ids) == cheap
            assert (f"{CANARY}-2" in ids) == item["hs_code"].startswith("87")
            assert (f"{CANARY}-5" in ids) == (document["direction"] == "export")
            if cheap:
                rule = find(part, f"rule {CANARY}-0")
                assert rule.value == "valuation, score, weight 0.3"
                read = {node.what: node.value for node in rule.parts}
                assert read["when"] == "item.value_per_kg < 100"
                assert float(read["item.value_per_kg"].replace(",", "")) == pytest.approx(
                    item["customs_value"] / mass
                )


def test_figures_of_the_tree_are_those_of_the_decision(run):
    for i in range(60):
        told, tree = json.loads(run.decisions[i]), run.again(i).tree
        assert tree.value.split(",")[0] == told["corridor"]
        assert float(find(tree, "probability of the declaration").value) == told["probability"]
        assert find(tree, "thresholds").value == "blue from 0.15, yellow from 0.25, red from 0.6"
        drawn = find(tree, "random control group").value
        assert drawn.endswith(": not in it") != told["selected_at_random"]


def test_a_time_that_was_replaced_is_that_of_the_decision(folder):
    """bad-input 21: one without a usable time is judged by the time of ingestion, one of the future by the clock."""
    run = Run(folder)
    ingested, now = 1_764_000_000_000_000, 1_763_999_999_000_000
    for text in ("0001-01-01T00:00:00Z", "2150-01-01T00:00:00Z"):
        document = json.loads(run.payloads[0]) | {"registered_at": text}
        payload = json.dumps(document).encode()
        batch = decode([payload], ingested, now).declarations
        history = run.history.take(np.array([0]))
        written = decision.encode(batch, judge(batch, history, run.book), DECIDED)[0]
        told = trace.decode(trace.encode(batch, history, run.book.version))[0]
        assert again([payload], told, written, run.book).equal


def test_of_two_messages_of_one_identity_that_which_gives_the_decision(run):
    other = json.loads(run.payloads[1])
    other["items"][0]["customs_value"] = 1.0
    told = trace.decode([run.traces[1]])[0]
    found = again([json.dumps(other).encode(), run.payloads[1]], told, run.decisions[1], run.book)
    assert found.equal
    assert not again([json.dumps(other).encode()], told, run.decisions[1], run.book).equal


def test_what_a_candidate_said_is_given_back_and_can_be_asked_again(run, tmp_path):
    shelf = Shelf.of(run.book)
    folder = write_rulebook(tmp_path / "two")
    policy = folder / "corridors.yaml"
    policy.write_text(policy.read_text().replace("blue: 0.15", "blue: 0.01"))
    write_manifest(folder, "2", datetime(2020, 1, 1, tzinfo=UTC))
    candidate = Candidate.load(folder, 1.0, shelf, own_rules=False)
    ((_, _, verdicts),) = judge_in_force(run.batch, run.history, shelf, candidate)
    decisions = decision.encode(run.batch, verdicts, DECIDED)
    assert any(one != other for one, other in zip(decisions, run.decisions, strict=True))
    for i in range(60):
        told = trace.decode([run.traces[i]])[0]
        for trial in (None, candidate):
            found = again([run.payloads[i]], told, decisions[i], run.book, trial)
            assert found.equal
            assert (
                json.loads(decisions[i])["shadow"]["corridor"]
                in find(found.tree, "on trial, rulebook 2").value
            )
    unasked = again(
        [run.payloads[0]], trace.decode([run.traces[0]])[0], run.decisions[0], run.book, candidate
    )
    assert unasked.equal
    other = replace(candidate, rulebook=run.book)
    assert not again([run.payloads[0]], trace.decode([run.traces[0]])[0], decisions[0], run.book, other).equal


def test_what_does_not_belong_together_is_told(run, tmp_path):
    told = trace.decode([run.traces[2]])[0]
    with pytest.raises(InputError, match=r"no declaration .* is among the 1 messages"):
        again([run.payloads[3]], told, run.decisions[2], run.book)
    other = load(write_rulebook(tmp_path / "two", "2"))
    with pytest.raises(InputError, match=r"was judged by the rulebook '1', and '2' was given"):
        again([run.payloads[2]], told, run.decisions[2], other)
    with pytest.raises(InputError, match=r"no decision\.v1"):
        again([run.payloads[2]], told, b"{}", run.book)


@pytest.fixture(scope="module")
def written(run, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("run")
    for name, lines in (("declarations", run.payloads), ("decisions", run.decisions), ("traces", run.traces)):
        (place / name).mkdir()
        (place / name / "part-0").write_bytes(b"\n".join(lines) + b"\n")
    return place


def explain(written: Path, folder: Path, *more: object):
    words = [
        "rulebook",
        "explain",
        "--run",
        written,
        "--input",
        written / "declarations",
        "--rulebook",
        folder,
    ]
    return CliRunner().invoke(cli, [*map(str, words), *map(str, more)])


def test_the_command_shows_the_tree_and_ends_well(run, written, folder):
    reference = json.loads(run.decisions[4])["declaration_id"]
    done = explain(written, folder, reference)
    assert done.exit_code == 0, done.output
    assert f"declaration {reference}, version 1" in done.output
    assert "the decision that was written, bit for bit" in done.output
    told = json.loads(explain(written, folder, reference, "--json").output)
    assert told["equal"]
    assert told["decision"] == json.loads(run.decisions[4])
    assert told["explanation"]["what"].startswith(f"declaration {reference}")


def test_a_message_whose_slashes_are_escaped_is_found(run, written, folder, tmp_path):
    """JSON allows it, and some writers do it."""
    payload = run.payloads[7].replace(b"/", b"\\/")
    assert payload != run.payloads[7]
    (tmp_path / "one.ndjson").write_bytes(payload + b"\n")
    reference = json.loads(run.decisions[7])["declaration_id"]
    done = explain(written, folder, reference, "--input", tmp_path / "one.ndjson")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["no-such-reference"], "no trace of a declaration 'no-such-reference'"),
        ([0, "--version", 9], "was decided in the versions 1, not 9"),
        ([0, "--input", "/nowhere"], "there is no such file or folder"),
        ([0, "--rulebook", "/nowhere"], "there is no such folder"),
    ],
)
def test_the_command_says_what_is_missing(run, written, folder, words, problem):
    reference = json.loads(run.decisions[0])["declaration_id"]
    done = explain(written, folder, *(reference if word == 0 else word for word in words))
    assert done.exit_code != 0
    assert problem in (done.output + str(done.exception or ""))


def test_another_rulebook_of_the_same_name_is_seen(run, written, folder, tmp_path):
    """What was changed after the fact gives another decision, and the command ends with code 1."""
    changed = write_rulebook(tmp_path / "changed")
    policy = changed / "corridors.yaml"
    policy.write_text(policy.read_text().replace("blue: 0.15, yellow: 0.25", "blue: 0.01, yellow: 0.02"))

    write_manifest(changed, "1", datetime(2020, 1, 1, tzinfo=UTC))
    scored = next(
        d for d in map(json.loads, run.decisions) if d["corridor"] == "blue" and d["basis"] == "score"
    )
    done = explain(written, changed, scored["declaration_id"])
    assert done.exit_code == 1
    assert "another decision than was written" in done.output
