"""Bytes of many messages to one batch of columns; a bad message becomes a reject and harms no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import HEAD, ITEM, Declarations
from corridor.messages.document import Fault
from corridor.messages.moment import SECOND
from corridor.messages.quality import HEAD_BITS
from corridor.messages.strict import Record, decode_one

AHEAD = 300 * SECOND
"""How far the clock may be ahead: later times of registration are capped."""


@dataclass(frozen=True)
class Rejects:
    """k messages that cannot be judged: their rows, codes of REJECT_CODES and JSON pointers."""

    rows: NDArray[Any]
    codes: list[str]
    pointers: list[str]


@dataclass(frozen=True)
class Decoded:
    """A batch: n declarations with their input rows (int64[n]), rejects, and rows of tombstones."""

    declarations: Declarations
    rows: NDArray[Any]
    rejects: Rejects
    tombstones: NDArray[Any]


def decode(
    payloads: Sequence[bytes | None], ingested_at: NDArray[Any] | int, now: int | None = None
) -> Decoded:
    """Decode one JSON document a payload; None is a tombstone.

    ingested_at: microseconds since 1970, one for all or int64[len(payloads)]: serves where `registered_at`
    cannot be used. now: microseconds; times after now + 5 minutes are capped. None: a replay, no cap.
    """
    records: list[Record] = []
    rows: list[int] = []
    faults: list[tuple[int, Fault]] = []
    tombstones: list[int] = []
    for row, payload in enumerate(payloads):
        if payload is None:
            tombstones.append(row)
            continue
        try:
            records.append(decode_one(payload))
            rows.append(row)
        except Fault as fault:
            faults.append((row, fault))
    declarations, row_index = _columns(records), np.array(rows, np.int64)
    _settle_times(declarations.heads, row_index, ingested_at, now)
    rejects = Rejects(
        np.array([row for row, _ in faults], np.int64),
        [fault.code for _, fault in faults],
        [fault.pointer for _, fault in faults],
    )
    return Decoded(declarations, row_index, rejects, np.array(tombstones, np.int64))


def decode_lines(
    buffer: bytes | bytearray | memoryview | NDArray[Any],
    ingested_at: NDArray[Any] | int,
    now: int | None = None,
) -> Decoded:
    """The same for a block of NDJSON: one document a line, row = number of the line from 0.

    The last line end may be missing; a blank line is a reject, as everywhere.
    """
    lines = bytes(buffer).split(b"\n")
    if not lines[-1]:
        del lines[-1]
    return decode(lines, ingested_at, now)


def _columns(records: list[Record]) -> Declarations:
    heads = np.array([record.head for record in records], HEAD)
    items = np.array([item for record in records for item in record.items], ITEM)
    offsets = np.zeros(len(records) + 1, np.int64)
    np.cumsum([len(record.items) for record in records], out=offsets[1:])
    lengths = np.array([len(record.texts) for record in records], np.int64)
    text = np.frombuffer(b"".join(record.texts for record in records), np.uint8)
    return Declarations(heads, items, offsets, text, np.cumsum(lengths) - lengths)


def _settle_times(
    heads: NDArray[Any], rows: NDArray[Any], ingested_at: NDArray[Any] | int, now: int | None
) -> None:
    """Put the time of ingestion where the declared one cannot serve, and hold back the future."""
    unusable = heads["quality"] & HEAD_BITS["time_unusable"] != 0
    if unusable.any():
        ingested = (
            np.broadcast_to(np.asarray(ingested_at, np.int64), (int(rows.max()) + 1,))
            if np.ndim(ingested_at) == 0
            else np.asarray(ingested_at, np.int64)
        )
        heads["registered_at"][unusable] = ingested[rows[unusable]]
    if now is not None:
        future = ~unusable & (heads["registered_at"] > now + AHEAD)
        heads["registered_at"][future] = now + AHEAD
        heads["quality"][future] |= HEAD_BITS["time_future"]
