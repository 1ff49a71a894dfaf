import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from corridor.cases import read_cases, run_cases
from corridor.cli import cli
from corridor.errors import InputError
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from tests.test_judge import CANARY, write_rulebook

BASE = """
base:
  declaration:
    office: "10131010"
    direction: import
    procedure: "40"
    transport_mode: 3
    declarant: "1"
    importer: "5000000001"
    items:
      - {hs_code: "8413308008", description: pumps, origin_country: DE, net_mass_kg: 10, gross_mass_kg: 11,
         customs_value: 5000, duty: 0, vat: 1000}
cases:
"""


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory):
    return load(write_rulebook(tmp_path_factory.mktemp("rulebook") / "one"))


def outcomes(tmp_path: Path, rulebook, *cases: str):
    path = tmp_path / "cases.yaml"
    path.write_text(BASE + "".join(f"  - {case}\n" for case in cases))
    return run_cases(read_cases(path, rulebook), rulebook)


def test_the_sample_holds_to_its_own_cases():
    book = load(sample_path())
    cases = read_cases(sample_path() / "cases.yaml", book)
    assert len(cases) >= 7
    assert [
        (outcome.case.name, outcome.failures) for outcome in run_cases(cases, book) if outcome.failures
    ] == []


def test_members_are_laid_over_the_base_and_items_over_its_first(tmp_path, rulebook):
    green, dear, two = outcomes(
        tmp_path,
        rulebook,
        "{name: as it is, expect: {corridor: green}}",
        "{name: one item other, declaration: {items: [{hs_code: '8703000000'}]}, expect: {corridor: red}}",
        "{name: two, declaration: {items: [{customs_value: 900}, {customs_value: 800}]}, expect: {reasons: [valuation]}}",
    )
    assert (green.corridor, dear.corridor) == ("green", "red")
    assert not any(outcome.failures for outcome in (green, dear, two))
    assert sum(part.what.startswith("item ") for part in two.tree.parts) == 2


def test_what_is_not_as_expected_is_told(tmp_path, rulebook):
    (outcome,) = outcomes(
        tmp_path,
        rulebook,
        f"{{name: wrong, expect: {{corridor: [yellow, red], basis: mandatory, reasons: [list], rules: [{CANARY}-2]}}}}",
    )
    assert outcome.failures == (
        "corridor green, expected yellow or red",
        "basis score, expected mandatory",
        "no reason list; told are none",
        f"rule {CANARY}-2 did not speak; those that did: none",
    )
    (outcome,) = outcomes(
        tmp_path,
        rulebook,
        f"{{name: cheap, declaration: {{items: [{{customs_value: 500}}]}}, expect: {{not_rules: [{CANARY}-0]}}}}",
    )
    assert outcome.failures == (f"rule {CANARY}-0 spoke",)


def test_histories_are_given_as_rules_read_them(tmp_path, rulebook):
    few, many, late = outcomes(
        tmp_path,
        rulebook,
        "{name: few, history: {importer_day_count: 3}, expect: {corridor: green}}",
        f"{{name: many, history: {{importer_day_count: 4}}, expect: {{rules: [{CANARY}-3], corridor: yellow}}}}",
        f"{{name: late, history: {{importer_day_count: 4, late: true}}, expect: {{not_rules: [{CANARY}-3], basis: late}}}}",
    )
    assert (few.failures, many.failures, late.failures) == ((), (), ())


def test_chance_is_left_out(tmp_path, rulebook):
    """One in twenty would be drawn for the control group."""
    found = outcomes(
        tmp_path, rulebook, *(f"{{name: n{i}, expect: {{corridor: green}}}}" for i in range(200))
    )
    assert {outcome.corridor for outcome in found} == {"green"}


def test_a_case_that_would_be_rejected_says_so(tmp_path, rulebook):
    (outcome,) = outcomes(
        tmp_path, rulebook, "{name: bad, declaration: {direction: sideways}, expect: {corridor: red}}"
    )
    assert outcome.corridor == "rejected"
    assert "would be rejected: " in outcome.failures[0]
    assert "/direction" in outcome.failures[0]


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("{name: a}", r"cases.yaml:\d+:\d+: case 'a': expect is missing"),
        ("{name: a, expect: {}}", "expect is empty"),
        ("{name: a, expect: {corridor: purple}}", "corridor holds 'purple'; it must be one of green, blue"),
        ("{name: a, expect: {rules: [NO-1]}}", "rules holds 'NO-1'"),
        ("{name: a, expect: {corridor: red}, histroy: {}}", "unknown key 'histroy'; did you mean history"),
        (
            "{name: a, history: {importer_day_cuont: 1}, expect: {corridor: red}}",
            "did you mean importer_day_count",
        ),
        (
            "{name: a, history: {exporter_week_count: 1}, expect: {corridor: red}}",
            "exporter_week_count is not kept",
        ),
        ("{name: a, declaration: [], expect: {corridor: red}}", "declaration must be a mapping"),
        ("{name: a, declaration: {items: {}}, expect: {corridor: red}}", "items must be a list of mappings"),
        ("{expect: {corridor: red}}", "name is missing"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path, rulebook, case, problem):
    with pytest.raises(InputError, match=problem):
        outcomes(tmp_path, rulebook, case)


def test_the_command(tmp_path):
    folder = tmp_path / "rulebook"
    shutil.copytree(sample_path(), folder)
    done = CliRunner().invoke(cli, ["rulebook", "test", str(folder)])
    assert done.exit_code == 0, done.output
    assert "all hold, by rulebook" in done.output
    done = CliRunner().invoke(cli, ["rulebook", "test", str(folder), "--only", "asbestos"])
    assert "1 case: all hold" in done.output
    other = tmp_path / "other.yaml"
    text = (folder / "cases.yaml").read_text()
    other.write_text(text.replace("expect: {corridor: green, not_rules", "expect: {corridor: red, not_rules"))
    done = CliRunner().invoke(cli, ["rulebook", "test", str(folder), "--cases", str(other), "--explain"])
    assert done.exit_code == 1
    assert "corridor green, expected red" in done.output
    assert "thresholds  blue from 0.22" in done.output
    for words, problem in (
        (["--cases", "/nowhere"], "there is no such file"),
        (["--only", "zzz"], "no case has 'zzz'"),
    ):
        done = CliRunner().invoke(cli, ["rulebook", "test", str(folder), *words])
        assert problem in done.output + str(done.exception)
