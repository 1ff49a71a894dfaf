"""The dashboards: made by the code, valid for Grafana's own models, and of metrics that there are.

Grafana itself cannot be had in CI. Its SDK's models are generated from its schema: what they do not know is lost on the
way through them, so equality after it shows that every field is known; and their types and enumerations are the schema's.
"""

import copy
import enum
import importlib
import json
import re
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from corridor.console.exporter.families import FAMILIES
from tests.conftest import ROOT
from tests.deploy.prometheus import FOLDER as PROMETHEUS
from tests.deploy.prometheus import read

FOLDER = ROOT / "deploy" / "grafana"
NAMES = ("service.json", "stream.json", "rulebook.json")


def document(name: str) -> Any:
    return json.loads((FOLDER / "dashboards" / name).read_text(encoding="utf-8"))


def queries() -> Iterator[str]:
    """Every query of every panel."""
    for name in NAMES:
        for panel in document(name)["panels"]:
            yield from (target["expr"] for target in panel.get("targets", ()))


@pytest.fixture(scope="module")
def build() -> Iterator[Any]:
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module("build")
    sys.path.remove(str(FOLDER))


def test_the_files_are_what_the_code_makes(build):
    made = build.made()
    assert made.keys() == set(NAMES)
    for name, text in made.items():
        assert (FOLDER / "dashboards" / name).read_text(encoding="utf-8") == text, "run `make reference`"


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_models_know_every_field(name):
    def passed(page: dict[str, Any]) -> Any:
        return json.loads(json.dumps(dashboard.Dashboard.from_json(page), cls=JSONEncoder))

    there = document(name)
    assert passed(there) == there
    broken = copy.deepcopy(there)
    broken["panels"][1]["titel"] = "x"
    assert passed(broken) != broken


def fits(value: Any, hint: Any) -> bool:
    """Whether a value is of the type that the schema has for it, and so is all that is in it."""
    origin, of = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return any(fits(value, one) for one in of)
    if origin is list:
        return isinstance(value, list) and all(fits(one, of[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, of[1]) for one in value.values())
    if origin is typing.Literal:
        return value in of
    if isinstance(value, dict) and hasattr(hint, "from_json"):  # what the SDK leaves as it came
        value = hint.from_json(value)
    return is_a(value, hint) and all(
        fits(getattr(value, name), inner)
        for name, inner in typing.get_type_hints(type(value)).items()
        if type(value).__module__.startswith("grafana_foundation_sdk")
    )


def is_a(value: Any, kind: Any) -> bool:
    """Whether a value is of a class of the schema, or one of an enumeration's values."""
    if kind in {object, typing.Any}:
        return True
    if issubclass(kind, enum.Enum):
        return isinstance(value, kind) or value in {one.value for one in kind}
    return isinstance(value, (int, float) if kind is float else kind)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_has_the_type_of_grafanas_schema(name):
    plugins.register_default_plugins()  # so that panels' own options are read too

    def well(page: dict[str, Any]) -> bool:
        return fits(dashboard.Dashboard.from_json(page), dashboard.Dashboard)

    there = document(name)
    assert well(there)
    panel = copy.deepcopy(next(one for one in there["panels"] if one["type"] == "timeseries"))
    panel["fieldConfig"]["defaults"]["custom"]["showPoints"] = "sometimes"
    for change in (
        {"graphTooltip": 7},
        {"refresh": 30},
        {"panels": [panel]},
        {"panels": [there["panels"][1] | {"title": []}]},
    ):
        assert not well(there | change), change


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_side_by_side_and_bear_their_own_numbers(name):
    panels = document(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters), panel["title"]


def test_every_metric_that_is_asked_for_is_told_by_somebody():
    """By the exporter, a recording rule, Flink, or the exporter's process."""
    known = {family.name for family in FAMILIES}
    known |= {f"{family.name}_bucket" for family in FAMILIES if family.kind == "histogram"}
    known |= {
        rule["record"]
        for group in read(PROMETHEUS / "rules" / "recording.yml")["groups"]
        for rule in group["rules"]
    }
    keep = next(
        one["regex"]
        for one in read(PROMETHEUS / "prometheus.yml")["scrape_configs"][1]["metric_relabel_configs"]
        if one["action"] == "keep"
    )
    for query in queries():
        bare = re.sub(r'"[^"]*"', "", query)
        for name in re.findall(r"\b(?:corridor[_:][\w:]+|flink_\w+|process_\w+)", bare):
            if name.startswith("flink_"):
                assert re.fullmatch(keep, name), f"{name} is dropped by prometheus.yml"
            else:
                assert name in known or name == "process_resident_memory_bytes", name


def test_provisioning_names_what_the_dashboards_use():
    source = read(FOLDER / "provisioning" / "datasources" / "prometheus.yml")["datasources"][0]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert read(FOLDER / "provisioning" / "dashboards" / "corridor.yml")["providers"][0]["type"] == "file"
    for name in NAMES:
        variable = document(name)["templating"]["list"][0]
        assert (variable["name"], variable["query"]) == ("source", "prometheus")
