"""What a condition means: names resolved, types checked, sugar taken off.

Syntax tree (`language.Node`) → typed expression (`Expr`) over the fields of `fields.FIELDS`.

Unknown values: a missing number (NaN) or code (token 0) and an HS code with other signs than digits
are unknown. Logic is Kleene's with three values: a comparison with an unknown side is unknown;
`false and unknown` is false, `true or unknown` is true; a rule hits on true alone. Division by zero,
the remainder by zero or of an infinity and the logarithm of what is not positive are unknown.
`in` on an HS field tests prefixes: `item.hs_code in ["8517", "9503"]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from corridor.messages.skeleton import skeleton
from corridor.messages.tokens import hs_text, token
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.hints import (
    HS_DIGITS,
    check_text,
    equality_hint,
    no_field,
    number_hint,
    quoted,
    shown,
)
from corridor.rulebook.language import Node
from corridor.rulebook.lists import CodeList

CALLS: Final = {"abs": 1, "log": 1, "min": None, "max": None, "between": 3, "has": 1}
"""Functions and how many arguments they take; None: two or more."""
_ARITHMETIC: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}


@dataclass(frozen=True, slots=True)
class Expr:
    """A typed expression.

    numbers: number (value), field (value: name), add, subtract, multiply, divide, remainder, negative, abs,
    log, min, max. codes: code, hs (value: field name). truths: truth (value), flag (value: name), less,
    at_most, equal (two numbers), is (code field, value: token), same (two code or two HS fields), member (code
    field, value: tokens), listed (code or HS field, value: CodeList), exact (HS field, value: digits), prefix (HS
    field, value: digits of each prefix), has (a field), not, and, or, agree (two truths).
    """

    op: str
    args: "tuple[Expr, ...]" = ()
    value: Any = None


Typed = tuple[str, Expr]
"""A type (number, truth, code, hs, text) and the expression."""


class Checker:
    """Checks conditions against the fields and the rulebook's lists."""

    def __init__(self, lists: Mapping[str, CodeList]) -> None:
        self._lists = lists

    def condition(self, node: Node) -> Expr:
        """The typed expression of a whole condition. Raises ExpressionError with place and hint."""
        return self._truth(node, "a condition")

    def _typed(self, node: Node) -> Typed:
        return getattr(self, f"_{node.kind}_type")(node)  # type: ignore[no-any-return]

    def _number(self, node: Node, where: str) -> Expr:
        kind, expr = self._typed(node)
        if kind != "number":
            raise node.fail(f"{where} needs a number, not {shown(node, kind)}{number_hint(kind)}")
        return expr

    def _truth(self, node: Node, where: str) -> Expr:
        kind, expr = self._typed(node)
        if kind != "truth":
            raise node.fail(
                f"{where} needs true or false, not {shown(node, kind)}; compare it with something"
            )
        return expr

    # Leaves

    def _number_type(self, node: Node) -> Typed:
        return "number", Expr("number", value=node.value)

    def _text_type(self, node: Node) -> Typed:
        return "text", Expr("text", value=node.value)

    def _truth_type(self, node: Node) -> Typed:
        return "truth", Expr("truth", value=node.value)

    def _field_type(self, node: Node) -> Typed:
        field = FIELDS.get(node.value)
        if field is None:
            raise node.fail(no_field(node.value, self._lists))
        if field.kind == "flag":
            return "truth", Expr("flag", value=field.name)
        if field.kind == "number":
            return "number", Expr("field", value=field.name)
        return field.kind, Expr(field.kind, value=field.name)

    def _bare_type(self, node: Node) -> Typed:
        ends = [name for name in FIELDS if name.split(".")[1] == node.value]
        near = ends or [n for n in FIELDS if get_close_matches(node.value, [n.split(".")[1]], cutoff=0.8)]
        hint = f"did you mean {near[0]}?" if near else "fields are written item.net_mass_kg, texts in quotes"
        raise node.fail(f"{node.value!r} is not known; {hint}")

    def _list_type(self, node: Node) -> Typed:
        raise node.fail('a list stands only behind "in"')

    # Numbers

    def _arithmetic_type(self, node: Node) -> Typed:
        args = tuple(self._number(a, f'"{node.value}"') for a in node.args)
        return "number", Expr(_ARITHMETIC[node.value], args)

    def _negative_type(self, node: Node) -> Typed:
        return "number", Expr("negative", (self._number(node.args[0], '"-"'),))

    # Truths

    def _and_type(self, node: Node) -> Typed:
        return "truth", Expr("and", tuple(self._truth(a, '"and"') for a in node.args))

    def _or_type(self, node: Node) -> Typed:
        return "truth", Expr("or", tuple(self._truth(a, '"or"') for a in node.args))

    def _not_type(self, node: Node) -> Typed:
        return "truth", Expr("not", (self._truth(node.args[0], '"not"'),))

    def _compare_type(self, node: Node) -> Typed:
        left, right = node.args
        (a, x), (b, y) = self._typed(left), self._typed(right)
        if node.value in ("==", "!="):
            equal = self._equality(node, (a, x), (b, y))
            return "truth", equal if node.value == "==" else Expr("not", (equal,))
        if left.kind == "compare":
            raise left.fail("comparisons do not chain; write between(x, low, high)")
        x, y = self._number(left, f'"{node.value}"'), self._number(right, f'"{node.value}"')
        if node.value in (">", ">="):
            x, y = y, x
        return "truth", Expr("less" if node.value in ("<", ">") else "at_most", (x, y))

    def _equality(self, node: Node, left: Typed, right: Typed) -> Expr:
        (a, x), (b, y) = left, right
        if a == b == "number":
            return Expr("equal", (x, y))
        if a == b == "truth":
            return Expr("agree", (x, y))
        if a == b and a in ("code", "hs"):
            return Expr("same", (x, y))
        if a == "text" and b in ("code", "hs"):
            return self._literal(y, node.args[0], b, prefix=False)
        if b == "text" and a in ("code", "hs"):
            return self._literal(x, node.args[1], a, prefix=False)
        wrong = node.args[1]
        hint = equality_hint(node, a, b)
        raise wrong.fail(f"{shown(node.args[0], a)} cannot equal {shown(wrong, b)}{hint}")

    def _literal(self, field: Expr, text: Node, kind: str, *, prefix: bool) -> Expr:
        """A code or HS field equal to (or beginning with) one text."""
        check_text(field.value, text, kind, prefix=prefix)
        if kind == "hs":
            return Expr("prefix", (field,), (text.value,)) if prefix else Expr("exact", (field,), text.value)
        return Expr("is", (field,), token(skeleton(text.value)))

    def _in_type(self, node: Node) -> Typed:
        element, members = node.args
        kind, expr = self._typed(element)
        if members.kind == "field" and members.value.startswith("lists."):
            return "truth", self._in_list(element, kind, expr, members)
        if members.kind != "list":
            raise members.fail('"in" needs a list in brackets, ["CN", "HK"], or lists.name')
        if not members.args:
            raise members.fail("the list is empty, so this is never true")
        if kind == "number":
            numbers = [self._number(m, "a list of numbers") for m in members.args]
            return "truth", Expr("or", tuple(Expr("equal", (expr, n)) for n in numbers))
        if kind not in ("code", "hs"):
            raise element.fail(
                f'"in" needs a number, a code or an HS code before it, not {shown(element, kind)}'
            )
        for member in members.args:
            if member.kind != "text":
                raise member.fail(f"a list of codes holds texts{quoted(member)}")
            check_text(expr.value, member, kind, prefix=True)
        values = sorted({m.value for m in members.args})
        if kind == "hs":
            return "truth", Expr("prefix", (expr,), tuple(values))
        return "truth", Expr("member", (expr,), tuple(sorted({token(skeleton(v)) for v in values})))

    def _in_list(self, element: Node, kind: str, expr: Expr, members: Node) -> Expr:
        """Membership in a list file; an entry counts from its first day to its last."""
        name = members.value.removeprefix("lists.")
        found = self._lists.get(name)
        if found is None:
            near = get_close_matches(name, self._lists, 1)
            hint = f"did you mean lists.{near[0]}?" if near else f"add lists/{name}.csv with a column code"
            raise members.fail(f"there is no list {name!r}; {hint}")
        if kind not in ("code", "hs"):
            raise element.fail(
                f"a list file needs a code or an HS code before it, not {shown(element, kind)}"
            )
        if found.is_hs != (kind == "hs"):
            wanted = "HS codes (its name begins with hs_)" if found.is_hs else "codes, not HS codes"
            raise members.fail(f"lists.{name} holds {wanted}, but {shown(element, kind)} stands before it")
        digits = HS_DIGITS.get(expr.value, 10)
        longer = found.tokens[found.tokens & 15 > digits]
        if kind == "hs" and len(longer):
            raise members.fail(
                f"lists.{name} holds {hs_text(int(longer[0]))!r}, longer than {expr.value}; use item.hs_code"
            )
        return Expr("listed", (expr,), found)

    # Calls

    def _method_type(self, node: Node) -> Typed:
        if node.value != "startsWith":
            raise node.fail(
                f".{node.value} is not known; texts have .startsWith only{_no_patterns(node.value)}"
            )
        kind, expr = self._typed(node.args[0])
        if kind != "hs":
            raise node.fail(
                f'{shown(node.args[0], kind)} has no .startsWith, only HS codes; use in ["...", "..."]'
            )
        if len(node.args) != 2 or node.args[1].kind != "text":
            raise node.fail('.startsWith takes one text: item.hs_code.startsWith("8517")')
        return "truth", self._literal(expr, node.args[1], "hs", prefix=True)

    def _call_type(self, node: Node) -> Typed:
        if node.value not in CALLS:
            near = get_close_matches(node.value, CALLS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CALLS)}"
            raise node.fail(f"the function {node.value!r} is not known; {hint}{_no_patterns(node.value)}")
        wanted = CALLS[node.value]
        if len(node.args) != wanted and (wanted or len(node.args) < 2):
            raise node.fail(f"{node.value} takes {wanted or 'two or more'} arguments, not {len(node.args)}")
        if node.value == "has":
            return self._has(node.args[0])
        args = tuple(self._number(a, node.value) for a in node.args)
        if node.value == "between":
            x, low, high = args
            return "truth", Expr("and", (Expr("at_most", (low, x)), Expr("at_most", (x, high))))
        return "number", Expr(node.value, args)

    def _has(self, node: Node) -> Typed:
        if node.kind != "field":
            raise node.fail("has takes a field: has(item.quantity)")
        return "truth", Expr("has", (self._typed(node)[1],))


def _no_patterns(name: str) -> str:
    """Regular expressions are left out on purpose: what one costs cannot be known from its size."""
    wanted = ("match", "regex", "like", "search", "contains")
    return (
        "; there are no regular expressions: write codes in lists"
        if any(w in name.lower() for w in wanted)
        else ""
    )
