"""What must never crash, hang or silently hit: each named case has a clear error or a documented value."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import ExpressionError, RulebookError
from corridor.rulebook import guide
from corridor.rulebook.check import examine
from corridor.rulebook.documents import MAX_BYTES, Problems, read_yaml
from corridor.rulebook.language import parse
from corridor.rulebook.load import load
from corridor.rulebook.program import compile_rules
from corridor.rulebook.semantics import Checker
from tests.naive import rules as naive
from tests.rulebook import fuzz
from tests.rulebook.rule_material import RULE, code_lists, columns_of, problems_of, rows_of, rule, seal

CHECKER = Checker(code_lists())
DEEP = 10_000
C, R = "\N{CYRILLIC SMALL LETTER ES}", "\N{CYRILLIC SMALL LETTER ER}"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Seconds of the processor, whatever else the machine does."""
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def refused(text: str) -> str:
    with within(5), pytest.raises(ExpressionError) as caught:
        compile_rules([CHECKER.condition(parse(text))])
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEP + "true" + ")" * DEEP,
        "not " * DEEP + "true",
        "!" * DEEP + "true",
        "-" * DEEP + "1 > 0",
        "min(1, " * DEEP + "1" + ")" * DEEP + " > 0",
        "[" * DEEP,
        "true == (" * DEEP + "true" + ")" * DEEP,
    ],
)
def test_an_expression_ten_thousand_deep_is_refused(text):
    assert "characters; at most 4000: split the rule or use a list file" in refused(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not " * 900 + "true", "nested deeper than 40 levels"),
        ("-" * 3900 + "1 > 0", "nested deeper than 40 levels"),
        ("min(1, " * 500 + "1" + ")" * 490 + " > 0", "nested deeper than 40 levels"),
        ("(" * 3999, "it ends too early"),
        ("[" * 3999, "unexpected '['"),
    ],
)
def test_as_deep_as_a_text_may_be_long(text, said):
    assert said in refused(text)


def test_brackets_alone_are_no_depth():
    program = compile_rules([CHECKER.condition(parse("(" * 1900 + "1 < 2" + ")" * 1900))])
    assert program.run(np.empty((0, 1)), np.empty((0, 1), np.int64)).tolist() == [[1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('item.hs_code.matches("(a+)+$")', "there are no regular expressions"),
        ('matches(declaration.importer, "(a|a)*b")', "there are no regular expressions"),
        ('declaration.importer =~ "(a+)+$"', 'write "==" to compare'),
        ('declaration.importer ~ "(a+)+$"', "there are no regular expressions"),
        ('declaration.importer like "(a+)+$"', "expected"),
    ],
)
def test_there_are_no_regular_expressions_to_explode(text, said):
    assert said in refused(text)


def test_a_pattern_in_a_text_is_a_text():
    """An exploding pattern where a code stands matches itself and nothing else."""
    program = compile_rules([CHECKER.condition(parse('declaration.office in ["(a+)+$", "x"]'))])
    codes = columns_of([{"declaration.office": "a" * 60}, {"declaration.office": "(a+)+$"}], program.codes)
    program.run(np.empty((0, 2)), codes)  # compiled where it is not yet
    with within(1):
        hits = program.run(np.empty((0, 2)), codes)
    assert hits.tolist() == [[0, 1]]


def test_a_rule_file_of_100_mb_is_refused_before_it_is_read(folder):
    with (folder / "rules.yaml").open("ab") as file:
        file.truncate(100 << 20)
    seal(folder)
    with within(5):
        found = [str(problem) for problem in examine(folder)[1]]
    assert found == [
        f"rules.yaml: 104,857,600 bytes; at most {MAX_BYTES:,}: keep codes in list files, or split the rulebook"
    ]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{','.join(['*' + chr(97 + k)] * 9)}]\n" for k in range(20)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, ":1:4: anchors and aliases are not allowed"),
        ("rules: &a\n  - *a\n", "anchors and aliases"),
        ("rules: [{<<: &a {id: x}}]", "anchors and aliases"),
        ("rules: !!python/object/apply:os.system ['true']", "not allowed"),
        ("rules: !!set {a, b}", "not allowed"),
        ("rules: !own x", "not allowed"),
        ("%TAG ! tag:evil,2000:\n--- !x\nrules: []", ":1:1: directives"),
        ("{a: " * DEEP, "nested too deep"),
        ("- " * DEEP, "nested too deep"),
        ("? " * DEEP, "nested too deep"),
        ('rules: "\\ud800"', "a lone surrogate"),
        ("rules: " + "9" * 5000, "no number that can be used"),
        ("rules: 0x" + "f" * 40, "no number that can be used"),
        ("rules: []\n---\nrules: []", "no valid YAML"),
        (
            "# first\n%YAML 1.1\n---\nrules: [yes]",
            ":2:1: directives (lines that begin with %) are not allowed",
        ),
        ("%YAML 1.3\n---\nrules: []", ":1:1: directives"),
        ("%YAML 9.9\n---\nrules: []", ":1:1: directives"),
    ],
)
@pytest.mark.parametrize("name", ["rules.yaml", "corridors.yaml", "model.yaml"])
def test_yaml_that_is_a_trap(folder, name, text, said):
    if name == "model.yaml":
        (folder / "model.txt").write_text("tree\nversion=v4\nfeature_names=\n\nend of trees\n")
    (folder / name).write_text(text)
    with within(10):
        found = problems_of(folder)
    assert any(said in line for line in found), found


