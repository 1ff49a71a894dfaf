"""Every schema is one, says what its fields mean, and its examples meet it."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS
from corridor.messages.declaration import decode
from corridor.messages.reject import REJECT_CODES, encode_reject
from corridor.messages.strict import HEAD_FIELDS, ITEM_FIELDS
from corridor.messages.vocabulary import BASES, FINDINGS, GROUPS, SEVERITIES
from tests.schemas.documents import FOLDER, NAMES, schema, valid, validator


def properties(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in node.get("properties", {}).items():
        yield f"{path}/{name}", inner
        yield from properties(inner, f"{path}/{name}")
        yield from properties(inner.get("items", {}), f"{path}/{name}")


@pytest.mark.parametrize("name", NAMES)
def test_is_a_schema_and_its_examples_meet_it(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema(name)["$id"] == f"urn:corridor:{name}"
    assert schema(name)["examples"]
    valid(name, [json.dumps(example).encode() for example in schema(name)["examples"]])


def test_no_schema_is_left_untested() -> None:
    """That of rules.yaml is no message: tests/rulebook/test_guide.py has it."""
    names = {path.name for path in FOLDER.glob("*.json")} - {"rules.v1.schema.json"}
    assert names == {f"{name}.schema.json" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_property_says_what_it_is_and_its_wco_element(name: str) -> None:
    for path, inner in properties(schema(name)):
        assert inner.get("description"), path
        assert "x-wco" in inner, path
        assert inner["x-wco"] is None or "/" in inner["x-wco"], path


def test_declarations_name_a_wco_element_for_all_but_the_identification_code() -> None:
    without = [path for path, inner in properties(schema("declaration.v1")) if inner["x-wco"] is None]
    assert without == ["/items/trace_id"]


def test_vocabularies_are_those_of_the_code() -> None:
    decision, anomaly = schema("decision.v1")["properties"], schema("anomaly.v1")["properties"]
    assert decision["corridor"]["enum"] == list(CORRIDORS)
    assert decision["basis"]["enum"] == list(BASES)
    assert decision["reasons"]["items"]["properties"]["group"]["enum"] == list(GROUPS)
    assert decision["function"]["enum"] == list(FUNCTIONS)
    assert schema("declaration.v1")["properties"]["direction"]["enum"] == list(DIRECTIONS)
    assert anomaly["severity"]["enum"] == list(SEVERITIES)
    assert schema("reject.v1")["properties"]["code"]["enum"] == list(REJECT_CODES)
    assert schema("result.v1")["properties"]["finding"]["enum"] == list(FINDINGS)


def test_the_declaration_holds_the_fields_that_the_decoder_reads() -> None:
    head = schema("declaration.v1")["properties"]
    item = head["items"]["items"]["properties"]
    assert set(head) == set(HEAD_FIELDS)
    assert set(item) == set(ITEM_FIELDS)


MISSING = object()
ITEM = "/items/0/"
CHANGES = [
    *[(name, MISSING) for name in HEAD_FIELDS],
    *[(ITEM + name, MISSING) for name in ITEM_FIELDS],
    *[(name, None) for name in ("exporter", "importer", "dispatch_country", "version")],
    *[(ITEM + name, None) for name in ITEM_FIELDS],
    *[(name, 5) for name in ("declaration_id", "function", "registered_at", "office", "items", "exporter")],
    *[(name, "x" * 65) for name in ("declaration_id", "office", "declarant", "importer", "exporter")],
    *[
        ("registered_at", text)
        for text in ("2026-11-22 08:15:30", "0001-01-01T00:00:00Z", "yesterday", "", "2026")
    ],
    *[(name, "") for name in ("declaration_id", "office", "procedure", "exporter", "dispatch_country")],
    *[("version", value) for value in (0, 1, 1.0, 1.5, "1", 2**31 - 1, 2**31, True)],
    *[("transport_mode", value) for value in (0, 1, 9, 10, "3")],
    *[("function", "Original"), ("direction", "reimport"), ("items", []), ("items", [None])],
    *[(ITEM + "item_no", value) for value in (0, 1, -1, 1.5)],
    *[(ITEM + "net_mass_kg", value) for value in (-1, 0, "1", True)],
    *[(ITEM + "hs_code", value) for value in ("", "87A", "1" * 20, 87)],
    *[(ITEM + "customs_value", value) for value in (-5, "5")],
    *[("sender", {"anything": [1]}), (ITEM + "more", None), ("delivery_terms", "x" * 17)],
]


@pytest.mark.parametrize(
    ("pointer", "value"), CHANGES, ids=lambda value: "missing" if value is MISSING else repr(value)[:24]
)
def test_schema_and_decoder_agree(pointer: str, value: Any) -> None:
    document = copy.deepcopy(schema("declaration.v1")["examples"][0])
    *path, last = [int(step) if step.isdigit() else step for step in pointer.strip("/").split("/")]
    node = document
    for step in path:
        node = node[step]
    if value is MISSING:
        node.pop(last, None)
    else:
        node[last] = value
    decoded = decode([json.dumps(document).encode()], 0)
    assert validator("declaration.v1").is_valid(document) == (len(decoded.declarations) == 1), decoded.rejects


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"{}", b"x" * ((1 << 20) + 1)])
def test_rejects_as_written_meet_their_schema(payload: bytes) -> None:
    for code in REJECT_CODES:
        valid("reject.v1", [encode_reject(payload, code, "/items/3/hs_code", "decode", "a.ndjson:7")])


def test_a_reject_without_its_bytes_is_refused() -> None:
    with pytest.raises(ValidationError):
        validator("reject.v1").validate({"code": "utf8", "pointer": "", "stage": "decode", "source": "a:1"})
