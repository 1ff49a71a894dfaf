"""Microseconds to RFC 3339, as the writer kernel writes them."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = -62_135_596_800_000_000
_LAST: Final = 253_402_300_799_999_999


def rfc3339(micros: int) -> str:
    """UTC with Z; milliseconds, or microseconds where they are not zero; years 1 to 9999."""
    micros = min(max(micros, _FIRST), _LAST)
    when = _EPOCH + timedelta(microseconds=micros)
    text = when.isoformat(timespec="microseconds" if micros % 1000 else "milliseconds")
    return text.replace("+00:00", "Z")
