"""The rule kernel against a tree-walking twin, on random well-typed conditions and odd arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.kernels import rules as kernel
from corridor.rulebook.language import parse
from corridor.rulebook.program import compile_rules
from corridor.rulebook.registers import Program
from corridor.rulebook.semantics import Checker
from tests.naive import rules as naive
from tests.rulebook.rule_material import LISTS, code_lists, columns_of, conditions, rows_of

CHECKER = Checker(code_lists())


def compiled(*texts: str) -> Program:
    return compile_rules([CHECKER.condition(parse(text)) for text in texts])


def run(program: Program, rows: list[dict], block: int = kernel.BLOCK) -> np.ndarray:
    return program.run(columns_of(rows, program.numbers), columns_of(rows, program.codes), block)


def expected(texts: list[str], rows: list[dict]) -> np.ndarray:
    return np.array([[naive.hits(parse(t), row, LISTS) for row in rows] for t in texts], np.uint8)


@settings(max_examples=150)
@given(st.lists(conditions, min_size=1, max_size=6), st.integers(0, 10**6), st.sampled_from([1, 3, 64, 1024]))
def test_equals_the_twin_on_random_conditions(texts, seed, block):
    rows = rows_of(seed, 40)
    np.testing.assert_array_equal(run(compiled(*texts), rows, block), expected(texts, rows))


@pytest.mark.parametrize(
    ("text", "row", "wanted"),
    [
        ("item.net_mass_kg > 1", {"item.net_mass_kg": np.nan}, 0),
        ("not (item.net_mass_kg > 1)", {"item.net_mass_kg": np.nan}, 0),
        ("item.net_mass_kg > 1 or true", {"item.net_mass_kg": np.nan}, 1),
        ("not (item.net_mass_kg > 1 and false)", {"item.net_mass_kg": np.nan}, 1),
        ("not has(item.net_mass_kg)", {"item.net_mass_kg": np.nan}, 1),
        ("item.net_mass_kg > 1", {"item.net_mass_kg": np.inf}, 1),
        ("1 / item.net_mass_kg > 0", {"item.net_mass_kg": 0.0}, 0),
        ("item.net_mass_kg % 100 == 0", {"item.net_mass_kg": 300.0}, 1),
        ("item.net_mass_kg % 100 == 0", {"item.net_mass_kg": np.inf}, 0),
        ("log(item.net_mass_kg) == 0", {"item.net_mass_kg": 1.0}, 1),
        ('item.hs_code in ["85", "9503"]', {"item.hs_code": "8517130000"}, 1),
        ('item.hs_code in ["8517130001"]', {"item.hs_code": "851713"}, 0),
        ('item.hs_code not in ["85"]', {"item.hs_code": "85A7"}, 0),
        ('item.hs_code.startsWith("01")', {"item.hs_code": "010121"}, 1),
        ('item.hs_code.startsWith("01")', {"item.hs_code": "101210"}, 0),
        ('item.hs_code == "010121"', {"item.hs_code": "0101210000"}, 0),
        ('item.origin_country != "CN"', {"item.origin_country": ""}, 0),
        ('item.origin_country != "CN"', {"item.origin_country": "DE"}, 1),
        ("declaration.dispatch_country != item.origin_country", {"item.origin_country": "DE"}, 0),
        ('declaration.direction == "import"', {"declaration.direction": "import"}, 1),
        ('declaration.office in ["10131010 long"]', {"declaration.office": "10131010 long"}, 1),
    ],
)
def test_meaning_row_by_row(text, row, wanted):
    row = {"declaration.dispatch_country": "", **row}
    assert run(compiled(text), [row]).tolist() == [[wanted]]


TEXTS = (
    "item.net_mass_kg > 1 and item.hs_code in lists.hs_many",
    "item.net_mass_kg + item.customs_value < 7 or item.origin_country in lists.many",
    "not quality.hs_unknown",
    "true",
    "true",
    "item.net_mass_kg > 1 and item.hs_code in lists.hs_many",
)


@pytest.mark.parametrize("m", [0, 1, 2, 1023, 1024, 1025, 2500])
def test_blocks_never_change_a_result(m):
    rows, program = rows_of(3, m), compiled(*TEXTS)
    whole = run(program, rows, block=1 << 20)
    assert whole.shape == (len(TEXTS), m)
    assert whole.dtype == np.uint8
    for block in (1, 7, 1024):
        np.testing.assert_array_equal(run(program, rows, block), whole)
    cut = [run(program, rows[i : i + 100]) for i in range(0, m, 100)]
    np.testing.assert_array_equal(np.concatenate([np.zeros((len(TEXTS), 0), np.uint8), *cut], axis=1), whole)


def test_read_only_and_strided_columns():
    rows, program = rows_of(5, 301), compiled(*TEXTS)
    numbers, codes = columns_of(rows, program.numbers), columns_of(rows, program.codes)
    wanted = program.run(numbers, codes)
    numbers.flags.writeable = codes.flags.writeable = False
    np.testing.assert_array_equal(program.run(numbers, codes), wanted)
    np.testing.assert_array_equal(program.run(np.asfortranarray(numbers), np.asfortranarray(codes)), wanted)
    np.testing.assert_array_equal(program.run(numbers[:, ::2], codes[:, ::2]), wanted[:, ::2])
    table = np.zeros(301, [("a", "<f8", len(numbers)), ("b", "<i8", len(codes)), ("c", "u1")])
    table["a"], table["b"] = numbers.T, codes.T
    np.testing.assert_array_equal(program.run(table["a"].T, table["b"].T), wanted)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=50))
def test_remainder_is_exactly_that_of_c(pairs):
    a, b = np.array(pairs).T.copy()
    with np.errstate(all="ignore"):
        wanted = np.fmod(a, b)
    program = compiled("item.net_mass_kg % item.customs_value == norm.value_per_kg_z")
    order = {"item.net_mass_kg": a, "item.customs_value": b, "norm.value_per_kg_z": wanted}
    hits = program.run(np.array([order[n] for n in program.numbers]), np.empty((0, len(a)), np.int64))
    assert hits[0].tolist() == (~np.isnan(wanted)).astype(int).tolist()


def test_no_rules_and_rules_without_fields():
    assert compile_rules([]).run(np.empty((0, 5)), np.empty((0, 5), np.int64)).shape == (0, 5)
    assert compiled("true").run(np.empty((0, 5)), np.empty((0, 5), np.int64)).tolist() == [[1] * 5]


def test_equal_parts_are_computed_once():
    one = compiled("item.net_mass_kg * 2 > 7 and quality.hs_unknown")
    same = compiled(*["item.net_mass_kg * 2 > 7 and quality.hs_unknown"] * 10)
    assert len(same.table.steps) == len(one.table.steps) + 9  # nine copies of the row


def test_constants_are_folded():
    program = compiled(
        "item.net_mass_kg > 2 * 3 + 4 and (1 < 2 or quality.hs_unknown)", "log(0) > 1 or 1 / 0 > 0"
    )
    assert len(program.table.steps) == 2
    assert program.numbers == ("item.net_mass_kg",)


def test_registers_are_handed_on():
    program = compiled(
        *(f"item.net_mass_kg + {k} > item.customs_value and quality.hs_unknown" for k in range(200))
    )
    constants, numbers, codes, truths, rules = program.table.sizes.tolist()
    assert (numbers, codes, rules) == (1, 0, 200)
    assert truths <= 3


def test_a_thousand_rules():
    texts = [
        f"item.net_mass_kg > {k} and norm.value_per_kg_z < {-k / 100} or quality.hs_unknown"
        for k in range(1000)
    ]
    rows, program = rows_of(9, 200), compiled(*texts)
    hits = run(program, rows)
    for k in (0, 3, 500, 999):
        np.testing.assert_array_equal(hits[k], expected([texts[k]], rows)[0])
