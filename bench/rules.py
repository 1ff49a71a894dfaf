"""Rules on goods items, one thread: Corridor's kernel, polars expressions, Python functions.

The rules are those of the sample rulebook with their scopes and validity, repeated with varied
constants until there are enough. The items are made up from a seed, column by column, with
believable shares of missing values. Every way gets the form it likes best, prepared before the
clock starts: polars has nulls for unknown values, Boolean flags and ready columns of two, four and
six digits for prefixes; Python has a dict a row, sets, and texts. Equality of all is asserted first.

    POLARS_MAX_THREADS=1 python bench/rules.py > bench/results/rules.txt
"""

import math
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

os.environ["POLARS_MAX_THREADS"] = "1"

import numpy as np
import polars as pl
from side_by_side import alternate, machine, rate, ratio

from corridor.messages.columns import DIRECTIONS
from corridor.messages.tokens import hs_text, hs_token, token
from corridor.rulebook.check import examine
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.language import parse
from corridor.rulebook.lists import ALWAYS, FOREVER, read_entries, read_list
from corridor.rulebook.program import compile_rules
from corridor.rulebook.registers import Program
from corridor.rulebook.rules import Rule
from corridor.rulebook.sample import sample_path
from corridor.rulebook.semantics import Checker, Expr

ITEMS, PYTHON_ITEMS, REPETITIONS = 1_000_000, 5_000, 7
BATCHES = (5_000, 100_000, 1_000_000)
COUNTRIES = ("CN", "DE", "TR", "IT", "VN", "KR", "HK", "AE", "PL", "US", "KP", "")
CODES = {
    "declaration.direction": ((*DIRECTIONS,), (0.75, 0.2, 0.05)),
    "declaration.function": (("original", "amendment", "cancellation"), (0.97, 0.02, 0.01)),
    "declaration.procedure": (
        ("40", "10", "51", "53", "61", "78", "80"),
        (0.7, 0.18, 0.02, 0.02, 0.02, 0.02, 0.04),
    ),
    "declaration.delivery_terms": (("FOB", "CIF", "FCA", "DAP", "EXW", ""), (0.3, 0.2, 0.2, 0.2, 0.05, 0.05)),
    "item.currency": (("USD", "CNY", "EUR", "RUB", "XBT", ""), (0.4, 0.3, 0.2, 0.08, 0.001, 0.019)),
}


# The items


def texts(name: str, rng: np.random.Generator) -> np.ndarray:
    """One column of codes as texts."""
    if name in CODES:
        values, shares = CODES[name]
    elif name.endswith("_country"):
        values, shares = COUNTRIES, (0.45, 0.1, 0.1, 0.08, 0.06, 0.06, 0.04, 0.03, 0.03, 0.0299, 0.0001, 0.02)
    else:
        values = tuple(str(9_900_000_000 + k) for k in range(3000))
        shares = tuple(1 / (k + 1) for k in range(3000))
    return np.array(values, object)[rng.choice(len(values), ITEMS, p=np.array(shares) / sum(shares))]


def number(name: str, rng: np.random.Generator) -> np.ndarray:
    """One column of numbers: deviations, flags, counts, shares, amounts."""
    end = name.split(".")[1]
    if FIELDS[name].kind == "flag":
        return (rng.random(ITEMS) < (0.8 if "known" in end else 0.005)).astype(float)
    if end.endswith("_z"):
        values = rng.standard_t(4, ITEMS) * 1.2
    elif end == "registered_at":
        return 1.764e9 + np.sort(rng.integers(0, 86_400, ITEMS)).astype(float)
    elif end in ("hour", "weekday", "version", "transport_mode") or end.endswith(("_count", "_band")):
        high = {"hour": 24, "weekday": 8, "transport_mode": 6, "value_per_kg_band": 5}.get(end, 30)
        values = np.floor(rng.random(ITEMS) ** 2 * high)
    elif end.endswith(("_share", "_rate")):
        values = np.round(rng.beta(1, 6, ITEMS), 3)
    else:
        values = np.round(np.exp(rng.normal(6.5, 2.5, ITEMS)), 1)
    values[rng.random(ITEMS) < (0.1 if name.startswith(("norm", "participant")) else 0.01)] = np.nan
    return values


def hs_texts(rng: np.random.Generator) -> np.ndarray:
    """Ten-digit codes: sub-headings by Zipf's law, 1 % missing."""
    known = read_entries(sample_path() / "lists" / "hs_nomenclature.csv").codes
    share = 1 / (np.arange(len(known)) + 5.0)
    six = np.array(rng.permutation(known), object)[rng.choice(len(known), ITEMS, p=share / share.sum())]
    six[rng.random(ITEMS) < 0.01] = ""
    return np.where(six == "", "", six + "0000")


