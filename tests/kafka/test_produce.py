import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from threading import Thread

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic

from corridor.cli import cli, main
from corridor.kafka import connect
from corridor.kafka import replay as module
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.follow import read
from corridor.kafka.pace import AtOnce, AtRate
from corridor.kafka.records import event_ms, record
from corridor.kafka.replay import LARGEST, KafkaError, files_of
from corridor.simulate import Options, Service, folder
from tests.kafka.conftest import declaration

pytestmark = pytest.mark.kafka


def produce(*arguments):
    return CliRunner().invoke(cli, ["produce", *(str(argument) for argument in arguments)])


def test_what_was_read_is_what_was_sent(broker, settings, topic, ndjson):
    lines = [
        declaration(n, f"2026-11-22T08:15:{n % 60:02d}.250Z", f"importer-{n % 37}") for n in range(5_000)
    ]
    lines[100], lines[200], lines[300] = b"", b"{broken \xff", b'{"importer": "only"}'
    path = ndjson(lines)
    done = produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic)
    assert done.exit_code == 0, done.output
    assert "4,999 records" in done.output
    assert "1 empty lines skipped" in done.output
    found = list(read(settings, topic))
    sent = [record(line, f"{path.name}:{n}") for n, line in enumerate(lines, 1) if line]
    timed = [one for one in sent if one.event_ms is not None]
    assert Counter((m.key, m.value) for m in found) == Counter((one.key, one.value) for one in sent)
    times = {(one.value, one.timestamp_ms) for one in timed}
    assert times <= {(m.value, m.timestamp_ms) for m in found}
    names = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time")
    assert all(tuple(name for name, _ in m.headers) == names for m in found)
    assert len({dict(m.headers)["ce_id"] for m in found}) == len(found)


def test_an_importer_stays_in_one_partition_and_in_order(broker, settings, topic, ndjson):
    path = ndjson([declaration(n, importer=f"importer-{n % 7}") for n in range(2_000)])
    produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic)
    places, numbers = {}, {}
    for m in read(settings, topic):
        assert places.setdefault(m.key, m.partition) == m.partition
        numbers.setdefault(m.key, []).append(dict(m.headers)["ce_id"])
    assert len(set(places.values())) > 1
    assert all(told == sorted(told) for told in numbers.values())


def test_one_misdated_record_does_not_carry_the_time_away(broker, settings, topic, ndjson):
    times = ("1999-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "no time", "1999-01-05T00:00:00Z")
    path = ndjson([declaration(n, at) for n, at in enumerate(times)])
    assert produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic).exit_code == 0
    first, later = 915_148_800_000, 915_494_400_000
    assert sorted(m.timestamp_ms for m in read(settings, topic)) == [first, first, first, later]


def test_a_first_record_of_the_future_keeps_its_time(broker, settings, topic, ndjson):
    path = ndjson([declaration(1, "2099-01-01T00:00:00Z")])
    assert produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic).exit_code == 0
    assert [m.timestamp_ms for m in read(settings, topic)] == [4_070_908_800_000]


def test_a_rate_is_kept(broker, topic, ndjson):
    path = ndjson([declaration(n) for n in range(400)])
    begun = time.perf_counter()
    done = produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic, "--rate", 200)
    assert done.exit_code == 0, done.output
    assert 1.9 < time.perf_counter() - begun < 6


def test_the_data_s_own_clock_is_kept(broker, topic, ndjson):
    path = ndjson([declaration(n, f"2026-11-22T08:{n:02d}:00Z") for n in range(41)])
    begun = time.perf_counter()
    done = produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic, "--speed", 1200)
    assert done.exit_code == 0, done.output
    assert 1.9 < time.perf_counter() - begun < 6


def test_rate_and_speed_exclude_each_other(broker, ndjson):
    done = produce(
        "--input", ndjson([declaration(1)]), "--kafka", broker.bootstrap, "--rate", 1, "--speed", 1
    )
    assert done.exit_code == 2
    assert "not both" in done.output


def test_a_line_too_large_is_counted_and_one_of_a_mebibyte_goes(broker, settings, topic, ndjson):
    path = ndjson([b"x" * (LARGEST + 1), b"y" * LARGEST, b"\r", declaration(1) + b"\r"])
    done = produce("--input", path, "--kafka", broker.bootstrap, "--topic", topic)
    assert "2 records" in done.output
    assert "1 lines over 2 MiB not sent" in done.output
    assert {len(m.value) for m in read(settings, topic)} == {LARGEST, len(declaration(1))}


# a shell's background jobs ignore Ctrl-C, and so do their children, this test among them
_AS_ON_A_TERMINAL = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from corridor.cli import main; main(sys.argv[1:])"
)


