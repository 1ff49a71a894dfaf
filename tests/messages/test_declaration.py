import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.messages.columns import FUNCTIONS
from corridor.messages.declaration import decode, decode_lines
from corridor.messages.quality import HEAD_BITS, ITEM_BITS
from corridor.messages.tokens import token

from .documents import (
    INGESTED,
    ITEM,
    SAMPLE,
    Raw,
    assert_same,
    assert_same_declarations,
    documents,
    payload,
    strictly,
    text,
    to_dicts,
    without,
)

GOOD = payload()


def one(body: bytes, now: int | None = None):
    """The only declaration of a message, between two good neighbours that must not change."""
    found = decode([GOOD, body, GOOD], INGESTED, now)
    assert_same(found, strictly([GOOD, body, GOOD], now))
    assert found.rows.tolist() == [0, 1, 2]
    return found.declarations


def fault(body: bytes) -> tuple[str, str]:
    """Code and pointer of the reject of a message; its neighbours pass."""
    found = decode([GOOD, body, GOOD], INGESTED)
    assert found.rows.tolist() == [0, 2]
    assert found.rejects.rows.tolist() == [1]
    return found.rejects.codes[0], found.rejects.pointers[0]


def quality(body: bytes) -> int:
    return int(one(body).heads["quality"][1])


def item_quality(**fields: object) -> int:
    return int(one(payload(item=fields)).items["quality"][4])


def test_every_field_of_the_sample_arrives():
    (found,) = to_dicts(decode([GOOD], INGESTED).declarations)
    assert found["declaration_id"] == "10131010/221126/3000001"
    assert (found["office"], found["importer"]) == ("10131010", "5012345678")
    assert found["registered_at"] == 1_795_335_330_123_000
    assert (found["version"], FUNCTIONS[found["function"]], found["direction"]) == (1, "original", 0)
    assert (found["procedure"], found["dispatch_country"], found["delivery_terms"]) == ("40", "CN", "FOB")
    assert (found["transport_mode"], found["item_count"], found["quality"]) == (3, 3, 0)
    assert found["declarant"] == token("7712345678")
    assert found["items"][0] == {
        "hs_code": 8715001000 * 16 + 10,
        "origin_country": "CN",
        "unit": "NMB",
        "currency": "USD",
        "net_mass_kg": 1430.5,
        "gross_mass_kg": 1544.9,
        "quantity": 220.0,
        "packages": 44.0,
        "invoice_amount": 19103.4,
        "customs_value": 176706450,
        "duty": 8835322,
        "vat": 37108355,
        "item_no": 1,
        "description_length": 23,
        "quality": 0,
        "spare": 0,
    }


