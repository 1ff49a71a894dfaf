"""A run's folder as a source that gives each message at its own time, so many times as fast."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from corridor.console.cells import DAY
from corridor.console.sources import NAMES, of_run
from corridor.kafka.follow import Batch, Batches, Message
from corridor.messages.moment import moment
from corridor.messages.reject import registered_at

TICK: Final = 0.1
"""Seconds between two steps."""


class _Due(msgspec.Struct):
    window_end: str = ""
    event_time: str = ""


_due = msgspec.json.Decoder(_Due).decode


def replayed(folder: Path, names: Sequence[str], speed: float) -> Batches:
    """All that was before the busiest day at once, then that day by its clock; its last batch is the end."""
    timed: list[tuple[int, Message]] = []
    missing: Mapping[str, str] = {}
    for batch in of_run(folder, names):
        timed += ((_time(message), message) for message in batch.messages)
        missing = batch.missing
    timed.sort(key=lambda one: one[0])
    start = _busiest(timed)
    begun, place = time.monotonic(), 0
    while place < len(timed):
        clock = start + int((time.monotonic() - begun) * speed * 1_000_000)
        last = bisect_right(timed, clock, place, key=lambda one: one[0])
        yield Batch([message for _, message in timed[place:last]], missing=missing, clock=clock)
        place = last
        time.sleep(TICK)


def _time(message: Message) -> int:
    """When a message is due, in µs since 1970; one without a time at once."""
    if NAMES[message.topic] == "rejects":
        return registered_at(message.value or b"") or 0
    try:
        told = _due(message.value or b"")
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return 0
    when = moment(told.window_end or told.event_time)
    return when.microseconds if when else 0


def _busiest(timed: Sequence[tuple[int, Message]]) -> int:
    """The start of the day with most messages of the picture, in µs."""
    days = Counter((at - 1) // DAY * DAY for at, message in timed if at and NAMES[message.topic] == "picture")
    return max(days, key=lambda day: days[day], default=0)
