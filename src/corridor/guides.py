"""docs/metrics.md and docs/topics.md, made from the code, the rules for Prometheus and the AsyncAPI document.

`python -m corridor.guides .` renews both below the root of the project; a test says when they are stale.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from corridor.console.exporter.families import FAMILIES, Family
from corridor.flink.metrics import PREFIX, TOLD
from corridor.kafka.topics import SPECIFICATIONS

FLINK: Final = {
    "flink_taskmanager_job_task_operator_pendingRecords": "Records of the topic not read yet, of each source.",
    "flink_taskmanager_job_task_operator_watermarkLag": "The watermark behind the clock, milliseconds.",
    "flink_taskmanager_job_task_operator_currentEmitEventTimeLag": "The newest record behind the clock, milliseconds.",
    "flink_taskmanager_job_task_operator_numLateRecordsDropped": "Cells that came when the detector's bin of their time was "
    "closed: they join the picture only.",
    "flink_taskmanager_job_task_busyTimeMsPerSecond": "How busy a task is: 1,000 is all the time.",
    "flink_taskmanager_job_task_backPressuredTimeMsPerSecond": "How long it is held up by those behind it.",
    "flink_taskmanager_Status_JVM_Memory_Heap_Used": "Bytes of the heap in use; `..._Max`: those there are.",
    "flink_jobmanager_job_uptime": "Milliseconds since the job began to run.",
    "flink_jobmanager_job_numRestarts": "Restarts after failures.",
    "flink_jobmanager_job_numberOfCompletedCheckpoints": "Checkpoints completed; `numberOfFailed...`: failed.",
    "flink_jobmanager_job_lastCheckpointDuration": "Milliseconds that the last one took; `...Size`: its bytes.",
}
"""Flink's own metrics that rules and dashboards use."""
_MADE: Final = "<!-- made by `make reference` -->"


_METRICS: Final = """\
What `corridor exporter`, the job and its workers tell Prometheus, and what the rules of
[deploy/prometheus](../deploy/prometheus) make of it. Names and units follow Prometheus's conventions: seconds, grams,
ratios from 0 to 1, `_total` for what only grows; amounts are in national currency, in its major unit. Values of labels
come from closed lists. No rule, threshold, coefficient or identity of a consignment or participant is in any of it."""
_EXPORTER: Final = """\
{series:,} series at most with 200 offices, 8 partitions, four rulebooks and every kind of anomaly. Each office counts 8
(`--offices`, `--most-offices`), each partition 3, up to 64 of them; what is beyond, or cannot be the code of an office,
is `other`. What is not known has no sample. The exporter's own process is told as usual (`process_...`)."""
_JOB: Final = """\
Told by Flink's reporter (`corridor run decide --metrics PORT`; a cluster has its own), each name after
`{prefix}` and with Flink's labels of operator and subtask. Flink tells counters as gauges, and one that never rose not
at all; all but those of conservation begin at 0 with their worker."""
_FLINK: Final = """\
Of the 5,500 series that Flink tells of a job at parallelism 2 `deploy/prometheus/prometheus.yml` keeps those of workers, and
these:"""


def metrics(root: Path) -> str:
    """docs/metrics.md."""
    closed = (f"- `{name}`: {', '.join(f'`{value}`' for value in values)}" for name, values in _closed())
    workers = ((f"`{one.name}`", one.kind, one.unit, _code(one.label), one.meaning) for one in TOLD)
    parts = [
        "# Metrics",
        _MADE,
        _METRICS,
        "## The exporter",
        _EXPORTER.format(series=_series(200)),
        _table(("metric", "type", "unit", "labels", "meaning", "from"), map(_family, FAMILIES)),
        "Closed lists of labels:",
        "\n".join(closed),
        "## The job's workers",
        _JOB.format(prefix=PREFIX),
        _table(("metric", "type", "unit", "label", "meaning"), workers),
        "## Flink",
        _FLINK,
        _table(("metric", "meaning"), ((f"`{name}`", meaning) for name, meaning in FLINK.items())),
        "## Recorded",
        _table(("name", "expression"), _recorded(root)),
        "## Alerts",
        "What each means and what to do is in [operations.md](operations.md).",
        _table(("alert", "severity", "tells"), _alerts(root)),
    ]
    return "\n\n".join(parts) + "\n"


def topics(root: Path) -> str:
    """docs/topics.md."""
    document = _yaml(root / "schemas" / "asyncapi.yaml")
    parts = [
        "# Topics",
        _MADE,
        " ".join(document["info"]["description"].split()),
        "The document itself: [asyncapi.yaml](../schemas/asyncapi.yaml).",
        _table(("topic", "holds", "key", "partitions"), _overview(document)),
    ]  # fmt: skip
    for name, channel in document["channels"].items():
        parts += _channel(root, document, name, channel)
    return "\n\n".join(parts) + "\n"


def write(root: Path) -> None:
    """Renew both files below the root of the project."""
    (root / "docs" / "metrics.md").write_text(metrics(root), encoding="utf-8")
    (root / "docs" / "topics.md").write_text(topics(root), encoding="utf-8")


