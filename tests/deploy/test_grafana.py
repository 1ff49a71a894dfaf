"""The dashboards: made by the code, valid for Grafana's own models, and of metrics that there are.

Grafana itself cannot be had in CI. Its SDK's models are generated from its schema: what they do not know is lost on the
way through them, so equality after it shows that every field is known.
"""

import copy
import importlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
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
