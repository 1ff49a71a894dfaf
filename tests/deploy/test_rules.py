"""The rules for Prometheus: promtool's own tests, and that no alert is without test and runbook."""

import json
import subprocess

import pytest

from tests.conftest import ROOT
from tests.deploy.prometheus import FOLDER, program, read
from tests.deploy.test_grafana import queries

TESTS = sorted((FOLDER / "tests").glob("*_test.yml"))
ALERTS = [rule for group in read(FOLDER / "rules" / "alerts.yml")["groups"] for rule in group["rules"]]


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_configuration_and_rules_are_valid():
    told = promtool("check", "config", FOLDER / "prometheus.yml")
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_promtool_runs_the_tests_of_the_rules(file):
    told = promtool("test", "rules", file)
    assert told.returncode == 0, told.stdout + told.stderr


def test_each_alert_is_shown_firing_and_not_firing():
    fires, rests = set(), set()
    for file in TESTS:
        for group in read(file)["tests"]:
            for one in group["alert_rule_test"]:
                (fires if one["exp_alerts"] else rests).add(one["alertname"])
    names = {rule["alert"] for rule in ALERTS}
    assert fires == names
    assert rests == names


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_says_how_bad_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert {"summary", "description", "runbook"} == rule["annotations"].keys()
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = runbook.partition(f"\n### {rule['alert']}\n")[2].partition("\n### ")[0]
    for part in ("**Means.**", "**Look at.**", "**Do.**"):
        assert part in section, f"{rule['alert']} has no {part} in docs/operations.md"


def test_queries_of_the_dashboards_are_promql(tmp_path):
    """promtool knows no command for a query, but checks the expression of a rule."""
    rules = [
        {"record": f"q:{number}", "expr": expr.replace("$__rate_interval", "1m").replace("$__range", "1h")}
        for number, expr in enumerate(sorted(set(queries())))
    ]
    (tmp_path / "queries.yml").write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    told = promtool("check", "rules", tmp_path / "queries.yml")
    assert told.returncode == 0, told.stdout + told.stderr
