"""The AsyncAPI document meets AsyncAPI 3.0.0 and points at schemas that exist."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.schemas.documents import FOLDER, NAMES, asyncapi

TOPICS = {
    "customs.declarations.v1",
    "customs.decisions.v1",
    "customs.anomalies.v1",
    "customs.picture.v1",
    "customs.rejects.v1",
    "customs.traces.restricted.v1",
    "customs.results.v1",
    "customs.conservation.v1",
}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_meets_the_schema_of_asyncapi() -> None:
    standard = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))
    faults = [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft7Validator(standard).iter_errors(asyncapi())
    ]
    assert faults == []


def test_the_check_finds_a_fault() -> None:
    standard = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))
    broken = asyncapi() | {"channels": {"x": {"adress": "y"}}}
    assert not Draft7Validator(standard).is_valid(broken)


@pytest.mark.parametrize("reference", sorted(set(references(asyncapi()))))
def test_references_lead_somewhere(reference: str) -> None:
    path, _, pointer = reference.partition("#")
    if path:
        assert (FOLDER / path).is_file()
        return
    node = asyncapi()
    for step in pointer.strip("/").split("/"):
        node = node[step]


def test_covers_every_topic_and_every_schema() -> None:
    assert {channel["address"] for channel in asyncapi()["channels"].values()} == TOPICS
    files = {reference for reference in references(asyncapi()) if not reference.startswith("#")}
    assert files == {f"./{name}.schema.json" for name in NAMES}


def test_only_traces_are_restricted_and_both_marks_agree() -> None:
    marked = [name for name, channel in asyncapi()["channels"].items() if channel.get("x-restricted")]
    assert marked == ["traces"]
    assert asyncapi()["components"]["messages"]["trace"]["x-restricted"]
    assert json.loads((FOLDER / "trace.v1.schema.json").read_text())["x-restricted"]
