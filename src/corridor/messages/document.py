"""Bytes to one JSON document, strictly: what other decoders let pass in silence is a fault here.

Refused, beside malformed JSON: invalid UTF-8, half surrogate pairs, a key twice in one object, NaN and
Infinity, numbers beyond float64, integers beyond 64 bits, a second document, nesting deeper than 64.
Numbers stay text (`Number`, `Integer`), so that money never passes through a float.
"""

import json
import math
import re
from typing import Any, Final

from corridor.messages.reject import MAX_BYTES

MAX_DEPTH: Final = 64
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEP: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class Fault(Exception):  # noqa: N818 - bad data is expected here, not an error of the program
    """The first fault of a message: a code of REJECT_CODES and a JSON pointer (RFC 6901)."""

    def __init__(self, code: str, pointer: str = "") -> None:
        super().__init__(code, pointer)
        self.code = code
        self.pointer = pointer


class Number(str):
    """The text of a JSON number."""


class Integer(Number):
    """The text of a JSON number without fraction and exponent."""


class _Constant(str):
    """NaN, Infinity or -Infinity."""


class _Repeated(str):
    """In place of an object: the key that stood in it twice."""


def step(pointer: str, key: str | int) -> str:
    """The JSON pointer of a member of what `pointer` names; unwritable signs become '?'."""
    if isinstance(key, int):
        return f"{pointer}/{key}"
    name = key[:200].replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{name.encode('utf-8', 'replace').decode()}"


def parse(payload: bytes) -> tuple[Any, bool]:
    """The document as dict, list, str, Number, bool and None, and whether a byte-order mark was stripped.

    Raises Fault.
    """
    if len(payload) > MAX_BYTES:
        raise Fault("size")
    marked = payload.startswith(BYTE_ORDER_MARK)
    body = payload[len(BYTE_ORDER_MARK) :] if marked else payload
    if not body.strip(b" \t\r\n"):
        raise Fault("empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("utf8") from None
    _check_depth(body)
    try:
        tree = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Fault("trailing" if error.msg == "Extra data" else "malformed") from None
    _check(tree, "")
    return tree, marked


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for sign in _STRING.sub(b"", body).translate(None, delete=_NOT_BRACKETS):
        depth += _STEP[bytes((sign,))]
        if depth > MAX_DEPTH:
            raise Fault("depth")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Repeated:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    return next(_Repeated(key) for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Number, parse_int=Integer, parse_constant=_Constant
)


def _check(node: Any, pointer: str) -> None:
    """Raise the first fault in the order of the document."""
    kind = type(node)
    if kind is str:
        _check_text(node, pointer)
    elif isinstance(node, Number):
        _check_number(node, pointer)
    elif kind is dict:
        for key, member in node.items():
            _check_text(key, pointer)
            _check(member, step(pointer, key))
    elif kind is list:
        for index, member in enumerate(node):
            _check(member, step(pointer, index))
    elif kind is _Constant:
        raise Fault("constant", pointer)
    elif kind is _Repeated:
        raise Fault("duplicate_key", step(pointer, node))


def _check_number(text: Number, pointer: str) -> None:
    # the length first: int() of a very long text is slow, and Python itself refuses it
    whole = type(text) is Integer
    fits = len(text) <= 20 and -(1 << 63) <= int(text) < 1 << 64 if whole else math.isfinite(float(text))
    if not fits:
        raise Fault("number", pointer)


def _check_text(text: str, pointer: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Fault("surrogate", pointer) from None
