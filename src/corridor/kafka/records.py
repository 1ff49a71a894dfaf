"""A declaration's bytes as the record that goes to Kafka: key, timestamp, CloudEvents headers, value untouched."""

import time
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from corridor.messages.moment import moment

SOURCE: Final = b"/corridor/produce"
TYPE: Final = b"declaration.v1"


class Record(NamedTuple):
    """What is sent. event_ms: registered_at, None if it is no usable time; timestamp_ms: it, or else now."""

    value: bytes
    key: bytes | None
    timestamp_ms: int
    event_ms: int | None
    headers: list[tuple[str, str | bytes | None]]


class _Head(msgspec.Struct):
    """The fields that a record is made of; whatever else a declaration holds, and whether it is one, is not asked."""

    declaration_id: Any = None
    version: Any = None
    registered_at: Any = None
    importer: Any = None


_DECODE: Final = msgspec.json.Decoder(_Head).decode
_NOTHING: Final = _Head()


def record(line: bytes, origin: str) -> Record:
    """The record of one line of NDJSON. What is no JSON is sent as it is: rejecting is for the stream.

    origin: file and line; the identity of what has no declaration_id.
    """
    try:
        head = _DECODE(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # the last for what is nested a thousand deep
        head = _NOTHING
    told = head.registered_at if isinstance(head.registered_at, str) else ""
    event = event_ms(told)
    if event is None:
        stamp = time.time_ns() // 1_000_000
        told = text_of(stamp)
    else:
        stamp = event
    identity = f"{head.declaration_id}#{head.version}" if isinstance(head.declaration_id, str) else origin
    key = head.importer.encode() if isinstance(head.importer, str) else None
    headers: list[tuple[str, str | bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_type", TYPE),
        ("ce_source", SOURCE),
        ("ce_time", told.encode()),
    ]
    return Record(line, key, stamp, event, headers)


def text_of(stamp: int) -> str:
    """RFC 3339 in UTC of milliseconds since 1970."""
    return datetime.fromtimestamp(stamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_ms(text: str) -> int | None:
    """Milliseconds since 1970 of a usable registered_at, else None."""
    if len(text) == 24 and text[23] == "Z" and text[10] == "T" and "1971" < text[:4] < "2200":
        try:
            return int(datetime.fromisoformat(text).timestamp() * 1000 + 0.5)
        except ValueError:
            return None
    found = moment(text)
    return found.microseconds // 1000 if found is not None and found.usable else None
