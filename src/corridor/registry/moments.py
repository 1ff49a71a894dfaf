"""Moments of signed records: RFC 3339 texts with Z, as microseconds since 1970."""

import re
import time
from datetime import UTC, datetime
from typing import Final

from corridor.errors import InputError
from corridor.messages.moment_text import rfc3339
from corridor.rulebook.lists import microseconds

SECOND: Final = 1_000_000
PATTERN: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z$"
_TEXT: Final = re.compile(PATTERN)


def now() -> int:
    """The clock, to the millisecond: microseconds since 1970."""
    return time.time_ns() // 1_000_000 * 1000


def micros(text: str) -> int:
    """Microseconds of a text as `rfc3339` writes it. ValueError for any other."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text!r} is no time such as {rfc3339(0)}")
    found = microseconds(datetime.fromisoformat(text))
    if rfc3339(found) != text:
        raise ValueError(f"{text!r} is not as it would be written")
    return found


def given(text: str, what: str) -> int:
    """Microseconds of a time or day that a person gave, UTC if it has no offset. InputError names `what`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{what} {text!r}: give a time as 2026-12-01T00:00:00Z, or a day") from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
