"""Typed expressions → the flat program of kernels/rules.py.

Each condition is asked "is it true?". Negation turns the question of its part into "is it false?", so
Kleene's three values become plain two-valued steps (an unknown part answers no to both).
Equal parts of all rules are computed once a block (value numbering over the whole rulebook), constants are folded, and registers
are handed on as soon as nobody reads them any more, so that a block's registers stay in the cache.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import rules as k
from corridor.messages.tokens import hs_token
from corridor.rulebook.semantics import Expr

FEW: Final = 8
"""Up to so many codes are compared one after another, more by hash."""
FEW_RANGES: Final = 3
"""Up to so many ranges of HS codes are compared one after another, more by table or search."""

Array = NDArray[Any]
Key = tuple[Any, ...]

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


def _minimum(a: float, b: float) -> float:
    return b if b < a or b != b else a


def _maximum(a: float, b: float) -> float:
    return b if b > a or b != b else a


def _remainder(a: float, b: float) -> float:
    return math.fmod(a, b) if math.isfinite(a) and b != 0.0 and b == b else math.nan


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


@dataclass(frozen=True, slots=True)
class Program:
    """The program for kernels/rules.run_rules and the fields that it reads, in order."""

    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    table: k.Table

    def run(
        self, numbers: Array, codes: Array, block: int = k.BLOCK, out: Array | None = None
    ) -> NDArray[np.uint8]:
        """Run on float64[F, m] numbers and int64[C, m] codes: uint8[R, m], which rule hits which row."""
        return k.run_rules(numbers, codes, self.table, block, out)


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
        if op == "truth":
            return self._fill(expr.value == true)
        if op == "not":
            return self.asked(args[0], not true)
        if op in ("and", "or"):
            return self.chain((op == "and") == true, [self.asked(a, true) for a in args])
        if op == "agree":
            (a, b), (c, d) = ((self.asked(x, True), self.asked(x, False)) for x in args)
            c, d = (c, d) if true else (d, c)
            return self.chain(False, [self.chain(True, [a, c]), self.chain(True, [b, d])])
        if op == "flag":
            field = self.put("number_field", expr.value)
            return self.put("truth", k.DIFFERENT_C if true else k.EQUAL_C, field, ("constant", 0.0))
        if op in ("less", "at_most", "equal"):
            return self._compared(op, self.number(args[0]), self.number(args[1]), true)
        if op == "has":
            return self._has(args[0], true)
        return self._code_truth(expr, true)

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
        if x is not None and y is not None:
            if x != x or y != y:
                return self._fill(False)
            holds = x < y if op == "less" else x <= y if op == "at_most" else (x == y) == true
            return self._fill(holds)
        if (x is not None and x != x) or (y is not None and y != y):
            return self._fill(False)
        if y is not None:
            steps = {"less": k.LESS_C, "at_most": k.AT_MOST_C, "equal": k.EQUAL_C if true else k.DIFFERENT_C}
            return self.put("truth", steps[op], a, ("constant", y))
        if x is not None:
            steps = {"less": k.MORE_C, "at_most": k.AT_LEAST_C, "equal": k.EQUAL_C if true else k.DIFFERENT_C}
            return self.put("truth", steps[op], b, ("constant", x))
        steps = {"less": k.LESS, "at_most": k.AT_MOST, "equal": k.EQUAL if true else k.DIFFERENT}
        return self.put("truth", steps[op], *(sorted((a, b)) if op == "equal" else (a, b)))

    # Codes

    def _code(self, field: Expr) -> int:
        raw = self.put("code_field", field.value)
        return raw if field.op == "code" else self.put("code", k.ORDERED, raw)

    def _has(self, field: Expr, true: bool) -> int:
        if field.op in ("field", "flag"):
            value = self.put("number_field", field.value)
            return self.put("truth", k.KNOWN if true else k.UNKNOWN, value)
        return self.put("truth", k.CODE_KNOWN if true else k.CODE_UNKNOWN, self._code(field))

    def _code_truth(self, expr: Expr, true: bool) -> int:
        """is, same, member, exact, prefix. False = known and not true."""
        fields = [self._code(a) for a in expr.args]
        holds = self._code_holds(expr, fields)
        if true:
            return holds
        known = self.chain(True, [self.put("truth", k.CODE_KNOWN, f) for f in fields])
        return known if holds == self._fill(False) else self.put("truth", k.AND_NOT, known, holds)

    def _code_holds(self, expr: Expr, fields: list[int]) -> int:
        if expr.op == "same":
            return self.put("truth", k.SAME, *sorted(fields))
        if expr.op == "is":
            return self.put("truth", k.IS, fields[0], ("token", expr.value))
        if expr.op == "exact":
            return self.put("truth", k.IS, fields[0], ("token", _range(expr.value)[0]))
        if expr.op == "prefix":
            return self._prefix(fields[0], _ranges(expr.value), 2 if expr.args[0].value == "item.hs2" else 4)
        tokens = expr.value
        if len(tokens) == 1:
            return self.put("truth", k.IS, fields[0], ("token", tokens[0]))
        step = k.ANY_OF if len(tokens) <= FEW else k.HASHED
        table = tokens if step == k.ANY_OF else _hash_table(tokens)
        return self.put("truth", step, fields[0], ("tokens", table)) if tokens else self._fill(False)


    def _prefix(self, field: int, ranges: tuple[int, ...], digits: int) -> int:
        """A few ranges one by one; more of them by the heading, of which a code shows `digits` at least."""
        if not ranges:
            return self._fill(False)
        if len(ranges) <= 2 * FEW_RANGES:
            return self.put("truth", k.IN_RANGES, field, ("tokens", ranges))
        headings = self.put("code", k.HEADING, field, ("digits", digits))
        return self.put("truth", k.BY_HEADING, field, headings, ("table", _by_heading(ranges)))


def _range(prefix: str) -> tuple[int, int]:
    """[first, end) of the ordered HS codes (kernels/rules.ORDERED) that begin with `prefix`."""
    unit = 10 ** (k.DIGITS - len(prefix))
    value = hs_token(prefix) >> 4
    return value * unit * 16 + len(prefix), (value + 1) * unit * 16


def _ranges(prefixes: Sequence[str]) -> tuple[int, ...]:
    """Sorted disjoint ranges as one flat tuple; what a shorter prefix covers is left out."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not (kept and prefix.startswith(kept[-1])):
            kept.append(prefix)
    bounds: list[int] = []
    for prefix in kept:
        first, end = _range(prefix)
        if bounds and prefix[-1] != "0" and first - len(prefix) == bounds[-1]:
            bounds[-1] = end  # 84 and 85 touch; 89 and 90 do not: a lone 9 lies between them
        else:
            bounds += [first, end]
    return tuple(bounds)


