"""The text of a rule's condition → a syntax tree with positions (grammar: expression.lark).

The language is a subset of CEL (Common Expression Language): it has no loops, no assignments and
no calls but a closed list, so a condition always ends and its cost is known from its size. What
the names mean is for `semantics.py`; here is only the form. Text, nesting and size are
capped, since a rulebook comes from elsewhere.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

from corridor.errors import ExpressionError
from corridor.messages.skeleton import odd_letter

MAX_CHARACTERS: Final = 4_000
MAX_NODES: Final = 1_000
MAX_DEPTH: Final = 40

_WORDS: Final = {
    "OR": "or",
    "AND": "and",
    "NOT": "not",
    "BANG": "!",
    "IN": "in",
    "TRUE": "true",
    "FALSE": "false",
    "LEFT": "[",
    "RSQB": "]",
    "COMPARE": "a comparison (== != < <= > >=)",
    "SIGN": "+ or -",
    "SCALE": "* / or %",
    "NUMBER": "a number",
    "STRING": 'a text in quotes ("CN")',
    "FIELD": "a field (item.net_mass_kg)",
    "METHOD": ".startsWith",
    "NAME": "a function",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "$END": "the end",
    "value": "a value",
    "operator": "an operator (and or in == < + ...)",
}
_VALUES: Final = {"NUMBER", "STRING", "FIELD", "NAME", "TRUE", "FALSE", "LPAR", "SIGN", "NOT", "BANG"}
_OPERATORS: Final = {"COMPARE", "SIGN", "SCALE", "IN", "NOT", "AND", "OR", "METHOD"}
_CHARACTER_HINTS: Final = {
    "=": 'write "==" to compare',
    "&": 'write "&&" or the word "and"',
    "|": 'write "||" or the word "or"',
    '"': "the closing quote is missing",
    "'": "the closing quote is missing",
    "“": 'write straight quotes: "',
    "”": 'write straight quotes: "',
    "«": 'write straight quotes: "',
    "»": 'write straight quotes: "',
    "^": "there is no power; multiply instead",
    "?": "there is no choice operator; write two rules, or use and/or",
    "~": "there are no regular expressions; write startsWith, in [...] or a list",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the syntax tree; line and column (from 1) are where its text begins.

    kinds: number, text, truth, field, bare (value in `value`); list, and, or, not; compare,
    arithmetic (operator in `value`); negative; in (element, list or lists.name); call, method
    (name in `value`; a method's first argument is its field).
    """

    kind: str
    line: int
    column: int
    value: Any = None
    args: "tuple[Node, ...]" = ()
    depth: int = 1
    size: int = 1

    def fail(self, problem: str) -> ExpressionError:
        """An error that points at this node."""
        return ExpressionError(problem, self.line, self.column)


def _node(kind: str, at: Token | Node, value: Any = None, args: tuple[Node, ...] = ()) -> Node:
    depth = 1 + max((a.depth for a in args), default=0)
    size = 1 + sum(a.size for a in args)
    line, column = int(at.line or 1), int(at.column or 1)
    if depth > MAX_DEPTH:
        raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels; split the rule", line, column)
    if size > MAX_NODES:
        raise ExpressionError(f"more than {MAX_NODES} parts; use a list file or split the rule", line, column)
    return Node(kind, line, column, value, args, depth, size)


def _joined(kind: str, left: Node, right: Node) -> Node:
    """`a and b and c` as one node with three arguments: long chains are flat, not deep."""
    args = (*left.args, right) if left.kind == kind else (left, right)
    return _node(kind, left, None, args)


def _unquoted(raw: str) -> str:
    return raw[1:-1].replace("\\" + raw[0], raw[0]).replace("\\\\", "\\")


