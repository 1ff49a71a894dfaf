"""How the checker of conditions speaks: what was found, what was expected, what to write instead."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from corridor.messages.columns import DIRECTIONS, FUNCTIONS
from corridor.messages.skeleton import skeleton
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.language import Node
from corridor.rulebook.lists import CodeList

HS_DIGITS: Final = {"item.hs6": 6, "item.hs4": 4, "item.hs2": 2}
_NAMED_SETS: Final = {"declaration.direction": DIRECTIONS, "declaration.function": FUNCTIONS}
_CAPITALS: Final = {"item.origin_country": 2, "declaration.dispatch_country": 2, "item.currency": 3}
_MEANING: Final = {
    "number": "a number",
    "truth": "true or false",
    "code": "a code",
    "hs": "an HS code",
    "text": "a text",
}


def shown(node: Node, kind: str) -> str:
    """How messages name a part of the condition: as it was written, with its type."""
    if node.kind in ("field", "number", "text"):
        written = (
            repr(node.value)
            if node.kind == "text"
            else f"{node.value:g}"
            if node.kind == "number"
            else node.value
        )
        return f"{written[:60]} ({_MEANING[kind]})"
    return _MEANING[kind]


def number_hint(kind: str) -> str:
    """Say what to write where a number was expected and `kind` came."""
    if kind == "hs":
        return '; HS codes are text: use == or in ["8517"]'
    return "; codes have no order: use == or in [...]" if kind == "code" else ""


def quoted(node: Node) -> str:
    """Say how a member of a list of codes is written."""
    return f': write "{node.value:.0f}"' if node.kind == "number" else ': write "CN"'


def equality_hint(node: Node, left: str, right: str) -> str:
    """Say what to write where two types cannot be equal."""
    kinds = {left, right}
    number = next((a for a in node.args if a.kind == "number"), None)
    if kinds == {"hs", "number"} and number:
        return f'; HS codes are text: write "{number.value:.0f}"'
    if kinds == {"code", "number"} and number:
        return f'; codes are text: write "{number.value:.0f}"'
    if "truth" in kinds:
        return "; a flag is true or false by itself: write it alone or with not"
    if kinds == {"number", "text"}:
        return "; numbers stand without quotes"
    return ""


def check_text(field: str, node: Node, kind: str, *, prefix: bool) -> None:
    """Raise if the text in `node` can never be a value (or prefix of a value) of the field."""
    text = node.value
    if not skeleton(text):
        raise node.fail(f"an empty text matches nothing; for a missing value write not has({field})")
    if kind == "hs":
        digits = HS_DIGITS.get(field, 10)
        if not (text.isascii() and text.isdigit()):
            raise node.fail(f"{text!r} is no HS code: digits only")
        if len(text) > digits:
            raise node.fail(f"{text!r} is longer than {field} ({digits} digits), so it never matches")
        if not prefix and len(text) < HS_DIGITS.get(field, 6):
            raise node.fail(f'{field} has more digits than {text!r}; use {field} in ["{text}"] for a prefix')
    elif field in _NAMED_SETS and text not in _NAMED_SETS[field]:
        near = get_close_matches(text.lower(), _NAMED_SETS[field], 1)
        hint = f'did you mean "{near[0]}"?' if near else f"values are {', '.join(_NAMED_SETS[field])}"
        raise node.fail(f"{field} is never {text!r}; {hint}")
    elif field in _CAPITALS and not (len(text) == _CAPITALS[field] and text.isascii() and text.isupper()):
        raise node.fail(f"{field} has {_CAPITALS[field]} capital letters; found {text!r}")


def no_field(name: str, lists: Mapping[str, CodeList]) -> str:
    """Say that there is no such field, and which one is near."""
    if name.startswith("lists."):
        return f"{name} is a list: write field in {name}" if name[6:] in lists else f"there is no {name}"
    near = get_close_matches(name, FIELDS, 1)
    if not near:
        near = [full for full in FIELDS if full.split(".")[1] == name.split(".")[1]]
    hint = f"did you mean {near[0]}?" if near else "the fields are listed in corridor.rulebook.fields"
    return f"there is no field {name!r}; {hint}"