def _by_heading(ranges: tuple[int, ...]) -> tuple[int, ...]:
    """The table of kernels/rules.BY_HEADING."""
    unit = 16 * 10 ** (k.DIGITS - 4)
    words = [0] * k.HEADING_WORDS
    for heading in range(k.HEADINGS - 1):
        first, last = heading * unit + 4, (heading + 1) * unit - 1  # no code with digits lies in first's gap
        before, after = bisect_right(ranges, first), bisect_right(ranges, last)
        kind = before & 1 if before == after else 2
        words[heading >> 5] |= (2 if heading == k.HEADINGS - 2 else kind) << (heading & 31) * 2
    return (len(ranges), *(w - (1 << 64) if w >> 63 else w for w in words), *ranges)


def _hash_table(tokens: Sequence[int]) -> tuple[int, ...]:
    """An open-addressed table at most a quarter full, as kernels/rules.HASHED reads it."""
    size = 1 << (4 * len(tokens) - 1).bit_length()
    table = [0] * size
    for token in tokens:
        product = (token * k.HASH) & ((1 << 64) - 1)
        signed = product - (1 << 64) if product >> 63 else product
        place = (signed >> 32) & (size - 1)
        while table[place]:
            place = (place + 1) & (size - 1)
        table[place] = token
    return tuple(table)


def compile_rules(conditions: Sequence[Expr]) -> Program:
    """The program whose row r of hits says where conditions[r] is true."""
    from corridor.rulebook.registers import lay_out

    graph = _Graph()
    roots = [graph.asked(condition, True) for condition in conditions]
    return lay_out(graph.keys, roots)


def constant_truth(condition: Expr) -> bool | None:
    """True (False) if the condition always (never) hits, whatever the row; None if it depends."""
    graph = _Graph()
    key = graph.keys[graph.asked(condition, True)]
    return bool(key[2]) if key[:2] == ("truth", k.FILL) else None
