"""What makes a declaration move, where only one part of the rulebook is another."""

import dataclasses

import numpy as np
import pytest

from corridor.rulebook.load import Shelf
from corridor.study.backtest.moves import PARTS, Moves
from corridor.study.backtest.run import Plan, judge_all
from tests.study.backtest.material import RULES, write_rulebook


def moved(known, now, then):
    found = Moves()
    matrix = np.zeros((4, 4), np.int64)
    for outcome in judge_all(Plan(known, now, against=then)):
        found.add(outcome.moves)
        np.add.at(matrix, (outcome.then["corridor"], outcome.now["corridor"]), 1)
    return found, matrix


CHANGES = {
    "rules": {"rules": RULES | {"route": ("origin", "item.packages > 3", "response: score, weight: 0.6")}},
    "thresholds": {"yellow": 0.2, "red": 0.4},
    "random control": {"rate": 0.2},
}


@pytest.mark.parametrize("part", CHANGES)
def test_one_part_that_is_another_is_enough_for_every_move(known, shelf, tmp_path, part):
    now = Shelf.load(write_rulebook(tmp_path / "new", **CHANGES[part]))
    found, matrix = moved(known, now, shelf)
    assert len(found.moved) == matrix.sum() - np.trace(matrix) > 5
    assert set(found.moved["enough"]) == {1 << PARTS.index(part)}
    cells = np.zeros((4, 4), np.int64)
    np.add.at(cells, (found.moved["then"], found.moved["now"]), 1)
    assert np.array_equal(cells, matrix - np.diag(np.diag(matrix)))
    assert bool(found.spoken) == (part == "rules")


def test_a_rule_that_is_gone_speaks_then_only(known, shelf, tmp_path):
    kept = {name: rule for name, rule in RULES.items() if name != "vehicles"}
    found, _ = moved(known, Shelf.load(write_rulebook(tmp_path / "new", kept)), shelf)
    assert {spoken.rule for spoken in found.spoken} == {"vehicles"}
    assert not any(spoken.speaks_now for spoken in found.spoken)
    assert sum(found.spoken.values()) == len(found.moved)
    assert (found.moved["then"] == 3).all()


def test_of_two_changes_neither_may_be_enough(known, shelf, tmp_path):
    """A weaker rule and a higher threshold: some move by both only."""
    rules = RULES | {"cheap": ("valuation", "item.value_per_kg < 40", "response: score, weight: 0.26")}
    found, _ = moved(known, Shelf.load(write_rulebook(tmp_path / "new", rules, yellow=0.28)), shelf)
    enough = found.moved["enough"].tolist()
    assert 0 in enough  # 0.3 is over 0.25 and 0.28, and 0.26 over 0.25 only
    assert 1 << PARTS.index("thresholds") in enough


def test_the_same_rulebook_moves_nobody(known, shelf):
    same = Shelf.of(dataclasses.replace(shelf.rulebooks[0], version="again"))
    found, matrix = moved(known, same, shelf)
    assert not len(found.moved)
    assert matrix.sum() == np.trace(matrix) == known.inside.sum()
