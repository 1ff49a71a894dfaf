"""The slow, authoritative way from one message's bytes to records, or to its first fault.

Whatever the scanner does not take comes here; only this module decides on rejects, pointers and
quality bits of unusual declarations, and the scanner must agree with it on all it accepts.
"""

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from corridor.messages.columns import DIRECTIONS, FUNCTIONS, NO_MONEY
from corridor.messages.content import content, float_bits
from corridor.messages.document import Fault, Integer, Number, parse, step
from corridor.messages.moment import moment
from corridor.messages.quality import HEAD_BITS, ITEM_BITS
from corridor.messages.skeleton import skeleton
from corridor.messages.tokens import hs_token, token

MAX_ITEMS: Final = 999
NAME: Final = (1, 64)
CODE: Final = (1, 16)
OPTIONAL_CODE: Final = (0, 16)
DESCRIPTION: Final = (0, 4096)
_ANY_LENGTH: Final = (0, 1 << 20)
HEAD_FIELDS: Final = (
    "declaration_id",
    "version",
    "function",
    "registered_at",
    "office",
    "direction",
    "procedure",
    "transport_mode",
    "declarant",
    "importer",
    "exporter",
    "dispatch_country",
    "delivery_terms",
    "items",
)
ITEM_FIELDS: Final = (
    "item_no",
    "hs_code",
    "description",
    "origin_country",
    "net_mass_kg",
    "gross_mass_kg",
    "quantity",
    "unit",
    "packages",
    "invoice_amount",
    "currency",
    "customs_value",
    "duty",
    "vat",
    "trace_id",
)
_HEAD_KEYS: Final = frozenset(HEAD_FIELDS)
_ITEM_KEYS: Final = frozenset(ITEM_FIELDS)
_INT32: Final = (1 << 31) - 1
_EXACT: Final = Context(prec=40, rounding=ROUND_HALF_EVEN)
_CENT: Final = Decimal("0.01")
_CONTROL: Final = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0))))
_CONTROL_BUT_LAYOUT: Final = _CONTROL - set("\t\n\r")


class Record(NamedTuple):
    """One declaration: HEAD and ITEM records as tuples, its texts, and whether its time can be used."""

    head: tuple[int, ...]
    items: list[tuple[float, ...]]
    texts: bytes


class _Texts:
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
        form = skeleton(text)
        if form != text:
            self.quality |= HEAD_BITS["look_alike"]
        return token(form)

    def count_unknown(self, node: dict[str, Any], known: frozenset[str]) -> None:
        self.unknown += len(node.keys() - known)


def decode_one(payload: bytes) -> Record:
    """One message to records; `registered_at` is as declared even if its quality bit calls it unusable.

    Raises Fault with the code and pointer of the first fault.
    """
    tree, marked = parse(payload)
    if type(tree) is not dict:
        raise Fault("type")
    texts = _Texts()
    if marked:
        texts.quality |= HEAD_BITS["byte_order_mark"]
    texts.count_unknown(tree, _HEAD_KEYS)
    _require(tree, "", (*HEAD_FIELDS[:10], "items"))

    names = {
        name: texts.text(tree, name, "", NAME)
        for name in ("declaration_id", "office", "declarant", "importer", "exporter")
    }
    codes = {"procedure": texts.text(tree, "procedure", "", CODE)}
    for name in ("dispatch_country", "delivery_terms"):
        codes[name] = texts.text(tree, name, "", OPTIONAL_CODE)
    version = _integer(tree, "version", "", _INT32)
    mode = _integer(tree, "transport_mode", "", 9)
    function = _choice(tree, "function", FUNCTIONS)
    direction = _choice(tree, "direction", DIRECTIONS)
    declared = _time(tree)
    if not declared.usable:
        texts.quality |= HEAD_BITS["time_unusable"]

    items, item_values = _items(tree, texts)
    tokens = {name: texts.match(value) for name, value in (names | codes).items() if name != "declaration_id"}
    if texts.unknown:
        texts.quality |= HEAD_BITS["unknown_fields"]
    head_values = (
        token(names["declaration_id"]),
        version,
        function,
        declared.microseconds,
        declared.has_offset,
        token(names["office"]),
        direction,
        token(codes["procedure"]),
        mode,
        *(token(names[name]) for name in ("declarant", "importer", "exporter")),
        *(token(codes[name]) for name in ("dispatch_country", "delivery_terms")),
        len(items),
    )
    raw = [names[name].encode() for name in ("declaration_id", "office", "importer")]
    head = (
        declared.microseconds,
        content(head_values, item_values),
        *(tokens[name] for name in ("office", "procedure", "declarant", "importer", "exporter")),
        *(tokens[name] for name in ("dispatch_country", "delivery_terms")),
        version,
        len(items),
        texts.quality,
        min(texts.unknown, 65_535),
        function,
        direction,
        mode,
        0,
        *(len(part) for part in raw),
    )
    return Record(head, items, b"".join(raw))


