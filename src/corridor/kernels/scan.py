"""A strict one-pass scanner: the bytes of many declarations to HEAD and ITEM records.

It knows declaration.v1 and takes its plain form only. Whatever is unusual about a record (a repeated key, a
missing field, a value of another type or out of range, a number that needs big arithmetic) makes it hand
the record over, unjudged, to messages/strict.py. What it does accept it must decode exactly as that does.

Keys are guessed: producers write them in one order, so the key that followed the last one before is compared
first, as two words of eight bytes. Records are written as 8-byte words: the layouts of HEAD and ITEM in
messages/columns.py. A code or name with signs outside ASCII gets the token of its text as it stands and
an entry in the list of fixes, because its skeleton needs Unicode's tables.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import json_keys, json_numbers, json_texts, loads, scan_items
from corridor.kernels._jit import inline, kernel_across
from corridor.kernels.json_keys import (
    FIXES,
    FOLDS,
    FOLLOWER,
    HEAD_START,
    HEADS,
    ITEM_START,
    ITEMS_END,
    KEPT,
    NONE,
    ODD_END,
    RECORD,
    ROOM,
    SLOT,
    SLOTS,
    TEXT,
    TEXT_END,
    behind_null,
    choice,
    following,
    key,
    unknown,
)
from corridor.kernels.json_numbers import moment, number
from corridor.kernels.json_texts import (
    CONTROL,
    COPIED,
    LAYOUT,
    NON_ASCII,
    PLACES,
    SIGNS,
    fold,
    mix,
    space,
    text,
    token,
)
from corridor.kernels.loads import byte_at, get, put, typed
from corridor.kernels.scan_items import CHOICE, CODE, INT32, KIND, PARTY, TIME, WHOLE, WORD, copy, fix, goods

PADDING: Final = 64
"""Bytes that must stand behind the last record."""
HEAD_WORDS: Final = 12
LEAST_ITEM: Final = 40
"""No goods item is shorter in bytes: bounds the number of items in a buffer."""

# declaration_id, office and importer stand in the text buffer, in this order
SLOT_OF: Final = np.array([0, -1, -1, -1, 1, -1, -1, -1, -1, 2, -1, -1, -1])
ID, VERSION, FUNCTION = 0, 1, 2
HEAD_REQUIRED: Final = (1 << 10) - 1 | 1 << 13
MOST_BYTES: Final = 1 << 20
USABLE_FROM: Final = 31_536_000_000_000
USABLE_TO: Final = 7_258_118_400_000_000
BYTE_ORDER_MARK, UNKNOWN_FIELDS, TIME_UNUSABLE, CONTROL_CHARACTERS = 1, 2, 4, 32  # bits of quality.py
_27, _37 = np.uint64(27), np.uint64(37)
_SLOT: Final = typed(SLOT)


@inline
def _named(field: int, p: int, at: int, s: int) -> tuple[int, int]:
    """A party, office or code of the head into its word: (place behind it or -1, control or 0)."""
    slot = SLOT_OF[field]
    room = s + (SLOTS * 8 + slot * SLOT if slot >= 0 else ROOM * 8)
    end, begin, length, odd = text(p, room, _SLOT, s)
    signs = get(s, SIGNS) if odd & COPIED else length
    if end < 0 or signs > (64 if KIND[field] == PARTY else 16) or (signs == 0 and field <= 10):
        return -1, 0
    put(at, WORD[field], token(begin, length, odd & NON_ASCII))
    if slot >= 0:
        put(s, KEPT + 2 * slot, begin)
        put(s, KEPT + 2 * slot + 1, length)
    where = (at - get(s, HEADS)) // 8 + WORD[field]
    if odd & NON_ASCII and field != ID and not fix(where, begin, length, s):
        return -1, 0
    return end, odd & (CONTROL | LAYOUT)


@inline
def _finish(at: int, small: tuple[int, int, int, int], offset: bool, count: int, s: int) -> None:
    """Write content, small fields and the texts. small: version, function, direction, mode."""
    version, function, direction, mode = small
    h = fold(get(at, 1), PLACES[1]) + fold(version, PLACES[2]) + fold(function, PLACES[3])
    h += fold(get(at, 0), PLACES[4]) + fold(int(offset), PLACES[5]) + fold(get(at, 2), PLACES[6])
    h += fold(direction, PLACES[7]) + fold(get(at, 3), PLACES[8]) + fold(mode, PLACES[9])
    for i in range(4, 9):
        h += fold(get(at, i), PLACES[i + 6])
    h += fold(count, PLACES[15])
    for i in range(count):
        h = mix((h << _27 | h >> _37) + np.uint64(get(s, FOLDS + i)))
    put(at, 1, np.int64(h))  # type: ignore[arg-type]
    put(at, 9, version | count << 32)
    lengths, end = mode, get(s, TEXT_END)
    for slot in range(3):
        length = get(s, KEPT + 2 * slot + 1)
        copy(get(s, KEPT + 2 * slot), length, get(s, TEXT) + end)
        end += length
        lengths |= length << 16 * (slot + 1)
    put(at, 11, lengths)
    put(s, TEXT_END, end)


@inline
def _head(p: int, end: int, at: int, s: int) -> int:
    """Scan the declaration in p..end into the record at `at`, its items behind the last: how many, or -1."""
    for i in range(HEAD_WORDS):
        put(at, i, 0)
    seen = quality = own = others = count = control = version = function = direction = mode = NONE
    offset = False
    if byte_at(p) == 0xEF and byte_at(p + 1) == 0xBB and byte_at(p + 2) == 0xBF:
        p, quality = p + 3, BYTE_ORDER_MARK
    p = space(p)
    if byte_at(p) != 123:
        return -1
    p, last = space(p + 1) + 1, HEAD_START
    if byte_at(p - 1) != 34:
        return -1
    while p > 0:
        p, field = key(p, last, s)
        if field < 0:
            p = unknown(p, last, own, s) if p > 0 else -1
            own += 1
        else:
            kind, bit, last = KIND[field], 1 << field, field
            if p < 0 or seen & bit:
                return -1
            seen |= bit
            if byte_at(p) == 110:
                p = -1 if HEAD_REQUIRED & bit else behind_null(p)
            elif kind <= CODE:
                p, odd = _named(field, p, at, s)
                control |= odd
            elif kind == WHOLE:
                p, value, power = number(p)
                if power != 0 or not 1 <= value <= (INT32 if field == VERSION else 9):
                    return -1
                if field == VERSION:
                    version = value
                else:
                    mode = value
            elif kind == CHOICE:
                p, index = choice(p, field)
                if field == FUNCTION:
                    function = index
                else:
                    direction = index
            elif kind == TIME:
                p, declared, offset = moment(p)
                put(at, 0, declared)
            else:
                p, count, others, odd = goods(p, s)
                control |= odd
        if p < 0:
            return -1
        p = following(p)
    if p == 0 or -p > end or space(-p) < end or seen & HEAD_REQUIRED != HEAD_REQUIRED:
        return -1
    if not offset or not USABLE_FROM <= get(at, 0) < USABLE_TO:
        quality |= TIME_UNUSABLE
    others += own
    if others:
        quality |= UNKNOWN_FIELDS
    if control:
        quality |= CONTROL_CHARACTERS
    put(at, 10, quality | min(others, 65_535) << 32 | function << 48 | direction << 56)
    _finish(at, (version, function, direction, mode), offset, count, s)
    return count


@inline
def _begin(s: int) -> None:
    """Set what the first record of a batch needs; keys are expected in the schema's order."""
    for i in range(32):
        put(s, FOLLOWER + i, i + 1)
    put(s, FOLLOWER + HEAD_START, 0)
    put(s, FOLLOWER + 13, 0)
    put(s, FOLLOWER + ITEM_START, 16)
    put(s, FOLLOWER + 30, 16)
    for note in (TEXT_END, ITEMS_END, RECORD, FIXES, ODD_END):
        put(s, note, 0)


