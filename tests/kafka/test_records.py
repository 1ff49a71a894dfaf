import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.kafka.records import event_ms, record
from corridor.messages.moment import moment
from tests.kafka.conftest import declaration


def test_a_declaration_gets_key_time_and_headers():
    line = declaration(7)
    found = record(line, "day.ndjson:1")
    assert found.value is line
    assert found.key == b"5012345678"
    assert found.timestamp_ms == found.event_ms == 1_795_335_330_123
    assert dict(found.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"10131010/221126/0000007#1",
        "ce_type": b"declaration.v1",
        "ce_source": b"/corridor/produce",
        "ce_time": b"2026-11-22T08:15:30.123Z",
    }


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"importer": 5}', b'{"importer": "\\ud800"}', b"{}{}", b"[" * 100_000,
        b'{"items":' + b"[" * 100_000,
        b'{"registered_at": "0001-01-01T00:00:00Z"}', b'{"registered_at": "2026-11-22T08:15:30"}',
        b'{"registered_at": "9999-12-31T00:00:00.000Z"}', b'{"registered_at": "2026-13-45T00:00:00.000Z"}',
    ],
)  # fmt: skip
def test_what_is_no_declaration_is_sent_as_it_is_with_the_time_of_now(line):
    found = record(line, "day.ndjson:3")
    assert found.value == line
    assert found.key is None
    assert found.event_ms is None
    assert abs(found.timestamp_ms - time.time() * 1000) < 60_000
    headers = dict(found.headers)
    assert headers["ce_id"] == b"day.ndjson:3"
    assert datetime.fromisoformat(headers["ce_time"].decode()).timestamp() * 1000 == pytest.approx(
        found.timestamp_ms
    )


@given(
    st.datetimes(datetime(1971, 1, 2), datetime(2199, 12, 30)), st.sampled_from(["", ".5", ".123", ".123456"])
)
def test_the_quick_way_to_a_time_agrees_with_the_exact_one(when, fraction):
    text = when.replace(microsecond=0).isoformat() + fraction + "Z"
    assert event_ms(text) == moment(text).microseconds // 1000


@given(st.binary(max_size=300))
def test_no_bytes_are_too_strange(line):
    assert record(line, "x:1").value == line
