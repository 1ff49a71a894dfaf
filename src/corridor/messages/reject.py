"""What cannot be judged: a closed list of codes, and the message that carries the original bytes.

A reject holds the bytes as they came, a code, a JSON pointer and the stage; never an exception's
text, which could leak data into logs.
"""

import base64
import hashlib
import json
import re
from typing import Any, Final, Literal

from corridor.messages.moment import moment

REJECT_CODES: Final[dict[str, str]] = {
    "empty": "nothing but white space",
    "size": "longer than 1 MiB",
    "utf8": "bytes that are not UTF-8",
    "depth": "nested deeper than 64",
    "malformed": "not a JSON document",
    "trailing": "something stands behind the document, such as a second one",
    "duplicate_key": "a key stands twice in one object",
    "constant": "NaN, Infinity or -Infinity",
    "number": "an integer beyond 64 bits, a number beyond float64, or money beyond 10^14, which no sum could hold",
    "surrogate": "half of a surrogate pair",
    "missing": "a required field is missing or null",
    "type": "a value of another type than the schema's",
    "value": "a text that is not one of those the field allows",
    "range": "a number outside the field's range",
    "length": "a text that is empty where it must not be, or too long",
    "time": "registered_at is no RFC 3339 date and time",
    "items": "no items, or more than 999",
    "decoder": "reading it failed inside Corridor: a defect to report",
    "judge": "the declaration was read, but judging it failed",
}
"""Every code with its meaning; JSON pointers name the first fault, "" the whole message."""

MAX_BYTES: Final = 1 << 20
"""A longer message is kept by its hash and size only."""

Stage = Literal["decode", "judge"]
_REGISTERED: Final = re.compile(rb'"registered_at"\s*:\s*"([^"\\]{10,40})"')


def reject_message(payload: bytes, code: str, pointer: str, stage: Stage, source: str) -> dict[str, Any]:
    """reject.v1 as it is written to files: the bytes in base64, a giant by SHA-256 and size.

    `source` says where the record stood: topic-partition-offset, or file and line.
    """
    message: dict[str, Any] = {"code": code, "pointer": pointer, "stage": stage, "source": source}
    if len(payload) > MAX_BYTES:
        message["payload_sha256"] = hashlib.sha256(payload).hexdigest()
        message["size"] = len(payload)
    else:
        message["payload_base64"] = base64.b64encode(payload).decode("ascii")
    return message


def encode_reject(payload: bytes, code: str, pointer: str, stage: Stage, source: str) -> bytes:
    """`reject_message` as one line of JSON without a line end."""
    message = reject_message(payload, code, pointer, stage, source)
    return json.dumps(message, separators=(",", ":")).encode()


def registered_at(payload: bytes) -> int | None:
    """Microseconds since 1970 of the first `registered_at` that can be found in broken bytes, or None.

    A guess by pattern, so that the picture can count a reject on its day; at most the first MiB is read.
    """
    for found in _REGISTERED.finditer(payload[:MAX_BYTES]):
        when = moment(found[1].decode("utf-8", "replace"))
        if when is not None and when.usable:
            return when.microseconds
    return None
