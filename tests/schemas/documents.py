"""The project's schemas and AsyncAPI document, read once, with a resolver for their references."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from ruamel.yaml import YAML

from corridor.messages.moment import moment

FOLDER = Path(__file__).parents[2] / "schemas"
NAMES = (
    "declaration.v1",
    "decision.v1",
    "anomaly.v1",
    "picture.v1",
    "reject.v1",
    "result.v1",
    "trace.v1",
    "conservation.v1",
)


@cache
def schema(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.schema.json").read_text("utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    formats = FormatChecker([])
    formats.checks("date-time")(_is_moment)
    return Draft202012Validator(schema(name), format_checker=formats)


def valid(name: str, documents: list[bytes]) -> None:
    """Fail on the first document that does not meet its schema, or is not one line of strict JSON."""
    for raw in documents:
        assert b"\n" not in raw
        document = json.loads(raw, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
        validator(name).validate(document)


@cache
def asyncapi() -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load((FOLDER / "asyncapi.yaml").read_text("utf-8"))


def _is_moment(text: object) -> bool:
    found = moment(text) if isinstance(text, str) else None
    return not isinstance(text, str) or (found is not None and found.has_offset)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), f"a key twice among {[name for name, _ in pairs]}"
    return dict(pairs)
