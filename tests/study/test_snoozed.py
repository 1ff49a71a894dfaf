"""What a rule says of those it is snoozed for counts neither in the fit of weights nor in the search for patterns."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.judge import spoken
from corridor.messages.columns import Array
from corridor.messages.tokens import token
from corridor.rulebook.book import Rulebook
from corridor.rulebook.groups import RESPONSES
from corridor.rulebook.lists import microseconds
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.study import earlier as fitting
from corridor.study import mine as mining
from corridor.study.conditions import read_lists
from corridor.study.earlier import Base, earlier, tuned
from corridor.study.folder import Lists
from corridor.study.history import histories
from corridor.study.material import DAY_US, Material, gather
from corridor.study.model import labelled_columns
from tests.rulebook.rule_material import rule
from tests.study.test_fit import history

LOUD, WHO = "LOUD-01", "IMPORTER-13"
FIRST = microseconds(datetime(2026, 11, 4, tzinfo=UTC))
UNTIL = FIRST + 3 * DAY_US


@pytest.fixture(scope="module")
def snoozed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Material, Path, Base]:
    """A history, and the sample with a rule that speaks of all, snoozed three days for the one who is always found."""
    folder = tmp_path_factory.mktemp("snoozed")
    past, source = history(folder / "past"), folder / "source"
    shutil.copytree(sample_path(), source)
    loud = rule(id=LOUD, when="item.item_no > 0", weight="0.3").removeprefix("rules:\n")
    with (source / "rules.yaml").open("a") as rules:
        rules.write(f"\n{loud}")
    (source / "snoozes.csv").write_text(
        "rule,subject,code,valid_from,valid_until,reason,owner\n"
        f"{LOUD},importer,{WHO},2026-11-04,2026-11-06,known,unit\n"
    )
    write_manifest(source, "loud", datetime(2020, 1, 1, tzinfo=UTC))
    base = Base(source, [past / "rates.csv", None], Lists(), None, 30)
    return gather(past / "declarations", past / "results"), folder, base


def silenced(material: Material, which: Array) -> Array:
    """bool[k]: which labelled items are of the one for whom the rule is snoozed, at that time; the slow way."""
    heads = material.batch.heads[material.declaration[material.results.item[which]]]
    return np.array(
        [int(head["importer"]) == token(WHO) and FIRST <= head["registered_at"] < UNTIL for head in heads]
    )


def check(hits: Array, book: Rulebook, columns: object, inside: Array, silent: Array) -> None:
    """The snoozed rule says nothing of them and all of the others; other rules say what they say."""
    place = book.rules.ids.index(LOUD)
    said = spoken(columns, book.rules)[:, inside] != 0
    assert said[place].all()
    assert 0 < silent.sum() < len(silent)
    said[place, silent] = False
    assert np.array_equal(hits, said)


def test_mining_finds_silent_what_is_snoozed(snoozed, tmp_path: Path) -> None:
    material, _, base = snoozed
    book = base.tables(material, material.span[1], tmp_path)
    lived, which = histories(material.batch, book.policy.histories, material.lines), np.arange(900)
    part = mining._part(material, lived, book, read_lists(tmp_path), which)
    columns, inside = labelled_columns(material, lived, book, which)
    check(part.rules[: len(book.rules)], book, columns, inside, silenced(material, which))


def test_the_fit_of_weights_counts_no_snoozed_hit(snoozed, monkeypatch: pytest.MonkeyPatch) -> None:
    material, _, base = snoozed
    lived = histories(material.batch, load(base.source).policy.histories, material.lines)
    before = earlier(material, lived, base, FIRST)
    which, given = before.held, []

    def seen(probability: Array, hits: Array, hit: Array, weights: Array) -> Array:
        given.append(hits)
        return weights

    monkeypatch.setattr(fitting, "fitted_weights", seen)
    book = tuned(material, lived, before, before.trials.best(material.span[1]), which, keep_weights=False)
    scored = book.rules.response == RESPONSES.index("score")
    columns, inside = labelled_columns(material, lived, book, which)
    everything = spoken(columns, book.rules)[:, inside] != 0
    everything[scored] = given[0]
    check(everything, book, columns, inside, silenced(material, which))
