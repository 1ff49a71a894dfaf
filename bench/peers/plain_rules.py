"""The rulebook's conditions as plain Python: one lambda a rule, over a dictionary of one item's fields.

What somebody would write who has no compiler of rules: comparisons of floats and strings. An unknown number is
NaN and an unknown text is "". Logic is Kleene's with three values (see `corridor.rulebook.semantics`), so each part is
written twice: what is true where it holds, and what is true where it surely does not.
"""

import csv
import math
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from corridor.messages.columns import CORRIDORS
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.groups import GROUPS, RESPONSES
from corridor.rulebook.language import Node, parse
from corridor.rulebook.lists import end_of_day

Row = Mapping[str, Any]
Lists = Mapping[str, Mapping[float, frozenset[str]]]
"""Name → the moment (seconds since 1970) at which codes end → these codes."""
NAN = math.nan


class Rule(NamedTuple):
    """When it hits, and what it does then: weight, response, corridor and group as `naive.integrate` takes them."""

    hits: Callable[[Row], bool]
    effect: tuple[float, int, int, int]


def read_lists(folder: Path) -> Lists:
    """The lists of a rulebook."""
    found: dict[str, dict[float, frozenset[str]]] = {}
    for path in folder.glob("*.csv"):
        groups: dict[float, frozenset[str]] = {}
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line in csv.DictReader(file):
                until = line.get("valid_until")
                end = end_of_day(date.fromisoformat(until)) / 1e6 if until else math.inf
                groups[end] = groups.get(end, frozenset()) | {line["code"].strip()}
        found[path.stem] = groups
    return found


def rule(entry: Mapping[str, Any], lists: Lists) -> Rule:
    """One entry of rules.yaml."""
    parts = [f"({Writer(lists).true(parse(str(entry['when'])))})"]
    for key, name in (("directions", "direction"), ("offices", "office"), ("procedures", "procedure")):
        wanted = entry.get("scope", {}).get(key)
        parts += [f"r['declaration.{name}'] in {set(map(str, wanted))}"] if wanted else []
    since, until = entry["valid_from"], entry.get("valid_until")
    now = "r['declaration.registered_at']"
    parts.append(f"{now} >= {end_of_day(since) / 1e6 - 86_400}")
    parts += [f"{now} < {end_of_day(until) / 1e6}"] if until else []
    corridor = "yellow" if entry["response"] == "document" else entry.get("corridor")
    effect = (
        float(entry.get("weight", 0.0)),
        RESPONSES.index(entry["response"]),
        CORRIDORS.index(corridor) if corridor else -1,
        GROUPS.index(entry["group"]),
    )
    known = {"divide": divide, "remainder": remainder, "log": logarithm, "least": least, "most": most}
    return Rule(eval(f"lambda r: {' and '.join(parts)}", known), effect)


def divide(a: float, b: float) -> float:
    """A / b, unknown for b = 0."""
    return a / b if b != 0 else NAN


def remainder(a: float, b: float) -> float:
    """The remainder with the sign of a, unknown for b = 0 and infinite a."""
    return math.fmod(a, b) if b != 0 and math.isfinite(a) else NAN


def logarithm(a: float) -> float:
    """The natural logarithm, unknown for what is not positive."""
    return math.log(a) if a > 0 else NAN


def least(*values: float) -> float:
    """The smallest, unknown if one is."""
    return NAN if any(map(math.isnan, values)) else min(values)


def most(*values: float) -> float:
    """The largest, unknown if one is."""
    return NAN if any(map(math.isnan, values)) else max(values)