@v_args(inline=True)
class _Builder(Transformer):  # type: ignore[type-arg]  # lark's generic has no useful arguments here
    """Callbacks of the grammar's rules."""

    def start(self, node: Node) -> Node:
        return node

    def either(self, left: Node, _: Token, right: Node) -> Node:
        return _joined("or", left, right)

    def both(self, left: Node, _: Token, right: Node) -> Node:
        return _joined("and", left, right)

    def negate(self, sign: Token, of: Node) -> Node:
        return _node("not", sign, None, (of,))

    def compare(self, left: Node, operator: Token, right: Node) -> Node:
        return _node("compare", left, str(operator), (left, right))

    def inside(self, element: Node, _: Token, members: Node) -> Node:
        return _node("in", element, None, (element, members))

    def outside(self, element: Node, word: Token, _: Token, members: Node) -> Node:
        return _node("not", word, None, (_node("in", element, None, (element, members)),))

    def sequence(self, left: Token, *parts: Node | None) -> Node:
        return _node("list", left, None, tuple(p for p in parts if p is not None))

    def arithmetic(self, left: Node, operator: Token, right: Node) -> Node:
        return _node("arithmetic", left, str(operator), (left, right))

    def signed(self, sign: Token, of: Node) -> Node:
        return _node("negative", sign, None, (of,)) if sign == "-" else of

    def number(self, token: Token) -> Node:
        if len(token) > 1 and token[0] == "0" and token[1].isdigit():
            raise _node("text", token).fail(
                f'a number does not begin with 0; codes are text: write "{token}"'
            )
        if float(token) == float("inf"):
            raise _node("text", token).fail(f"{token[:20]} is too large for a number")
        return _node("number", token, float(token))

    def text(self, token: Token) -> Node:
        return _node("text", token, _unquoted(str(token)))

    def truth(self, token: Token) -> Node:
        return _node("truth", token, token == "true")

    def field(self, token: Token) -> Node:
        return _node("field", token, str(token))

    def bare(self, token: Token) -> Node:
        return _node("bare", token, str(token))

    def call(self, name: Token, *args: Node | None) -> Node:
        return _node("call", name, str(name), tuple(a for a in args if a is not None))

    def method(self, field: Token, name: Token, *args: Node | None) -> Node:
        given = tuple(a for a in args if a is not None)
        return _node("method", field, str(name)[1:], (self.field(field), *given))


_PARSER: Final = Lark(
    files("corridor.rulebook").joinpath("expression.lark").read_text(encoding="utf-8"),
    parser="lalr",
    transformer=_Builder(),
    maybe_placeholders=False,
)


def parse(text: str) -> Node:
    """The syntax tree of a condition.

    Raises ExpressionError with line, column, what was expected and a hint.
    """
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(
            f"{len(text)} characters; at most {MAX_CHARACTERS}: split the rule or use a list file"
        )
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None
    assert isinstance(tree, Node)
    return tree


def _syntax_error(error: UnexpectedInput, text: str) -> ExpressionError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        lines = text.split("\n")
        wanted = _expected(set(error.accepts or error.expected))
        return ExpressionError(f"it ends too early; expected {wanted}", len(lines), len(lines[-1]) + 1)
    line, column = max(int(error.line), 1), max(int(error.column), 1)
    if isinstance(error, UnexpectedToken):
        wanted = _expected(set(error.accepts or error.expected))
        return ExpressionError(f"unexpected {error.token[:40]!r}; expected {wanted}", line, column)
    character = text[error.pos_in_stream or 0]
    hint = _CHARACTER_HINTS.get(character) or odd_letter(text[error.pos_in_stream or 0 :][:2])
    hint = hint or "only names, numbers, texts in quotes and operators are allowed"
    return ExpressionError(f"unexpected {character!a}: {hint}", line, column)


def _expected(terminals: set[str]) -> str:
    if terminals >= {"NUMBER", "FIELD"}:
        terminals = (terminals - _VALUES) | {"value"}
    elif terminals >= {"SCALE", "SIGN"}:
        terminals = (terminals - _OPERATORS) | {"operator"}
    words = sorted(_WORDS.get(t, t) for t in terminals)
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
