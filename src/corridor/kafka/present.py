"""Declarations of another day sent as those of this moment."""

import re
import time
from collections import OrderedDict
from typing import Final

from corridor.kafka.records import Record, text_of

_REGISTERED: Final = re.compile(rb'("registered_at"\s*:\s*")[^"\\]*"')
_REMEMBERED: Final = 50_000
"""Declarations whose time is kept, for those that come again."""


class Present:
    """Puts the clock's time, as it is when a record is sent, in the place of its registered_at.

    What comes again (a duplicate: the same id and version) is the same message as before and keeps the time that
    it was given then, as long as no 50,000 others came between. A registered_at that is no usable time stays
    as it is; such a record bears the time of now.
    """

    def __init__(self) -> None:
        self._given: OrderedDict[str | bytes | None, int] = OrderedDict()

    def dated(self, one: Record) -> Record:
        """The record as of now: its value, its timestamp, its ce_time."""
        now = time.time_ns() // 1_000_000
        headers = dict(one.headers)
        if one.event_ms is not None:
            now = self._given.setdefault(headers["ce_id"], now)
            if len(self._given) > _REMEMBERED:
                self._given.popitem(last=False)
        told = text_of(now).encode()
        value = one.value
        if one.event_ms is not None:
            value = _REGISTERED.sub(rb"\g<1>" + told + b'"', value, count=1)
        return one._replace(
            value=value, timestamp_ms=now, headers=list((headers | {"ce_time": told}).items())
        )
