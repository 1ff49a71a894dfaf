"""Figures of rules against their slow twin: judged again by a rulebook without the rule."""

import dataclasses

import numpy as np
import pytest

from corridor.judge import judgement
from corridor.messages import result
from corridor.rulebook.load import Shelf
from corridor.rulebook.rules import RuleSet
from corridor.study.backtest.estimate import Sums
from corridor.study.backtest.known import read_found
from corridor.study.backtest.rules import Labelled, Tally, hanging
from corridor.study.backtest.run import Plan, judge_all
from tests.naive import overlap as naive
from tests.study.backtest.material import write_rulebook


@pytest.fixture(scope="module")
def judged(known, shelf):
    block = known.decoded.blocks[2]
    batch = block.load()
    rows = np.arange(block.first, block.first + block.n)
    return batch, Plan(known, shelf).history.take(rows), shelf.rulebooks[0]


def test_what_hangs_on_a_rule_is_what_changes_without_it(judged):
    batch, history, book = judged
    found = judgement(batch, history, book)
    needed, spared = hanging(found)
    for r, rule in enumerate(book.rules.rules):
        rest = RuleSet.of([other for other in book.rules.rules if other.id != rule.id])
        without = judgement(batch, history, dataclasses.replace(book, rules=rest)).verdicts.corridor >= 2
        control = found.verdicts.corridor >= 2
        assert needed[r] == (control & ~without).sum(), rule.id
        assert spared[r] == (without & ~control).sum(), rule.id
    of = dict(zip(book.rules.ids, zip(needed.tolist(), spared.tolist(), strict=True), strict=True))
    assert of["vehicles"][0] > 0
    assert of["exports"][1] > 0
    assert of["large"] == (0, 0)


def test_hits_unique_hits_and_overlap_are_those_of_the_slow_twin(judged, shelf):
    batch, history, book = judged
    found = judgement(batch, history, book)
    item = np.arange(0, len(batch.items), 3)
    owner = batch.declaration_of_item()[item]
    inclusion = np.where(owner % 5 == 0, np.nan, 0.1 + 0.2 * (owner % 3))
    labelled = Labelled(item, owner, item % 2 == 0, inclusion)
    tally = Tally.of(shelf)
    tally.see(found, labelled)
    counted = [rule.response in ("score", "at_least", "document") for rule in book.rules.rules]
    together, alone, declarations = naive.overlap(
        found.hits.tolist(), batch.declaration_of_item().tolist(), counted
    )
    assert tally.overlap.together.tolist() == together
    assert tally.overlap.alone.tolist() == alone
    assert tally.overlap.declarations.tolist() == declarations
    assert (tally.items, tally.declarations) == (len(batch.items), len(batch))
    for r in range(len(book.rules)):
        spoken = found.hits[r, labelled.item] != 0
        drawn = sorted(set(owner[spoken & ~np.isnan(inclusion)].tolist()))
        units = [labelled.hit[spoken & (owner == d)] for d in drawn]
        expected = Sums.of(
            np.array([unit.sum() for unit in units], np.float64),
            np.array([0.1 + 0.2 * (d % 3) for d in drawn]),
            np.array([len(unit) for unit in units], np.float64),
        )
        assert tally.labelled[r, 0] == spoken.sum()
        assert tally.labelled[r, 1] == labelled.hit[spoken].sum()
        assert tally.labelled[r, 2:] == pytest.approx(dataclasses.astuple(expected))


def test_results_meet_their_items(service, known, tmp_path):
    """A rule that speaks of everything sees each result of an item, and as many as a plain reading finds."""
    rules = {"everything": ("valuation", "item.item_no >= 1", "response: score, weight: 0.01")}
    shelf = Shelf.load(write_rulebook(tmp_path / "all", rules))
    found = read_found(service / "results", known.ids, known.newest)
    whole = Tally.of(shelf)
    for outcome in judge_all(Plan(known, shelf, found=found)):
        whole.add(outcome.tally)
    items = set()
    for block in known.decoded.blocks:
        batch = block.load()
        for i in np.flatnonzero(known.newest[block.rows]).tolist():
            numbers = batch.items["item_no"][batch.offsets[i] : batch.offsets[i + 1]].tolist()
            items |= {(batch.texts(i)[0], number) for number in numbers}
    told = result.read(service / "results")
    hits = {
        (d, int(n)): f > 0
        for d, n, f in zip(told.declaration_id, told.item_no, told.finding, strict=True)
        if (d, int(n)) in items
    }
    assert len(hits) > 100
    assert whole.labelled[0, :2].tolist() == [len(hits), sum(hits.values())]
    assert (
        0 < whole.overlap.together[0, 0] == whole.overlap.alone[0] <= whole.items
    )  # some bear times before 2020
    assert whole.declarations == known.inside.sum()


def test_rules_of_several_rulebooks_are_told_by_id(known, shelf):
    book = shelf.rulebooks[0]
    kept = [rule for rule in book.rules.rules if rule.id != "route"]
    later = dataclasses.replace(
        book, version="b", effective_from=1_795_600_000_000_000, rules=RuleSet.of(kept)
    )
    both = Shelf.of(book, later)
    sums = Tally.of(both)
    for outcome in judge_all(Plan(known, both)):
        sums.add(outcome.tally)
    alone = Tally.of(shelf)
    for outcome in judge_all(Plan(known, shelf)):
        alone.add(outcome.tally)
    own, other = np.diagonal(sums.overlap.together), np.diagonal(alone.overlap.together)
    place = [rule.id for rule in sums.rules].index("route")
    assert [rule.id for rule in sums.rules] == [rule.id for rule in alone.rules]
    assert 0 < own[place] < other[place]
    assert np.array_equal(np.delete(own, place), np.delete(other, place))
