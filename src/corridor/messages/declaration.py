"""Bytes of many messages to one batch of columns; a bad message becomes a reject and harms no other.

The scanner's kernel takes what is plain; everything else goes, one by one, to `strict`, which alone
decides on rejects and on the quality bits of unusual declarations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.scan import HEAD_WORDS, ITEM_WORDS, LEAST_ITEM, PADDING, scan
from corridor.messages.columns import HEAD, ITEM, Declarations
from corridor.messages.document import Fault
from corridor.messages.moment import SECOND
from corridor.messages.quality import HEAD_BITS
from corridor.messages.strict import Record, decode_one

AHEAD: Final = 300 * SECOND
"""How far a time of registration may lie ahead of the clock, in microseconds; later ones are capped."""
_LINE_END: Final = 10


@dataclass(frozen=True, slots=True)
class Rejects:
    """k messages that cannot be judged: their rows int64[k], codes of REJECT_CODES, JSON pointers."""

    rows: NDArray[Any]
    codes: list[str]
    pointers: list[str]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch: n declarations, their input rows int64[n], the rejects, and the rows of tombstones.

    Rows ascend; every input row stands in exactly one of the three.
    """

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
    present: Sequence[Any] = payloads
    rows, tombstones = np.arange(len(payloads)), np.empty(0, np.int64)
    if None in payloads:
        there = np.array([payload is not None for payload in payloads])
        rows, tombstones = rows[there], rows[~there]
        present = [payload for payload in payloads if payload is not None]
    sizes = np.fromiter(map(len, present), np.int64, len(present))
    buffer = np.frombuffer(b"".join((*present, bytes(PADDING))), np.uint8)
    ends = np.cumsum(sizes)
    return _decode(buffer, (ends - sizes, ends), (rows, tombstones), ingested_at, now)


def decode_lines(
    buffer: bytes | bytearray | memoryview | NDArray[Any],
    ingested_at: NDArray[Any] | int,
    now: int | None = None,
) -> Decoded:
    """The same for a block of NDJSON: one document a line, row = number of the line from 0.

    The last line end may be missing; a blank line is a reject, as a blank message is.
    """
    given = np.asarray(buffer if isinstance(buffer, np.ndarray) else np.frombuffer(buffer, np.uint8), np.uint8)
    padded = np.zeros(len(given) + PADDING, np.uint8)
    padded[: len(given)] = given
    ends = np.flatnonzero(given == _LINE_END)
    if len(given) and given[-1] != _LINE_END:
        ends = np.append(ends, len(given))
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.int64)[: len(ends)]
    rows = np.arange(len(ends))
    return _decode(padded, (starts, ends), (rows, np.empty(0, np.int64)), ingested_at, now)


def _decode(
    buffer: NDArray[Any],
    spans: tuple[NDArray[Any], NDArray[Any]],
    rows: tuple[NDArray[Any], NDArray[Any]],
    ingested_at: NDArray[Any] | int,
    now: int | None,
) -> Decoded:
    """spans: starts and ends of the messages in the buffer; rows: theirs, and those of tombstones."""
    (starts, ends), (present, tombstones) = spans, rows
    plain, taken = _scan(buffer, starts, ends)
    records: list[Record] = []
    odd: list[int] = []
    faults: list[tuple[int, Fault]] = []
    for index in np.flatnonzero(~taken).tolist():
        try:
            records.append(decode_one(buffer[starts[index] : ends[index]].tobytes()))
            odd.append(index)
        except Fault as fault:
            faults.append((index, fault))
    indices = np.flatnonzero(taken)
    if odd:
        indices = np.concatenate([indices, np.array(odd, np.int64)])
        order = np.argsort(indices, kind="stable")
        indices = indices[order]
        plain = _joined(plain, _columns(records)).take(order)
    row_of = present[indices]
    _settle_times(plain.heads, row_of, ingested_at, now)
    rejects = Rejects(
        present[np.array([index for index, _ in faults], np.int64)],
        [fault.code for _, fault in faults],
        [fault.pointer for _, fault in faults],
    )
    return Decoded(plain, row_of, rejects, tombstones)


def _scan(
    buffer: NDArray[Any], starts: NDArray[Any], ends: NDArray[Any]
) -> tuple[Declarations, NDArray[Any]]:
    """The declarations that the kernel took, and which ones these are (bool per message)."""
    count = len(starts)
    heads = np.empty(count * HEAD_WORDS, np.int64)
    words = np.empty((len(buffer) // LEAST_ITEM + 1) * ITEM_WORDS, np.int64)  # touched as far as needed
    offsets, text_starts = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    text, taken = np.empty(len(buffer), np.uint8), np.empty(count, np.bool_)
    floats = words.view(np.float64)
    n = scan(buffer, starts, ends, heads, words, floats, offsets, text, text_starts, taken)
    items = words[: offsets[n] * ITEM_WORDS].view(ITEM)
    used = text[: text_starts[n]]
    return Declarations(heads.view(HEAD)[:n], items, offsets[: n + 1], used, text_starts[:n]), taken


def _columns(records: list[Record]) -> Declarations:
    heads = np.array([record.head for record in records], HEAD)
    items = np.array([item for record in records for item in record.items], ITEM)
    offsets = np.zeros(len(records) + 1, np.int64)
    np.cumsum([len(record.items) for record in records], out=offsets[1:])
    lengths = np.array([len(record.texts) for record in records], np.int64)
    text = np.frombuffer(b"".join(record.texts for record in records), np.uint8)
    return Declarations(heads, items, offsets, text, np.cumsum(lengths) - lengths)


def _joined(first: Declarations, second: Declarations) -> Declarations:
    """Both batches, one behind the other."""
    return Declarations(
        np.concatenate([first.heads, second.heads]),
        np.concatenate([first.items, second.items]),
        np.concatenate([first.offsets, second.offsets[1:] + first.offsets[-1]]),
        np.concatenate([first.text, second.text]),
        np.concatenate([first.text_starts, second.text_starts + len(first.text)]),
    )


def _settle_times(
    heads: NDArray[Any], rows: NDArray[Any], ingested_at: NDArray[Any] | int, now: int | None
) -> None:
    """Put the time of ingestion where the declared one cannot serve, and hold back the future."""
    times = heads["registered_at"]
    unusable = np.flatnonzero(heads["quality"] & HEAD_BITS["time_unusable"])
    if len(unusable):
        ingested = np.asarray(ingested_at, np.int64)
        times[unusable] = ingested[rows[unusable]] if ingested.ndim else ingested
    if now is not None:
        future = times > now + AHEAD
        future[unusable] = False
        times[future] = now + AHEAD
        heads["quality"][future] |= np.uint32(HEAD_BITS["time_future"])