def test_ctrl_c_ends_in_order(broker, settings, topic, ndjson):
    path = ndjson([declaration(n) for n in range(100_000)])
    command = [
        sys.executable,
        "-c",
        _AS_ON_A_TERMINAL,
        "produce",
        "--input",
        str(path),
        "--kafka",
        broker.bootstrap,
    ]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("CORRIDOR_KAFKA_")}
    process = subprocess.Popen(
        [*command, "--topic", topic, "--rate", "300"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    )  # fmt: skip
    watcher = Consumer(
        {"bootstrap.servers": broker.bootstrap, "group.id": "watch", "auto.offset.reset": "earliest"}
    )
    watcher.subscribe([topic])
    assert watcher.poll(60) is not None
    watcher.close()
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped by Ctrl-C" in told
    assert "Traceback" not in told
    assert int(out.split(": ")[1].split(" ")[0].replace(",", "")) == sum(1 for _ in read(settings, topic))


def test_a_topic_that_is_not_there_is_told(broker, capsys, ndjson):
    with pytest.raises(SystemExit) as stop:
        main(["produce", "--input", str(ndjson([b"{}"])), "--kafka", broker.bootstrap, "--topic", "none"])
    assert stop.value.code == 2
    assert "topic none does not exist" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["produce", "--input", "{}"], ["tail", "customs.decisions.v1"], ["topics", "check"]]
)
def test_a_broker_that_is_not_there_is_one_line_within_ten_seconds(arguments, capfd, ndjson, monkeypatch):
    if arguments[0] != "produce":
        monkeypatch.setattr(connect, "TIMEOUT", 1.0)
    path, begun = str(ndjson([declaration(1)])), time.perf_counter()
    with pytest.raises(SystemExit) as stop:
        main([*(one.format(path) for one in arguments), "--kafka", f"127.0.0.1:{free_port()}"])
    assert stop.value.code == 2
    assert time.perf_counter() - begun < 20
    told = capfd.readouterr()
    assert told.err.count("\n") == 1
    assert "does not answer" in told.err
    assert "make kafka" in told.err


def test_what_was_not_acknowledged_is_told(ndjson, monkeypatch):
    monkeypatch.setattr(module, "_PRODUCER", module._PRODUCER | {"message.timeout.ms": 2_000})
    monkeypatch.setattr(module, "_expect", lambda *_: None)
    path = ndjson([declaration(n) for n in range(3)])
    with pytest.raises(KafkaError, match="3 of 3 records were not acknowledged"):
        module.replay(Settings(f"127.0.0.1:{free_port()}"), "any", files_of([path]), AtOnce())


def test_a_replay_goes_on_when_the_broker_comes_back(new_broker, ndjson):
    broker = new_broker()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic("goes-on", 2)])["goes-on"].result(30)
    settings, files, done = Settings(broker.bootstrap), [ndjson([declaration(n) for n in range(3_000)])], []
    worker = Thread(
        target=lambda: done.append(module.replay(settings, "goes-on", files_of(files), AtRate(1_000)))
    )
    worker.start()
    time.sleep(1.5)
    broker.kill()
    broker.start()
    worker.join(100)
    assert done[0].delivered == 3_000
    found = Counter(dict(m.headers)["ce_id"] for m in read(settings, "goes-on"))
    assert len(found) == 3_000
    assert max(found.values()) <= 2  # twice: at most what was on its way when the broker died
    broker.stop()


def simulated(*more):
    return ("--simulate", "--per-day", 300, "--start", "2026-11-10", "--seed", 3, "--garbage", 0.05, *more)


def test_the_simulated_service_is_sent_as_its_files_would_be(broker, settings, topic, tmp_path):
    of_files = replay_lines(files_of(written_service(tmp_path)))
    done = produce(*simulated("--days", 2), "--kafka", broker.bootstrap, "--topic", topic)
    assert done.exit_code == 0, done.output
    found = Counter((m.key, m.value, dict(m.headers)["ce_id"]) for m in read(settings, topic))
    assert found == Counter((one.key, one.value, dict(one.headers)["ce_id"]) for one in of_files)
    assert found.total() > 600


def written_service(tmp_path):
    span = folder.Span(date(2026, 11, 10), 2, 300, Options(garbage=0.05), "last")
    folder.write(Service(3), span, tmp_path / "s", lambda *_: None)
    return sorted((tmp_path / "s" / "declarations").iterdir())


def replay_lines(lines):
    return list(module.records(lines, module.Progress()))


def test_a_service_without_end_ends_where_it_is_told(broker, settings, topic):
    done = produce(*simulated("--max", 900), "--kafka", broker.bootstrap, "--topic", topic)
    assert done.exit_code == 0, done.output
    days = {dict(m.headers)["ce_time"][:10] for m in read(settings, topic)}
    assert {b"2026-11-10", b"2026-11-11", b"2026-11-12"} <= days


def test_a_live_stream_is_registered_as_it_is_sent(broker, settings, topic):
    before = time.time() * 1000
    done = produce(
        *simulated("--live", "--rate", 200, "--max", 400), "--kafka", broker.bootstrap, "--topic", topic
    )
    assert done.exit_code == 0, done.output
    after = time.time() * 1000
    good = 0
    for m in read(settings, topic):
        assert before - 1 <= m.timestamp_ms <= after
        assert event_ms(dict(m.headers)["ce_time"].decode()) == m.timestamp_ms
        told = record(m.value, "x").event_ms
        good += told is not None and before - 1 <= told <= after and told == m.timestamp_ms
    assert good > 350


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--input PATH or --simulate, one of both"),
        (("--input", "{}", "--simulate"), "--input PATH or --simulate, one of both"),
        (("--input", "{}", "--seed", 2), "--seed is of the simulated service"),
        (("--input", "{}", "--days", 2), "--days is of the simulated service"),
        (("--simulate",), "has no end: give --rate or --speed"),
        (("--simulate", "--live"), "has no end: give --rate or --speed"),
    ],
)
def test_what_does_not_go_together_is_told(ndjson, arguments, told):
    path = ndjson([declaration(1)])
    done = produce(*(str(one).format(path) for one in arguments), "--kafka", "127.0.0.1:1")
    assert done.exit_code == 2
    assert told in done.output


def test_days_outside_the_simulated_world_are_told(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["produce", "--simulate", "--rate", "1", "--start", "2050-01-01", "--kafka", "127.0.0.1:1"])
    assert stop.value.code == 2
    assert "choose another --start" in capsys.readouterr().err
