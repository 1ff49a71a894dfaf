import json
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from corridor.errors import ExpressionError
from corridor.rulebook import guide
from corridor.rulebook.documents import Problems, read_yaml
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.groups import RESPONSES
from corridor.rulebook.rules import read_rules
from corridor.rulebook.sample import sample_path
from corridor.rulebook.semantics import CALLS
from tests.rulebook.rule_material import RULE

ROOT = Path(__file__).parents[2]


def test_what_is_written_down_is_what_is_checked():
    """`make reference` renews both."""
    assert (ROOT / "docs/rules.md").read_text() == guide.markdown()
    assert json.loads((ROOT / "schemas/rules.v1.schema.json").read_text()) == guide.json_schema()


def test_every_field_function_and_response_is_told():
    text = guide.markdown()
    assert set(re.findall(r"^\| `([a-z]+\.[a-z0-9_]+)` \|", text, re.MULTILINE)) == set(FIELDS)
    assert guide.CALL_TEXTS.keys() == CALLS.keys()
    assert tuple(guide.RESPONSE_TEXTS) == RESPONSES


@pytest.mark.parametrize("condition", [when for _, when in guide.EXAMPLES])
def test_every_example_is_a_condition(condition):
    guide.accepted(condition)
    assert len(guide.EXAMPLES) == 10


@pytest.mark.parametrize("condition", guide.MISTAKES)
def test_every_mistake_is_answered_with_its_place(condition):
    with pytest.raises(ExpressionError, match=r"line 1, column \d+: "):
        guide.accepted(condition)


def test_the_schema_takes_the_sample_and_is_a_schema():
    schema = guide.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    rules = plain(sample_path() / "rules.yaml")
    jsonschema.validate(rules, schema)
    assert len(rules["rules"]) >= 60


def plain(path: Path):
    """A YAML file as an editor sees it: days are texts."""
    found = YAML(typ="safe", pure=True).load(
        re.sub(r"(?m)^(\s*valid_\w+: )(\d\S*)$", r"\1'\2'", path.read_text())
    )
    return json.loads(json.dumps(found))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("group: list", "group: random"),
        ("group: list", "group: lists"),
        ("weight: 0.2", "weight: 1"),
        ("weight: 0.2", "corridor: red"),
        ("response: score", "response: at_least"),
        ("response: score", "response: exempt"),
        ("    owner: unit\n", ""),
        ("owner: unit", "ownr: unit"),
        ("weight: 0.2", "weight: 0.2\n    scope: {directions: [inward]}"),
        ("weight: 0.2", "weight: 0.2\n    stage: tried"),
    ],
)
def test_the_schema_refuses_what_the_check_refuses(tmp_path, old, new):

    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("rules:\n" + RULE)
    bad.write_text(("rules:\n" + RULE).replace(old, new))
    for path, fits in ((good, True), (bad, False)):
        problems = Problems()
        read_rules(read_yaml(path, path.name, problems), {}, path.name, problems)
        assert (not problems.found) == fits
        valid = jsonschema.Draft202012Validator(guide.json_schema()).is_valid(plain(path))
        assert valid == fits
