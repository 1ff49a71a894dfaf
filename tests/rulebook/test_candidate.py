"""A candidate on trial: which declarations it is asked about, and what it shares with the rulebook in force."""

import hashlib
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.errors import RulebookError
from corridor.features import Columns
from corridor.history import History
from corridor.judge import beside, judge, judge_in_force, judgement
from corridor.messages import decision
from corridor.messages.columns import CORRIDORS
from corridor.messages.declaration import decode
from corridor.rulebook.book import PARTS
from corridor.rulebook.candidate import Candidate, with_shadow_rules
from corridor.rulebook.check import examine
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.rulebook.sharing import sharing
from corridor.simulate import declarations
from corridor.study.fit import fit
from tests.study.test_fit import history as past
from tests.test_judge import POLICY, some_history, write_rulebook


@pytest.fixture(scope="module")
def batch():
    return decode(declarations(400, 5), 0).declarations


@pytest.fixture(scope="module")
def fitted(tmp_path_factory) -> Path:
    """A rulebook with a model, norms and participants."""
    place = tmp_path_factory.mktemp("fitted")
    made = past(place)
    fit(made / "declarations", made / "results", place / "rulebook", sample_path())
    return place / "rulebook"


def other_policy(folder: Path, version: str) -> Path:
    """The rulebook of the tests with lower thresholds."""
    write_rulebook(folder)
    (folder / "corridors.yaml").write_text(
        POLICY.replace("blue: 0.15, yellow: 0.25", "blue: 0.05, yellow: 0.2")
    )
    write_manifest(folder, version, datetime(2030, 1, 1, tzinfo=UTC))
    return folder


def test_beside_each_decision_stands_what_the_candidate_says_alone(tmp_path, batch):
    shelf = Shelf.load(write_rulebook(tmp_path / "one"))
    candidate = Candidate.load(other_policy(tmp_path / "two", "2"), 1.0, shelf, own_rules=False)
    history = some_history(len(batch))
    ((_, _, verdicts),) = judge_in_force(batch, history, shelf, candidate)
    alone = judge(batch, history, load(tmp_path / "two"))
    assert verdicts.shadow.rulebook == "2"
    assert verdicts.shadow.corridor.tolist() == alone.corridor.tolist()
    assert np.any(verdicts.shadow.corridor != verdicts.corridor)
    plain = judge(batch, history, shelf.rulebooks[0])
    assert decision.encode(batch, replace(verdicts, shadow=None), 0) == decision.encode(batch, plain, 0)


def test_a_fitted_candidate_says_what_it_says_alone_whatever_it_shares(batch, fitted):
    """Each part in turn is another: what was taken over from the rulebook in force must not rest on it."""
    book, sample = load(fitted), load(sample_path())
    history = History.none(len(batch))
    found = judgement(batch, history, book)
    for part in sorted(PARTS):
        candidate = replace(book, **{part: getattr(sample, part)}, version="2")
        if part in ("model", "encodings"):  # they belong together
            candidate = replace(candidate, model=sample.model, encodings=sample.encodings)
        told = beside(found, Candidate(candidate)).corridor
        assert told.tolist() == judge(batch, history, candidate).corridor.tolist(), part
    same = replace(book, version="2")
    assert beside(found, Candidate(same)).corridor.tolist() == found.verdicts.corridor.tolist()


def test_what_is_the_same_is_computed_once(batch, fitted, monkeypatch):
    book = load(fitted)
    candidate = sharing(load(fitted), book)
    assert all(getattr(candidate, part) is getattr(book, part) for part in PARTS)
    found = judgement(batch, History.none(len(batch)), book)
    monkeypatch.setattr(type(book.model), "raw", lambda *_: pytest.fail("the model was run twice"))
    monkeypatch.setattr(Columns, "_computed", lambda _, name: pytest.fail(f"{name} was computed twice"))
    assert beside(found, Candidate(candidate)).corridor.tolist() == found.verdicts.corridor.tolist()


def test_a_code_looked_up_once_for_a_declaration_and_several_features_has_each_items_number(batch, fitted):
    book = load(fitted)
    columns = Columns(batch, History.none(len(batch)), book)
    names = tuple(book.encodings.features)
    got = columns.matrix(names)
    assert any(name.startswith("code.importer") for name in names)
    for name, column in zip(names, got.T, strict=True):
        each = [book.encodings.apply(name, [code])[0] for code in columns.code(book.encodings.fields[name])]
        assert np.array_equal(column, each, equal_nan=True), name


def test_parts_of_other_bytes_are_not_shared(tmp_path, fitted):
    book = load(fitted)
    other = load(sample_path())
    shared = sharing(other, book)
    assert shared.model is other.model
    assert shared.norms is other.norms
    one, two = load(write_rulebook(tmp_path / "one")), load(other_policy(tmp_path / "two", "2"))
    two = replace(two, policy=replace(two.policy, n_min=7))
    assert sharing(two, one).norms is two.norms
    assert sharing(two, one).lists is one.lists


