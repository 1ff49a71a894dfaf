"""Declarations as JSON text, plain and odd, and the batch that the strict path alone makes of them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from corridor.messages.columns import NO_MONEY, Declarations
from corridor.messages.declaration import Decoded, Rejects, _columns, _settle_times
from corridor.messages.document import Fault
from corridor.messages.strict import decode_one
from corridor.messages.tokens import untoken

INGESTED = 1_795_000_000_000_000

ITEM: dict[str, Any] = {
    "item_no": 1,
    "hs_code": "8715001000",
    "description": "Baby carriages, folding",
    "origin_country": "CN",
    "net_mass_kg": 1430.5,
    "gross_mass_kg": 1544.9,
    "quantity": 220,
    "unit": "NMB",
    "packages": 44,
    "invoice_amount": 19103.40,
    "currency": "USD",
    "customs_value": 1767064.50,
    "duty": 88353.22,
    "vat": 371083.55,
    "trace_id": None,
}
SAMPLE: dict[str, Any] = {
    "declaration_id": "10131010/221126/3000001",
    "version": 1,
    "function": "original",
    "registered_at": "2026-11-22T08:15:30.123Z",
    "office": "10131010",
    "direction": "import",
    "procedure": "40",
    "transport_mode": 3,
    "declarant": "7712345678",
    "importer": "5012345678",
    "exporter": "CN-0004711",
    "dispatch_country": "CN",
    "delivery_terms": "FOB",
    "items": [ITEM, dict(ITEM, item_no=2), dict(ITEM, item_no=3, hs_code="854231")],
}


class Raw(str):
    """JSON text that stands as it is, for values that json.dumps cannot write."""


def text(value: Any, separators: tuple[str, str] = (",", ":"), ensure_ascii: bool = False) -> str:
    """JSON text of a tree in which Raw values, and objects as lists of pairs, are allowed."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, tuple):  # an object as pairs: a key may stand twice
        between, colon = separators
        members = [
            text(k, separators, ensure_ascii) + colon + text(v, separators, ensure_ascii) for k, v in value
        ]
        return "{" + between.join(members) + "}"
    if isinstance(value, dict):
        return text(tuple(value.items()), separators, ensure_ascii)
    if isinstance(value, list):
        return "[" + separators[0].join(text(v, separators, ensure_ascii) for v in value) + "]"
    return json.dumps(value, ensure_ascii=ensure_ascii)


def payload(head: dict[str, Any] | None = None, item: dict[str, Any] | None = None) -> bytes:
    """The sample with some fields replaced in its head, and in its second item."""
    items = [ITEM, ITEM | {"item_no": 2} | (item or {}), SAMPLE["items"][2]]
    return text(SAMPLE | {"items": items} | (head or {})).encode()


def without(field: str, place: str = "head") -> bytes:
    """The sample without one field of its head or of its second item."""
    if place == "head":
        return text({key: value for key, value in SAMPLE.items() if key != field}).encode()
    bare = {key: value for key, value in ITEM.items() if key != field}
    return text(SAMPLE | {"items": [ITEM, bare]}).encode()


def strictly(payloads: Sequence[bytes | None], now: int | None = None) -> Decoded:
    """What the strict path alone makes of the payloads: the twin of `decode`."""
    records, rows, faults, tombstones = [], [], [], []
    for row, body in enumerate(payloads):
        if body is None:
            tombstones.append(row)
            continue
        try:
            records.append(decode_one(body))
            rows.append(row)
        except Fault as fault:
            faults.append((row, fault.code, fault.pointer))
    declarations, at = _columns(records), np.array(rows, np.int64)
    _settle_times(declarations.heads, at, INGESTED, now)
    rejects = Rejects(
        np.array([fault[0] for fault in faults], np.int64), [f[1] for f in faults], [f[2] for f in faults]
    )
    return Decoded(declarations, at, rejects, np.array(tombstones, np.int64))


def assert_same(found: Decoded, wanted: Decoded) -> None:
    """All columns bit for bit, texts, rows, rejects with pointers, tombstones."""
    assert found.rows.tolist() == wanted.rows.tolist()
    assert found.tombstones.tolist() == wanted.tombstones.tolist()
    assert found.rejects.rows.tolist() == wanted.rejects.rows.tolist()
    assert found.rejects.codes == wanted.rejects.codes
    assert found.rejects.pointers == wanted.rejects.pointers
    assert_same_declarations(found.declarations, wanted.declarations)


def assert_same_declarations(a: Declarations, b: Declarations) -> None:
    """All columns bit for bit and the texts, wherever they stand in the buffers."""
    assert a.offsets.tolist() == b.offsets.tolist()
    for mine, other in ((a.heads, b.heads), (a.items, b.items)):
        for name in mine.dtype.names or ():
            assert mine[name].tobytes() == other[name].tobytes(), name
    assert [a.texts(i) for i in range(len(a))] == [b.texts(i) for i in range(len(b))]


def to_dicts(batch: Declarations) -> list[dict[str, Any]]:
    """Declarations as dicts of plain values; a hashed token stays a number, a missing value is None."""
    found = []
    for i, head in enumerate(batch.heads):
        values = {name: head[name].item() for name in batch.heads.dtype.names}
        values["declaration_id"], values["office"], values["importer"] = batch.texts(i)
        for name in ("procedure", "declarant", "exporter", "dispatch_country", "delivery_terms"):
            values[name] = _code(values[name])
        values["items"] = [_item(item) for item in batch.items[batch.offsets[i] : batch.offsets[i + 1]]]
        found.append(values)
    return found


