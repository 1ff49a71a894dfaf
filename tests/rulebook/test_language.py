"""Conditions that are wrong say where, what was expected, and what to write instead."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import ExpressionError
from corridor.rulebook.language import MAX_DEPTH, Node, parse
from corridor.rulebook.program import compile_rules, constant_truth
from corridor.rulebook.semantics import Checker
from tests.rulebook.rule_material import code_lists

CHECKER = Checker(code_lists())


def meaning(text):
    return CHECKER.condition(parse(text))


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("item.net_mas_kg > 1", 1, 1, "did you mean item.net_mass_kg?"),
        ("true and\n  norm.zz > 1", 2, 3, "there is no field 'norm.zz'"),
        ("net_mass_kg > 1", 1, 1, "did you mean"),
        ("quality.hs_unknwon", 1, 1, "did you mean quality.hs_unknown?"),
        ("item.hs_code == 8517", 1, 17, 'HS codes are text: write "8517"'),
        ("item.hs4 in [8517]", 1, 14, 'write "8517"'),
        ("item.hs_code > 8517", 1, 1, 'HS codes are text: use == or in ["8517"]'),
        ('item.hs4 == "85171"', 1, 13, "longer than item.hs4 (4 digits)"),
        ('item.hs_code == "8517"', 1, 17, 'item.hs_code in ["8517"] for a prefix'),
        ('item.hs_code in ["85A"]', 1, 18, "digits only"),
        ("declaration.office == 10131010", 1, 23, 'codes are text: write "10131010"'),
        ('declaration.direction == "imprt"', 1, 26, 'did you mean "import"?'),
        ('item.origin_country == "China"', 1, 24, "2 capital letters"),
        ('item.origin_country < "CN"', 1, 1, "codes have no order"),
        ('declaration.office.startsWith("10")', 1, 1, "only HS codes"),
        ('item.hs_code.endsWith("10")', 1, 1, ".startsWith only"),
        ("item.net_mass_kg", 1, 1, "a condition needs true or false"),
        ("item.net_mass_kg and true", 1, 1, '"and" needs true or false'),
        ('item.net_mass_kg > "5"', 1, 20, "needs a number, not '5' (a text)"),
        ('item.net_mass_kg == "5"', 1, 21, "numbers stand without quotes"),
        ("quality.hs_unknown == 1", 1, 23, "a flag is true or false by itself"),
        ("1 < item.packages < 5", 1, 1, "between(x, low, high)"),
        ("item.packages = 5", 1, 15, 'write "==" to compare'),
        ("item.packages > 5 & true", 1, 19, 'write "&&"'),
        ("item.packages >", 1, 16, "it ends too early; expected a value"),
        ("(item.packages > 5", 1, 19, "it ends too early"),
        ("item.packages > 5)", 1, 18, "unexpected ')'"),
        ("item.packages 5", 1, 15, "expected an operator"),
        ("item.hs2 in []", 1, 13, "the list is empty"),
        ("item.hs2 in 85", 1, 13, '"in" needs a list in brackets'),
        ("item.origin_country in lists.risk", 1, 24, "did you mean lists.risky?"),
        ("item.origin_country in lists.hs_few", 1, 24, "holds HS codes"),
        ("item.hs_code in lists.risky", 1, 17, "holds codes, not HS codes"),
        ("item.hs4 in lists.hs_few", 1, 13, "use item.hs_code"),
        ("item.packages in lists.risky", 1, 1, "needs a code"),
        ("sqrt(item.packages) > 1", 1, 1, "there are abs, log"),
        ("abs(item.packages, 2) > 1", 1, 1, "abs takes 1 arguments, not 2"),
        ("min(item.packages) > 1", 1, 1, "two or more"),
        ("has(1)", 1, 1 + 4, "has takes a field"),
        ("item.hs_code == 0102", 1, 17, 'write "0102"'),
        ("item.packages > 1e999", 1, 17, "too large"),
        ("item.packages > 5 ? true : false", 1, 19, "no choice operator"),
        ('item.hs2 in ["85", "9]', 1, 20, "closing quote"),
        ("lists.risky", 1, 1, "is a list"),
        ('item.origin_country == ["CN"]', 1, 24, "expected a value"),
        ('item.origin_country == ""', 1, 24, "not has(item.origin_country)"),
        ("__import__('os').system('x')", 1, 17, "unexpected '.system'"),
    ],
)
def test_errors_have_place_and_hint(text, line, column, said):
    with pytest.raises(ExpressionError) as caught:
        meaning(text)
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)
    assert said in caught.value.problem


def test_words_and_signs_are_the_same():
    one = parse("not quality.hs_unknown and item.packages > 1 or true")
    other = parse("!quality.hs_unknown && item.packages > 1 || true")
    assert strip(one) == strip(other)


def strip(node: Node):
    return node.kind, node.value, tuple(strip(a) for a in node.args)


def test_caps_on_size_and_depth():
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse("(" * 10 + "not " * (MAX_DEPTH + 1) + "true" + ")" * 10)
    with pytest.raises(ExpressionError, match="nested deeper"):
        parse("1" + " + 1" * MAX_DEPTH + " > 0")
    with pytest.raises(ExpressionError, match="characters"):
        parse("true or " * 1000 + "true")
    with pytest.raises(ExpressionError, match="parts"):
        parse("item.packages in [" + ",".join(["1"] * 1500) + "]")
    assert compile_rules([meaning(" or ".join(["item.packages > 1"] * 150))]).run


def test_nested_equality_of_truths_does_not_blow_up():
    text = "quality.hs_unknown"
    for _ in range(30):
        text = f"({text} == participant.importer_known)"
    assert len(compile_rules([meaning(text)]).table.steps) < 300


@pytest.mark.parametrize(
    ("text", "always"),
    [
        ("1 > 2", False),
        ("1 < 2 or quality.hs_unknown", True),
        ("log(0) > 1", False),
        ("quality.hs_unknown", None),
    ],
)
def test_constant_conditions_are_seen(text, always):
    assert constant_truth(meaning(text)) is always


_WORDS = [
    "item.packages",
    "lists.risky",
    "item.hs_code",
    '"85"',
    "in",
    "not",
    "and",
    "(",
    ")",
    "[",
    "]",
    ",",
    "<",
]
_words = st.lists(
    st.sampled_from([*_WORDS, "==", "1", "-", "/", "min", "has", ".startsWith", "true", "\n", "!"])
)


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=80), _words.map(" ".join), st.binary(max_size=40).map(lambda b: b.decode("latin1"))
    )
)
def test_no_input_raises_anything_else(text):
    with suppress(ExpressionError):
        compile_rules([meaning(text)])
