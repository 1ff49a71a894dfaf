from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.messages.declaration import decode
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import declarations
from corridor.study.advice import STANDARD_LISTS, Sample, advise

NOW = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1e6)


def rulebook(
    folder: Path, *rules: str, lists: tuple[str, ...] = tuple(STANDARD_LISTS), histories: str = ""
) -> Path:
    """Rules in flow style, without the paper that each needs, one a line from line 2 on."""
    (folder / "lists").mkdir(parents=True)
    for name in lists:
        (folder / "lists" / f"{name}.csv").write_text(
            "code\n" + ("0101\n" if name.startswith("hs_") else "RU\n")
        )
    paper = "group: list, title: t, owner: o, legal_basis: l"
    lines = [
        f"  - {{{paper}, {rule}{'' if 'valid_from' in rule else ', valid_from: 2020-01-01'}}}"
        for rule in rules
    ]
    (folder / "rules.yaml").write_text("\n".join(["rules:" if lines else "rules: []", *lines]) + "\n")
    (folder / "corridors.yaml").write_text(
        "thresholds:\n  - {blue: 0.2, yellow: 0.3, red: 0.6}\n"
        + f"histories: {histories}\n" * bool(histories)
    )
    (folder / "sampling.key").write_text("ab" * 32)
    write_manifest(folder, "1", datetime(2020, 1, 1, tzinfo=UTC))
    return folder


def told(folder: Path) -> list[tuple[int, str]]:
    return [(advice.line, advice.text) for advice in advise(load(folder), NOW)]


SCORE = "response: score, weight: 0.1"
RED = "response: at_least, corridor: red"
UNTIL = "valid_until: 2099-01-01"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([f"id: A, when: item.packages > 5, {SCORE}"], []),
        (
            [f"id: A, when: item.packages > 5, {SCORE}, valid_until: 2021-01-01"],
            [(2, "rule A ended at 2021-01-02T00:00:00.000Z: it never hits; take it out")],
        ),
        (
            [f"id: A, when: item.packages > 5, {SCORE}, valid_until: 2026-11-30"],
            [(2, "rule A ends at 2026-12-01T00:00:00.000Z")],
        ),
        (  # narrower, and demands less
            [
                f"id: A, when: item.packages > 5, {RED}",
                "id: B, when: item.packages > 5 and item.vat > 1, response: document",
            ],
            [(3, "rule B is never needed: where it hits, A hits too and demands red")],
        ),
        (  # narrower, and demands more
            [
                "id: A, when: item.packages > 5, response: document",
                f"id: B, when: item.vat > 1 and item.packages > 5, {RED}",
            ],
            [],
        ),
        (  # the wider one is of another time
            [
                f"id: A, when: item.packages > 5, {RED}, {UNTIL}",
                "id: B, when: item.packages > 5, response: document",
            ],
            [],
        ),
        (
            [
                f"id: A, when: item.packages > 5, {RED}",
                f"id: B, when: item.packages > 5 and item.vat > 1, response: exempt, {UNTIL}",
            ],
            [(3, "rule B exempts only what A demands red for: it has no effect")],
        ),
        (
            [
                f"id: A, when: item.packages > 5, {RED}",
                f"id: B, when: item.packages > 5 and item.vat > 1, {SCORE}",
            ],
            [(3, "rule B scores only what A makes red: it has no effect on the corridor")],
        ),
        (  # told once, of the later one
            [f"id: A, when: item.packages > 5, {SCORE}", f"id: B, when: (item.packages > 5), {SCORE}"],
            [(3, "rule B has the condition of A: together they count twice")],
        ),
        (  # scope narrows too
            [
                f"id: A, when: item.packages > 5, {RED}",
                f"id: B, when: item.packages > 5, {RED}, scope: {{directions: [import]}}",
            ],
            [(3, "rule B is never needed: where it hits, A hits too and demands red")],
        ),
    ],
)
def test_rules_that_do_nothing_are_told(tmp_path, rules, expected):
    assert told(rulebook(tmp_path / "r", *rules)) == expected


