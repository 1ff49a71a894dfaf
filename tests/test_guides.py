import re

import pytest

from corridor import guides
from corridor.flink.metrics import TOLD
from corridor.kafka.topics import TOPICS
from tests.conftest import ROOT


@pytest.mark.parametrize(("name", "make"), [("metrics", guides.metrics), ("topics", guides.topics)])
def test_the_docs_hold_the_reference_of_today(name, make):
    there = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert there == make(ROOT), "run `make reference`"


def test_every_metric_of_the_workers_is_described():
    """As they are counted in the code: a label's name stands before the metric's own."""
    called = re.compile(
        r"\bmetrics\.(?:count|tell)\(\s*f?\"(\w+)(?:\{\w+\})?\",[^\n]*?(?:, (\w+)=[^=\n]+)?\)\n"
    )
    found = {
        f"{match[2]}_{match[1]}" if match[2] else match[1]
        for path in (ROOT / "src" / "corridor" / "flink").glob("*.py")
        for match in called.finditer(path.read_text(encoding="utf-8").replace("self._metrics", "metrics"))
    }
    assert {"read", "code_rejected", "version_rulebook", "judged"} <= found
    described = {one.name for one in TOLD}
    assert {name for name in found if not any(name in known for known in described)} == set()


def test_every_topic_has_its_section_and_its_fields():
    text = (ROOT / "docs" / "topics.md").read_text(encoding="utf-8")
    for topic in TOPICS.values():
        section = text.partition(f"\n## {topic}\n")[2].partition("\n## ")[0]
        assert "| field | type |" in section, topic
    assert "**Restricted" in text.partition("\n## customs.traces.restricted.v1\n")[2].partition("\n## ")[0]


def test_the_exporter_stays_below_two_thousand_series():
    assert guides._series(200) < 2_000