_CALLS = {"abs": "abs", "log": "log", "min": "least", "max": "most"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Writer:
    """From a syntax tree to the text of a Python expression."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def true(self, node: Node) -> str:
        """An expression that is true where the node is true."""
        return str(getattr(self, f"_{node.kind}")(node, True))

    def false(self, node: Node) -> str:
        """An expression that is true where the node is known and false."""
        return str(getattr(self, f"_{node.kind}")(node, False))

    def number(self, node: Node) -> str:
        """A number; NaN where it is unknown."""
        if node.kind == "number":
            return repr(float(node.value))
        if node.kind == "field":
            return f"r[{node.value!r}]"
        args = [self.number(arg) for arg in node.args]
        if node.kind == "negative":
            return f"(-{args[0]})"
        if node.kind == "call":
            return f"{_CALLS[node.value]}({', '.join(args)})"
        if node.value in "/%":
            return f"{'divide' if node.value == '/' else 'remainder'}({', '.join(args)})"
        return f"({args[0]} {node.value} {args[1]})"

    def _asked(self, node: Node, true: bool) -> str:
        return self.true(node) if true else self.false(node)

    def _truth(self, node: Node, true: bool) -> str:
        return str(bool(node.value) == true)

    def _field(self, node: Node, true: bool) -> str:
        return f"r[{node.value!r}] == {1.0 if true else 0.0}"

    def _not(self, node: Node, true: bool) -> str:
        return self._asked(node.args[0], not true)

    def _and(self, node: Node, true: bool) -> str:
        word = " and " if true else " or "
        return f"({word.join(self._asked(arg, true) for arg in node.args)})"

    def _or(self, node: Node, true: bool) -> str:
        word = " or " if true else " and "
        return f"({word.join(self._asked(arg, true) for arg in node.args)})"

    def _compare(self, node: Node, true: bool) -> str:
        left, right = node.args
        if node.value not in ("==", "!="):
            sign = node.value if true else _OPPOSITE[node.value]
            return f"{self.number(left)} {sign} {self.number(right)}"
        same = (node.value == "==") == true
        if "text" in (left.kind, right.kind) or _is_text(left):
            return _texts(left, right, same)
        if _is_truth(left):
            pairs = [(True, True), (False, False)] if same else [(True, False), (False, True)]
            return f"({' or '.join(f'{self._asked(left, a)} and {self._asked(right, b)}' for a, b in pairs)})"
        a, b = self.number(left), self.number(right)
        return f"{a} == {b}" if same else f"({a} < {b} or {a} > {b})"

    def _in(self, node: Node, true: bool) -> str:
        element, members = node.args
        if not _is_text(element):
            signs = ("==", " or ") if true else ("!=", " and ")
            a = self.number(element)
            tests = [f"{a} {signs[0]} {self.number(member)}" for member in members.args]
            return f"({a} == {a} and ({signs[1].join(tests)}))"
        if members.kind == "list":
            return _member(element, frozenset(member.value for member in members.args), true)
        groups = self._lists[members.value.removeprefix("lists.")]
        tests = []
        for end, codes in groups.items():
            inside, sign = _member(element, codes, true), "<" if true else ">="
            ended = f"r['declaration.registered_at'] {sign} {end!r}"
            bounded = f"({inside} {'and' if true else 'or'} {ended})"
            tests.append(inside if end == math.inf else bounded)
        return f"({(' or ' if true else ' and ').join(tests)})"

    def _method(self, node: Node, true: bool) -> str:
        return _member(node.args[0], frozenset([node.args[1].value]), true)

    def _call(self, node: Node, true: bool) -> str:
        if node.value == "has":
            name = node.args[0].value
            unknown = "''" if _is_text(node.args[0]) else f"r[{name!r}]"
            known = (unknown == "''") != true
            return f"r[{name!r}] {'==' if known else '!='} {unknown}"
        x, low, high = (self.number(arg) for arg in node.args)
        return f"{low} <= {x} <= {high}" if true else f"({x} < {low} or {x} > {high})"


def _is_text(node: Node) -> bool:
    return node.kind == "field" and FIELDS[node.value].kind in ("code", "hs")


def _is_truth(node: Node) -> bool:
    if node.kind == "field":
        return FIELDS[node.value].kind == "flag"
    return node.kind in ("truth", "and", "or", "not", "compare", "in", "method")


def _texts(left: Node, right: Node, same: bool) -> str:
    a, b = (repr(node.value) if node.kind == "text" else f"r[{node.value!r}]" for node in (left, right))
    return f"'' != {a} {'==' if same else '!='} {b} != ''"


def _member(element: Node, codes: frozenset[str], true: bool) -> str:
    """Whether a text is one of the codes, or begins with one of them if it is an HS code."""
    text = f"r[{element.value!r}]"
    if FIELDS[element.value].kind == "hs":
        inside = f"{text}.startswith({tuple(sorted(codes))})"
    else:
        inside = f"{text} in {set(codes) or '()'}"
    return inside if true else f"({text} != '' and not {inside})"
