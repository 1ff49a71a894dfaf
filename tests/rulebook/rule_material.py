"""Material for tests of rules: fields of every kind, their values, random well-typed conditions, a least rulebook."""

from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from corridor.messages.tokens import hs_token, token
from corridor.rulebook.check import examine
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.lists import ALWAYS, FOREVER, CodeList, end_of_day, start_of_day
from corridor.rulebook.manifest import write_manifest

NUMBERS = ("item.net_mass_kg", "item.customs_value", "norm.value_per_kg_z", "history.importer_day_count")
FLAGS = ("quality.hs_unknown", "participant.importer_known")
CODES = ("item.origin_country", "declaration.dispatch_country", "declaration.office")
HS = ("item.hs_code", "item.hs4")
CHAPTER = "item.hs2"
TIME = "declaration.registered_at"
LISTS = {  # (code, first day, last day)
    "risky": [("CN", "", ""), ("HK", "", "2026-03-01"), ("XK", "2020-01-02", "2026-03-01"),
              ("a very long office name", "", "")],
    "many": [(f"{a}{b}", "", "") for a in "ABCDEH" for b in "ACDEK"],
    "ended": [("CN", "", "2020-01-01")],
    "renewed": [("CN", "", "2019-01-01"), ("CN", "2020-01-02", "2026-03-01"), ("DE", "2026-03-02", "")]
    + [(f"{a}{b}", f"20{n:02}-01-01", f"20{n + 6:02}-03-01") for n, (a, b) in enumerate(product("ABCDEH", "ACDEK"))],
    "hs_few": [("85", "", ""), ("9503", "", "2026-03-01"), ("851713", "", "")],
    "hs_many": [(f"{n:02d}", "", "") for n in range(10, 98, 3)] + [("85171300", "", "")],
    "hs_dated": [("85", "2026-03-02", ""), ("8517", "", "2020-01-01"), ("950300", "2020-01-02", "2026-03-01"),
                 ("97", "", "")],
}  # fmt: skip
VALUES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, 3.0, 1e308, 5e-324, 7.0]
TEXTS = ["", "CN", "HK", "XK", "DE", "AA", "EK", "a very long office name", "10131010"]
HS_TEXTS = [
    "",
    "8517130000",
    "851713",
    "85171300",
    "950300",
    "010121",
    "0101210",
    "97",
    "99999999",
    "85A713",
    "1",
    "0",
]
TIMES = [date(2026, 3, 1), date(2026, 3, 2), date(2019, 1, 1), date(2020, 1, 1), date(2020, 1, 2)]


def code_lists() -> dict[str, CodeList]:
    return {name: code_list(name, rows) for name, rows in LISTS.items()}


def code_list(name: str, rows: list[tuple[str, str, str]]) -> CodeList:
    return CodeList.of(name, [(code, *_bounds(first, last)) for code, first, last in rows])


def _bounds(first: str, last: str) -> tuple[int, int]:
    since = start_of_day(date.fromisoformat(first)) if first else ALWAYS
    return since, end_of_day(date.fromisoformat(last)) if last else FOREVER


def value_of(name: str, choice: int) -> Any:
    """A value of a field, as the naive twin sees it."""
    kind = FIELDS[name].kind
    if name == TIME:
        day = TIMES[choice % len(TIMES)]
        return (end_of_day(day) - 86_400_000_000 * (choice % 2) - 1) / 1e6
    if kind == "flag":
        return (0.0, 1.0, np.nan)[choice % 3]
    if kind == "number":
        return VALUES[choice % len(VALUES)]
    if name == CHAPTER:
        return HS_TEXTS[choice % len(HS_TEXTS)][:2]
    texts = HS_TEXTS if kind == "hs" else TEXTS
    return texts[choice % len(texts)]


def rows_of(seed: int, m: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    names = (*NUMBERS, *FLAGS, *CODES, *HS, CHAPTER, TIME)
    picks = rng.integers(0, 60, (m, len(names)))
    return [{n: value_of(n, int(p)) for n, p in zip(names, row, strict=True)} for row in picks]


def columns_of(rows: list[dict[str, Any]], names: tuple[str, ...]) -> np.ndarray:
    """float64 or int64 [len(names), m], as judge gives them."""
    if not names:
        return np.empty((0, len(rows)))
    kind = {FIELDS[n].kind for n in names}
    if kind <= {"number", "flag"}:
        return np.array([[row[n] for row in rows] for n in names], np.float64).reshape(len(names), len(rows))
    make = {n: hs_token if FIELDS[n].kind == "hs" else token for n in names}
    return np.array([[make[n](row[n]) for row in rows] for n in names], np.int64).reshape(
        len(names), len(rows)
    )


_literal = st.sampled_from(["0", "1", "2.5", "3", "1e308", "7", "0.5"])
_leaf_number = st.one_of(_literal, st.sampled_from(NUMBERS))


def _more_numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda a: f"-{a}" if not a.startswith("-") else f"-({a})"),
        inner.map(lambda a: f"abs({a})"),
        inner.map(lambda a: f"log({a})"),
        pair.map(lambda t: f"min({t[0]}, {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"max({t[0]}, {t[1]}, {t[2]})"),
    )


