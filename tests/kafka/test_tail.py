import json
import subprocess
import sys
import time
from threading import Timer

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from corridor.cli import cli
from corridor.kafka.follow import read

pytestmark = pytest.mark.kafka


def tail(*arguments):
    return CliRunner().invoke(cli, ["tail", *(str(argument) for argument in arguments)])


def send(broker, topic, *values, identity="", commit=True, **more):
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap} | ({"transactional.id": identity} if identity else {})
    )
    if identity:
        producer.init_transactions(30)
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, **more)
    producer.flush(30)
    if identity and commit:
        producer.commit_transaction(30)
    elif identity:
        producer.abort_transaction(30)


def test_what_was_aborted_is_never_shown(broker, topic):
    send(broker, topic, *(f'{{"a": {n}}}' for n in range(50)), identity=f"{topic}-a", commit=False)
    send(broker, topic, *(f'{{"b": {n}}}' for n in range(50)), identity=f"{topic}-b")
    shown = tail(topic, "--kafka", broker.bootstrap)
    assert shown.exit_code == 0
    assert sorted(json.loads(line)["b"] for line in shown.stdout.splitlines()) == list(range(50))


def test_an_open_transaction_does_not_keep_it_waiting(broker, topic):
    send(broker, topic, b"1")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": f"{topic}-open"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"2")
    producer.flush(30)
    assert tail(topic, "--kafka", broker.bootstrap).stdout == "1\n"
    producer.commit_transaction(30)
    assert sorted(tail(topic, "--kafka", broker.bootstrap).stdout.splitlines()) == ["1", "2"]


def test_max_and_from(broker, settings, topic):
    for n in range(10):
        send(broker, topic, str(n), partition=0, timestamp=1_795_335_330_000 + 1000 * n)
    assert tail(topic, "--kafka", broker.bootstrap, "--max", 3).stdout == "0\n1\n2\n"
    since = tail(topic, "--kafka", broker.bootstrap, "--from", "2026-11-22T08:15:37Z").stdout
    assert since == "7\n8\n9\n"
    assert tail(topic, "--kafka", broker.bootstrap, "--from", "end").exit_code == 2
    wrong = tail(topic, "--kafka", broker.bootstrap, "--from", "yesterday")
    assert "give beginning, end, or a time" in str(wrong.exception)


def test_following_shows_what_comes_later(broker, settings, topic):
    send(broker, topic, b"before")
    Timer(2, send, (broker, topic, b"later")).start()
    assert [m.value for m in read(settings, topic, "end", limit=1, follow=True)] == [b"later"]
    Timer(1, send, (broker, topic, b"last")).start()
    assert {m.value for m in read(settings, topic, limit=3, follow=True)} == {b"before", b"later", b"last"}


def test_records_hold_everything_and_stay_json(broker, topic):
    send(
        broker,
        topic,
        b"\xff NaN \n",
        None,
        b'{"x": NaN}',
        b'{"y": 1}',
        key="k\u0001",
        headers=[("h", b"\xfe"), ("n", None)],
    )
    shown = tail(topic, "--kafka", broker.bootstrap, "--format", "records").stdout.splitlines()
    found = [json.loads(line, parse_constant=pytest.fail) for line in shown]
    assert [one["value"] for one in found] == ["\\xff NaN \n", None, '{"x": NaN}', {"y": 1}]
    assert all(one["key"] == "k\u0001" and one["headers"] == {"h": "\\xfe", "n": None} for one in found)


def test_nothing_steers_the_terminal(broker, topic):
    send(broker, topic, '{"corridor": "red", "a": "\x1b[31m\u202e"}', "[bold]\x07", key="\x1b]0;x\x07")
    shown = tail(topic, "--kafka", broker.bootstrap, "--format", "pretty").stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    assert "[bold]\\x07" in shown


def test_a_value_is_one_line_and_a_tombstone_is_null(broker, topic):
    send(broker, topic, b'{\n"a": 1}', None, key="k")
    assert tail(topic, "--kafka", broker.bootstrap).stdout.splitlines() == ['{ "a": 1}', "null"]


def test_a_reader_that_has_seen_enough_is_no_error(broker, topic):
    send(broker, topic, *(b"x" * 1000 for _ in range(2_000)))
    command = f"{sys.executable} -m corridor.cli tail {topic} --kafka {broker.bootstrap} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("x" * 1000 + "\n", "")


def test_a_topic_that_is_not_there_is_told(broker):
    begun = time.perf_counter()
    assert "topic none does not exist" in str(tail("none", "--kafka", broker.bootstrap).exception)
    assert time.perf_counter() - begun < 20