def _code(value: int) -> str | int | None:
    known = untoken(value)
    return value if known is None else known or None


def _item(item: Any) -> dict[str, Any]:
    values = {name: item[name].item() for name in item.dtype.names}
    for name in ("origin_country", "unit", "currency"):
        values[name] = _code(values[name])
    for name, value in values.items():
        if value == NO_MONEY or (isinstance(value, float) and np.isnan(value)):
            values[name] = None
    return values


# What producers write, and what they should not. The plain stands beside the odd, so that whole
# documents often pass.
def _mostly(plain: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 30).flatmap(lambda i: odd if i == 0 else plain)


_SIGNS = st.sampled_from(
    [*'AZaz09 /-"\\\n\t\x00\x1f\x7f', "é", "Ж", "\x85", "\u200b", "\u202e", "漢", "😀", "с"]
)
_ODD = st.sampled_from(
    [None, True, "", "x" * 17, "x" * 65, [], {}, 0, -1, 1.5, Raw("NaN"), Raw("1e999"), Raw("-0"),
     Raw('"\\ud800"'),
     Raw('"\\ud83d\\ude00"'), Raw('"a\\/b"'), Raw("01"), Raw("1."), Raw("9223372036854775808"),
     Raw("18446744073709551616"), Raw("[1,[2]]"), Raw('{"a":1,"a":2}'), Raw('{"b":{}}'), Raw('"\\x"')]
)  # fmt: skip
_ascii = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=16)
_name = _mostly(_ascii, st.text(_SIGNS, max_size=40))
_code_value = _mostly(
    st.sampled_from(["CN", "DE", "USD", "NMB", "DAP", "", None]), st.text(_SIGNS, max_size=17)
)
_decimal = st.builds(
    lambda sign, whole, part, power: Raw(f"{sign}{whole}{part}{power}"),
    st.sampled_from(["", "", "", "-"]),
    st.one_of(st.integers(0, 10**7), st.integers(0, 10**20)),
    st.one_of(
        st.just(""), st.integers(0, 99).map(".{:02d}".format), st.integers(0, 10**17).map(".{}".format)
    ),
    st.one_of(st.just(""), st.just(""), st.just(""), st.integers(-30, 25).map("e{}".format), st.just("E+2")),
)
_number = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(), _decimal)
_time = st.one_of(
    st.datetimes().map(lambda when: when.isoformat() + "Z"),
    st.sampled_from(["2026-11-22T08:15:30+05:30", "2026-11-22t08:15:60z", "2026-02-29T00:00:00Z",
                     "0001-01-01T00:00:00Z",
                     "2024-02-29 23:59:59.999999999-00:00", "2026-11-22T08:15:30", "9999-12-31T23:59:59Z",
                     "2026-11-22",
                     "2026-11-22T24:00:00Z", "2026-11-22T08:15:30+24:00",
                     "0000-03-01T00:00:00+23:59", "now"]),
)  # fmt: skip
_unknown = st.dictionaries(
    st.sampled_from(["x", "seal_number", "", "version ", "Office", "ключ", "a" * 30]), _ODD, max_size=2
)
_items = st.fixed_dictionaries(
    {
        "item_no": st.integers(1, 999),
        "hs_code": st.from_regex("[0-9]{6,10}", fullmatch=True),
        "customs_value": _decimal,
    },
    optional={
        "description": st.text(_SIGNS, max_size=60),
        **dict.fromkeys(("origin_country", "unit", "currency"), _code_value),
        **dict.fromkeys(("net_mass_kg", "gross_mass_kg", "quantity", "packages", "invoice_amount"), _number),
        **dict.fromkeys(("duty", "vat"), st.one_of(st.none(), _decimal)),
        "trace_id": st.one_of(st.none(), _ascii),
    },
)
_heads = st.fixed_dictionaries(
    {
        **dict.fromkeys(("declaration_id", "office", "declarant", "importer"), _name),
        "version": st.integers(1, 3),
        "function": st.sampled_from(["original", "amendment", "cancellation"]),
        "registered_at": _time,
        "direction": st.sampled_from(["import", "export", "transit"]),
        "procedure": st.sampled_from(["40", "10", "4000"]),
        "transport_mode": st.integers(1, 9),
    },
    optional={"exporter": _name, **dict.fromkeys(("dispatch_country", "delivery_terms"), _code_value)},
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """JSON text of declarations in many styles; now and then a field is odd, missing or unknown."""
    items = [_shuffled(draw, draw(_items)) for _ in range(draw(st.integers(1, 3)))]
    head = _shuffled(draw, draw(_heads) | {"items": items})
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n\t", " :\r\n ")]))
    body = text(head, separators, draw(st.booleans())).encode("utf-8", "surrogatepass")
    return (
        draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b" "]))
        + body
        + draw(st.sampled_from([b"", b"\n", b" "]))
    )


def _shuffled(draw: st.DrawFn, members: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """As pairs, in some order, with at most one odd value, and perhaps unknown fields."""
    pairs = [*members.items(), *(draw(_unknown).items() if draw(st.integers(0, 4)) == 0 else ())]
    if draw(st.integers(0, 6)) == 0:
        at = draw(st.integers(0, len(pairs) - 1))
        pairs[at] = (pairs[at][0], draw(_ODD))
    return tuple(draw(st.permutations(pairs)) if draw(st.booleans()) else pairs)
