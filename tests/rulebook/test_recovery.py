"""What a finding brings in, foretold: a part of expected loss and of nothing else, and only where a rulebook has it."""

import json
import math
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from corridor.errors import RulebookError
from corridor.explain import explain
from corridor.history import History
from corridor.judge import MOST_LOSS, beside, judge, judgement, recovered_shares
from corridor.kernels import trees
from corridor.messages import decision
from corridor.messages.columns import NO_MONEY, Declarations
from corridor.messages.declaration import decode
from corridor.rulebook import lightgbm as text_model
from corridor.rulebook.book import Rulebook
from corridor.rulebook.candidate import Candidate
from corridor.rulebook.check import examine
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.recovery import MOST, Recovery
from corridor.simulate import declarations
from tests import forests
from tests.models import FEATURES, add_model, add_recovery
from tests.naive import recovery as naive
from tests.test_judge import some_history, write_rulebook


@pytest.fixture(scope="module")
def batch() -> Declarations:
    return decode(declarations(500, 5), 0).declarations


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(write_rulebook(tmp_path_factory.mktemp("without") / "one"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, without: Path) -> Path:
    return add_recovery(Path(shutil.copytree(without, tmp_path_factory.mktemp("with") / "one")))


@pytest.fixture(scope="module")
def book(folder: Path) -> Rulebook:
    return load(folder)


def payments(batch: Declarations) -> list[int]:
    goods = batch.items[["duty", "vat"]].tolist()
    return [sum(max(amount, 0) for amount in of if amount != NO_MONEY) for of in goods]


def by_hand(batch: Declarations, history: History | None, book: Rulebook, folder: Path) -> list[int]:
    """The naive twin's expected losses."""
    found = judgement(batch, history, book)
    forest = text_model.read(folder / "recovery.txt")[1]
    columns = found.verdicts.item_probability.tolist(), payments(batch), naive.shares(forest, found.features)
    spans = zip(batch.offsets[:-1].tolist(), batch.offsets[1:].tolist(), strict=True)
    return [naive.loss(*(column[a:b] for column in columns)) for a, b in spans]


def test_expected_loss_is_that_of_the_slow_twin(batch: Declarations, book: Rulebook, folder: Path) -> None:
    history = some_history(len(batch))
    found = judge(batch, history, book)
    assert found.expected_loss.tolist() == by_hand(batch, history, book, folder)
    shares = recovered_shares(judgement(batch, history, book).columns)
    assert shares is not None
    assert 0 < shares.min() < 0.5
    assert shares.max() == MOST


def test_nothing_else_of_a_decision_changes(batch: Declarations, book: Rulebook, without: Path) -> None:
    history = some_history(len(batch))
    told, before = (
        [json.loads(line) for line in decision.encode(batch, judge(batch, history, one), 0)]
        for one in (book, load(without))
    )
    assert sum(a["expected_loss"] != b["expected_loss"] for a, b in zip(told, before, strict=True)) > 300
    for one in (*told, *before):
        del one["expected_loss"]
    assert told == before


def test_without_it_expected_loss_is_probability_times_payments(batch: Declarations, without: Path) -> None:
    verdicts, paid = judge(batch, None, load(without)), payments(batch)
    for i in range(len(batch)):
        whole = sum(paid[batch.offsets[i] : batch.offsets[i + 1]])
        assert verdicts.expected_loss[i] == math.floor(float(verdicts.probability[i]) * whole + 0.5)


def test_a_batch_may_be_cut_anywhere_and_items_stand_in_any_order(
    batch: Declarations, book: Rulebook
) -> None:
    whole = judge(batch, None, book).expected_loss
    parts = [judge(batch.take(rows), None, book).expected_loss for rows in np.array_split(np.arange(500), 7)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert judge(batch.take(np.arange(0)), None, book).expected_loss.tolist() == []
    turned = batch.items.copy()
    for a, b in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        turned[a:b] = batch.items[a:b][::-1]
    assert np.array_equal(judge(replace(batch, items=turned), None, book).expected_loss, whole)


def test_amounts_beyond_reason_stay_amounts(batch: Declarations, book: Rulebook) -> None:
    items = batch.items.copy()
    items["duty"], items["vat"] = 10**16, 10**16
    found = judge(replace(batch, items=items), None, book).expected_loss
    assert found.min() > 0
    assert found.max() <= MOST_LOSS * np.diff(batch.offsets).max()
    assert MOST_LOSS * 999 < 2**63


def test_a_rulebook_on_trial_is_not_asked_for_it(
    batch: Declarations, book: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told of it is a corridor."""
    found = judgement(batch, some_history(len(batch)), book)
    monkeypatch.setattr(Recovery, "share", lambda *_: pytest.fail("asked"))
    other = replace(book, version="2", norms=replace(book.norms))
    assert beside(found, Candidate(other)).corridor.tolist() == found.verdicts.corridor.tolist()


def test_versions_share_it_by_its_bytes(folder: Path, book: Rulebook, tmp_path: Path) -> None:
    assert load(folder, [book]).recovery is book.recovery
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    text = (other / "recovery.txt").read_text()
    (other / "recovery.txt").write_text(
        re.sub(r"^leaf_value=\S+", "leaf_value=0.5", text, count=1, flags=re.M)
    )
    write_manifest(other, "2", datetime(2030, 1, 1, tzinfo=UTC))
    assert load(other, [book]).recovery is not book.recovery
    assert load(other, [book]).model is book.model


def test_an_explanation_tells_each_item(batch: Declarations, book: Rulebook, without: Path) -> None:
    one = batch.take(np.flatnonzero(np.diff(batch.offsets) == 2)[:1])
    for of, parts in ((book, 2), (load(without), 0)):
        found = judgement(one, None, of)
        loss = next(p for p in explain(one, found, of).parts[0].parts if p.what == "expected loss")
        assert loss.value.startswith(f"{found.verdicts.expected_loss[0] / 100:,.2f}: ")
        assert len(loss.parts) == parts
    assert "what a finding brings in" not in loss.value


def test_shares_are_lightgbms_and_bounded(tmp_path: Path) -> None:
    booster = forests.booster("gamma")
    booster.save_model(tmp_path / "recovery.txt")
    recovery, rows = Recovery.load(tmp_path / "recovery.txt"), forests.odd_rows(500, 3)
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    assert recovery.share(rows).tolist() == [naive.share(float(one)) for one in raw]
    np.testing.assert_allclose(recovery.share(rows), booster.predict(rows, num_threads=1), rtol=1e-14)
    assert recovery.share(rows[:0]).tolist() == []
    odd = [-np.inf, -1e308, 0.0, 2.0, 3.0, 709.9, 1e308, np.inf]
    assert trees.share(odd, MOST).tolist() == [0.0, 0.0, 1.0, math.exp(2), MOST, MOST, MOST, MOST]


@pytest.mark.parametrize(
    ("pattern", "replacement", "said"),
    [
        (r"^tree$", "forest", "not a whole LightGBM text model"),
        (r"^end of trees$", "", "not a whole LightGBM text model"),
        (r"^version=v4$", "version=v3", "version 'v3' of the text format"),
        (r"^objective=gamma$", "objective=binary sigmoid:1", "a model of the objective 'binary'; train one with gamma"),
        (r"^objective=gamma$", "", "a model of the objective 'none'"),
        (r"^leaf_value=\S+", "leaf_value=nan", "a leaf value or threshold is not a number"),
        (r"^leaf_value=\S+ \S+", "leaf_value=1e308 -1e308", "its leaf values add up to infinity"),
        (r"^split_feature=\d+", "split_feature=99", "a split names a feature beyond"),
        (r"^feature_names=\S+", "feature_names=other", f"other stands where model.txt has {FEATURES[0]}"),
        (r"^feature_names=(.*)$", r"feature_names=\1 more", "their numbers differ"),
    ],
)  # fmt: skip
def test_what_is_no_such_model_is_refused(
    folder: Path, tmp_path: Path, pattern: str, replacement: str, said: str
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    before = (other / "recovery.txt").read_text()
    after = re.sub(pattern, replacement, before, count=1, flags=re.MULTILINE)
    assert after != before
    (other / "recovery.txt").write_text(after)
    write_manifest(other, "1", datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(RulebookError, match=re.escape("recovery.txt")):
        load(other)
    told = [str(problem) for problem in examine(other)[1]]
    assert len(told) == 1
    assert told[0].startswith("recovery.txt: ")
    assert said in told[0]


def test_it_does_not_stand_alone(folder: Path, tmp_path: Path) -> None:
    alone = write_rulebook(tmp_path / "alone")
    shutil.copy(folder / "recovery.txt", alone)
    write_manifest(alone, "1", datetime(2020, 1, 1, tzinfo=UTC))
    told = [str(problem) for problem in examine(alone)[1]]
    assert told == [
        "recovery.txt: there is no model beside it; add model.txt and model.yaml, or leave it out"
    ]


def test_lightgbm_itself_reads_what_is_written(folder: Path) -> None:
    assert lightgbm.Booster(model_file=str(folder / "recovery.txt")).feature_name() == list(FEATURES)
