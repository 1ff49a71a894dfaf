import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.messages.reject import REJECT_CODES, encode_reject, registered_at

from .documents import payload


def test_a_reject_carries_the_bytes_as_they_came():
    line = encode_reject(b"\xff{\n", "utf8", "", "decode", "declarations-0-17")
    found = json.loads(line)
    assert b"\n" not in line
    assert base64.b64decode(found.pop("payload_base64")) == b"\xff{\n"
    assert found == {"code": "utf8", "pointer": "", "stage": "decode", "source": "declarations-0-17"}


def test_a_giant_goes_by_hash_and_size():
    found = json.loads(encode_reject(b" " * (1 << 20) + b" ", "size", "", "decode", "a.ndjson:1"))
    assert (found["size"], len(found["payload_sha256"])) == ((1 << 20) + 1, 64)
    assert "payload_base64" not in found


def test_every_code_has_a_meaning():
    assert all(code.islower() and meaning for code, meaning in REJECT_CODES.items())


@pytest.mark.parametrize(
    ("body", "micros"),
    [
        (payload()[:300], 1_795_335_330_123_000),
        (b'\xff "registered_at" : "2026-11-22T08:15:30Z" {', 1_795_335_330_000_000),
        (b'{"registered_at":"soon or later","registered_at":"2026-11-22T08:15:30Z"}', 1_795_335_330_000_000),
        (b'{"registered_at":"1970-01-01T00:00:00Z"}', None),
        (b'{"registered_at":"2026-11-22T08:15:30"}', None),
        (b"", None),
    ],
)
def test_the_day_of_a_reject_is_found_if_it_can_be(body: bytes, micros: int | None):
    assert registered_at(body) == micros


@given(st.binary(max_size=200))
def test_any_bytes_are_searched_without_harm(body: bytes):
    assert registered_at(b'"registered_at":"' + body) is None or body