@kernel_across(json_keys, json_numbers, json_texts, loads, scan_items)
def scan(
    start: int, ends: NDArray[Any], gap: int, state: int, offsets: NDArray[Any], text_starts: NDArray[Any],
    taken: NDArray[Any],
) -> None:  # fmt: skip
    """Scan r records, the first at address `start`; the next begins `gap` bytes behind the end of each.

    ends i64[r]: relative to `start`. state: address of STATE int64, of which HEADS to MOST_FIXES are set:
    addresses of heads i64[12 r], items i64[14 (bytes / LEAST_ITEM + 1)], text u8[bytes + PADDING], odd
    u8[bytes + PADDING], and fixes i64[4 k] and k. The records taken are written one after another; offsets
    i64[r + 1], text_starts i64[r + 1], taken bool[r]; state[RECORD], [FIXES]: how many there are.
    """
    _begin(state)
    p, n = start, 0
    offsets[0] = text_starts[0] = 0
    for i in range(len(ends)):
        end = start + ends[i]
        fixes, odd_end = get(state, FIXES), get(state, ODD_END)
        at = get(state, HEADS) + n * HEAD_WORDS * 8
        count = _head(p, end, at, state) if end - p <= MOST_BYTES else -1
        taken[i] = count > 0
        if count > 0:
            n += 1
            put(state, RECORD, n)
            put(state, ITEMS_END, get(state, ITEMS_END) + count)
            offsets[n], text_starts[n] = get(state, ITEMS_END), get(state, TEXT_END)
        else:
            put(state, FIXES, fixes)
            put(state, ODD_END, odd_end)
        p = end + gap
