"""A strict one-pass scanner: the bytes of many declarations to HEAD and ITEM records.

It knows declaration.v1 and takes its plain form only. Whatever is unusual about a record (a repeated key, a
missing field, a value of another type or out of range, a number that needs big arithmetic) makes it hand
the record over, unjudged, to messages/strict.py. What it does accept it must decode exactly as that does.

Keys are guessed: producers write them in one order, so the key that followed the last one before is compared
first, as two words of eight bytes. Records are written as 8-byte words: the layouts of HEAD and ITEM in
messages/columns.py. A code or name with signs outside ASCII gets the token of its text as it stands and
an entry in the list of fixes, because its skeleton needs Unicode's tables.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import json_keys, json_numbers, json_texts, loads
from corridor.kernels._jit import inline, kernel_across
from corridor.kernels.json_keys import (
    FIX,
    FIXES,
    FOLDS,
    FOLLOWER,
    HEAD_START,
    HEADS,
    ITEM_START,
    ITEMS,
    ITEMS_END,
    KEPT,
    MOST_FIXES,
    MOST_ITEMS,
    MOST_PROSE,
    NONE,
    ODD,
    ODD_END,
    RECORD,
    ROOM,
    ROOM_BYTES,
    SLOT,
    SLOTS,
    STATE,
    TEXT,
    TEXT_END,
    behind_null,
    choice,
    following,
    key,
    unknown,
)
from corridor.kernels.json_numbers import NO_MONEY, minor_units, moment, nearest, number, run
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
from corridor.kernels.loads import byte_at, float_bits, float_of, get, put, put_word, word_at

PADDING: Final = 64
"""Bytes that must stand behind the last record."""
HEAD_WORDS: Final = 12
ITEM_WORDS: Final = 14
FIX_WORDS: Final = 4
LEAST_ITEM: Final = 40
"""No goods item is shorter in bytes: bounds the number of items in a buffer."""

# the kinds of fields, one after another as in json_keys.HEAD_KEYS and, from 16 on, ITEM_KEYS
PARTY, CODE, WHOLE, CHOICE, TIME, GOODS, COMMODITY, PROSE, TRACE, FLOAT, MONEY = range(11)
KIND: Final = np.array(
    [PARTY, WHOLE, CHOICE, TIME, PARTY, CHOICE, CODE, WHOLE, PARTY, PARTY, PARTY, CODE, CODE, GOODS, -1, -1,
     WHOLE, COMMODITY, PROSE, CODE, FLOAT, FLOAT, FLOAT, CODE, FLOAT, FLOAT, CODE, MONEY, MONEY, MONEY, TRACE, -1]
)  # fmt: skip
# the word of the record that takes the value; declaration_id and some of 4 bytes have none of their own
WORD: Final = np.array(
    [1, -1, -1, 0, 2, -1, 3, -1, 4, 5, 6, 7, 8, -1, -1, -1, -1, 0, -1, 1, 4, 5, 6, 2, 7, 8, 3, 9, 10, 11, -1, -1]
)
# declaration_id, office and importer stand in the text buffer, in this order
SLOT_OF: Final = np.array([0, -1, -1, -1, 1, -1, -1, -1, -1, 2, -1, -1, -1])
ID, VERSION, FUNCTION, PROCEDURE = 0, 1, 2, 6
HEAD_REQUIRED: Final = (1 << 10) - 1 | 1 << 13
ITEM_REQUIRED: Final = 1 << 16 | 1 << 17 | 1 << 27  # item_no, hs_code, customs_value
MOST_BYTES: Final = 1 << 20
INT32: Final = (1 << 31) - 1
USABLE_FROM: Final = 31_536_000_000_000
USABLE_TO: Final = 7_258_118_400_000_000
# bits of messages/quality.py
BYTE_ORDER_MARK, UNKNOWN_FIELDS, TIME_UNUSABLE, CONTROL_CHARACTERS = 1, 2, 4, 32
NET_NOT_POSITIVE, GROSS_NOT_POSITIVE, NET_OVER_GROSS, VALUE_NOT_POSITIVE = 1, 2, 4, 8
QUANTITY_NOT_POSITIVE, HS_MALFORMED, MONEY_ROUNDED = 16, 32, 64
_27, _37 = np.uint64(27), np.uint64(37)
_SLOT, _LONGEST_HS = np.int64(SLOT), np.int64(15)


@inline
def _copy(source: int, length: int, target: int) -> None:
    for i in range(0, length, 8):
        put_word(target + i, word_at(source + i))


@inline
def _fix(where: int, at: int, length: int, s: int) -> bool:
    """Ask for the skeleton's token of a text in word `where` (heads) or -1 - where (items); False: no room."""
    count, end = get(s, FIXES), get(s, ODD_END)
    if count == get(s, MOST_FIXES):
        return False
    _copy(at, length, get(s, ODD) + end)
    base = get(s, FIX) + count * FIX_WORDS * 8
    put(base, 0, where)
    put(base, 1, get(s, RECORD))
    put(base, 2, end)
    put(base, 3, length)
    put(s, FIXES, count + 1)
    put(s, ODD_END, end + length)
    return True