def _series(offices: int) -> int:
    """Series of all families: with `other` beside the offices, 8 partitions, four rulebooks and `other`, 1 version."""
    of_open = {"office": offices + 1, "partition": 8, "rulebook": 5, "version": 1}
    total = 0
    for family in FAMILIES:
        count = 18 if family.kind == "histogram" else 1
        for name, values in family.labels.items():
            count *= len(values) or of_open[name]
        total += count
    return total


def _family(family: Family) -> tuple[str, ...]:
    labels = ", ".join(f"`{name}`" for name in family.labels)
    return f"`{family.name}`", family.kind, family.unit, labels, family.help, family.source


def _closed() -> list[tuple[str, tuple[str, ...]]]:
    """The closed lists of labels, each once, where every family means the same by them."""
    lists: dict[str, set[tuple[str, ...]]] = {}
    for family in FAMILIES:
        for name, values in family.labels.items():
            if values:
                lists.setdefault(name, set()).add(values)
    return [(name, max(found, key=len)) for name, found in sorted(lists.items())]


def _recorded(root: Path) -> Iterator[tuple[str, ...]]:
    for rule in _rules(root, "recording.yml"):
        expr = " ".join(rule["expr"].split())
        yield f"`{rule['record']}`", f"`{expr if len(expr) < 240 else expr[:200] + ' ...'}`"


def _alerts(root: Path) -> Iterator[tuple[str, ...]]:
    for rule in _rules(root, "alerts.yml"):
        link = f"[{rule['alert']}](operations.md#{rule['alert'].lower()})"
        yield link, rule["labels"]["severity"], rule["annotations"]["summary"]


def _rules(root: Path, name: str) -> Iterator[dict[str, Any]]:
    for group in _yaml(root / "deploy" / "prometheus" / "rules" / name)["groups"]:
        yield from group["rules"]


def _overview(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    partitions = {topic.name: str(topic.partitions) for topic in SPECIFICATIONS}
    for channel in document["channels"].values():
        address, key = channel["address"], _message(document, channel)["bindings"]["kafka"]["key"]
        mark = " **(restricted)**" if channel.get("x-restricted") else ""
        link = f"[{address}](#{address.replace('.', '')})"
        yield link, channel["title"] + mark, key["description"], partitions.get(address, "")


def _channel(root: Path, document: dict[str, Any], name: str, channel: dict[str, Any]) -> Iterator[str]:
    message = _message(document, channel)
    yield f"## {channel['address']}"
    mark = " **Restricted: see [security.md](security.md).**" if channel.get("x-restricted") else ""
    yield " ".join(channel["description"].split()) + mark
    verbs = {"send": "writes", "receive": "reads"}
    told = [
        f"- {verbs[operation['action']]}: {operation['summary']}"
        for operation in document["operations"].values()
        if operation["channel"]["$ref"].endswith(f"/{name}")
    ]
    found = next((topic for topic in SPECIFICATIONS if topic.name == channel["address"]), None)
    if found is not None:
        settings = ", ".join(f"`{key}={value}`" for key, value in found.config.items())
        told.append(f"- set to: {settings}")
    yield "\n".join(told)
    for trait in (message, *message.get("traits", ())):
        if "headers" in trait:
            yield "Headers:"
            yield _table(("header", "what"), _properties(trait["headers"]))
    schema = message.get("x-file-form") or message["payload"].get("schema")
    if "x-file-form" in message:
        yield f"Value: {message['payload']['description']} In files it is a document:"
    yield f"Fields, as in [{Path(schema['$ref']).name}](../schemas/{Path(schema['$ref']).name}):"
    fields = json.loads((root / "schemas" / schema["$ref"]).read_text(encoding="utf-8"))
    yield _table(("field", "type", "required", "what"), _fields(fields, ""))


def _message(document: dict[str, Any], channel: dict[str, Any]) -> dict[str, Any]:
    """The one message of a channel, its references to the document's own parts followed."""
    (reference,) = channel["messages"].values()
    found: dict[str, Any] = _resolved(document, reference)
    return found


def _resolved(document: dict[str, Any], node: Any) -> Any:
    if isinstance(node, list):
        return [_resolved(document, one) for one in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("$ref", "")).startswith("#/"):
        target: Any = document
        for step in node["$ref"][2:].split("/"):
            target = target[step]
        return _resolved(document, target)
    return {name: _resolved(document, one) for name, one in node.items()}


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in schema["properties"].items():
        yield f"`{name}`", one["description"]


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, ...]]:
    required = set(schema.get("required", ()))
    for name, one in schema.get("properties", {}).items():
        yield f"`{path}{name}`", _type(one), "yes" if name in required else "", one.get("description", "")
        yield from _fields(one, f"{path}{name}.")
        yield from _fields(one.get("items", {}), f"{path}{name}[].")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    types = schema.get("type", "")
    told = " or ".join([types] if isinstance(types, str) else types)
    return f"{told} ({schema['format']})" if "format" in schema else told


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table of Markdown; a bar within a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
