"""Typed expressions → the flat program of kernels/rules.py.

Each condition is asked "is it true?". Negation turns the question of its part into "is it false?",
so Kleene's three values become plain two-valued steps (an unknown part answers no to both).
Equal parts of all rules are computed once a block (value numbering over the whole rulebook),
constants are folded, and registers are handed on as soon as nobody reads them any more, so
that a block's registers stay in the cache.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from corridor.kernels import rules as k
from corridor.messages.tokens import hs_text
from corridor.rulebook.lists import CodeList
from corridor.rulebook.membership import hash_table, heading_table, range_of, ranges_of
from corridor.rulebook.registers import Key, Program, lay_out
from corridor.rulebook.semantics import Expr

FEW: Final = 8
"""Up to so many codes are compared one after another, more by hash."""
FEW_RANGES: Final = 3
"""Up to so many ranges of HS codes are compared one after another, more by table or search."""


NUMBER_STEPS: Final = {
    "add": k.ADD,
    "subtract": k.SUBTRACT,
    "multiply": k.MULTIPLY,
    "divide": k.DIVIDE,
    "remainder": k.REMAINDER,
    "min": k.MINIMUM,
    "max": k.MAXIMUM,
    "negative": k.NEGATIVE,
    "abs": k.ABSOLUTE,
    "log": k.LOGARITHM,
}
COMPARE_STEPS: Final = {
    "less": (k.LESS, k.LESS_C, k.MORE_C),
    "at_most": (k.AT_MOST, k.AT_MOST_C, k.AT_LEAST_C),
    "equal": (k.EQUAL, k.EQUAL_C, k.EQUAL_C),
    "different": (k.DIFFERENT, k.DIFFERENT_C, k.DIFFERENT_C),
}
"""A comparison of two registers, with a constant on the right, with a constant on the left."""


def _minimum(a: float, b: float) -> float:
    return b if b < a or math.isnan(b) else a


def _maximum(a: float, b: float) -> float:
    return b if b > a or math.isnan(b) else a


def _remainder(a: float, b: float) -> float:
    return math.fmod(a, b) if math.isfinite(a) and b != 0.0 and not math.isnan(b) else math.nan


FOLD: Final[dict[str, Callable[..., float]]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b != 0.0 else math.nan,
    "remainder": _remainder,
    "min": _minimum,
    "max": _maximum,
    "negative": lambda a: -a,
    "abs": abs,
    "log": lambda a: math.log(a) if a > 0.0 else math.nan,
}


class _Graph:
    """Values by number: equal keys are one value. A key is (kind, step, operands...)."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self._index: dict[Key, int] = {}
        self._asked: dict[tuple[int, bool], int] = {}

    def put(self, *key: Any) -> int:
        if key not in self._index:
            self._index[key] = len(self.keys)
            self.keys.append(key)
        return self._index[key]

    # Numbers

    def number(self, expr: Expr) -> int:
        if expr.op == "number":
            return self.put("constant", float(expr.value))
        if expr.op == "field":
            return self.put("number_field", expr.value)
        args = [self.number(a) for a in expr.args]
        value = args[0]
        for b in args[1:]:
            value = self._folded(expr.op, value, b)
        return value if len(args) > 1 else self._folded(expr.op, value)

    def _folded(self, op: str, *args: int) -> int:
        values = [self._constant(a) for a in args]
        if None not in values:
            return self.put("constant", FOLD[op](*values))
        return self.put("number", NUMBER_STEPS[op], *args)

    def _constant(self, value: int) -> float | None:
        key = self.keys[value]
        return key[1] if key[0] == "constant" else None

    # Truths

    def asked(self, expr: Expr, true: bool) -> int:
        """The value that is 1 where `expr` is true (or where it is false)."""
        at = (id(expr), true)
        if at not in self._asked:
            self._asked[at] = self._ask(expr, true)
        return self._asked[at]

    def _ask(self, expr: Expr, true: bool) -> int:
        op, args = expr.op, expr.args
        if op == "not":
            return self.asked(args[0], not true)
        if op in ("and", "or"):
            return self.chain((op == "and") == true, [self.asked(a, true) for a in args])
        if op in ("less", "at_most", "equal"):
            return self._compared(op, self.number(args[0]), self.number(args[1]), true)
        if op in ("truth", "flag", "agree", "has"):
            return {"truth": self._truth, "flag": self._flag, "agree": self._agree, "has": self._has}[op](
                expr, true
            )
        return self._code_truth(expr, true)

    def _truth(self, expr: Expr, true: bool) -> int:
        return self._fill(expr.value == true)

    def _flag(self, expr: Expr, true: bool) -> int:
        field = self.put("number_field", expr.value)
        return self.put("truth", k.DIFFERENT_C if true else k.EQUAL_C, field, ("constant", 0.0))

    def _agree(self, expr: Expr, true: bool) -> int:
        """Two truths are equal: both true or both false."""
        (a, b), (c, d) = ((self.asked(x, True), self.asked(x, False)) for x in expr.args)
        c, d = (c, d) if true else (d, c)
        return self.chain(False, [self.chain(True, [a, c]), self.chain(True, [b, d])])

    def _fill(self, true: bool) -> int:
        return self.put("truth", k.FILL, int(true))

    def chain(self, both: bool, values: Sequence[int]) -> int:
        """All (or any) of the values, in their order, without repeats and constants."""
        neutral, decides = self._fill(both), self._fill(not both)
        kept = [v for v in dict.fromkeys(values) if v != neutral]
        if decides in kept:
            return decides
        if not kept:
            return neutral
        out = kept[0]
        for v in kept[1:]:
            out = self.put("truth", k.AND if both else k.OR, out, v)
        return out

    def _compared(self, op: str, a: int, b: int, true: bool) -> int:
        if not true and op != "equal":  # not a < b, both known: b <= a
            op, a, b = ("at_most" if op == "less" else "less"), b, a
        x, y = self._constant(a), self._constant(b)
        if any(c is not None and math.isnan(c) for c in (x, y)):
            return self._fill(False)
        if x is not None and y is not None:
            return self._fill({"less": x < y, "at_most": x <= y, "equal": (x == y) == true}[op])
        rows, right, left = COMPARE_STEPS[op if op != "equal" or true else "different"]
        if y is not None:
            return self.put("truth", right, a, ("constant", y))
        if x is not None:
            return self.put("truth", left, b, ("constant", x))
        return self.put("truth", rows, *(sorted((a, b)) if op == "equal" else (a, b)))

    # Codes

    def _code(self, field: Expr) -> int:
        raw = self.put("code_field", field.value)
        return raw if field.op == "code" else self.put("code", k.ORDERED, raw)

    def _has(self, expr: Expr, true: bool) -> int:
        field = expr.args[0]
        if field.op in ("field", "flag"):
            value = self.put("number_field", field.value)
            return self.put("truth", k.KNOWN if true else k.UNKNOWN, value)
        return self.put("truth", k.CODE_KNOWN if true else k.CODE_UNKNOWN, self._code(field))

    def _code_truth(self, expr: Expr, true: bool) -> int:
        """is, same, member, listed, exact, prefix. False = known and not true."""
        fields = [self._code(a) for a in expr.args]
        holds = self._code_holds(expr, fields)
        if true:
            return holds
        known = self.chain(True, [self.put("truth", k.CODE_KNOWN, f) for f in fields])
        return known if holds == self._fill(False) else self.put("truth", k.AND_NOT, known, holds)

    def _code_holds(self, expr: Expr, fields: list[int]) -> int:
        if expr.op == "same":
            return self.put("truth", k.SAME, *sorted(fields))
        if expr.op == "prefix":
            return self._prefix(fields[0], ranges_of(expr.value), _least_digits(expr.args[0]))
        if expr.op == "listed":
            return self._listed(expr.args[0], fields[0], expr.value)
        if expr.op == "member":
            return self._member(fields[0], expr.value)
        wanted = expr.value if expr.op == "is" else range_of(expr.value)[0]
        return self.put("truth", k.IS, fields[0], ("token", wanted))

    def _member(self, field: int, tokens: tuple[int, ...]) -> int:
        """One code, a few one by one, or more of them by hash."""
        if not tokens:
            return self._fill(False)
        if len(tokens) == 1:
            return self.put("truth", k.IS, field, ("token", tokens[0]))
        if len(tokens) <= FEW:
            return self.put("truth", k.ANY_OF, field, ("tokens", tokens))
        return self.put("truth", k.HASHED, field, ("tokens", hash_table(tokens)))

    def _listed(self, of: Expr, field: int, found: CodeList) -> int:
        """A list file: entries without bounds as members or prefixes, others at the time of registration."""
        now = self.put("number_field", "declaration.registered_at")
        if of.op == "hs":
            prefixes = [hs_text(code) for code in found.undated.tolist()]
            parts = [self._prefix(field, ranges_of(prefixes), _least_digits(of))]
            if found.dated:
                raw = self.put("code_field", of.value)
                parts.append(self.put("truth", k.DATED_PREFIX, raw, now, ("table", found.table)))
            return self.chain(False, parts)
        if found.dated:
            return self.put("truth", k.DATED, field, now, ("table", found.table))
        if len(found.undated) <= FEW:
            return self._member(field, tuple(found.undated.tolist()))
        return self.put("truth", k.HASHED, field, ("tokens", found.table))

    def _prefix(self, field: int, ranges: tuple[int, ...], digits: int) -> int:
        """A few ranges one by one; more of them by the heading, of which a code shows `digits` at least."""
        if not ranges:
            return self._fill(False)
        if len(ranges) <= 2 * FEW_RANGES:
            return self.put("truth", k.IN_RANGES, field, ("tokens", ranges))
        headings = self.put("code", k.HEADING, field, ("digits", digits))
        return self.put("truth", k.BY_HEADING, field, headings, ("table", heading_table(ranges)))


def _least_digits(field: Expr) -> int:
    """How many digits an HS field shows at least."""
    return 2 if field.value == "item.hs2" else 4


def compile_rules(conditions: Sequence[Expr]) -> Program:
    """The program whose row r of hits says where conditions[r] is true."""
    graph = _Graph()
    roots = [graph.asked(condition, True) for condition in conditions]
    return lay_out(graph.keys, roots)


def constant_truth(condition: Expr) -> bool | None:
    """True (False) if the condition always (never) hits, whatever the row; None if it depends."""
    graph = _Graph()
    key = graph.keys[graph.asked(condition, True)]
    return bool(key[2]) if key[:2] == ("truth", k.FILL) else None
