"""Rules the slow way: walk the syntax tree for one row, with Kleene's three values.

A row is a dict of field → float (NaN unknown) or text ("" unknown). A truth is True, False or None.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from corridor.rulebook.fields import FIELDS
from corridor.rulebook.language import Node

Truth = bool | None
Lists = Mapping[str, list[tuple[str, str, str]]]  # name → (code, first day or "", last day or "")


def hits(node: Node, row: Mapping[str, Any], lists: Lists) -> bool:
    return truth(node, row, lists) is True


def number(node: Node, row: Mapping[str, Any], lists: Lists) -> float:  # noqa: C901, PLR0911  # by kind
    if node.kind == "number":
        return float(node.value)
    if node.kind == "field":
        return float(row[node.value])
    values = [number(a, row, lists) for a in node.args]
    if any(math.isnan(v) for v in values):
        return math.nan
    if node.kind == "negative":
        return -values[0]
    if node.kind == "call":
        return _call(node.value, values)
    a, b = values
    if node.value == "+":
        return a + b
    if node.value == "-":
        return a - b
    if node.value == "*":
        return a * b
    if b == 0:
        return math.nan
    if node.value == "/":
        return a / b
    return math.nan if math.isinf(a) else math.fmod(a, b)


def _call(name: str, values: list[float]) -> float:
    if name == "log":
        return math.log(values[0]) if values[0] > 0 else math.nan
    return {"abs": lambda: abs(values[0]), "min": lambda: min(values), "max": lambda: max(values)}[name]()


def truth(node: Node, row: Mapping[str, Any], lists: Lists) -> Truth:  # noqa: PLR0911  # by kind
    if node.kind == "truth":
        return bool(node.value)
    if node.kind == "field":
        return None if math.isnan(row[node.value]) else row[node.value] != 0
    if node.kind == "not":
        value = truth(node.args[0], row, lists)
        return None if value is None else not value
    if node.kind in ("and", "or"):
        values = [truth(a, row, lists) for a in node.args]
        decides = node.kind == "or"
        return decides if decides in values else None if None in values else not decides
    if node.kind == "in":
        return _inside(node, row, lists)
    if node.kind == "method":
        return _begins(row[node.args[0].value], [node.args[1].value])
    if node.kind == "call":
        return _called(node, row, lists)
    return _compared(node, row, lists)


def _called(node: Node, row: Mapping[str, Any], lists: Lists) -> Truth:
    if node.value == "has":
        name = node.args[0].value
        kind, value = FIELDS[name].kind, row[name]
        if kind in ("number", "flag"):
            return not math.isnan(value)
        return value.isdigit() if kind == "hs" else value != ""
    x, low, high = (number(a, row, lists) for a in node.args)
    sides = [_at_most(low, x), _at_most(x, high)]
    return False if False in sides else None if None in sides else True


def _at_most(a: float, b: float) -> Truth:
    return None if math.isnan(a) or math.isnan(b) else a <= b


NUMBERS = ("number", "arithmetic", "negative")


def _is_number(node: Node) -> bool:
    if node.kind == "field":
        return FIELDS[node.value].kind == "number"
    return node.kind in NUMBERS or (node.kind == "call" and node.value in ("abs", "min", "max", "log"))


def _compared(node: Node, row: Mapping[str, Any], lists: Lists) -> Truth:
    left, right = node.args
    if _is_number(left):
        a, b = number(left, row, lists), number(right, row, lists)
        if math.isnan(a) or math.isnan(b):
            return None
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[node.value]
    if "text" in (left.kind, right.kind) or (left.kind == "field" and FIELDS[left.value].kind != "flag"):
        x, y = (n.value if n.kind == "text" else row[n.value] for n in node.args)
        fields = [n for n in node.args if n.kind == "field"]
        if not all(_known(row[f.value], FIELDS[f.value].kind) for f in fields):
            return None
        return (x == y) == (node.value == "==")
    p, q = truth(left, row, lists), truth(right, row, lists)
    return None if p is None or q is None else (p == q) == (node.value == "==")


def _known(text: str, kind: str) -> bool:
    return text.isdigit() if kind == "hs" else text != ""


def _begins(text: str, prefixes: list[str]) -> Truth:
    return any(text.startswith(p) for p in prefixes) if text.isdigit() else None


def _inside(node: Node, row: Mapping[str, Any], lists: Lists) -> Truth:
    element, members = node.args
    if _is_number(element):
        a = number(element, row, lists)
        values = [number(m, row, lists) for m in members.args]
        same = [None if math.isnan(a) or math.isnan(b) else a == b for b in values]
        return True if True in same else None if None in same else False
    text, kind = row[element.value], FIELDS[element.value].kind
    if members.kind == "list":
        codes = [m.value for m in members.args]
    else:
        day = datetime.fromtimestamp(row["declaration.registered_at"], UTC).date()
        codes = [c for c, first, last in lists[members.value[6:]] if _counts(day, first, last)]
    if not _known(text, kind):
        return None
    return _begins(text, codes) if kind == "hs" else text in codes


def _counts(day: date, first: str, last: str) -> bool:
    begun = not first or date.fromisoformat(first) <= day
    return begun and (not last or day <= date.fromisoformat(last))
