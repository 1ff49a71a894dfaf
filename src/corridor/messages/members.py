"""The members of a JSON object by type, each read or refused with a JSON pointer.

Texts keep what is odd about them in one place a declaration (`Texts`); money never passes through a float.
"""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final

from corridor.kernels.json_numbers import MOST_MINOR
from corridor.messages.columns import NO_MONEY
from corridor.messages.document import Fault, Integer, Number, step
from corridor.messages.moment import Moment, moment
from corridor.messages.quality import HEAD_BITS
from corridor.messages.skeleton import match

_EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)
_CENT: Final = Decimal("0.01")
_CONTROL: Final = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_CONTROL_BUT_LAYOUT: Final = _CONTROL - set("\t\n\r")


class Texts:
    """Reads the texts of one declaration and gathers what is odd about them."""

    def __init__(self) -> None:
        self.quality = 0
        self.unknown = 0

    def text(self, node: dict[str, Any], name: str, pointer: str, length: tuple[int, int]) -> str:
        """The text of a member, "" if it is missing or null."""
        value = node.get(name)
        if value is None:
            return ""
        if type(value) is not str:
            raise Fault("type", step(pointer, name))
        if not length[0] <= len(value) <= length[1]:
            raise Fault("length", step(pointer, name))
        layout = name == "description"
        if not (_CONTROL_BUT_LAYOUT if layout else _CONTROL).isdisjoint(value):
            self.quality |= HEAD_BITS["control_characters"]
        return value

    def match(self, text: str) -> int:
        """The token by which a name or code is matched."""
        found, alike = match(text.encode())
        self.quality |= HEAD_BITS["look_alike"] if alike else 0
        return found

    def count_unknown(self, node: dict[str, Any], known: frozenset[str]) -> None:
        """Add the members of an object that the schema does not know."""
        self.unknown += len(node.keys() - known)


def require(node: dict[str, Any], pointer: str, names: tuple[str, ...]) -> None:
    """Raise Fault for the first name that is missing or null."""
    for name in names:
        if node.get(name) is None:
            raise Fault("missing", step(pointer, name))


def choice(node: dict[str, Any], name: str, allowed: tuple[str, ...]) -> int:
    """The index of a required text among those allowed."""
    value = node[name]
    if type(value) is not str:
        raise Fault("type", step("", name))
    if value not in allowed:
        raise Fault("value", step("", name))
    return allowed.index(value)


def integer(node: dict[str, Any], name: str, pointer: str, high: int) -> int:
    """A whole number from 1 to `high`; 3.0 and 3e0 are whole, as in JSON Schema."""
    value = node[name]
    if not isinstance(value, Number):
        raise Fault("type", step(pointer, name))
    whole = type(value) is Integer
    if not whole and not float(value).is_integer():
        raise Fault("type", step(pointer, name))
    number = int(value) if whole else int(float(value))
    if not 1 <= number <= high:
        raise Fault("range", step(pointer, name))
    return number


def time(node: dict[str, Any]) -> Moment:
    """The declared time of registration, whether it can be used or not."""
    value = node["registered_at"]
    if type(value) is not str:
        raise Fault("type", "/registered_at")
    declared = moment(value)
    if declared is None:
        raise Fault("time", "/registered_at")
    return declared


def number(node: dict[str, Any], name: str, pointer: str) -> float:
    """The float64 nearest to a member, NaN if it is missing or null."""
    value = node.get(name)
    if value is None:
        return math.nan
    if not isinstance(value, Number):
        raise Fault("type", step(pointer, name))
    return float(value) + 0.0  # no negative zero


def money(text: str) -> tuple[int, bool] | None:
    """A decimal text as minor units, half to even, and whether it was rounded; None beyond MOST_MINOR."""
    if abs(float(text)) > 1e17:
        return None
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent that Decimal does not hold, far below a cent
        return 0, True
    rounded = exact.quantize(_CENT, context=_EXACT)
    minor = int(rounded.scaleb(2, _EXACT))
    return (minor, rounded != exact) if abs(minor) <= MOST_MINOR else None


def amount(node: dict[str, Any], name: str, pointer: str) -> tuple[int, bool]:
    """Money in minor units (NO_MONEY if missing or null), and whether it was rounded."""
    value = node.get(name)
    if value is None:
        return NO_MONEY, False
    if not isinstance(value, Number):
        raise Fault("type", step(pointer, name))
    found = money(value)
    if found is None:
        raise Fault("number", step(pointer, name))
    return found
