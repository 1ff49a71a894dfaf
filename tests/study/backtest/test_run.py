"""The back-test's decisions against those of the whole batch at once, and against Flink's."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from corridor.flink.embedded import Files, run_decide
from corridor.history import History
from corridor.judge import judge_in_force
from corridor.messages.decision import encode
from corridor.rulebook.load import Shelf
from corridor.study.backtest import judging
from corridor.study.backtest.answer import backtest
from corridor.study.backtest.known import Known
from corridor.study.backtest.question import Question
from corridor.study.backtest.run import Plan, decisions, judge_all
from corridor.study.history import histories
from corridor.study.lineage import lineage
from corridor.study.read import read
from tests.models import add_model, add_recovery
from tests.study.backtest.material import write_rulebook

NOW = 1_790_000_000_000_000


def at_once(service, shelf):
    """The twin: everything in one batch."""
    batch = read(service / "declarations").declarations
    lines = lineage(batch)
    history = histories(batch, judging.asked_histories(shelf), lines)
    rows = np.flatnonzero(lines.standing)
    parts = judge_in_force(batch.take(rows), history.take(rows), shelf)
    return [line for _, part, said in parts for line in encode(part, said, NOW)]


@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_give_the_decisions_of_the_whole_at_once(service, shelf, known, threads):
    found = list(decisions(Plan(known, shelf), NOW))
    assert sorted(found) == sorted(at_once(service, shelf))
    outcomes = list(judge_all(Plan(known, shelf), threads))
    assert sum(len(outcome.rows) for outcome in outcomes) == len(found)


def test_each_is_judged_by_the_rulebook_in_force(service, known, rulebook, tmp_path):
    between = datetime(2026, 11, 25, tzinfo=UTC)
    later = write_rulebook(
        tmp_path / "later", {"route": ("origin", "item.packages > 1", "response: document")}, since=between
    )
    shelf = Shelf.of(*Shelf.load(rulebook).rulebooks, *Shelf.load(later).rulebooks)
    found = list(decisions(Plan(known, shelf), NOW))
    assert sorted(found) == sorted(at_once(service, shelf))
    versions = [b'"rulebook":"old"' in line for line in found]
    assert 0 < sum(versions) < len(versions)


def test_reasons_are_left_out_and_nothing_else_changes(known, shelf):
    block = known.decoded.blocks[0]
    batch = block.load()
    history = Plan(known, shelf).history.take(np.arange(len(batch)))
    for (_, with_reasons), (_, without) in zip(
        judging.judged(batch, history, shelf, True), judging.judged(batch, history, shelf), strict=True
    ):
        assert (with_reasons.verdicts.reason_group >= 0).sum() > (without.verdicts.reason_group >= 0).sum()
        assert not without.verdicts.notices
        for name in (
            "corridor",
            "basis",
            "probability",
            "expected_loss",
            "at_random",
            "inclusion",
            "item_corridor",
        ):
            assert np.array_equal(getattr(with_reasons.verdicts, name), getattr(without.verdicts, name))


def test_a_rulebook_is_not_told_histories_that_only_the_other_asks_for(shelf):
    """A stream by it would not know them either."""
    names = ("importer_day_count", "importer_day_value", "exporter_day_count", "exporter_day_value")
    both = dataclasses.replace(History.none(2), names=names, values=np.arange(8).reshape(4, 2))
    own = judging.own_history(both, shelf)
    assert own.names == names[:2]
    assert own.values.tolist() == [[0, 1], [2, 3]]
    assert judging.own_history(own, shelf) is own


def test_what_is_asked_for_is_judged_with_histories_of_all(service, known, shelf):
    day = int(datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()) * 1_000_000
    part = Known.of(known.decoded, since=day)
    some = list(decisions(Plan(part, shelf), NOW))
    whole = list(decisions(Plan(known, shelf), NOW))
    assert 0 < len(some) < len(whole)
    assert set(some) < set(whole)


def test_what_no_kernel_can_judge_is_left_out_alone(known, shelf, monkeypatch):
    real, block = judging.judgement, known.decoded.blocks[0]
    bad = int(block.load().heads["content"][7])

    def failing(batch, history, book, explained=True):
        if bad in batch.heads["content"]:
            raise ZeroDivisionError
        return real(batch, history, book, explained)

    whole = np.concatenate([outcome.now for outcome in judge_all(Plan(known, shelf))])
    monkeypatch.setattr(judging, "judgement", failing)
    found = np.concatenate([outcome.now for outcome in judge_all(Plan(known, shelf))])
    assert (found["corridor"] < 0).sum() == 1
    judged = found["corridor"] >= 0
    assert np.array_equal(found[judged], whole[judged])


@pytest.mark.flink
@pytest.mark.timeout(900)
def test_decisions_are_those_of_the_job_bit_for_bit(service, known, tmp_path):
    rulebook = add_recovery(add_model(write_rulebook(tmp_path / "old")))
    assert Shelf.load(rulebook).rulebooks[0].recovery is not None
    run_decide(Files(service / "declarations", tmp_path / "out", rulebook, parallelism=2, decided_at=NOW))
    written = [
        line for path in (tmp_path / "out" / "decisions").glob("*") for line in path.read_bytes().splitlines()
    ]
    assert len(written) > 500
    assert sorted(written) == sorted(decisions(Plan(known, Shelf.load(rulebook)), NOW))
    read = backtest(Question(decisions=tmp_path / "out"))
    judged = backtest(Question(service / "declarations", rulebook, against=tmp_path / "out"))
    assert read.corridors_now == judged.corridors_now == judged.corridors_then
    assert judged.moves == []
    assert judged.span.unmatched == 0
