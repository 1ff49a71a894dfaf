import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path


def show(*words: str):
    return CliRunner().invoke(cli, ["rulebook", "show", str(sample_path()), *words], terminal_width=200)


def test_everything_a_rulebook_decides_by_is_shown():
    book, output = load(sample_path()), show().output
    for rule in (*book.rules.rules, *book.shadow.rules):
        assert f"\n{rule.id} " in output
    for name in book.lists:
        assert f"{name} ({len(book.lists[name]):,})" in output
    assert "histories: importer/hour, importer/day, importer/week, exporter/day\n" in output
    assert "norms: none\n" in output
    assert "expected recovery: none\n" in output
    assert output.endswith("version sample-1, in force from 2020-01-01T00:00:00.000Z\n")


def test_one_rule_or_one_group():
    one = show("--rule", "VAL-06").output
    assert 'declaration.delivery_terms in ["EXW", "FCA", "FAS", "FOB"]\n' in one
    assert "score 0.12" in one
    assert "VAL-05" not in one
    some = show("--group", "weight").output
    assert "WGT-01" in some
    assert "VAL-01" not in some


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--rule", "VAL-6"), "there is no rule 'VAL-6'; did you mean VAL-"),
        (("--group", "valuations"), "there is no group 'valuations'; groups are valuation"),
    ],
)
def test_what_is_not_there_is_told(words, problem):
    done = show(*words)
    assert done.exit_code != 0
    assert problem in done.output + str(done.exception)
