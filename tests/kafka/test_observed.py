"""A stream observed: a real Prometheus scrapes the exporter and the job, and is asked for what is known to be true."""

import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from corridor.kafka import admin
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import Message, read
from corridor.kafka.topics import TOPICS
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from tests.deploy.prometheus import Prometheus, running
from tests.deploy.test_grafana import queries

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

NO_DATA = {
    "corridor:automatic:ratio_": "needs a hundred decisions between two scrapes, and a day of history",
    "corridor_service_plan_": "no plan is given",
    "corridor_service_hour_declarations": "its last whole hour holds no declaration",
    "sum by (kind) (corridor_anomalies_open) > 0": "nothing is open in a minute",
    "increase(corridor_anomalies_total[1h])) > 0": "the few there are may all come before the first scrape",
}
"""Queries of dashboards that may find nothing here, by what they hold, and why."""


@contextlib.contextmanager
def corridor(*arguments: object, log: Path):
    """A command in a session of its own, ended with all it started."""
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stderr=file, stdout=file, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            process.send_signal(signal.SIGINT)
            process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory) -> Path:
    """A rulebook on trial."""
    place = tmp_path_factory.mktemp("candidate") / "r"
    shutil.copytree(sample_path(), place)
    write_manifest(place, "candidate", datetime(2040, 1, 1, tzinfo=UTC))
    return place


@pytest.fixture(scope="module")
def observed(tmp_path_factory, new_broker, candidate):
    """Prometheus beside a running stream that has decided on all that was sent, and the messages of its topics."""
    root = tmp_path_factory.mktemp("observed")
    parts = [root / name for name in ("first", "then")]  # rates need counters that rise between two scrapes
    for day, part in enumerate(parts, 10):
        days = folder.Span(date(2026, 11, day), 1, 350, Options(garbage=0.03), "none")
        folder.write(Service(5), days, part, lambda d, n: None)
    settings = Settings(new_broker().bootstrap)
    admin.create(connect(settings), 1)
    kafka, ports = ("--kafka", settings.bootstrap), (free_port(), free_port())
    job = ("run", "decide", *kafka, "--state", root / "state", "--metrics", ports[1], "--checkpoint", 2000)
    exporter = ("exporter", *kafka, "--port", ports[0], "--rulebook", sample_path(), "--from", "beginning")
    with (
        corridor(*exporter, log=root / "exporter.log"),
        corridor(*job, "--shadow", candidate, log=root / "job.log") as deciding,
        running(root, *ports) as prometheus,
    ):
        end = time.monotonic() + 180
        while not prometheus.number("flink_jobmanager_job_numberOfCompletedCheckpoints"):
            assert deciding.poll() is None, (root / "job.log").read_text()
            assert time.monotonic() < end, "the job has made no checkpoint"
            time.sleep(0.5)
        for part in parts:
            send = ("produce", "--input", part / "declarations", *kafka, "--live", "--rate", 100)
            with corridor(*send, log=root / "produce.log") as producer:
                assert producer.wait(120) == 0, (root / "produce.log").read_text()
            sent = len(messages(settings, "declarations"))
            prometheus.wait("sum(corridor_records_total)", sent, 120)
            topics = settled(prometheus, settings)
            time.sleep(2)
        time.sleep(3)  # rules are evaluated each second, on what was scraped a second before
        yield prometheus, topics


