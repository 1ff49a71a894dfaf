"""`corridor run decide --kafka`: the same service as topics and as files, on real Flink and a real broker."""

import collections
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from corridor.explain import again
from corridor.flink.connectors import Source
from corridor.flink.embedded import Files
from corridor.flink.embedded import run_decide as run_files
from corridor.flink.streaming import Topics, run_decide, run_picture
from corridor.kafka import admin
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import Message, read
from corridor.kafka.topics import TOPICS
from corridor.messages.declaration import decode
from corridor.messages.picture import DIMENSIONS
from corridor.messages.trace import decode as decode_traces
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from tests.cluster.topics import in_order
from tests.flink.totals import expected_cells, picture_cells
from tests.schemas.documents import valid

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(600)]

NOW = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Path:
    """A day and a half with all that can go wrong; files bear one old time, so that ingestion is known."""
    root = tmp_path_factory.mktemp("service") / "s"
    folder.write(
        Service(3),
        folder.Span(date(2026, 11, 10), 2, 500, Options(garbage=0.04), "none"),
        root,
        lambda d, n: None,
    )
    for path in (root / "declarations").glob("*.ndjson"):
        lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        os.utime(path, (0, 0))
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory, service) -> Path:
    """What the same declarations give in batch mode."""
    output = tmp_path_factory.mktemp("files") / "out"
    run_files(Files(service / "declarations", output, decided_at=NOW))
    return output


@pytest.fixture(scope="module")
def topics(new_broker):
    broker = new_broker()
    client = connect(Settings(broker.bootstrap))
    admin.create(client, 1)
    return Settings(broker.bootstrap)