# 1-10: bad-input.md, what is a reject
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{", "malformed"),
        (GOOD[:-1], "malformed"),
        (GOOD[:200], "malformed"),
        (b"null", "type"),
        (b"[]", "type"),
        (b'"' + b"x" * 50 + b'"', "type"),
        (GOOD + GOOD, "trailing"),
        (GOOD + b" x", "trailing"),
        (GOOD.replace(b"CN", b"C\xff", 1), "utf8"),
        (GOOD.replace(b"Baby", b"B\xc0\xaf"), "utf8"),
        (GOOD.replace(b"Baby", b"B\xed\xa0\x80"), "utf8"),
        (GOOD.decode().encode("utf-16"), "utf8"),
        (GOOD.replace(b"Baby", b"Ba\x00y"), "malformed"),
        (GOOD.replace(b"Baby", b"Ba\ny"), "malformed"),
        (b"[" * 65 + b"]" * 65, "depth"),
        (b"[" * 500_000, "depth"),
        (b" " * (1 << 20) + GOOD, "size"),
    ],
)
def test_what_is_no_document_is_a_reject(body: bytes, code: str):
    assert fault(body) == (code, "")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (payload(item={"description": Raw('"\\ud800 x"')}), "surrogate", "/items/1/description"),
        (payload({"office": Raw('"\\udc00"')}), "surrogate", "/office"),
        (payload(item={"net_mass_kg": Raw("NaN")}), "constant", "/items/1/net_mass_kg"),
        (payload({"x": Raw("-Infinity")}), "constant", "/x"),
        (payload(item={"net_mass_kg": Raw("1e999")}), "number", "/items/1/net_mass_kg"),
        (payload({"x": [Raw("-1e999")]}), "number", "/x/0"),
        (payload(item={"quantity": Raw("18446744073709551616")}), "number", "/items/1/quantity"),
        (payload({"x": Raw("9" * 5000)}), "number", "/x"),
        (payload(item={"duty": Raw("100000000000000.01")}), "number", "/items/1/duty"),
        (text((*SAMPLE.items(), ("office", "1"))).encode(), "duplicate_key", "/office"),
        (payload({"x": (("a/b", 1), ("a/b", 1))}), "duplicate_key", "/x/a~1b"),
        (GOOD.replace(b'"vat"', b'"\\u0064uty"'), "duplicate_key", "/items/0/duty"),
        (payload({"items": []}), "items", "/items"),
        (payload({"items": [ITEM] * 1000}), "items", "/items"),
        (payload({"items": ITEM}), "type", "/items"),
        (payload({"items": [ITEM, 1]}), "type", "/items/1"),
        (payload({"version": 0}), "range", "/version"),
        (payload({"version": 2**31}), "range", "/version"),
        (payload({"version": "1"}), "type", "/version"),
        (payload({"version": True}), "type", "/version"),
        (payload({"version": 1.5}), "type", "/version"),
        (payload({"transport_mode": 10}), "range", "/transport_mode"),
        (payload({"function": "Original"}), "value", "/function"),
        (payload({"direction": 1}), "type", "/direction"),
        (payload({"office": ""}), "length", "/office"),
        (payload({"importer": "x" * 65}), "length", "/importer"),
        (payload({"exporter": ""}), "length", "/exporter"),
        (payload({"procedure": "4" * 17}), "length", "/procedure"),
        (payload({"declarant": 7712345678}), "type", "/declarant"),
        (payload({"registered_at": "yesterday"}), "time", "/registered_at"),
        (payload({"registered_at": "2026-02-29T00:00:00Z"}), "time", "/registered_at"),
        (payload({"registered_at": 1795335330}), "type", "/registered_at"),
        (payload(item={"hs_code": 8715001000}), "type", "/items/1/hs_code"),
        (payload(item={"customs_value": "1767064.50"}), "type", "/items/1/customs_value"),
        (payload(item={"net_mass_kg": True}), "type", "/items/1/net_mass_kg"),
        (payload(item={"description": "x" * 4097}), "length", "/items/1/description"),
        (payload(item={"description": "Ж" * 4097}), "length", "/items/1/description"),
        (payload(item={"currency": "x" * 17}), "length", "/items/1/currency"),
        (payload(item={"item_no": 0}), "range", "/items/1/item_no"),
    ],
)
def test_the_pointer_names_the_first_fault(body: bytes, code: str, pointer: str):
    assert fault(body) == (code, pointer)


@pytest.mark.parametrize("field", [*list(SAMPLE)[:10], "items"])
def test_a_required_field_missing_or_null_is_a_reject(field: str):
    assert fault(without(field)) == ("missing", f"/{field}")
    assert fault(payload({field: None})) == ("missing", f"/{field}")


@pytest.mark.parametrize("field", ["item_no", "hs_code", "customs_value"])
def test_a_required_field_of_an_item_missing_or_null_is_a_reject(field: str):
    assert fault(without(field, "item")) == ("missing", f"/items/1/{field}")
    assert fault(payload(item={field: None})) == ("missing", f"/items/1/{field}")


@pytest.mark.parametrize("field", ["exporter", "dispatch_country", "delivery_terms"])
def test_an_optional_field_missing_is_the_same_as_null(field: str):
    assert_same_declarations(one(without(field)), one(payload({field: None})))


def test_depth_64_and_999_items_pass():
    assert one(payload({"x": Raw("[" * 63 + "]" * 63)})).heads["unknown_fields"][1] == 1
    many = [dict(ITEM, item_no=i) for i in range(1, 1000)]
    assert one(payload({"items": many})).heads["item_count"][1] == 999


def test_a_byte_order_mark_is_stripped_and_flagged():
    assert quality(b"\xef\xbb\xbf" + GOOD) == HEAD_BITS["byte_order_mark"]


def test_a_tombstone_is_counted():
    found = decode([None, GOOD, None], INGESTED)
    assert (found.tombstones.tolist(), found.rows.tolist()) == ([0, 2], [1])
    assert decode([None], INGESTED).tombstones.tolist() == [0]


def test_unknown_fields_are_counted_everywhere():
    found = one(payload({"seal": "1", "nested": {"a": [1]}}, {"x": None, "Duty": 5}))
    assert found.heads["unknown_fields"][1] == 4
    assert found.heads["quality"][1] == HEAD_BITS["unknown_fields"]
    assert found.heads["content"][1] == found.heads["content"][0]