def settled(prometheus: Prometheus, settings: Settings) -> dict[str, list[Message]]:
    """The topics' messages, once the exporter has read as many."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        topics = {name: messages(settings, name) for name in TOPICS}
        told = by(prometheus, "corridor_source_messages_total", "topic")
        if all(
            told.get(TOPICS[name], 0) == len(topics[name]) for name in ("decisions", "rejects", "anomalies")
        ):
            return topics
        time.sleep(0.5)
    raise AssertionError(told)


def messages(settings: Settings, name: str) -> list[Message]:
    return list(read(settings, TOPICS[name]))


def documents(found: list[Message]) -> list[dict]:
    return [json.loads(message.value) for message in found]


def by(prometheus: Prometheus, query: str, *labels: str) -> dict:
    """Values by label, those of 0 left out."""
    told = {tuple(found[label] for label in labels): n for found, n in prometheus.ask(query) if n}
    return {key[0] if len(key) == 1 else key: n for key, n in told.items()}


def test_the_exporters_figures_are_those_of_the_topics(observed):
    prometheus, topics = observed
    decisions = documents(topics["decisions"])
    assert len(decisions) > 600
    assert by(prometheus, "corridor_decisions_total", "rulebook", "corridor") == collections.Counter(
        (d["rulebook"], d["corridor"]) for d in decisions
    )
    assert by(prometheus, "corridor_decisions_by_basis_total", "basis") == collections.Counter(
        d["basis"] for d in decisions
    )
    assert by(prometheus, "corridor_rejects_total", "code") == collections.Counter(
        dict(message.headers)["corridor.error.code"].decode() for message in topics["rejects"]
    )
    assert by(prometheus, "corridor_shadow_decisions_total", "corridor", "shadow") == collections.Counter(
        (d["corridor"], d["shadow"]["corridor"]) for d in decisions if d["shadow"]
    )
    first = {
        (a.get("episode") or {}).get("id") or n: a["kind"]
        for n, a in enumerate(documents(topics["anomalies"]))
    }
    assert by(prometheus, "sum by (kind) (corridor_anomalies_total)", "kind") == collections.Counter(
        first.values()
    )
    newest = {(p["topic"], p["partition"]): p for p in documents(topics["conservation"])}
    for name, outcome in (("decided", "decided"), ("rejected", "rejected"), ("duplicates", "duplicate")):
        told = prometheus.number(f'corridor_records_total{{outcome="{outcome}"}}')
        assert told == sum(p[name] for p in newest.values())
    assert prometheus.number("corridor:waiting:sum") == prometheus.number("corridor:lag:sum") == 0
    assert prometheus.ask("corridor_rulebook_info")[0][0]["version"] == load(sample_path()).version


def test_the_picture_of_the_day_is_the_topics_newest(observed):
    prometheus, topics = observed
    cells = {message.key: json.loads(message.value) for message in topics["picture"]}
    days = [c for c in cells.values() if c["period"] == "day"]
    today = max(c["window_start"] for c in days)
    service = next(c for c in days if (c["window_start"], c["dimension"]) == (today, "service"))
    offices = {
        c["value"]: c["declarations"]
        for c in days
        if (c["window_start"], c["dimension"]) == (today, "office") and c["declarations"]
    }
    assert by(prometheus, "corridor:office_declarations:sum", "office") == offices
    assert prometheus.number("corridor:service_declarations:sum") == service["declarations"] > 0
    assert prometheus.number("corridor_service_automatic_ratio") == service["automatic_share"]
    assert prometheus.number("corridor_service_customs_value") == service["customs_value"]
    assert prometheus.number("corridor_service_rejected") == service["rejected"]


def test_the_jobs_reporter_tells_the_same(observed):
    prometheus, topics = observed
    prefix = "flink_taskmanager_job_task_operator_corridor"
    assert prometheus.number(f"sum({prefix}_read)") == len(topics["declarations"])
    assert prometheus.number(f"sum({prefix}_partition_conservation_decided)") == len(topics["decisions"])
    assert by(prometheus, f"sum by (code) ({prefix}_code_rejected)", "code") == by(
        prometheus, "corridor_rejects_total", "code"
    )
    assert prometheus.number(f"max({prefix}_resident_bytes)") > 50_000_000
    assert prometheus.number("sum(increase(flink_jobmanager_job_numberOfCompletedCheckpoints[5m]))") > 2


def test_each_query_of_the_dashboards_returns_data(observed):
    prometheus, _ = observed
    empty = [
        query
        for query in sorted(set(queries()))
        if not prometheus.ask(query.replace("$__rate_interval", "1m").replace("$__range", "1h"))
    ]
    unexpected = [query for query in empty if not any(part in query for part in NO_DATA)]
    assert not unexpected, "\n".join(unexpected)


def test_the_rules_are_evaluated_and_nothing_critical_fires(observed):
    prometheus, _ = observed
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert [rule for rule in rules if rule["health"] != "ok"] == []
    firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert [name for name in firing if name not in {"CorridorRulebookExpiring"}] == []


def test_series_are_few_and_name_no_rule(observed):
    prometheus, _ = observed
    assert prometheus.number('count({job="corridor-exporter"})') < 1_000
    assert prometheus.number('count({job="corridor-job"})') < 1_000
    values = set().union(
        *(prometheus.get(f"label/{name}/values") for name in prometheus.get("labels")),
    )
    rules = set(load(sample_path()).rules.ids)
    assert not rules & values