STARTED: list[subprocess.Popen] = []


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays():
    """A test that fails leaves no run behind, which would restart for ever without its broker."""
    yield
    for process in STARTED:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def corridor(*arguments: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    STARTED.append(
        subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
    )
    return STARTED[-1]


@pytest.fixture(scope="module")
def stream(tmp_path_factory, service, topics):
    """All records of all topics after a bounded run."""
    produced = corridor("produce", "--input", service / "declarations", "--kafka", topics.bootstrap)
    assert produced.wait() == 0, produced.stderr.read()
    state = tmp_path_factory.mktemp("state")
    run_decide(Topics(topics, state, Source(bounded=True, from_beginning=True), decided_at=NOW))
    return {name: records(topics, topic) for name, topic in TOPICS.items()}


def records(settings: Settings, topic: str) -> list[Message]:
    """All committed records of a topic."""
    return list(read(settings, topic))


def written(output: Path, topic: str) -> list[bytes]:
    return [line for path in sorted((output / topic).glob("*")) for line in path.read_bytes().splitlines()]


def documents(found: list) -> list[dict]:
    return [json.loads(message.value) for message in found]


def test_every_record_is_accounted_for(service, files, stream):
    counts = json.loads((files / "summary.json").read_text())
    assert len(stream["declarations"]) == counts["read"]
    assert len(stream["decisions"]) == len(stream["traces"]) == counts["decided"]
    assert len(stream["rejects"]) == counts["rejected"]
    assert counts["duplicates"] > counts["conflicts"] > 0


def test_decisions_are_those_of_files_where_nothing_is_late(files, stream):
    batch = {(d["declaration_id"], d["version"]): d for d in map(json.loads, written(files, "decisions"))}
    found = {(d["declaration_id"], d["version"]): d for d in documents(stream["decisions"])}
    assert found.keys() == batch.keys()
    on_time = [key for key, decision in found.items() if not decision["late"]]
    assert len(on_time) > 0.8 * len(found)
    # what bears no usable time takes that of its arrival, which is another one in a topic than in a file
    timeless = {
        found[key]["importer"] for key in found if found[key]["registered_at"] != batch[key]["registered_at"]
    }
    assert len(timeless) < 20
    different = [
        key for key in on_time if found[key] != batch[key] and found[key]["importer"] not in timeless
    ]
    assert different == []


def test_rejects_are_the_messages_as_they_came(service, stream):
    truth = [json.loads(line) for line in (service / "truth" / "garbage.ndjson").read_text().splitlines()]
    expected = collections.Counter(
        spoiled["code"] for spoiled in truth if spoiled["expect"] == "reject" and spoiled["code"] != "empty"
    )
    codes = collections.Counter(
        dict(message.headers)["corridor.error.code"].decode() for message in stream["rejects"]
    )
    codes.pop("empty", None)
    assert codes == expected
    sent = {
        f"{message.topic}-{message.partition}-{message.offset}": message.value
        for message in stream["declarations"]
    }
    for message in stream["rejects"]:
        if len(sent[message.key.decode()]) <= 1 << 20:
            assert sent[message.key.decode()] == message.value


@pytest.mark.parametrize(
    ("topic", "schema"),
    [("decisions", "decision"), ("anomalies", "anomaly"), ("picture", "picture"), ("traces", "trace")],
)
def test_every_record_meets_its_schema_and_has_headers(stream, topic, schema):
    assert stream[topic]
    valid(f"{schema}.v1", [message.value for message in stream[topic]][:2000])
    if topic != "picture":
        headers = dict(stream[topic][0].headers)
        assert headers["ce_type"] == f"customs.{schema}.v1".encode()
        assert {"ce_id", "ce_source", "ce_time", "ce_specversion"} <= headers.keys()
    if topic == "decisions":
        first = documents(stream[topic][:1])[0]
        assert stream[topic][0].key.decode() == first["declaration_id"]
        registered = datetime.fromisoformat(first["registered_at"]).astimezone(UTC).timestamp()
        assert stream[topic][0].timestamp_ms == int(registered * 1000)


def test_every_decision_is_explained_by_judging_it_again(topics, stream):
    """From message, trace and rulebook: the same decision, bit for bit, late and amended ones too."""
    book, sent = load(sample_path()), collections.defaultdict(list)
    for message in stream["declarations"]:
        batch = decode([message.value], 0).declarations
        if len(batch):
            sent[batch.texts(0)[0]].append(message.value)
    traces = {
        (one.declaration_id, one.version): one for one in decode_traces([m.value for m in stream["traces"]])
    }
    for message, told in zip(stream["decisions"], documents(stream["decisions"]), strict=True):
        identity = told["declaration_id"]
        found = again(sent[identity], traces[identity, told["version"]], message.value, book)
        assert found.equal, (message.value, found.decision)
    reference = documents(stream["decisions"][:1])[0]["declaration_id"]
    shown = corridor("rulebook", "explain", reference, "--kafka", topics.bootstrap, "--json")
    output, errors = shown.communicate(timeout=60)
    assert shown.returncode == 0, errors
    assert json.loads(output)["equal"]


def test_every_cell_of_the_picture_stands_at_what_the_decisions_add_up_to(stream):
    """Amended and cancelled ones taken back, late ones on their own day; no time is told of a replay."""
    newest = {message.key: json.loads(message.value) for message in stream["picture"]}
    found = picture_cells(newest.values())
    assert found == expected_cells(documents(stream["decisions"]))
    assert {dimension for _, _, dimension, _ in found} == set(DIMENSIONS)
    assert {row["decide_seconds"] is None for row in newest.values()} == {True}


def test_the_picture_is_the_same_from_decisions_alone(tmp_path, topics, stream):
    """The job `picture` over the topic of decisions; what was rejected or doubled it cannot know."""
    told = {message.key: json.loads(message.value) for message in stream["picture"]}
    run_picture(Topics(topics, tmp_path / "s", Source(bounded=True, from_beginning=True)))
    before = {(message.partition, message.offset) for message in stream["picture"]}
    anew = [m for m in read(topics, TOPICS["picture"]) if (m.partition, m.offset) not in before]
    found = {message.key: json.loads(message.value) for message in anew}
    unknown = {"rejected", "duplicates", "window_end"}
    assert {
        key: {name: value for name, value in row.items() if name not in unknown}
        for key, row in told.items()
        if key in found
    } == {
        key: {name: value for name, value in row.items() if name not in unknown} for key, row in found.items()
    }
    assert len(found) > 100
    assert not any(row["declarations"] for key, row in told.items() if key not in found)


def metrics(port: int) -> dict[str, float]:
    """Our own metrics by name and label, summed over subtasks."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert not [rule for rule in load(sample_path()).rules.ids if rule in text]
    found: dict[str, float] = collections.Counter()
    for name, told, value in re.findall(
        r"^flink_taskmanager_job_task_operator_corridor_(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE
    ):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', told))
        label = next((labels[n] for n in ("corridor", "code", "version", "partition") if n in labels), "")
        found[f"{name} {label}".strip()] += float(value)
    return found


def check_metrics(counts: dict[str, float], decided: int, rejected: int) -> None:
    assert counts["late"] >= 1
    assert counts["read"] == sum(counts[f"partition_conservation_read {part}"] for part in range(8))
    assert sum(n for name, n in counts.items() if name.startswith("corridor_decided")) == decided
    assert {counts[f"partition_conservation_waiting {part}"] for part in range(8)} == {0}
    assert sum(n for name, n in counts.items() if name.startswith("code_rejected")) == rejected
    assert counts["judge_microseconds"] > 0
    assert counts["version_rulebook sample_1"] >= 1


def test_it_goes_on_where_it_stood(tmp_path_factory, service, topics, stream):
    """Live: a lone declaration is decided soon; stopped and started again, nothing is lost or doubled."""
    state = tmp_path_factory.mktemp("live")
    live = Settings(topics.bootstrap, group="live", transactional_id_prefix="live")
    config = state / "kafka.toml"
    config.write_text(
        f'[kafka]\nbootstrap = "{live.bootstrap}"\ngroup = "live"\ntransactional_id_prefix = "live"\n'
        # a machine that others use may pause for seconds in the middle of the backlog, and none of that may be late
        "[stream]\nidle_ms = 10000\n"
    )
    port = free_port()
    before = len(records(topics, TOPICS["decisions"]))
    source = [line for line in written(service, "declarations") if line.startswith(b'{"declaration_id"')]
    numbers = itertools.count(1)

    def fresh(ago: timedelta = timedelta()) -> bytes:
        document = json.loads(source[0]) | {
            "declaration_id": f"live-{next(numbers)}",
            "registered_at": (datetime.now(UTC) - ago).isoformat(timespec="milliseconds"),
        }
        return json.dumps(document).encode()

    def send(*lines: bytes) -> None:
        producer = in_order(topics)
        for line in lines:
            at = datetime.fromisoformat(json.loads(line)["registered_at"]).timestamp()
            producer.produce(TOPICS["declarations"], line, b"key", timestamp=int(at * 1000))
        assert producer.flush(10) == 0

    def decided(count: int, seconds: float) -> int:
        end = time.time() + seconds
        while (found := len(records(topics, TOPICS["decisions"])) - before) < count and time.time() < end:
            time.sleep(0.5)
        return found

    def start() -> subprocess.Popen:
        return corridor("run", "decide", "--config", config, "--state", state / "s", "--metrics", port)

    # a new group begins at the oldest record: all that the first run decided is decided again
    first, again = fresh(), len({(d["declaration_id"], d["version"]) for d in documents(stream["decisions"])})
    run = start()
    send(first)
    assert decided(again + 1, 120) == again + 1
    alone, late = fresh(), fresh(timedelta(hours=1))
    send(alone)
    assert decided(again + 2, 60) == again + 2
    send(late, late)
    assert decided(again + 3, 60) == again + 3
    check_metrics(metrics(port), again + 3, len(stream["rejects"]))
    told_late = {d["declaration_id"] for d in documents(records(topics, TOPICS["decisions"])) if d["late"]}
    assert told_late == {json.loads(late)["declaration_id"]}
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 130, told
    assert "goes on from here" in told
    send(alone, late, fresh())
    run = start()
    assert decided(again + 4, 120) == again + 4
    time.sleep(12)  # cells by hour are painted within five seconds, and a checkpoint later they can be read
    run.send_signal(signal.SIGINT)
    _, told = run.communicate(timeout=60)
    assert decided(again + 5, 0) == again + 4, "the duplicates were known from the checkpoint"
    check_picture(topics, {d["decided_at"] for d in documents(stream["decisions"])})


def check_picture(topics: Settings, replayed_at: set[str]) -> None:
    """Over a stop and a start every cell is exact, late ones are in their own day, and decision times are told."""
    decisions = [
        d for d in documents(records(topics, TOPICS["decisions"])) if d["decided_at"] not in replayed_at
    ]
    newest = {m.key: json.loads(m.value) for m in records(topics, TOPICS["picture"])}
    found = picture_cells(newest.values())
    assert found == expected_cells(decisions)
    assert any(cell["late"] for cell in found.values())
    took: dict = collections.defaultdict(list)
    for one in decisions:
        times = [datetime.fromisoformat(one[name]) for name in ("registered_at", "decided_at")]
        for dimension, value in (
            ("service", "all"),
            ("office", one["office"]),
            ("corridor", one["corridor"]),
        ):
            took[one["registered_at"][:10], dimension, value].append((times[1] - times[0]).total_seconds())
    told = {
        (row["window_start"][:10], row["dimension"], row["value"]): row["decide_seconds"]
        for row in newest.values()
        if row["period"] == "day" and row["decide_seconds"]
    }
    assert told.keys() == took.keys()
    for key, quantiles in told.items():
        for quantile, at in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            exact = min(sorted(took[key])[int(at * (len(took[key]) - 1))], 81_533)
            assert quantiles[quantile] == pytest.approx(exact, rel=0.051), key


def test_bad_input_is_one_line(tmp_path, topics):
    cases = {
        "--input and --output": ("--kafka", topics.bootstrap),
        "127.0.0.1:1": ("--kafka", "127.0.0.1:1", "--state", tmp_path / "s"),
        "nowhere": (
            "--kafka",
            topics.bootstrap,
            "--state",
            tmp_path / "s",
            "--rulebook",
            tmp_path / "nowhere",
        ),
        "file": ("--kafka", topics.bootstrap, "--state", tmp_path / "file"),
    }
    (tmp_path / "file").touch()
    for name, arguments in cases.items():
        run = corridor("run", "decide", *arguments)
        _, told = run.communicate(timeout=60)
        assert run.returncode == 2, (name, told)
        assert told.startswith("corridor: "), name
        assert told.count("\n") == 1, (name, told)
        assert name in told


def test_what_is_no_decision_is_passed_over_and_counted(tmp_path, topics, stream):
    """The last of these tests: nobody reads these topics after it."""
    producer, decided = in_order(topics), len(records(topics, TOPICS["decisions"]))
    for foreign in (b"{", b'{"declaration_id": 7}', b"[]", None):
        producer.produce(TOPICS["decisions"], foreign, b"foreign")
    assert producer.flush(10) == 0
    counters = run_picture(Topics(topics, tmp_path / "s", Source(bounded=True, from_beginning=True)))
    assert (counters["rejected"], counters["judged"]) == (3, decided)