# 12, 13: flags of items
@pytest.mark.parametrize(
    ("fields", "bits"),
    [
        ({"net_mass_kg": 0}, ["net_not_positive"]),
        ({"gross_mass_kg": -1, "net_mass_kg": -2}, ["net_not_positive", "gross_not_positive"]),
        ({"net_mass_kg": 1544.91}, ["net_over_gross"]),
        ({"customs_value": Raw("0.00")}, ["value_not_positive"]),
        ({"invoice_amount": -1}, ["value_not_positive"]),
        ({"quantity": 0.0}, ["quantity_not_positive"]),
        ({"hs_code": "87150A"}, ["hs_malformed"]),
        ({"hs_code": "87150"}, ["hs_malformed"]),
        ({"hs_code": "87150010001"}, ["hs_malformed"]),
        ({"hs_code": "8" * 40}, ["hs_malformed"]),
        ({"hs_code": ""}, ["hs_malformed"]),
        ({"hs_code": "８７１５００"}, ["hs_malformed"]),
        ({"duty": Raw("1.005")}, ["money_rounded"]),
        ({"duty": Raw("1.500")}, []),
        ({"net_mass_kg": None, "quantity": None, "invoice_amount": None, "unit": ""}, []),
        ({"net_mass_kg": 1e9, "gross_mass_kg": 1e9}, []),
    ],
)
def test_what_is_odd_in_an_item_is_flagged(fields: dict, bits: list[str]):
    assert item_quality(**fields) == sum(ITEM_BITS[bit] for bit in bits)


@pytest.mark.parametrize(
    ("written", "minor"),
    [
        ("1767064.50", 176706450),
        ("1767064.5", 176706450),
        ("1.7670645E6", 176706450),
        ("17670645e-1", 176706450),
        ("0.005", 0),
        ("0.015", 2),
        ("0.025", 2),
        ("0.0250000000000000001", 3),
        ("-0.015", -2),
        ("2.675", 268),
        ("100000000000000.00", 10**16),
        ("-100000000000000.00", -(10**16)),
        ("100000000000000.004", 10**16),
        ("1e14", 10**16),
        ("89345678901234.56", 8934567890123456),
        ("12.340000000000002", 1234),
        ("1e-400", 0),
        ("1" + "0" * 30 + "e-25", 10_000_000),
    ],
)
def test_money_is_exact(written: str, minor: int):
    assert one(payload(item={"customs_value": Raw(written)})).items["customs_value"][4] == minor


# 21, 22: times
@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("2026-11-22T08:15:30Z", 1_795_335_330_000_000),
        ("2026-11-22T11:15:30.5+03:00", 1_795_335_330_500_000),
        ("2026-11-22T02:45:30.1234567-05:30", 1_795_335_330_123_456),
        ("2026-11-22 08:15:30z", 1_795_335_330_000_000),
        ("2024-02-29T23:59:60Z", 1_709_251_200_000_000),
        ("1971-01-01T00:00:00Z", 31_536_000_000_000),
    ],
)
def test_times_are_read_with_their_offset(written: str, micros: int):
    found = one(payload({"registered_at": written}))
    assert (found.heads["registered_at"][1], found.heads["quality"][1]) == (micros, 0)


@pytest.mark.parametrize(
    "written",
    [
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "2026-11-22T08:15:30",
        "9999-12-31T23:59:59Z",
        "0000-02-29T00:00:00Z",
    ],
)
def test_an_unusable_time_is_replaced_by_that_of_ingestion(written: str):
    found = one(payload({"registered_at": written}))
    assert found.heads["registered_at"][1] == INGESTED
    assert found.heads["quality"][1] == HEAD_BITS["time_unusable"]
    batch = decode([GOOD, payload({"registered_at": written})], np.array([7, 8])).declarations
    assert batch.heads["registered_at"].tolist() == [1_795_335_330_123_000, 8]


def test_the_future_is_capped_only_if_there_is_a_clock():
    far, near = payload({"registered_at": "2026-11-22T08:20:30.124Z"}), payload()
    now = 1_795_335_330_123_000
    found = decode([far, near], INGESTED, now).declarations
    assert found.heads["registered_at"].tolist() == [now + 300_000_000, now]
    assert found.heads["quality"].tolist() == [HEAD_BITS["time_future"], 0]
    assert decode([far], INGESTED).declarations.heads["registered_at"][0] == now + 300_001_000
    assert decode([payload({"registered_at": "9999-12-31T00:00:00Z"})], 5, now).declarations.heads[0][0] == 5


