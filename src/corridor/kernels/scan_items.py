"""Goods items by address, into ITEM records: the inner half of the scanner (scan.py, which see)."""

import math
from typing import Final

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.json_keys import (
    FIX,
    FIXES,
    FOLDS,
    ITEM_START,
    ITEMS,
    ITEMS_END,
    MOST_FIXES,
    MOST_ITEMS,
    MOST_PROSE,
    NONE,
    ODD,
    ODD_END,
    RECORD,
    ROOM,
    ROOM_BYTES,
    behind_null,
    following,
    key,
    unknown,
)
from corridor.kernels.json_numbers import NO_MONEY, minor_units, nearest, number, run
from corridor.kernels.json_texts import (
    CONTROL,
    COPIED,
    LAYOUT,
    NON_ASCII,
    PLACES,
    SIGNS,
    fold,
    space,
    text,
    token,
)
from corridor.kernels.loads import byte_at, float_bits, float_of, get, put, put_word, typed, word_at

ITEM_WORDS: Final = 14
FIX_WORDS: Final = 4
# the kinds of fields, one after another as in json_keys.HEAD_KEYS and, from 16 on, ITEM_KEYS
PARTY, CODE, WHOLE, CHOICE, TIME, GOODS, COMMODITY, PROSE, TRACE, FLOAT, MONEY = range(11)
KIND: Final = np.array(
    [PARTY, WHOLE, CHOICE, TIME, PARTY, CHOICE, CODE, WHOLE, PARTY, PARTY, PARTY, CODE, CODE, GOODS, -1, -1,
     WHOLE, COMMODITY, PROSE, CODE, FLOAT, FLOAT, FLOAT, CODE, FLOAT, FLOAT, CODE, MONEY, MONEY, MONEY,
     TRACE, -1]
)  # fmt: skip
# the word of the record that takes the value; declaration_id and some of 4 bytes have none of their own
WORD: Final = np.array(
    [1, -1, -1, 0, 2, -1, 3, -1, 4, 5, 6, 7, 8, -1, -1, -1,
     -1, 0, -1, 1, 4, 5, 6, 2, 7, 8, 3, 9, 10, 11, -1, -1]
)  # fmt: skip
ITEM_REQUIRED: Final = 1 << 16 | 1 << 17 | 1 << 27  # item_no, hs_code, customs_value
INT32: Final = (1 << 31) - 1
# bits of messages/quality.py
NET_NOT_POSITIVE, GROSS_NOT_POSITIVE, NET_OVER_GROSS, VALUE_NOT_POSITIVE = 1, 2, 4, 8
QUANTITY_NOT_POSITIVE, HS_MALFORMED, MONEY_ROUNDED = 16, 32, 64
_LONGEST_HS: Final = typed(15)


@inline
def copy(source: int, length: int, target: int) -> None:
    """Copy bytes by eights; up to seven more are written behind them."""
    for i in range(0, length, 8):
        put_word(target + i, word_at(source + i))


@inline
def fix(where: int, at: int, length: int, s: int) -> bool:
    """Ask for the skeleton's token in word `where` of heads, or -1 - where of items; False: no room."""
    count, end = get(s, FIXES), get(s, ODD_END)
    if count == get(s, MOST_FIXES):
        return False
    copy(at, length, get(s, ODD) + end)
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
    most = MOST_PROSE if kind == PROSE else 64 if kind == TRACE else 16
    if end < 0 or (signs > most and kind != COMMODITY):
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
        if odd & NON_ASCII and not fix(-1 - where, begin, length, s):
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
    """Scan the goods item at p into the record at `at`: (place behind it or -1, fold, others, control)."""
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
def goods(p: int, s: int) -> tuple[int, int, int, int]:
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
