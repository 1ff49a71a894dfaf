"""The slow, authoritative way from one message's bytes to records, or to its first fault.

Whatever the scanner does not take comes here; only this module decides on rejects, pointers and
quality bits of unusual declarations, and the scanner must agree with it on all it accepts.
"""

from typing import Any, Final, NamedTuple

from corridor.messages.columns import DIRECTIONS, FUNCTIONS
from corridor.messages.content import content, float_bits
from corridor.messages.document import Fault, parse, step
from corridor.messages.members import Texts, amount, choice, integer, number, require, time
from corridor.messages.moment import Moment
from corridor.messages.quality import HEAD_BITS, ITEM_BITS
from corridor.messages.tokens import hs_token, token

MAX_ITEMS: Final = 999
NAME: Final = (1, 64)
CODE: Final = (1, 16)
OPTIONAL_CODE: Final = (0, 16)
DESCRIPTION: Final = (0, 4096)
_ANY_LENGTH: Final = (0, 1 << 20)
_NAMES: Final = {
    "declaration_id": NAME,
    "office": NAME,
    "procedure": CODE,
    "declarant": NAME,
    "importer": NAME,
    "exporter": NAME,
    "dispatch_country": OPTIONAL_CODE,
    "delivery_terms": OPTIONAL_CODE,
}
"""The texts of a declaration, all but the first as tokens in the order of HEAD, with their lengths."""
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


class Record(NamedTuple):
    """One declaration: HEAD and ITEM records as tuples, and its texts."""

    head: tuple[int, ...]
    items: list[tuple[float, ...]]
    texts: bytes


def decode_one(payload: bytes) -> Record:
    """One message to records; `registered_at` is as declared even if its quality bit calls it unusable.

    Raises Fault with the code and pointer of the first fault.
    """
    tree, marked = parse(payload)
    if type(tree) is not dict:
        raise Fault("type")
    texts = Texts()
    texts.quality |= HEAD_BITS["byte_order_mark"] if marked else 0
    texts.count_unknown(tree, _HEAD_KEYS)
    require(tree, "", (*HEAD_FIELDS[:10], "items"))
    small = _small(tree)
    names = {name: texts.text(tree, name, "", length) for name, length in _NAMES.items()}
    declared = time(tree)
    items, item_values = _items(tree, texts)
    matched = [texts.match(text) for name, text in names.items() if name != "declaration_id"]
    texts.quality |= 0 if declared.usable else HEAD_BITS["time_unusable"]
    texts.quality |= HEAD_BITS["unknown_fields"] if texts.unknown else 0
    raw = [names[name].encode() for name in ("declaration_id", "office", "importer")]
    head = (
        declared.microseconds,
        content(_values(small, names, declared, len(items)), item_values),
        *matched,
        small.version,
        len(items),
        texts.quality,
        min(texts.unknown, 65_535),
        small.function,
        small.direction,
        small.transport_mode,
        0,
        *(len(part) for part in raw),
    )
    return Record(head, items, b"".join(raw))


class _Small(NamedTuple):
    """The fields of a declaration that are small numbers."""

    version: int
    function: int
    direction: int
    transport_mode: int


def _small(tree: dict[str, Any]) -> _Small:
    return _Small(
        integer(tree, "version", "", _INT32),
        choice(tree, "function", FUNCTIONS),
        choice(tree, "direction", DIRECTIONS),
        integer(tree, "transport_mode", "", 9),
    )


def _values(small: _Small, names: dict[str, str], declared: Moment, count: int) -> tuple[int, ...]:
    """What counts for `content`, in the schema's order: texts as they stand, the time as declared."""
    of = {name: token(text) for name, text in names.items()}
    return (
        of["declaration_id"],
        small.version,
        small.function,
        declared.microseconds,
        declared.has_offset,
        of["office"],
        small.direction,
        of["procedure"],
        small.transport_mode,
        *(of[name] for name in ("declarant", "importer", "exporter", "dispatch_country", "delivery_terms")),
        count,
    )


def _items(tree: dict[str, Any], texts: Texts) -> tuple[list[tuple[float, ...]], list[tuple[int, ...]]]:
    nodes = tree["items"]
    if type(nodes) is not list:
        raise Fault("type", "/items")
    if not 1 <= len(nodes) <= MAX_ITEMS:
        raise Fault("items", "/items")
    both = [_item(node, step("/items", index), texts) for index, node in enumerate(nodes)]
    return [record for record, _ in both], [values for _, values in both]


def _item(node: Any, pointer: str, texts: Texts) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The ITEM record and the values that count for `content`."""
    if type(node) is not dict:
        raise Fault("type", pointer)
    texts.count_unknown(node, _ITEM_KEYS)
    require(node, pointer, ("item_no", "hs_code", "customs_value"))
    item_no = integer(node, "item_no", pointer, _INT32)
    hs_text = texts.text(node, "hs_code", pointer, _ANY_LENGTH)
    description = texts.text(node, "description", pointer, DESCRIPTION)
    codes = [
        texts.text(node, name, pointer, OPTIONAL_CODE) for name in ("origin_country", "unit", "currency")
    ]
    trace = texts.text(node, "trace_id", pointer, (0, 64))
    names = ("net_mass_kg", "gross_mass_kg", "quantity", "packages", "invoice_amount")
    numbers = [number(node, name, pointer) for name in names]
    amounts = [amount(node, name, pointer) for name in ("customs_value", "duty", "vat")]
    minor = [units for units, _ in amounts]
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
        *(float_bits(value) for value in numbers),
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
