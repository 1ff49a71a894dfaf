import json
import time

import pytest

from corridor.kafka.present import Present
from corridor.kafka.records import record
from tests.kafka.conftest import declaration


def test_what_is_sent_again_live_is_the_same_message():
    present = Present()
    twice = [present.dated(record(declaration(1), "f:1"))]
    time.sleep(0.01)
    twice.append(present.dated(record(declaration(1), "f:2")))
    assert twice[0] == twice[1]
    assert twice[0].value != declaration(1)
    assert json.loads(twice[0].value) | {"registered_at": ""} == json.loads(declaration(1)) | {
        "registered_at": ""
    }
    other = present.dated(record(declaration(2), "f:3"))
    assert other.timestamp_ms > twice[0].timestamp_ms


@pytest.mark.parametrize(
    "line", [b"{broken", declaration(1, "yesterday"), declaration(1, "0001-01-01T00:00:00Z")]
)
def test_a_live_stream_leaves_garbage_as_it_is(line):
    dated = Present().dated(record(line, "f:1"))
    assert dated.value == line
    assert abs(dated.timestamp_ms - time.time() * 1000) < 10_000


def test_of_what_was_sent_only_the_newest_is_remembered(monkeypatch):
    monkeypatch.setattr("corridor.kafka.present._REMEMBERED", 10)
    present = Present()
    for n in range(100):
        present.dated(record(declaration(n), "f:1"))
    assert len(present._given) == 10
