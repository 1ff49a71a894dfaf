"""The detector in the stream: one plan with the decisions, bins that close by watermark, the anomalies of files.

Over a rulebook that changes at noon; beside the decisions, and from them alone.
"""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.flink.connectors import Source
from corridor.flink.embedded import Files, run_picture
from corridor.flink.embedded import run_decide as run_files
from corridor.flink.streaming import Topics, run_decide
from corridor.flink.streaming import run_picture as paint_topics
from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import Message, read
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
HISTORY, DAY = date(2025, 11, 17), date(2025, 11, 25)


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    """A day with a silent office and a share that jumps; rulebooks with norms of the week before, others from noon on."""
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
    known = norms.merge(totals)
    since = {
        "watched-1": datetime(2025, 11, 1, tzinfo=UTC),
        "watched-2": datetime(2025, 11, 25, 12, tzinfo=UTC),
    }
    for (version, starts), alarms in zip(since.items(), (5.0, 1.0), strict=True):
        book = root / "books" / version
        shutil.copytree(sample_path(), book)
        norms.save(norms.fit(known, alarms=alarms), book)
        (book / "manifest.yaml").unlink()
        write_manifest(book, version, starts)
    return root


def written(output: Path) -> list[dict]:
    """The newest anomaly of each episode, as a run over files tells them."""
    lines = [line for path in (output / "anomalies").glob("*") for line in path.read_bytes().splitlines()]
    return [found for found in map(json.loads, lines) if found["episode"]]


@pytest.fixture(scope="module")
def files(material) -> list[dict]:
    day, books = material / "day" / "declarations", material / "books"
    run_files(Files(day, material / "out", rulebook=books, decided_at=NOW))
    return written(material / "out")


@pytest.fixture(scope="module")
def settings(new_broker) -> Settings:
    found = Settings(new_broker().bootstrap)
    admin.create(connect(found), 1)
    return found


def episodes(settings: Settings) -> list[Message]:
    return [m for m in read(settings, TOPICS["anomalies"]) if json.loads(m.value)["episode"]]


@pytest.fixture(scope="module")
def stream(material, settings, tmp_path_factory) -> list[Message]:
    """Anomalies with an episode in the order in which they stand in the topic, of a bounded run."""
    day = str(material / "day" / "declarations")
    command = [sys.executable, "-m", "corridor.cli", "produce", "--input", day, "--kafka", settings.bootstrap]
    subprocess.run(command, check=True, capture_output=True)
    source = Source(bounded=True, from_beginning=True)
    state = tmp_path_factory.mktemp("state")
    run_decide(Topics(settings, state, source, rulebook=material / "books", decided_at=NOW))
    return episodes(settings)


def same(files: list[dict], told: list[Message]) -> None:
    """The episodes of files; what is closed word for word, what is open is told of files with its figures at the end."""
    newest = {doc["episode"]["id"]: doc for doc in (json.loads(m.value) for m in told)}
    assert newest.keys() == {doc["episode"]["id"] for doc in files}
    for doc in files:
        live = newest[doc["episode"]["id"]]
        assert (live["kind"], live["subject"], live["episode"]) == (
            doc["kind"],
            doc["subject"],
            doc["episode"],
        )
        if doc["episode"]["state"] == "closed":
            assert live == doc


def test_the_stream_tells_the_episodes_that_files_tell(files, stream):
    """Over a switch: none is lost, none is told twice."""
    assert {doc["kind"] for doc in files} >= {"picture.silence"}
    assert {doc["rulebook"] for doc in files} == {"watched-1", "watched-2"}
    same(files, stream)
    told = [json.loads(message.value)["anomaly_id"] for message in stream]
    assert len(set(told)) == len(told)


def test_anomalies_are_keyed_by_subject_and_keep_to_the_schema(stream):
    for message in stream:
        doc = json.loads(message.value)
        assert message.key.decode() == f"{doc['subject']['type']}:{doc['subject']['id']}"
    valid("anomaly.v1", [message.value for message in stream])


def test_decisions_alone_tell_the_same_of_files(material, files):
    done = run_picture(
        Files(material / "out" / "decisions", material / "painted", rulebook=material / "books")
    )
    key = lambda doc: doc["anomaly_id"]  # noqa: E731
    assert sorted(written(material / "painted"), key=key) == sorted(files, key=key)
    assert sum(done["anomalies"].values()) == len(files)


def test_decisions_alone_tell_the_same_of_topics(material, files, settings, stream, tmp_path):
    source = Source(bounded=True, from_beginning=True)
    paint_topics(Topics(settings, tmp_path / "s", source, rulebook=material / "books"))
    same(
        files,
        [
            m
            for m in episodes(settings)
            if (m.partition, m.offset) not in {(s.partition, s.offset) for s in stream}
        ],
    )