@inline
def _commodity(p: int, length: int) -> int:
    """messages/tokens.hs_token of an ASCII text."""
    if 0 < length <= 15:
        end, value = run(p, NONE, _LONGEST_HS)
        if end == p + length:
            return value * 16 + length
    return -abs(token(p, length, NONE))


@inline
def _texts(field: int, p: int, at: int, s: int) -> tuple[int, int, int, int]:
    """A text of the item whose record is at `at`: (place behind it or -1, token, signs, control or 0).

    Codes and the commodity are written into the record.
    """
    end, begin, length, odd = text(p, s + ROOM * 8, ROOM_BYTES, s)
    kind = KIND[field]
    signs = get(s, SIGNS) if odd & COPIED else length
    if end < 0 or signs > (MOST_PROSE if kind == PROSE else 64 if kind == TRACE else 16):
        if end < 0 or kind != COMMODITY:
            return -1, 0, 0, 0
    control = odd & (CONTROL if kind == PROSE else CONTROL | LAYOUT)
    if kind == COMMODITY:
        if odd:
            return -1, 0, 0, 0
        put(at, WORD[field], _commodity(begin, length))
        return end, 0, signs, 0
    value = token(begin, length, odd & NON_ASCII)
    if kind == CODE:
        put(at, WORD[field], value)
        where = (at - get(s, ITEMS)) // 8 + WORD[field]
        if odd & NON_ASCII and not _fix(-1 - where, begin, length, s):
            return -1, 0, 0, 0
    return end, value, signs, control


@inline
def _item_quality(at: int) -> int:
    net, gross, quantity, invoice = (
        float_of(get(at, 4)), float_of(get(at, 5)), float_of(get(at, 6)), float_of(get(at, 8))
    )  # fmt: skip
    quality, hs = 0, get(at, 0)
    if net <= 0:
        quality |= NET_NOT_POSITIVE
    if gross <= 0:
        quality |= GROSS_NOT_POSITIVE
    if net > gross:
        quality |= NET_OVER_GROSS
    if get(at, 9) <= 0 or invoice <= 0:
        quality |= VALUE_NOT_POSITIVE
    if quantity <= 0:
        quality |= QUANTITY_NOT_POSITIVE
    if hs <= 0 or not 6 <= hs & 15 <= 10:
        quality |= HS_MALFORMED
    return quality


@inline
def _amount(p: int, field: int, at: int) -> tuple[int, int]:
    """A number or money at p into its word: (place behind it or -1, MONEY_ROUNDED or 0)."""
    p, value, power = number(p)
    if KIND[field] == FLOAT:
        found = nearest(value, power)
        put(at, WORD[field], float_bits(found))
        return (-1 if math.isnan(found) else p), 0
    minor, rounded = minor_units(value, power)
    put(at, WORD[field], minor)
    return (-1 if minor == NO_MONEY else p), (MONEY_ROUNDED if rounded else 0)