def test_a_share_is_sticky_and_apart_from_the_random_control_group(tmp_path):
    batch = decode(declarations(4_000, 9), 0).declarations
    book = load(write_rulebook(tmp_path / "one"))
    candidate = Candidate(book, 0.25)
    rows = candidate.share_of(batch)
    key = hashlib.blake2b(b"share of a candidate", digest_size=32, key=book.sampling_key).digest()
    for i in range(0, len(batch), 97):
        digest = hashlib.blake2b(batch.texts(i)[0].encode(), digest_size=8, key=key).digest()
        assert (i in rows) == (int.from_bytes(digest, "big") / 2**64 < 0.25)
    assert abs(len(rows) / len(batch) - 0.25) < 0.03
    part = np.arange(0, len(batch), 3)
    assert set(part[candidate.share_of(batch.take(part))]) == set(rows) & set(part)
    drawn = judge(batch, None, book).at_random
    assert abs(drawn[rows].mean() - drawn.mean()) < 0.03
    asked = beside(judgement(batch, History.none(len(batch)), book), candidate).corridor
    assert np.flatnonzero(asked >= 0).tolist() == rows.tolist()
    alone = judge(batch, None, book).corridor
    assert asked[rows].tolist() == alone[rows].tolist()


def test_the_rulebook_in_force_is_tried_with_its_shadow_rules(tmp_path, batch):
    folder = write_rulebook(tmp_path / "one")
    path = folder / "rules.yaml"
    rule = (
        '  - {id: WATCHED, group: list, when: "item.customs_value > 0", response: at_least, corridor: red, stage: shadow, '
        "title: t, owner: o, legal_basis: l, valid_from: 2020-01-01}"
    )
    path.write_text(path.read_text() + "\n" + rule)
    write_manifest(folder, "1", datetime(2020, 1, 1, tzinfo=UTC))
    shelf = Shelf.load(folder)
    candidate = Candidate.load(folder, 1.0, shelf, own_rules=True)
    assert candidate.rulebook.version == "1+shadow"
    assert "WATCHED" in candidate.rulebook.rules.ids
    ((_, _, verdicts),) = judge_in_force(batch, some_history(len(batch)), shelf, candidate)
    red = CORRIDORS.index("red")
    assert (verdicts.shadow.corridor == red).sum() > (verdicts.corridor == red).sum()
    assert with_shadow_rules(shelf.rulebooks[0]).rules.ids == candidate.rulebook.rules.ids


class Fails:
    """Participants whose table breaks on one importer."""

    def __init__(self, on: int, of) -> None:
        self.on, self.of = on, of

    def lookup(self, role, codes):
        if np.any(codes == self.on):
            raise ZeroDivisionError
        return self.of.lookup(role, codes)

    def __len__(self):
        return len(self.of)


def test_what_a_candidate_fails_on_is_left_out_alone(tmp_path, batch):
    book = load(write_rulebook(tmp_path / "one"))
    on = int(batch.heads["importer"][7])
    bad = np.flatnonzero(batch.heads["importer"] == on)
    broken = Candidate(replace(book, version="2", participants=Fails(on, book.participants)))
    history = some_history(len(batch))
    ((_, _, verdicts),) = judge_in_force(batch, history, Shelf.of(book), broken)
    assert verdicts.shadow.failed == len(bad)
    assert np.flatnonzero(verdicts.shadow.corridor < 0).tolist() == bad.tolist()
    plain = judge(batch, history, book)
    assert np.array_equal(
        verdicts.shadow.corridor[verdicts.shadow.corridor >= 0], np.delete(plain.corridor, bad)
    )
    assert decision.encode(batch, replace(verdicts, shadow=None), 0) == decision.encode(batch, plain, 0)


def test_what_is_no_rulebook_is_refused(tmp_path):
    shelf = Shelf.load(write_rulebook(tmp_path / "one"))
    with pytest.raises(RulebookError, match="there is no such folder"):
        Candidate.load(tmp_path / "nowhere", 1.0, shelf, own_rules=False)


def test_a_model_that_reads_a_history_which_its_policy_leaves_out_is_refused(tmp_path, fitted):
    """Beside a candidate that keeps it, the same model would judge otherwise."""
    folder = tmp_path / "less"
    shutil.copytree(fitted, folder)
    model = load(fitted).model
    assert model is not None
    read = [name for name in model.features if name.startswith("history.")]
    policy = folder / "corridors.yaml"
    text = re.sub(r"^histories:.*(\n  - .*)*", "histories: []", policy.read_text(), flags=re.MULTILINE)
    policy.write_text(text)
    (folder / "rules.yaml").write_text("rules: []\n")
    write_manifest(folder, "less", datetime(2030, 1, 1, tzinfo=UTC))
    told = [problem.text for problem in examine(folder)[1] if "the model reads" in problem.text]
    assert [text.split()[3].rstrip(";") for text in told] == read
    assert read
