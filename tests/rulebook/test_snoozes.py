"""A snoozed rule says nothing of its party for its time; what is mandatory says so itself; mistakes have their place."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import RulebookError
from corridor.explain import explain
from corridor.history import History
from corridor.judge import judge, judgement
from corridor.messages.decision import encode
from corridor.messages.declaration import decode
from corridor.rulebook.lists import DAY
from corridor.rulebook.load import load
from corridor.simulate import declarations
from corridor.study.advice import advise
from corridor.study.compare import changes
from tests.rulebook.rule_material import RULE, problems_of, rule, seal

HEADER = "rule,subject,code,valid_from,valid_until,reason,owner\n"
ALL = "rules:\n" + RULE.replace("item.packages > 5", "true")
MANDATORY = {"response": "at_least", "corridor": "red", "weight": "", "when": "true"}


def snooze(folder, *rows: str):
    (folder / "snoozes.csv").write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return folder


def batch_of(*moments: str, importer: str = "77-1"):
    document = json.loads(next(iter(declarations(1, 3))))
    made = [document | {"registered_at": moment, "importer": importer} for moment in moments]
    return decode([json.dumps(one).encode() for one in made], 0).declarations


def probabilities(book, batch):
    return judge(batch, None, book).item_probability[batch.offsets[:-1]].round(6).tolist()


def test_a_snoozed_rule_is_silent_from_its_first_day_to_its_last(folder):
    (folder / "rules.yaml").write_text(ALL)
    book = load(seal(snooze(folder, "R1,importer,77-1,2026-11-01,2026-11-30,known,unit")))
    batch = batch_of("2026-10-31T23:59:59.999999Z", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999999Z",
                     "2026-12-01T00:00:00Z")  # fmt: skip
    assert probabilities(book, batch) == [0.2, 0.0, 0.0, 0.2]
    assert probabilities(book, batch_of("2026-11-15T00:00:00Z", importer="77-2")) == [0.2]


@pytest.mark.parametrize("subject", ["importer", "declarant", "exporter", "office"])
def test_every_kind_of_subject(folder, subject):
    (folder / "rules.yaml").write_text(ALL)
    document = json.loads(next(iter(declarations(1, 3)))) | {
        "exporter": "EX-9",
        "registered_at": "2026-11-15T00:00:00Z",
    }
    other = document | {subject: "another"}
    batch = decode([json.dumps(one).encode() for one in (document, other)], 0).declarations
    book = load(seal(snooze(folder, f"R1,{subject},{document[subject]},2026-11-01,2026-11-30,known,unit")))
    assert probabilities(book, batch) == [0.0, 0.2]


def test_the_same_on_replay_and_however_a_batch_is_cut(folder):
    (folder / "rules.yaml").write_text("rules:\n" + RULE)
    batch = decode(list(declarations(300, 5)), 0).declarations
    parties = [batch.texts(i)[2] for i in range(0, 300, 7)]
    rows = dict.fromkeys(f"R1,importer,{party},2026-01-01,2026-12-31,known,unit" for party in parties)
    book = load(seal(snooze(folder, *rows)))
    whole = encode(batch, judge(batch, None, book), 0)
    plain = encode(batch, judge(batch, None, replace(book, snoozes=type(book.snoozes)())), 0)
    assert whole != plain
    cut = [np.arange(0, 120), np.arange(120, 300)]
    assert whole == [
        d for part in cut for d in encode(batch.take(part), judge(batch.take(part), None, book), 0)
    ]


def test_a_mandatory_rule_is_snoozed_only_where_it_says_so(folder):
    row = "R1,importer,77-1,2026-11-01,2026-11-30,known,unit"
    (folder / "rules.yaml").write_text(rule(**MANDATORY))
    found = problems_of(snooze(folder, row))
    assert found == [
        "snoozes.csv:2:1: rule R1 is mandatory (at_least); it may be snoozed only where it says may_be_snoozed: true"
    ]
    (folder / "rules.yaml").write_text(rule(**MANDATORY, may_be_snoozed="true"))
    batch = batch_of("2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z")
    assert judge(batch, None, load(seal(folder))).corridor.tolist() == [0, 3]


@pytest.mark.parametrize(
    ("changes_", "said"),
    [
        ({"response": "document", "weight": ""}, "rule R1 is mandatory (document)"),
        (
            {"response": "exempt", "weight": "", "valid_until": "2030-01-01"},
            "an exemption, which is not snoozed",
        ),
        ({"may_be_snoozed": "false"}, "rule R1 says may_be_snoozed: false"),
    ],
)
def test_rules_that_are_not_snoozed(folder, changes_, said):
    (folder / "rules.yaml").write_text(rule(**changes_))
    assert any(
        said in text for text in problems_of(snooze(folder, "R1,importer,1,2026-11-01,2026-11-30,r,o"))
    )


def test_a_notice_may_be_snoozed(folder):
    (folder / "rules.yaml").write_text(rule(response="notify", severity="warning", weight="", when="true"))
    book = load(seal(snooze(folder, "R1,importer,77-1,2026-11-01,2026-11-30,known,unit")))
    batch = batch_of("2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z")
    assert [notice.declaration for notice in judge(batch, None, book).notices] == [1]


GOOD = "R1,importer,77-1,2026-11-01,2026-11-30,known,unit"


@pytest.mark.parametrize(
    ("row", "place", "said"),
    [
        ("R2,importer,1,2026-11-01,2026-11-30,r,o", "3:1", "there is no rule 'R2'; did you mean R1?"),
        (
            "\N{CYRILLIC CAPITAL LETTER ER}1,importer,1,2026-11-01,2026-11-30,r,o",
            "3:1",
            "CYRILLIC CAPITAL LETTER ER",
        ),
        ("R1,importr,1,2026-11-01,2026-11-30,r,o", "3:4", "subject is 'importr'; did you mean importer?"),
        ("R1,hs,85,2026-11-01,2026-11-30,r,o", "3:4", "subjects are importer, declarant, exporter, office"),
        ("R1,importer,,2026-11-01,2026-11-30,r,o", "3:13", "code is empty"),
        ("R1,importer,\u200b,2026-11-01,2026-11-30,r,o", "3:13", "no sign that can be seen"),
        ("R1,importer,1,2026-11-31,2026-11-30,r,o", "3:15", "valid_from is '2026-11-31'; write a day"),
        ("R1,importer,1,2026-11-01,,r,o", "3:26", "valid_until is empty; a snooze needs it"),
        ("R1,importer,1,2026-11-01,forever,r,o", "3:26", "valid_until is 'forever'"),
        ("R1,importer,1,2026-11-01,2026-10-01,r,o", "3:26", "valid_until lies before valid_from"),
        ("R1,importer,1,2026-11-01,2027-11-02,r,o", "3:26", "367 days; a snooze lasts at most 366"),
        ("R1,importer,1,2026-11-01,2026-11-30,,o", "3:37", "reason is empty"),
        ("R1,importer,1,2026-11-01,2026-11-30,r,", "3:39", "owner is empty"),
        ("R1,importer,1,2026-11-01,2026-11-30,r, and more,o", "3:1", "8 cells, not 7"),
        (
            "R1,importer,77-1,2026-11-30,2026-12-30,again,unit",
            "3:1",
            "line 2 snoozes R1 for '77-1' at that time too",
        ),
    ],
)
def test_mistakes_have_their_place(folder, row, place, said):
    found = problems_of(snooze(folder, GOOD, row))
    assert len(found) == 1
    assert found[0].startswith(f"snoozes.csv:{place}: ")
    assert said in found[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the header must be rule,subject"),
        (b"rule,subject\n", "the header must be rule,subject"),
        (HEADER.encode() + b"\xff\n", "not UTF-8"),
        (HEADER.encode() + b'"' + b"a" * 200_000, "field larger"),
        (HEADER.encode() + b"x\n" * 5000, "and 4,980 more rows are wrong"),
    ],
)
def test_files_that_are_no_snoozes(folder, raw, said):
    (folder / "snoozes.csv").write_bytes(raw)
    found = problems_of(folder)
    assert any(said in text for text in found), found
    with pytest.raises(RulebookError):
        load(folder)


def nodes(part):
    yield part
    for inner in part.parts:
        yield from nodes(inner)


def test_it_is_explained_shown_compared_and_advised_on(folder, tmp_path_factory):
    (folder / "rules.yaml").write_text(ALL)
    before = tmp_path_factory.mktemp("before") / "book"
    rows = "R1,office,1,2026-11-01,2026-11-30,old,unit", "R1,office,2,2026-11-01,2026-11-30,old,unit"
    shutil.copytree(seal(snooze(folder, *rows)), before)
    changed = "R1,office,1,2026-11-01,2026-12-31,old,unit", "R1,office,2,2026-11-01,2026-11-30,new,unit"
    book = load(seal(snooze(folder, GOOD, *changed)))
    batch = batch_of("2026-11-15T00:00:00Z")
    told = [(n.what, n.value) for n in nodes(explain(batch, judgement(batch, History.none(1), book), book))]
    assert (
        "rule R1: A rule",
        "snoozed for importer 77-1 until 2026-12-01T00:00:00.000Z by unit: known",
    ) in told
    shown = CliRunner().invoke(cli, ["rulebook", "show", str(folder)], terminal_width=200).output
    assert "importer 77-1" in shown
    assert [str(c.text) for c in changes(before, folder) if c.part == "snoozes"] == [
        "R1 for importer 77-1 entered; R1 for office 1 have another end; R1 for office 2 have another reason or owner"
    ]
    now = book.snoozes.entries[0].until
    advice = " ".join(one.text for one in advise(book, now - DAY))
    assert "snoozes that end within 30 days: 2; the first, of R1 for 77-1, at 2026-12-01" in advice
    assert "snoozes that have ended" not in advice
    assert "snoozes.csv:2: snoozes that have ended: 2" in " ".join(one.text for one in advise(book, now))