def test_parts_without_use_are_told(tmp_path):
    folder = rulebook(tmp_path / "r", f"id: A, when: history.importer_day_count > 2, {SCORE}",
                      lists=("countries", "watched"), histories="[importer/day, exporter/week]")  # fmt: skip
    (folder / "lists/watched.csv").write_text("code,valid_until\nRU,2019-12-31\n")
    write_manifest(folder, "1", datetime(2020, 1, 1, tzinfo=UTC))
    assert told(folder) == [
        (0, "lists.watched is read by no rule"),
        (0, "the history exporter/week is kept and read by nothing: state without use"),
        (0, "there is no lists/hs_nomenclature.csv: commodity codes that do not exist are not seen"),
        (0, "there is no lists/offices.csv: offices that do not exist are not seen"),
    ]


def test_the_sample_rulebook_says_little_of_itself():
    texts = [advice.text for advice in advise(load(sample_path()), NOW)]
    assert not [text for text in texts if "never" in text or "twice" in text or "no effect" in text], texts


def test_a_sample_tells_what_never_hits_hits_alike_and_hits_much(tmp_path):
    folder = rulebook(
        tmp_path / "r",
        f"id: NEVER, when: item.packages > 1e12, {SCORE}",
        f"id: MUCH, when: item.item_no >= 1, {SCORE}",
        f"id: FIRST, when: item.item_no == 1, {SCORE}",
        f"id: ALIKE, when: item.item_no < 2, {SCORE}",
        f"id: HISTORY, when: history.importer_day_count > 1, {SCORE}",
        f"id: RED, when: declaration.direction == 'export', {RED}",
        f"id: FREE, when: declaration.direction == 'export' and item.item_no > 1, response: exempt, {UNTIL}",
        histories="[importer/day]",
    )
    seen, payloads = Sample(load(folder)), list(declarations(900, 3))
    for start in range(0, 900, 300):
        seen.add(decode(payloads[start : start + 300], 0).declarations)
    items = len(decode(payloads, 0).declarations.items)
    assert (seen.declarations, seen.items) == (900, items)
    exported = decode(payloads, 0).declarations
    later = int(
        (
            (exported.heads["direction"] == 1)[exported.declaration_of_item()]
            & (exported.items["item_no"] > 1)
        ).sum()
    )
    first = 900 / items
    assert [(advice.line, advice.text) for advice in seen.advise()] == [
        (2, f"rule NEVER hit none of {items:,} items"),
        (3, f"rule MUCH hit 100% of {items:,} items: it tells little apart"),
        (4, f"rule FIRST hit {first:.0%} of {items:,} items: it tells little apart"),
        (5, f"rule ALIKE hit {first:.0%} of {items:,} items: it tells little apart"),
        (5, "rule ALIKE hit the same 900 items as FIRST"),
        (6, f"rule HISTORY hit none of {items:,} items, which are judged without histories"),
        (8, f"rule FREE exempted {later:,} items, and RED demands red for all of them"),
    ]
    assert np.array_equal(seen.hits[[2, 3]], [900, 900])


def test_the_command_shows_advice_and_ends_well(tmp_path):
    folder = rulebook(tmp_path / "r", f"id: A, when: item.packages > 1e12, {SCORE}")
    (tmp_path / "day").mkdir()
    (tmp_path / "day/a.ndjson").write_bytes(b"\n".join(declarations(50, 1)) + b"\n")
    done = CliRunner().invoke(cli, ["rulebook", "check", str(folder), "--sample", str(tmp_path / "day")])
    assert done.exit_code == 0, done.output
    assert "rules.yaml:2: rule A hit none of" in done.output
    done = CliRunner().invoke(cli, ["rulebook", "check", str(folder), "--sample", str(tmp_path / "nothing")])
    assert "does not exist" in done.output + str(done.exception)