class Items:
    """The same items in the three forms."""

    def __init__(self, program: Program) -> None:
        rng = np.random.default_rng(7)
        whole = hs_texts(rng)
        self.texts = {n: texts(n, rng) for n in program.codes if FIELDS[n].kind == "code"}
        for digits, name in ((10, "item.hs_code"), (6, "item.hs6"), (4, "item.hs4"), (2, "item.hs2")):
            self.texts[name] = np.array([t[:digits] for t in whole], object)
        self.values = {n: number(n, rng) for n in program.numbers}
        self.numbers = np.array([self.values[n] for n in program.numbers])
        self.codes = np.array([self._tokens(n) for n in program.codes])

    def _tokens(self, name: str) -> np.ndarray:
        make = hs_token if FIELDS[name].kind == "hs" else token
        made = {t: make(t) for t in set(self.texts[name])}
        return np.array([made[t] for t in self.texts[name]], np.int64)

    def frame(self) -> pl.DataFrame:
        """Nulls for what is unknown; flags as Booleans; codes as int64 tokens."""
        columns = {n: pl.Series(v, nan_to_null=True) for n, v in self.values.items()}
        columns |= {n: s != 0 for n, s in columns.items() if FIELDS[n].kind == "flag"}
        for name in self.texts:
            series = pl.Series(self._tokens(name))
            columns[name] = pl.select(pl.when(series != 0).then(series)).to_series()
        return pl.DataFrame(columns)

    def rows(self, n: int) -> list[dict[str, object]]:
        """The first n items, a dict each."""
        columns = {name: v[:n].tolist() for name, v in (self.values | self.texts).items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# The rules


def varied(rule: Rule, turn: int, checker: Checker) -> Expr:
    """The rule with its numbers changed a little; scope and validity stay."""
    outside = re.split(r'("[^"]*")', rule.when)
    changed = [
        part
        if part.startswith('"')
        else re.sub(r"(?<![\w.])(?<!% )\d+(\.\d+)?(e\d+)?", lambda m: shifted(m[0], turn), part)
        for part in outside
    ]
    *before, _ = rule.condition.args
    return replace(rule.condition, args=(*before, checker.condition(parse("".join(changed)))))


def shifted(literal: str, turn: int) -> str:
    """A literal some per cent away from itself."""
    return f"{float(literal) * (1 + 0.013 * turn):.6g}" if turn else literal


def conditions(count: int) -> list[Expr]:
    """The conditions of `count` rules."""
    book, problems = examine(sample_path())
    assert book is not None, problems
    paths = sorted((sample_path() / "lists").glob("*.csv"))
    checker = Checker({path.stem: read_list(path)[0] for path in paths})
    rules = book.rules.rules
    return [varied(rules[k % len(rules)], k // len(rules), checker) for k in range(count)]


def spelt_out(expr: Expr) -> Expr:
    """The condition with each list as members or prefixes by their times, which the rivals know."""
    if expr.op != "listed":
        return replace(expr, args=tuple(spelt_out(a) for a in expr.args))
    found, now = expr.value, Expr("field", value="declaration.registered_at")
    parts = []
    for since, until in dict.fromkeys(zip(found.since.tolist(), found.until.tolist(), strict=True)):
        tokens = np.unique(found.tokens[(found.since == since) & (found.until == until)]).tolist()
        values = tuple(sorted(map(hs_text, tokens))) if found.is_hs else tuple(tokens)
        terms = [Expr("prefix" if found.is_hs else "member", expr.args, values)]
        if since != ALWAYS:
            terms.append(Expr("at_most", (Expr("number", value=since / 1e6), now)))
        if until != FOREVER:
            terms.append(Expr("less", (now, Expr("number", value=until / 1e6))))
        parts.append(Expr("and", tuple(terms)))
    return Expr("or", tuple(parts))


# polars

POLARS: dict[str, Callable[..., pl.Expr]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "remainder": lambda a, b: a % b,
    "min": lambda a, b: pl.when(a.is_not_null() & b.is_not_null()).then(pl.min_horizontal(a, b)),
    "max": lambda a, b: pl.when(a.is_not_null() & b.is_not_null()).then(pl.max_horizontal(a, b)),
    "negative": lambda a: -a,
    "abs": lambda a: a.abs(),
    "less": lambda a, b: a < b,
    "at_most": lambda a, b: a <= b,
    "equal": lambda a, b: a == b,
    "same": lambda a, b: a == b,
    "has": lambda a: a.is_not_null(),
    "not": lambda a: ~a,
}


def in_polars(expr: Expr) -> pl.Expr:  # noqa: PLR0911  # a case an operation
    """The same condition as a polars expression."""
    args = [in_polars(a) for a in expr.args]
    if expr.op in ("number", "truth"):
        return pl.lit(expr.value)
    if expr.op in ("field", "flag", "code", "hs"):
        return pl.col(expr.value)
    if expr.op in ("and", "or"):
        out = args[0]
        for a in args[1:]:
            out = out & a if expr.op == "and" else out | a
        return out
    if expr.op == "is":
        return args[0] == expr.value
    if expr.op == "member":
        return args[0].is_in(list(expr.value)) if len(expr.value) != 1 else args[0] == expr.value[0]
    if expr.op == "prefix":
        return prefix_in_polars(expr)
    return POLARS[expr.op](*args)


def prefix_in_polars(expr: Expr) -> pl.Expr:
    """Prefixes by the ready columns of two, four and six digits."""
    parts = []
    for digits in sorted({len(p) for p in expr.value}):
        column = pl.col(f"item.hs{digits}")
        wanted = [hs_token(p) for p in expr.value if len(p) == digits]
        parts.append(column.is_in(wanted) if len(wanted) > 1 else column == wanted[0])
    out = parts[0] if parts else pl.lit(False)
    for part in parts[1:]:
        out = out | part
    return out


# Python

PYTHON = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "remainder": "%",
    "less": "<",
    "at_most": "<=",
    "equal": "==",
}


class Source:
    """Conditions as Python source; sets and prefixes are named constants."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}

    def _constant(self, value: object) -> str:
        self.names[name] = value if (name := f"c{len(self.names)}") else None
        return name

    def true(self, expr: Expr, wanted: bool = True) -> str:  # noqa: PLR0911  # a case an operation
        """Source that is truthy where the condition is true (or false): an unknown value is neither."""
        op, args = expr.op, expr.args
        if op == "truth":
            return repr(expr.value == wanted)
        if op == "not":
            return self.true(args[0], not wanted)
        if op in ("and", "or"):
            word = " and " if (op == "and") == wanted else " or "
            return "(" + word.join(self.true(a, wanted) for a in args) + ")"
        if op == "flag":
            return self.number(expr) if wanted else f"{self.number(expr)} == 0"
        if op in ("less", "at_most", "equal"):
            return self._compared(op, self.number(args[0]), self.number(args[1]), wanted)
        if op == "has":
            known = (
                f"{self.number(args[0])} == {self.number(args[0])}"
                if args[0].op == "field"
                else self.number(args[0])
            )
            return known if wanted else f"not ({known})"
        return self._code(expr, wanted)

    def _compared(self, op: str, a: str, b: str, wanted: bool) -> str:
        if wanted:
            return f"{a} {PYTHON[op]} {b}"
        return f"({a} < {b} or {a} > {b})" if op == "equal" else f"{b} {'<=' if op == 'less' else '<'} {a}"

    def _code(self, expr: Expr, wanted: bool) -> str:
        fields = [self.number(a) for a in expr.args]
        holds = {
            "same": lambda: f"{fields[0]} == {fields[1]}",
            "is": lambda: f"{fields[0]} == {self._constant(TEXTS[expr.value])}",
            "member": lambda: f"{fields[0]} in {self._constant({TEXTS[v] for v in expr.value})}",
            "prefix": lambda: f"{fields[0]}.startswith({self._constant(tuple(expr.value))})",
        }[expr.op]()
        return "(" + " and ".join([*fields, holds if wanted else f"not {holds}"]) + ")"

    def number(self, expr: Expr) -> str:
        """Source of a number or a field."""
        if expr.op == "number":
            return repr(expr.value)
        if expr.op in ("field", "flag", "code", "hs"):
            return f'row["{expr.value}"]'
        args = [self.number(a) for a in expr.args]
        if expr.op in PYTHON:
            return f"({args[0]} {PYTHON[expr.op]} {args[1]})"
        return f"{'-' if expr.op == 'negative' else expr.op}({', '.join(args)})"

    def functions(self, rules: list[Expr]) -> list[Callable[[dict[str, object]], object]]:
        """Make one function a rule, from source made here of the sample rulebook: no one else's text."""
        self.names |= {"max": nan_max, "min": nan_min}
        return [eval(f"lambda row: {self.true(rule)}", self.names) for rule in rules]


def nan_max(*values: float) -> float:
    """The largest, or NaN if one is."""
    return sum(values) if any(map(math.isnan, values)) else max(values)


def nan_min(*values: float) -> float:
    """The smallest, or NaN if one is."""
    return sum(values) if any(map(math.isnan, values)) else min(values)


TEXTS: dict[int, str] = {}
"""Tokens back to the texts they came from."""


def remember_texts(items: Items) -> None:
    """Fill TEXTS with every text of the lists, the codes and the items."""
    known = {t for column in items.texts.values() for t in column if t}
    known |= {v for values, _ in CODES.values() for v in values} | {"EXW", "FAS", "CPT", *COUNTRIES}
    for path in (sample_path() / "lists").glob("*.csv"):
        known |= set(read_entries(path).codes)
    TEXTS.update({token(t): t for t in known})


# The race


def pieces(items: Items, count: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The items in batches, each contiguous, as judge makes them."""
    starts = range(0, count, size)
    return [
        (
            np.ascontiguousarray(items.numbers[:, s : s + size]),
            np.ascontiguousarray(items.codes[:, s : s + size]),
        )
        for s in starts
    ]


def race(rules: list[Expr], items: Items, program: Program, frame: pl.DataFrame) -> Iterator[str]:
    """Lines of results for one set of rules at each batch size; many rules run on fewer items."""
    count = ITEMS if len(rules) <= 100 else ITEMS // 5
    exprs = [in_polars(rule).fill_null(False).alias(str(r)) for r, rule in enumerate(rules)]
    repetitions = REPETITIONS if len(rules) <= 100 else 5
    for size in sorted({min(size, count) for size in BATCHES}):
        ours, frames = pieces(items, count, size), [frame[s : s + size] for s in range(0, count, size)]
        kept = np.empty((len(rules), size), np.uint8)  # polars' allocator keeps its memory too
        ways = {
            "ours": lambda ours=ours, kept=kept: (program.run(n, c, out=kept) for n, c in ours),
            "polars lazy": lambda frames=frames: (f.lazy().select(exprs).collect() for f in frames),
            "polars eager": lambda frames=frames: (f.select(exprs) for f in frames),
        }
        agree(ways["ours"](), ways["polars lazy"](), ways["polars eager"]())
        seconds = alternate({name: lambda way=way: consume(way()) for name, way in ways.items()}, repetitions)
        for name, spent in seconds.items():
            beside = "" if name == "ours" else f"   ours is {ratio(seconds['ours'], spent)} times as fast"
            yield f"{len(rules):>5} rules, batch {size:>9,}  {name:13} {rate(count, spent)} items{beside}"


def consume(batches: Iterable[object]) -> None:
    """Make one batch after another and let each go, as a stream does."""
    deque(batches, maxlen=0)


def agree(ours: Iterable[np.ndarray], *others: Iterable[pl.DataFrame]) -> None:
    """Every hit of every way is the same."""
    for hits, *frames in zip(ours, *others, strict=True):
        for frame in frames:
            for r, column in enumerate(frame.iter_columns()):
                np.testing.assert_array_equal(hits[r], column.to_numpy().astype(np.uint8), f"rule {r}")


def race_python(rules: list[Expr], items: Items, program: Program) -> Iterator[str]:
    """Python functions over a few thousand rows beside the kernel on the same rows."""
    rows, functions = items.rows(PYTHON_ITEMS), Source().functions(rules)
    numbers, codes = items.numbers[:, :PYTHON_ITEMS].copy(), items.codes[:, :PYTHON_ITEMS].copy()
    wanted = np.array([[bool(f(row)) for row in rows] for f in functions], np.uint8)
    np.testing.assert_array_equal(program.run(numbers, codes), wanted)
    ways = {
        "ours": lambda: program.run(numbers, codes),
        "Python": lambda: [[1 if f(row) else 0 for f in functions] for row in rows],
    }
    seconds = alternate(ways, REPETITIONS)
    yield (
        f"{len(rules):>5} rules, {PYTHON_ITEMS:,} items     Python        "
        f"{rate(PYTHON_ITEMS, seconds['Python'])} items"
        f"   ours is {ratio(seconds['ours'], seconds['Python'])} times as fast"
    )


def main() -> None:
    """Print the whole comparison."""
    print(__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else "")
    print(machine("numpy", "numba", "polars"))
    print(
        f"{ITEMS:,} items; median of {REPETITIONS} runs in turn (least to most); ratios pair by pair\n"
        "More than 100 rules: a fifth of the items, 5 runs\n"
    )
    counts = [int(a) for a in sys.argv[1:]] or [100, 1000]
    for count in counts:
        rules = conditions(count)
        program = compile_rules(rules)
        rules = [spelt_out(rule) for rule in rules]
        items = Items(program)
        remember_texts(items)
        n, c, steps = len(program.numbers), len(program.codes), len(program.table.steps)
        share = program.run(items.numbers[:, :100_000], items.codes[:, :100_000]).mean()
        print(f"{count} rules: {steps} steps over {n} numbers and {c} codes; {share:.2%} of answers are hits")
        for line in race(rules, items, program, items.frame()):
            print(line, flush=True)
        if count == counts[0]:
            for line in race_python(rules, items, program):
                print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