def test_a_large_file_of_nothing_is_read_in_bounded_time(folder):
    path = folder / "rules.yaml"
    path.write_text("rules:\n" + "  - {id: x}\n" * 2_000)
    with within(20):
        assert read_yaml(path, "rules.yaml", Problems()) is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": f"item.ha{C} > 5"}, "'\\u0441' is CYRILLIC SMALL LETTER ES, not the Latin c"),
        ({"when": f"item.{C}ustoms_value > 5"}, "CYRILLIC SMALL LETTER ES, not the Latin c"),
        ({"when": f"li{C}ts.a > 5"}, "CYRILLIC SMALL LETTER ES, not the Latin c"),
        (
            {"when": "item.packages\u200b > 5"},
            "'\\u200b' is ZERO WIDTH SPACE, which cannot be seen: take it out",
        ),
        ({f"g{R}oup": "list"}, "'\\u0440' is CYRILLIC SMALL LETTER ER, not the Latin p"),
        ({"response": f"s{C}ore"}, "'\\u0441' is CYRILLIC SMALL LETTER ES, not the Latin c"),
        ({"stage": f"a{C}tive"}, 'did you mean "active"?'),
    ],
)
def test_look_alikes_in_names_are_named(folder, changes, said):
    (folder / "rules.yaml").write_text(rule(**changes), encoding="utf-8")
    assert any(said in text for text in problems_of(folder)), problems_of(folder)


@pytest.mark.parametrize("condition", ["1 / item.net_mass_kg > 0", "1 / item.net_mass_kg <= 0", "1 / item.net_mass_kg != 7",
                                       "not (1 / item.net_mass_kg > 0)", "item.packages % item.net_mass_kg == 0",
                                       "log(item.net_mass_kg) < 0", "0 / 0 == 0 / 0",
                                       "between(1 / item.net_mass_kg, -1e9, 1e9)",
                                       "min(1, 1 / item.net_mass_kg) <= 1"])  # fmt: skip
@pytest.mark.parametrize("mass", [0.0, -0.0, np.nan])
def test_division_by_zero_and_missing_values_never_hit(condition, mass):
    program = compile_rules([CHECKER.condition(parse(condition))])
    values = {"item.net_mass_kg": mass, "item.packages": 3.0}
    numbers = np.array([[values[name]] for name in program.numbers]).reshape(len(program.numbers), 1)
    assert program.run(numbers, np.empty((0, 1), np.int64)).tolist() == [[0]]


def test_the_documented_logic_is_that_of_the_twin():
    """docs/rules.md prints the program's answers; the tree-walking twin gives the same to all nine pairs."""
    word = {True: "true", False: "false", None: "unknown"}
    values = {"true": "1 < 2", "false": "2 < 1", "unknown": "0 / 0 < 1"}
    table = list(guide.truth_table())
    assert len(table) == 9
    for a, b, *answers in table:
        left, right = values[a], values[b]
        forms = (
            f"not ({left})",
            f"({left}) and ({right})",
            f"({left}) or ({right})",
            f"({left}) == ({right})",
        )
        assert [word[naive.truth(parse(form), {}, {})] for form in forms] == answers
        assert f"| {a} | {b} | {' | '.join(answers)} |" in guide.markdown()


def test_every_field_may_be_missing():
    """All values unknown: nothing hits but what asks for the missing."""
    row = {name: (np.nan if isinstance(value, float) else "") for name, value in rows_of(1, 1)[0].items()}
    row["declaration.registered_at"] = 0.0
    texts = ["item.net_mass_kg > 0", "not (item.net_mass_kg > 0)", "item.origin_country in lists.risky",
             "item.origin_country not in lists.renewed", "item.hs_code not in lists.hs_dated", "quality.hs_unknown",
             "not quality.hs_unknown", "has(item.net_mass_kg)"]  # fmt: skip
    program = compile_rules(
        [CHECKER.condition(parse(text)) for text in [*texts, "not has(item.net_mass_kg)"]]
    )
    hits = program.run(columns_of([row], program.numbers), columns_of([row], program.codes))
    assert hits[:, 0].tolist() == [0] * len(texts) + [1]


def test_what_is_wrong_is_not_told_by_commands_whose_output_is_open(folder):
    (folder / "rules.yaml").write_text(rule(when="item.pakages > 271828").replace("R1", "canary-1"))
    with pytest.raises(RulebookError) as caught:
        load(seal(folder))
    assert str(caught.value).startswith(
        f"{folder}/rules.yaml:5:11: not fit to judge by (corridor rulebook check {folder}"
    )
    assert not [word for word in ("canary", "pakages", "271828") if word in str(caught.value)]
    checked = CliRunner().invoke(cli, ["rulebook", "check", str(folder)])
    assert checked.exit_code == 2
    assert "rule canary-1: there is no field 'item.pakages'" in checked.output


def test_random_inputs_are_refused_or_taken_and_nothing_else():
    """The deterministic part of the fuzzing; `make fuzz` is a million."""
    tally = fuzz.run(1_500, seed=7)
    assert not tally.findings, "\n".join(tally.findings[:5])
    assert sum(tally.cases.values()) >= 1_490
    assert min(tally.cases.values()) >= 1
    assert sum(tally.accepted.values()) > 100
    assert sum(tally.refused.values()) > 500


def test_a_least_rulebook_is_fit(folder):
    (folder / "rules.yaml").write_text("rules:\n" + RULE)
    assert problems_of(folder) == []