# 23, 24: names and control characters
@pytest.mark.parametrize("name", ["СОМРАNУ", "COMPA\u200bNY", "\u202eCOMPANY", "ＣＯＭＰＡＮＹ"])
def test_look_alikes_match_and_are_flagged(name: str):
    found = one(payload({"importer": name}))
    assert found.heads["importer"][1] == token("COMPANY")
    assert found.heads["quality"][1] == HEAD_BITS["look_alike"]
    assert found.texts(1)[2] == name
    assert found.heads["content"][1] != one(payload({"importer": "COMPANY"})).heads["content"][1]


def test_a_name_that_looks_like_nothing_else_is_no_look_alike():
    assert quality(payload({"importer": "漢字", "declarant": "Müller"})) == 0


def test_control_characters_are_flagged_but_not_the_layout_of_a_description():
    assert quality(payload({"importer": "a\u0000b"})) == HEAD_BITS["control_characters"]
    assert quality(payload(item={"description": "a\u0085b"})) == HEAD_BITS["control_characters"]
    assert quality(payload(item={"description": "a\x7fb"})) == HEAD_BITS["control_characters"]
    assert quality(payload({"office": "a\nb"})) == HEAD_BITS["control_characters"]
    assert quality(payload(item={"description": "one\r\n\ttwo"})) == 0
    assert quality(payload(item={"description": '=cmd()|"/c calc"!A1 <script>'})) == 0


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_descriptions_in_any_script_are_measured_in_characters(ensure_ascii: bool):
    prose = 'Коляски детские, "складные" 漢字 😀\\'
    body = text(SAMPLE | {"items": [ITEM | {"description": prose}]}, ensure_ascii=ensure_ascii).encode()
    assert one(body).items["description_length"][3] == len(prose)


# content
def test_content_ignores_how_a_declaration_is_written():
    turned = dict(reversed(SAMPLE.items()))
    turned["items"] = [dict(reversed(item.items())) for item in SAMPLE["items"]]
    ways = [
        GOOD,
        json.dumps(turned, indent=2).encode(),
        GOOD.replace(b"1767064.5,", b"1767064.50,").replace(b"220,", b"2.2e2,"),
        GOOD.replace(b"Baby", b"\\u0042aby").replace(b"10131010/", b"10131010\\/"),
        GOOD.replace(b'"trace_id":null', b'"unheard":[1]'),
        GOOD.replace(b"08:15:30.123Z", b"11:15:30.123+03:00"),
    ]
    contents = decode(ways, INGESTED).declarations.heads["content"]
    assert len(set(contents.tolist())) == 1


def test_content_differs_with_every_field():
    changed = {"version": 2, "function": "amendment", "direction": "export", "transport_mode": 4}
    bodies = [GOOD]
    for name in SAMPLE:
        if name == "registered_at":
            bodies += [payload({name: t}) for t in ("2026-11-22T08:15:30.124Z", "2026-11-22T08:15:30.123")]
        elif name != "items":
            bodies.append(payload({name: changed.get(name, "other")}))
    for name, value in ITEM.items():
        other = value + 7 if isinstance(value, int | float) else "770000"
        bodies.append(payload(item={name: other}))
        if name not in ("item_no", "hs_code", "customs_value", "trace_id"):
            bodies.append(payload(item={name: None}))
    bodies.append(payload({"items": SAMPLE["items"][:2]}))
    bodies.append(payload({"items": [SAMPLE["items"][i] for i in (1, 0, 2)]}))
    found = decode(bodies, INGESTED)
    assert len(found.rows) == len(bodies)
    assert len(set(found.declarations.heads["content"].tolist())) == len(bodies)


# the fast path against the strict one
@given(st.lists(documents(), min_size=1, max_size=5))
def test_the_scanner_agrees_with_the_strict_path(bodies: list[bytes]):
    assert_same(decode(bodies, INGESTED), strictly(bodies))


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60), documents()), max_size=6))
def test_garbage_harms_nobody(bodies: list[bytes | None]):
    assert_same(decode(bodies, INGESTED), strictly(bodies))


def test_mutated_bytes_are_read_as_the_strict_path_reads_them():
    chance = random.Random(20261122)
    pieces = [
        b'"',
        b"\\",
        b",",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"0",
        b"-",
        b".",
        b"e9",
        b"\n",
        b"\xd0",
        b"null",
    ]
    pieces += [b"\x00", b'"duty":1,', b"1e400", b"\\u0000", b"\\ud83d", b" ", b"\xef\xbb\xbf", b"9" * 20]
    nested = {
        "seals": [{"no": "A", "at": [1.5, {"x": {}}, []]}, None],
        "office": "Шереметьево",
        "exporter": "Жук\t",
    }
    whole = [
        GOOD,
        json.dumps(SAMPLE).encode(),
        without("exporter"),
        payload(nested, {"a": {"b": 1, "c": 2}, "unit": "шт"}),
    ]
    bodies = []
    for _ in range(3_000):
        body = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(body))
            until = at + chance.choice([0, 0, 1, 1, 2, 5, 40])
            body[at:until] = chance.choice([b"", bytes([chance.randrange(256)]), chance.choice(pieces)])
        bodies.append(bytes(body[: chance.choice([len(body)] * 9 + [chance.randrange(len(body) + 1)])]))
    assert_same(decode(bodies, INGESTED), strictly(bodies))


