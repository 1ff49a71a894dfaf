"""The detector in the stream: one plan with the decisions, bins that close by watermark, the anomalies of files."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import pytest

from corridor.flink.connectors import Source
from corridor.flink.embedded import Files
from corridor.flink.embedded import run_decide as run_files
from corridor.flink.streaming import Topics, run_decide
from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import read
from corridor.kafka.topics import TOPICS
from corridor.messages.declaration import decode
from corridor.picture import norms
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from corridor.simulate.followups import QUIET
from tests.schemas.documents import valid

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

NOW = 1_790_000_000_000_000
HISTORY, DAY = date(2026, 11, 16), date(2026, 11, 24)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A day with a silent office and a share that jumps, and a rulebook with norms of the week before."""
    root = tmp_path_factory.mktemp("watched")
    plain = Options(planted=False, mix=QUIET)
    folder.write(Service(3), folder.Span(HISTORY, 8, 1500, plain, "none"), root / "h", lambda d, n: None)
    folder.write(
        Service(3), folder.Span(DAY, 1, 1500, Options(mix=QUIET), "last"), root / "day", lambda d, n: None
    )
    for path in (root / "day" / "declarations").glob("*"):
        os.utime(path, (0, 0))
    totals = []
    for path in sorted((root / "h" / "declarations").glob("*")):
        lines = path.read_bytes().splitlines()
        totals.append(norms.hourly(decode(lines, np.zeros(len(lines), np.int64)).declarations))
    book = root / "book"
    shutil.copytree(sample_path(), book)
    norms.save(norms.fit(norms.merge(totals)), book)
    (book / "manifest.yaml").unlink()
    write_manifest(book, "watched-1", datetime(2026, 11, 1, tzinfo=UTC))
    return root


@pytest.fixture(scope="module")
def files(material):
    """The newest anomaly of each episode, as a run over files tells them."""
    run_files(
        Files(material / "day" / "declarations", material / "out", rulebook=material / "book", decided_at=NOW)
    )
    lines = [
        line for path in (material / "out" / "anomalies").glob("*") for line in path.read_bytes().splitlines()
    ]
    return [found for found in map(json.loads, lines) if found["episode"]]


@pytest.fixture(scope="module")
def stream(material, new_broker, tmp_path_factory):
    """Anomalies with an episode in the order in which they stand in the topic, of a bounded run."""
    settings = Settings(new_broker().bootstrap)
    admin.create(connect(settings), 1)
    command = [
        sys.executable,
        "-m",
        "corridor.cli",
        "produce",
        "--input",
        str(material / "day" / "declarations"),
    ]
    subprocess.run([*command, "--kafka", settings.bootstrap], check=True, capture_output=True)
    state = tmp_path_factory.mktemp("state")
    source = Source(bounded=True, from_beginning=True)
    run_decide(Topics(settings, state, source, rulebook=material / "book", decided_at=NOW))
    decided = len(list(read(settings, TOPICS["decisions"])))
    found = list(read(settings, TOPICS["anomalies"]))
    return decided, [(m.key.decode(), doc) for m in found if (doc := json.loads(m.value))["episode"]]


def test_the_stream_tells_the_episodes_that_files_tell(files, stream):
    decided, found = stream
    assert decided > 1000, "the detector's operator takes nothing from the rest of the job"
    newest = {doc["episode"]["id"]: doc for _, doc in found}
    assert newest.keys() == {doc["episode"]["id"] for doc in files}
    assert {doc["kind"] for doc in files} >= {"picture.silence"}
    for told in files:
        live = newest[told["episode"]["id"]]
        assert (live["kind"], live["subject"], live["episode"]) == (
            told["kind"],
            told["subject"],
            told["episode"],
        )
        if told["episode"]["state"] == "closed":
            assert live == told


def test_anomalies_are_keyed_by_subject_and_keep_to_the_schema(stream):
    _, found = stream
    for key, doc in found:
        assert key == f"{doc['subject']['type']}:{doc['subject']['id']}"
        valid("anomaly.v1", [json.dumps(doc).encode()])
    assert len({doc["anomaly_id"] for _, doc in found}) == len(found)