numbers = st.recursive(_leaf_number, _more_numbers, max_leaves=5)
_codes = st.sampled_from(CODES)
_countries = st.sampled_from(CODES[:2])
_hs = st.sampled_from(["85", "8517", "9503", "01", "97", "1"])
_compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
_equal = st.sampled_from(["==", "!="])
_in = st.sampled_from(["in", "not in"])


def _listed(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(texts, min_size=1, max_size=4).map(lambda t: "[" + ", ".join(f'"{x}"' for x in t) + "]")


leaves = st.one_of(
    st.sampled_from([*FLAGS, "true", "false"]),
    st.tuples(numbers, _compare, numbers).map(" ".join),
    st.tuples(numbers, numbers, numbers).map(lambda t: f"between({t[0]}, {t[1]}, {t[2]})"),
    st.tuples(numbers, _in, st.lists(numbers, min_size=1, max_size=3)).map(
        lambda t: f"({t[0]}) {t[1]} [{', '.join(t[2])}]"
    ),
    st.sampled_from([*NUMBERS, *FLAGS, *CODES, *HS]).map(lambda f: f"has({f})"),
    st.tuples(_countries, _equal, st.sampled_from(["CN", "HK", "DE"])).map(
        lambda t: f'{t[0]} {t[1]} "{t[2]}"'
    ),
    st.tuples(_codes, _equal, _codes).map(" ".join),
    st.tuples(st.sampled_from(HS), _equal, st.sampled_from(HS)).map(" ".join),
    st.sampled_from(['item.hs4 == "8517"', '"851713" != item.hs_code', 'item.hs_code == "0101210"']),
    st.tuples(_countries, _in, _listed(st.sampled_from(["CN", "HK", "DE", "EK"]))).map(" ".join),
    st.tuples(
        _codes, _in, st.sampled_from(["lists.risky", "lists.many", "lists.ended", "lists.renewed"])
    ).map(" ".join),
    st.tuples(st.sampled_from(HS), _in, _listed(_hs)).map(" ".join),
    st.sampled_from(
        ['item.hs2 in ["01", "85", "95", "97", "99", "8"]', 'item.hs2 not in ["01", "08", "85", "97", "99"]']
    ),
    st.sampled_from(
        [
            "item.hs_code in lists.hs_few",
            "item.hs_code not in lists.hs_many",
            "item.hs_code not in lists.hs_dated",
        ]
    ),
    st.tuples(st.sampled_from(HS), _hs).map(lambda t: f'{t[0]}.startsWith("{t[1]}")'),
)


def _more_truths(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    word = st.sampled_from(["and", "or", "&&", "||", "==", "!="])
    return st.one_of(
        st.tuples(inner, word, inner).map(lambda t: f"(({t[0]}) {t[1]} ({t[2]}))"),
        st.tuples(st.sampled_from(["not ", "!"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
    )


conditions = st.recursive(leaves, _more_truths, max_leaves=6)


RULE = """\
  - id: R1
    group: list
    title: A rule
    when: item.packages > 5
    response: score
    weight: 0.2
    valid_from: 2020-01-01
    owner: unit
    legal_basis: art. 1
"""
CORRIDORS = "thresholds:\n  - {blue: 0.2, yellow: 0.3, red: 0.6}\n"


def seal(folder: Path, version: str = "v1", year: int = 2020) -> Path:
    write_manifest(folder, version, datetime(year, 1, 1, tzinfo=UTC))
    return folder


def problems_of(folder: Path) -> list[str]:
    return [str(p) for p in examine(seal(folder))[1]]


def rule(**changes: str) -> str:
    lines = {line.split(":")[0].strip(" -"): line for line in RULE.splitlines()}
    for key, value in changes.items():
        lines[key] = f"    {key}: {value}" if value else ""
    return "rules:\n  - " + "\n".join(line for line in lines.values() if line).lstrip(" -") + "\n"