@given(
    st.recursive(
        st.sampled_from([Raw(value) for value in ("1", '"a"', "null", "-", "tru", "false", '"\\n"')]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=3).map(tuple)
        ),
        max_leaves=20,
    ),
    st.sampled_from([(",", ":"), (" , ", " : ")]),
)
def test_unknown_fields_may_hold_anything_that_is_json(tree: object, separators: tuple[str, str]):
    bodies = [text(SAMPLE | {"x": tree, "items": [ITEM | {"y": tree}]}, separators).encode(), GOOD]
    assert_same(decode(bodies, INGESTED), strictly(bodies))


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 60, 63, 64, 100])
def test_depth_counts_from_the_declaration(depth: int):
    bodies = [
        payload({"x": Raw("[" * depth + "]" * depth)}),
        payload({"x": Raw('{"a":' * depth + "1" + "}" * depth)}),
    ]
    found = decode(bodies, INGESTED)
    assert_same(found, strictly(bodies))
    assert len(found.rows) == (2 if depth < 64 else 0)


def test_many_unknown_fields():
    for count in (15, 16, 17, 70, 70_000):
        bodies = [
            payload({f"x{i}": i for i in range(count)}),
            payload({"x": {f"x{i}": i for i in range(count)}}),
        ]
        found = decode(bodies, INGESTED)
        assert (
            found.declarations.heads["unknown_fields"].tolist() == [min(count, 65_535), 1]
            if count < 70_000
            else True
        )
        assert_same(found, strictly(bodies))


def test_numbers_are_the_nearest_floats():
    chance = random.Random(7)
    written = [repr(chance.uniform(0, 10 ** chance.randint(-3, 12))) for _ in range(3_000)]
    written += [f"{chance.randrange(10**17)}.{chance.randrange(10)}" for _ in range(500)]
    written += [f"{chance.randrange(10**9)}.{chance.randrange(10**8):08d}" for _ in range(500)]
    written += [f"9007199254740993.{tail}" for tail in ("0", "00", "01")] + [
        "9007199254740992.5",
        "0.1e22",
        "1e22",
        "1e23",
    ]
    bodies = [payload(item={"quantity": Raw(number)}) for number in written]
    found = decode(bodies, INGESTED).declarations.items["quantity"][1::3]
    assert found.tolist() == [float(number) for number in written]


@given(st.lists(documents(), min_size=1, max_size=6), st.integers(1, 3))
def test_the_size_of_the_batch_changes_nothing(bodies: list[bytes], size: int):
    whole = decode(bodies, INGESTED).declarations
    parts = [decode(bodies[i : i + size], INGESTED).declarations for i in range(0, len(bodies), size)]
    assert np.concatenate([part.heads for part in parts]).tobytes() == whole.heads.tobytes()
    assert np.concatenate([part.items for part in parts]).tobytes() == whole.items.tobytes()


@given(st.lists(st.one_of(st.just(b""), st.binary(max_size=30), documents()), max_size=5), st.booleans())
def test_lines_are_messages(bodies: list[bytes], closed: bool):
    lines = [body.replace(b"\n", b" ") for body in bodies]
    block = b"\n".join(lines) + (b"\n" if closed and lines else b"")
    if lines and not closed and not lines[-1]:
        lines.pop()
    assert_same(decode_lines(block, INGESTED), strictly(lines))
    assert_same(decode_lines(memoryview(block), INGESTED), strictly(lines))


def test_empty_input():
    for found in (decode([], 0), decode_lines(b"", 0)):
        assert (len(found.declarations), len(found.rows), len(found.rejects.rows)) == (0, 0, 0)
    assert decode_lines(b"\n", 0).rejects.codes == ["empty"]


def test_lines_may_lie_in_a_strided_or_read_only_array():
    block = np.frombuffer(GOOD + b"\n" + GOOD, np.uint8)
    strided = np.repeat(block, 2)[::2]
    assert_same(decode_lines(strided, 0), decode_lines(block, 0))
