"""Bytes of many messages to one batch of columns; a bad message becomes a reject and harms no other.

The scanner's kernel takes what is plain; everything else goes, one by one, to `strict`, which alone
decides on rejects and on the quality bits of unusual declarations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.json_keys import FIXES, HEADS, MOST_FIXES, RECORD, STATE
from corridor.kernels.lines import line_ends
from corridor.kernels.scan import HEAD_WORDS, LEAST_ITEM, PADDING, scan
from corridor.kernels.scan_items import FIX_WORDS, ITEM_WORDS
from corridor.messages.columns import HEAD, ITEM, Declarations
from corridor.messages.document import Fault
from corridor.messages.moment import SECOND
from corridor.messages.quality import HEAD_BITS
from corridor.messages.skeleton import match
from corridor.messages.strict import Record, decode_one

AHEAD: Final = 300 * SECOND
"""How far a time of registration may lie ahead of the clock, in microseconds; later ones are capped."""
_LINE_END: Final = 10
_SHORT_LINE: Final = 256  # a guess, in bytes; shorter lines are counted first


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
    return _decode(_Block(buffer, np.cumsum(sizes), 0), (rows, tombstones), ingested_at, now)


def decode_lines(
    buffer: bytes | bytearray | memoryview | NDArray[Any],
    ingested_at: NDArray[Any] | int,
    now: int | None = None,
) -> Decoded:
    """The same for a block of NDJSON: one document a line, row = number of the line from 0.

    The last line end may be missing; a blank line is a reject, as a blank message is.
    """
    given = np.asarray(
        buffer if isinstance(buffer, np.ndarray) else np.frombuffer(buffer, np.uint8), np.uint8
    )
    padded = np.empty(len(given) + PADDING, np.uint8)
    padded[: len(given)] = given
    padded[len(given) :] = 0
    ends = _line_ends(padded, len(given))
    rows = np.arange(len(ends)), np.empty(0, np.int64)
    return _decode(_Block(padded, ends, 1), rows, ingested_at, now)


def _line_ends(padded: NDArray[Any], size: int) -> NDArray[Any]:
    """int64: where the lines in the first `size` bytes end; the last one may end with the block."""
    ends = np.empty(size // _SHORT_LINE + 1, np.int64)
    count = line_ends(padded.ctypes.data, size, ends)
    if count > len(ends):
        ends = np.empty(count, np.int64)
        line_ends(padded.ctypes.data, size, ends)
    ends = ends[:count]
    return np.append(ends, size) if size and padded[size - 1] != _LINE_END else ends


@dataclass(frozen=True, slots=True)
class _Block:
    """Messages in one buffer u8, PADDING bytes behind them: ends int64, bytes between one and the next."""

    buffer: NDArray[Any]
    ends: NDArray[Any]
    gap: int

    def message(self, index: int) -> bytes:
        """The bytes of one message."""
        start = self.ends[index - 1] + self.gap if index else 0
        return self.buffer[start : self.ends[index]].tobytes()


def _decode(
    block: _Block,
    rows: tuple[NDArray[Any], NDArray[Any]],
    ingested_at: NDArray[Any] | int,
    now: int | None,
) -> Decoded:
    """rows: those of the block's messages, and those of tombstones."""
    present, tombstones = rows
    plain, taken = _scan(block.buffer, block.ends, block.gap)
    records: list[Record] = []
    odd: list[int] = []
    faults: list[tuple[int, Fault]] = []
    for index in np.flatnonzero(~taken).tolist():
        found = _one(block.message(index))
        if isinstance(found, Fault):
            faults.append((index, found))
        else:
            records.append(found)
            odd.append(index)
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


def _one(message: bytes) -> Record | Fault:
    try:
        return decode_one(message)
    except Fault as fault:
        return fault
    except Exception:  # a defect of ours must not stop the stream; the tests call decode_one itself
        return Fault("decoder")


def _scan(buffer: NDArray[Any], ends: NDArray[Any], gap: int) -> tuple[Declarations, NDArray[Any]]:
    """The declarations that the kernel took, and which ones these are (bool per message).

    The memory asked for is for the worst case; the system gives it as it is touched.
    """
    count, size = len(ends), len(buffer)
    heads = np.empty(count * HEAD_WORDS, np.int64)
    items = np.empty((size // LEAST_ITEM + 1) * ITEM_WORDS, np.int64)
    text, odd = np.empty(size + PADDING, np.uint8), np.empty(size + PADDING, np.uint8)
    fixes = np.empty((size // 32 + 1, FIX_WORDS), np.int64)
    offsets, text_starts = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    taken, state = np.empty(count, np.bool_), np.empty(STATE, np.int64)
    outputs = (heads, items, text, odd, fixes)
    state[HEADS : MOST_FIXES + 1] = [*(output.ctypes.data for output in outputs), len(fixes)]
    scan(buffer.ctypes.data, ends, gap, state.ctypes.data, offsets, text_starts, taken)
    n = int(state[RECORD])
    found = Declarations(
        heads.view(HEAD)[:n],
        items[: offsets[n] * ITEM_WORDS].view(ITEM),
        offsets[: n + 1],
        text[: text_starts[n]],
        text_starts[:n],
    )
    _match(found, heads, items, fixes[: state[FIXES]].tolist(), odd)
    return found, taken


def _match(
    found: Declarations, heads: NDArray[Any], items: NDArray[Any], fixes: list[list[int]], odd: NDArray[Any]
) -> None:
    """Put the tokens of skeletons where the kernel put those of texts with signs outside ASCII."""
    for where, record, start, length in fixes:
        value, alike = match(odd[start : start + length].tobytes())
        if where >= 0:
            heads[where] = value
        else:
            items[-1 - where] = value
        if alike:
            found.heads["quality"][record] |= np.uint32(HEAD_BITS["look_alike"])


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