def _require(node: dict[str, Any], pointer: str, names: tuple[str, ...]) -> None:
    for name in names:
        if node.get(name) is None:
            raise Fault("missing", step(pointer, name))


def _choice(node: dict[str, Any], name: str, allowed: tuple[str, ...]) -> int:
    value = node[name]
    if type(value) is not str:
        raise Fault("type", step("", name))
    if value not in allowed:
        raise Fault("value", step("", name))
    return allowed.index(value)


def _integer(node: dict[str, Any], name: str, pointer: str, high: int) -> int:
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


def _time(node: dict[str, Any]) -> Any:
    value = node["registered_at"]
    if type(value) is not str:
        raise Fault("type", "/registered_at")
    declared = moment(value)
    if declared is None:
        raise Fault("time", "/registered_at")
    return declared


def _number(node: dict[str, Any], name: str, pointer: str) -> float:
    value = node.get(name)
    if value is None:
        return math.nan
    if not isinstance(value, Number):
        raise Fault("type", step(pointer, name))
    return float(value) + 0.0  # no negative zero


def money(text: str) -> tuple[int, bool] | None:
    """A decimal text as minor units, half to even, and whether it was rounded; None beyond int64."""
    if abs(float(text)) > 1e17:
        return None
    try:
        exact = Decimal(text)
    except InvalidOperation:  # an exponent that Decimal does not hold, far below a cent
        return 0, True
    rounded = exact.quantize(_CENT, context=_EXACT)
    minor = int(rounded.scaleb(2, _EXACT))
    return (minor, rounded != exact) if abs(minor) < 1 << 63 else None


def _amount(node: dict[str, Any], name: str, pointer: str) -> tuple[int, bool]:
    value = node.get(name)
    if value is None:
        return NO_MONEY, False
    if not isinstance(value, Number):
        raise Fault("type", step(pointer, name))
    found = money(value)
    if found is None:
        raise Fault("number", step(pointer, name))
    return found


def _items(tree: dict[str, Any], texts: _Texts) -> tuple[list[tuple[float, ...]], list[tuple[int, ...]]]:
    nodes = tree["items"]
    if type(nodes) is not list:
        raise Fault("type", "/items")
    if not 1 <= len(nodes) <= MAX_ITEMS:
        raise Fault("items", "/items")
    both = [_item(node, step("/items", index), texts) for index, node in enumerate(nodes)]
    return [record for record, _ in both], [values for _, values in both]


def _item(node: Any, pointer: str, texts: _Texts) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The ITEM record and the values that count for `content`."""
    if type(node) is not dict:
        raise Fault("type", pointer)
    texts.count_unknown(node, _ITEM_KEYS)
    _require(node, pointer, ("item_no", "hs_code", "customs_value"))
    item_no = _integer(node, "item_no", pointer, _INT32)
    hs_text = texts.text(node, "hs_code", pointer, _ANY_LENGTH)
    description = texts.text(node, "description", pointer, DESCRIPTION)
    codes = [
        texts.text(node, name, pointer, OPTIONAL_CODE) for name in ("origin_country", "unit", "currency")
    ]
    trace = texts.text(node, "trace_id", pointer, (0, 64))
    names = ("net_mass_kg", "gross_mass_kg", "quantity", "packages", "invoice_amount")
    numbers = [_number(node, name, pointer) for name in names]
    amounts = [_amount(node, name, pointer) for name in ("customs_value", "duty", "vat")]
    minor = [amount for amount, _ in amounts]
    quality = _item_quality(hs_text, numbers, minor[0]) | (
        ITEM_BITS["money_rounded"] if any(rounded for _, rounded in amounts) else 0
    )
    record = (
        hs_token(hs_text),
        *(texts.match(code) for code in codes),
        *numbers,
        *minor,
        item_no,
        len(description),
        quality,
        0,
    )
    values = (
        item_no,
        hs_token(hs_text),
        token(description),
        *(token(code) for code in codes),
        *(float_bits(number) for number in numbers),
        *minor,
        token(trace),
    )
    return record, values


def _item_quality(hs_text: str, numbers: list[float], customs_value: int) -> int:
    net, gross, quantity, _, invoice = numbers
    digits = hs_text.isascii() and hs_text.isdigit() and 6 <= len(hs_text) <= 10
    odd = {
        "net_not_positive": net <= 0,
        "gross_not_positive": gross <= 0,
        "net_over_gross": net > gross,
        "value_not_positive": customs_value <= 0 or invoice <= 0,
        "quantity_not_positive": quantity <= 0,
        "hs_malformed": not digits,
    }
    return sum(ITEM_BITS[name] for name, there in odd.items() if there)