@inline
def _item(p: int, at: int, s: int) -> tuple[int, int, int, int]:
    """Scan the goods item at p into the record at `at`: (place behind it or -1, fold, unknown fields, control)."""
    for i in range(4):
        put(at, i, 0)
    for i in range(4, 9):
        put(at, i, float_bits(math.nan))
    for i in range(9, 12):
        put(at, i, NO_MONEY)
    seen = quality = others = item_no = described = signs = trace = control = NONE
    if byte_at(p) != 123:
        return -1, 0, 0, 0
    p, last = space(p + 1) + 1, ITEM_START
    if byte_at(p - 1) != 34:
        return -1, 0, 0, 0
    while p > 0:
        p, field = key(p, last, s)
        if field < 0:
            p = unknown(p, last, others, s) if p > 0 else -1
            others += 1
        else:
            kind, bit, last = KIND[field], 1 << field, field
            if p < 0 or seen & bit:
                return -1, 0, 0, 0
            seen |= bit
            if byte_at(p) == 110:
                p = -1 if ITEM_REQUIRED & bit else behind_null(p)
            elif kind >= FLOAT:
                p, rounded = _amount(p, field, at)
                quality |= rounded
            elif kind == WHOLE:
                p, item_no, power = number(p)
                if power != 0 or not 1 <= item_no <= INT32:
                    p = -1
            else:
                p, value, length, odd = _texts(field, p, at, s)
                control |= odd
                if kind == PROSE:
                    described, signs = value, length
                elif kind == TRACE:
                    trace = value
        if p < 0:
            return -1, 0, 0, 0
        p = following(p)
    if p == 0 or seen & ITEM_REQUIRED != ITEM_REQUIRED:
        return -1, 0, 0, 0
    put(at, 12, item_no | signs << 32)
    put(at, 13, quality | _item_quality(at))
    h = fold(item_no, PLACES[1]) + fold(get(at, 0), PLACES[2])
    h += fold(described, PLACES[3]) + fold(trace, PLACES[15])
    for i in range(1, 12):
        h += fold(get(at, i), PLACES[i + 3])
    return -p, np.int64(h), others, control  # type: ignore[return-value]


@inline
def _goods(p: int, s: int) -> tuple[int, int, int, int]:
    """Scan the array of items at p: (place behind it or -1, items, unknown fields, control)."""
    if byte_at(p) != 91:
        return -1, 0, 0, 0
    p, count, others, control = space(p + 1), 0, 0, 0
    at = get(s, ITEMS) + get(s, ITEMS_END) * ITEM_WORDS * 8
    while count < MOST_ITEMS:
        p, h, more, odd = _item(p, at, s)
        if p < 0:
            return -1, 0, 0, 0
        put(s, FOLDS + count, h)
        count, others, control, at = count + 1, others + more, control | odd, at + ITEM_WORDS * 8
        p = space(p)
        c = byte_at(p)
        if c == 93:
            return p + 1, count, others, control
        if c != 44:
            break
        p = space(p + 1)
    return -1, 0, 0, 0


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
    if odd & NON_ASCII and field != ID:
        if not _fix((at - get(s, HEADS)) // 8 + WORD[field], begin, length, s):
            return -1, 0
    return end, odd & (CONTROL | LAYOUT)


@inline
def _finish(at: int, small: tuple[int, int, int, int], offset: bool, count: int, s: int) -> None:
    """Write content, the small fields but quality, and the texts. small: version, function, direction, mode."""
    version, function, direction, mode = small
    h = fold(get(at, 1), PLACES[1]) + fold(version, PLACES[2]) + fold(function, PLACES[3])
    h += fold(get(at, 0), PLACES[4]) + fold(np.int64(offset), PLACES[5]) + fold(get(at, 2), PLACES[6])
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
        _copy(get(s, KEPT + 2 * slot), length, get(s, TEXT) + end)
        end += length
        lengths |= length << 16 * (slot + 1)
    put(at, 11, lengths)
    put(s, TEXT_END, end)


@inline
def _head(p: int, end: int, at: int, s: int) -> int:
    """Scan the declaration in p..end into the record at `at`, its items behind the last ones; their number or -1."""
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
                p, count, others, odd = _goods(p, s)
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


@kernel_across(json_keys, json_numbers, json_texts, loads)
def scan(
    start: int, ends: NDArray[Any], gap: int, state: int, offsets: NDArray[Any], text_starts: NDArray[Any],
    taken: NDArray[Any],
) -> None:  # fmt: skip
    """Scan r records, the first at address `start`; the next begins `gap` bytes behind the end of each.

    ends i64[r]: relative to `start`. state: address of STATE int64, of which HEADS ... MOST_FIXES are set: the
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
