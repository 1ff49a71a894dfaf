"""A strict one-pass scanner: the bytes of many declarations to HEAD and ITEM records.

It knows declaration.v1 and takes its plain form only. Whatever is unusual about a record (a wrong or
repeated key, a missing field, a value of another type or out of range, signs outside ASCII in a code,
nested unknown fields, a number that needs big arithmetic) makes it hand the record over, unjudged, to
messages/strict.py. What it does accept it must decode exactly as strict.py does.

Keys are guessed: producers write them in one order, so the key that followed the last one before is
compared first, as two words of eight bytes. Digits are read eight at once (D. Lemire, "Number Parsing at
a Gigabyte per Second", Softw. Pract. Exper. 51, 2021, section 3), floats by W. Clinger's fast path
(PLDI 1990) or an exact division. Records are written as 8-byte words: the layouts of HEAD and ITEM in
messages/columns.py.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel
from corridor.kernels.loads import byte_at, put_word, stops, swap_bytes, trailing_zeros, word_at

Bytes = NDArray[Any]
Words = NDArray[Any]

PADDING: Final = 64
"""Bytes that must stand behind the last record."""
HEAD_WORDS: Final = 12
ITEM_WORDS: Final = 14
LEAST_ITEM: Final = 40
"""No goods item is shorter in bytes: bounds the number of items in a buffer."""

HEAD_KEYS: Final = (
    b"declaration_id", b"version", b"function", b"registered_at", b"office", b"direction", b"procedure",
    b"transport_mode", b"declarant", b"importer", b"exporter", b"dispatch_country", b"delivery_terms", b"items",
)  # fmt: skip
ITEM_KEYS: Final = (
    b"item_no", b"hs_code", b"description", b"origin_country", b"net_mass_kg", b"gross_mass_kg", b"quantity",
    b"unit", b"packages", b"invoice_amount", b"currency", b"customs_value", b"duty", b"vat", b"trace_id",
)  # fmt: skip
FIRST: Final = 16  # fields of items are numbered from here
(ID, VERSION, FUNCTION, TIME, OFFICE, DIRECTION, PROCEDURE, MODE, DECLARANT, IMPORTER, EXPORTER, DISPATCH, TERMS,
 ITEMS) = range(14)  # fmt: skip
(ITEM_NO, HS, DESCRIPTION, ORIGIN, NET, GROSS, QUANTITY, UNIT, PACKAGES, INVOICE, CURRENCY, CUSTOMS_VALUE, DUTY,
 VAT, TRACE) = range(FIRST, FIRST + 15)  # fmt: skip
_KEYS: Final = HEAD_KEYS + (b"",) * 2 + ITEM_KEYS + (b"",)


def _words(keys: tuple[bytes, ...], place: int) -> NDArray[Any]:
    return np.array([int.from_bytes(key.ljust(16, b"\0")[place : place + 8], "little") for key in keys], "u8")


_FILLED: Final = tuple(b"\xff" * length for length in range(17))
KEY_LOW, KEY_HIGH = _words(_KEYS, 0), _words(_KEYS, 8)
MASK_LOW, MASK_HIGH = _words(_FILLED, 0), _words(_FILLED, 8)
KEY_LENGTH: Final = np.array([len(key) for key in _KEYS], np.int64)
# where the value goes in its record, in words of eight bytes; -1: nowhere, or it shares a word
PLACE: Final = np.array(
    [-1, -1, -1, 0, 2, -1, 3, -1, 4, 5, 6, 7, 8, -1, -1, -1, -1, 0, -1, 1, 4, 5, 6, 2, 7, 8, 3, 9, 10, 11, -1, -1]
)
NAME, CODE, WHOLE, CHOICE, MOMENT, ARRAY, COMMODITY, DESCRIBED, TRACED, FLOAT, MONEY = range(11)
KIND: Final = np.array(
    [NAME, WHOLE, CHOICE, MOMENT, NAME, CHOICE, CODE, WHOLE, NAME, NAME, NAME, CODE, CODE, ARRAY, -1, -1,
     WHOLE, COMMODITY, DESCRIBED, CODE, FLOAT, FLOAT, FLOAT, CODE, FLOAT, FLOAT, CODE, MONEY, MONEY, MONEY,
     TRACED, -1]
)  # fmt: skip
KEPT: Final = np.array([0, -1, -1, -1, 1, -1, -1, -1, -1, 2, -1, -1, -1, -1])  # texts in the text buffer

POWER: Final = np.array([10**i for i in range(19)], np.int64)
EXACT: Final = np.array([10.0**i for i in range(23)])
HEAD_REQUIRED: Final = (1 << 10) - 1 | 1 << ITEMS
ITEM_REQUIRED: Final = 1 << ITEM_NO | 1 << HS | 1 << CUSTOMS_VALUE
NO_MONEY: Final = -(1 << 63)
MOST_MINOR: Final = (1 << 63) - 1
INT32: Final = (1 << 31) - 1
MOST_BYTES: Final = 1 << 20
MOST_ITEMS: Final = 999
MOST_UNKNOWN: Final = 16  # in one object
MOST_DIGITS: Final = 18
MOST_PROSE: Final = 4096
USABLE_FROM: Final = 31_536_000_000_000
USABLE_TO: Final = 7_258_118_400_000_000
BYTE_ORDER_MARK, UNKNOWN_FIELDS, TIME_UNUSABLE = 1, 2, 4
NET_NOT_POSITIVE, GROSS_NOT_POSITIVE, NET_OVER_GROSS, VALUE_NOT_POSITIVE = 1, 2, 4, 8
QUANTITY_NOT_POSITIVE, HS_MALFORMED, MONEY_ROUNDED = 16, 32, 64

# `notes`: what a step found beside the place behind it
LENGTH, SIGNS, ODD, START, WHERE, KEY_TOKEN, TEXT_BYTES, DESCRIPTION_SIGNS = range(8)
KEPT_START, KEPT_LENGTH, KEPT_WHERE, UNKNOWN_HEAD, UNKNOWN_ITEM, FOLDS = 8, 11, 14, 17, 33, 49
NON_ASCII, CONTROL, LAYOUT = 1, 2, 4  # bits of notes[ODD]
# `scratch`: unescaped texts; three kept ones first, the others behind them
SLOT: Final = 512
ROOM: Final = 4 * MOST_PROSE
SCRATCH: Final = 4 * SLOT + ROOM + PADDING
NOTES: Final = FOLDS + MOST_ITEMS

_T1, _T2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_F1, _F2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SEED, _ADD, _TOP = np.uint64(0x436F727269646F72), np.uint64(0x52DCE729), np.uint64(1 << 63)
_ALL, _STEP = np.uint64((1 << 64) - 1), np.uint64(0x9E3779B97F4A7C15)
_ZEROS, _NINES, _TOPS = (np.uint64(0x0101010101010101 * i) for i in (0x30, 0x76, 0x80))
_PAIRS, _HUNDREDS = np.uint64(0x000000FF000000FF), np.uint64(0x000F424000000064)
_UNITS = np.uint64(0x0000271000000001)
U0, U3, U5, U8, U10, U16, U27, U31, U32, U33, U37, U64 = (
    np.uint64(i) for i in (0, 3, 5, 8, 10, 16, 27, 31, 32, 33, 37, 64)
)
_NULL, _TRUE, _FALSE, _QUAD = (np.uint64(int.from_bytes(b, "little")) for b in (b"null", b"true", b"fals", b"\xff" * 4))
_WORDS: Final = _words((b"original", b"amendment", b"cancellation", b"import", b"export", b"transit"), 0)
_ENDS: Final = _words((b"original", b"amendment", b"cancellation", b"import", b"export", b"transit"), 8)


@inline
def _mix(x: Any) -> Any:
    x ^= x >> U33
    x *= _F1
    x ^= x >> U33
    x *= _F2
    return x ^ (x >> U33)


@inline
def _fold(value: int, place: int) -> Any:
    return _mix(np.uint64(value) + np.uint64(place) * _STEP)


@inline
def _token(buf: Bytes, p: int, length: int, ascii_only: bool) -> int:
    """messages/tokens.token over bytes."""
    if length <= 7 and ascii_only:
        if length == 0:
            return 0
        packed = swap_bytes(word_at(buf, p)) >> np.uint64(64 - 8 * length)
        return np.int64(packed << U8 | np.uint64(length))
    h = _SEED ^ np.uint64(length)
    end = p + length
    while p < end:
        k = word_at(buf, p)
        if end - p < 8:
            k &= _ALL >> np.uint64(64 - 8 * (end - p))
        k *= _T1
        k = (k << U31 | k >> U33) * _T2
        h ^= k
        h = (h << U27 | h >> U37) * U5 + _ADD
        p += 8
    return np.int64(_mix(h) | _TOP)


@inline
def _space(buf: Bytes, p: int) -> int:
    """The first place from p on that holds no JSON white space."""
    c = byte_at(buf, p)
    while c <= 32 and (c == 32 or c == 10 or c == 13 or c == 9):
        p += 1
        c = byte_at(buf, p)
    return p


@inline
def _plain_end(buf: Bytes, p: int) -> int:
    """The first place from p on that ends a run of plain string bytes."""
    found = stops(buf, p)
    while found == U0:
        p += 32
        found = stops(buf, p)
    return p + trailing_zeros(found)


@inline
def _hex4(buf: Bytes, p: int) -> int:
    value = 0
    for i in range(4):
        c = byte_at(buf, p + i)
        if 48 <= c <= 57:
            digit = c - 48
        elif 97 <= (c | 32) <= 102:
            digit = (c | 32) - 87
        else:
            return -1
        value = value << 4 | digit
    return value


@inline
def _utf8(buf: Bytes, p: int) -> int:
    """Code point * 8 + bytes of the UTF-8 sequence at p; -1 if it is none."""
    c, a = byte_at(buf, p), byte_at(buf, p + 1)
    if a & 0xC0 != 0x80:
        return -1
    if c < 0xE0:
        return ((c & 0x1F) << 6 | a & 0x3F) << 3 | 2 if c >= 0xC2 else -1
    b = byte_at(buf, p + 2)
    if b & 0xC0 != 0x80:
        return -1
    if c < 0xF0:
        point = (c & 0x0F) << 12 | (a & 0x3F) << 6 | b & 0x3F
        return point << 3 | 3 if point >= 0x800 and not 0xD800 <= point < 0xE000 else -1
    d = byte_at(buf, p + 3)
    point = (c & 0x07) << 18 | (a & 0x3F) << 12 | (b & 0x3F) << 6 | d & 0x3F
    return point << 3 | 4 if c < 0xF5 and d & 0xC0 == 0x80 and 0x10000 <= point < 0x110000 else -1


@inline
def _put_utf8(out: Bytes, o: int, point: int) -> int:
    if point < 0x80:
        out[o] = point
        return o + 1
    if point < 0x800:
        out[o], out[o + 1] = 0xC0 | point >> 6, 0x80 | point & 0x3F
        return o + 2
    if point < 0x10000:
        out[o], out[o + 1], out[o + 2] = 0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F
        return o + 3
    out[o], out[o + 1] = 0xF0 | point >> 18, 0x80 | point >> 12 & 0x3F
    out[o + 2], out[o + 3] = 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F
    return o + 4


@inline
def _escaped(buf: Bytes, p: int) -> int:
    """Code point * 16 + bytes of the escape at p (behind its backslash); -1 if it is none."""
    c = byte_at(buf, p)
    if c == 117:  # u
        point = _hex4(buf, p + 1)
        if 0xD800 <= point < 0xDC00 and byte_at(buf, p + 5) == 92 and byte_at(buf, p + 6) == 117:
            low = _hex4(buf, p + 7)
            if 0xDC00 <= low < 0xE000:
                return (0x10000 + ((point - 0xD800) << 10) + low - 0xDC00) << 4 | 11
        return -1 if point < 0 or 0xD800 <= point < 0xE000 else point << 4 | 5
    if c == 34 or c == 92 or c == 47:
        return c << 4 | 1
    if c == 110:
        return 10 << 4 | 1
    if c == 116:
        return 9 << 4 | 1
    if c == 114:
        return 13 << 4 | 1
    if c == 98:
        return 8 << 4 | 1
    return 12 << 4 | 1 if c == 102 else -1


@kernel
def unescape(buf: Bytes, p: int, out: Bytes, o: int, room: int, notes: Words) -> int:
    """Decode the string whose text begins at p into out from o on; the place behind its quote, or -1.

    notes: LENGTH in bytes, SIGNS (code points), ODD bits. -1 too if it takes more than `room` bytes.
    """
    begin, signs, odd = o, 0, 0
    while o - begin <= room - 4:
        c = byte_at(buf, p)
        if 32 <= c < 127 and c != 34 and c != 92:
            out[o] = c
            o, p, signs = o + 1, p + 1, signs + 1
            continue
        if c == 34:
            notes[LENGTH], notes[SIGNS], notes[ODD] = o - begin, signs, odd
            return p + 1
        if c == 92:
            found = _escaped(buf, p + 1)
            point, p = found >> 4, p + 1 + (found & 15)
        elif c < 32:
            return -1
        elif c == 127:
            found, point, p = 0, c, p + 1
        else:
            found = _utf8(buf, p)
            point, p = found >> 3, p + (found & 7)
        if found < 0:
            return -1
        if point >= 128:
            odd |= NON_ASCII
        if point == 9 or point == 10 or point == 13:
            odd |= LAYOUT
        elif point < 32 or 127 <= point < 160:
            odd |= CONTROL
        o, signs = _put_utf8(out, o, point), signs + 1
    return -1


@inline
def _text(buf: Bytes, p: int, scratch: Bytes, slot: int, room: int, notes: Words) -> int:
    """The string at p (its quote): the place behind it, or -1; its decoded bytes stand where notes say."""
    if byte_at(buf, p) != 34:
        return -1
    p += 1
    end = _plain_end(buf, p)
    if byte_at(buf, end) == 34:
        notes[LENGTH], notes[SIGNS], notes[ODD] = end - p, end - p, 0
        notes[START], notes[WHERE] = p, 0
        return end + 1
    notes[START], notes[WHERE] = slot, 1
    return unescape(buf, p, scratch, slot, room, notes)


@inline
def _noted(buf: Bytes, scratch: Bytes, notes: Words) -> int:
    """The token of the text that `_text` left in the notes."""
    source = scratch if notes[WHERE] else buf
    return _token(source, notes[START], notes[LENGTH], notes[ODD] & NON_ASCII == 0)


@inline
def _digits(word: Any) -> int:
    """How many of the eight bytes, from the first one on, are digits."""
    t = word ^ _ZEROS
    return trailing_zeros((t | (t + _NINES)) & _TOPS) >> 3


@inline
def _leading(word: Any, count: int) -> int:
    """The value of the first `count` (1-8) digits of eight bytes."""
    t = (word ^ _ZEROS) << np.uint64(64 - 8 * count)
    t = t * U10 + (t >> U8)
    return np.int64(((t & _PAIRS) * _HUNDREDS + ((t >> U16) & _PAIRS) * _UNITS) >> U32)


@inline
def _run(buf: Bytes, p: int, value: int, room: int) -> tuple[int, int]:
    """Append the digits at p to value: place behind them, and value; place -1 if more than room digits."""
    end = p + room
    while True:
        word = word_at(buf, p)
        count = _digits(word)
        if count == 0:
            return p, value
        if p + count > end:
            return -1, value
        value = value * POWER[count] + _leading(word, count)
        p += count
        if count < 8:
            return p, value


@inline
def _number(buf: Bytes, p: int) -> tuple[int, int, int]:
    """The JSON number at p as (place behind it or -1, signed mantissa, power of ten).

    At most 18 digits; an integer's power is 0, a number with a fraction has one below 0.
    """
    negative = byte_at(buf, p) == 45
    if negative:
        p += 1
    start = p
    p, value = _run(buf, p, 0, MOST_DIGITS)
    if p <= start or (p > start + 1 and byte_at(buf, start) == 48):
        return -1, 0, 0
    power = 0
    if byte_at(buf, p) == 46:
        first = p + 1
        p, value = _run(buf, first, value, MOST_DIGITS - (p - start))
        if p <= first:
            return -1, 0, 0
        power = first - p
    if byte_at(buf, p) | 32 == 101:
        p += 1
        sign = byte_at(buf, p)
        if sign == 43 or sign == 45:
            p += 1
        first = p
        p, shift = _run(buf, p, 0, 2)
        if p <= first:
            return -1, 0, 0
        power += -shift if sign == 45 else shift
        if power == 0:
            return -1, 0, 0  # 15e-1 or 1.5e1: not written like an integer, rare enough for the slow path
    return p, -value if negative else value, power


@inline
def _divided(value: int, divisor: int) -> float:
    """value / divisor rounded once, half to even, for 2**53 < value < 10**18 and divisor <= 10**18."""
    quotient, rest = value // divisor, value % divisor
    shift = 0
    while quotient < 1 << 55:
        rest <<= 1
        quotient <<= 1
        if rest >= divisor:
            rest -= divisor
            quotient |= 1
        shift += 1
    if rest:
        quotient |= 1  # below the rounding bit: breaks ties as the true value would
    return math.ldexp(float(quotient), -shift)


@inline
def _float(value: int, power: int) -> float:
    """The float64 nearest to value * 10**power; NaN if it takes big arithmetic. No negative zero."""
    size = abs(value)
    if value == 0 or power == 0:
        return float(value)
    if size <= 1 << 53:
        if abs(power) > 22:
            return math.nan
        return float(value) * EXACT[power] if power > 0 else float(value) / EXACT[-power]
    if not -MOST_DIGITS <= power < 0:
        return math.nan
    found = _divided(size, POWER[-power])
    return found if value > 0 else -found


@inline
def _minor(value: int, power: int) -> tuple[int, bool]:
    """value * 10**power in minor units, half to even, and whether rounded; NO_MONEY if it does not fit."""
    power += 2
    size = abs(value)
    if power >= 0:
        if size == 0:
            return 0, False
        if power > MOST_DIGITS or size > MOST_MINOR // POWER[power]:
            return NO_MONEY, False
        return value * POWER[power], False
    if power < -MOST_DIGITS:
        return NO_MONEY, False
    unit = POWER[-power]
    whole, rest = size // unit, size % unit
    if 2 * rest > unit or (2 * rest == unit and whole & 1):
        whole += 1
    return whole if value > 0 else -whole, rest != 0


@inline
def _commodity(buf: Bytes, scratch: Bytes, notes: Words) -> int:
    """messages/tokens.hs_token of the text in the notes."""
    length, start = notes[LENGTH], notes[START]
    if 0 < length <= 15:
        p, value = _run(buf, start, 0, 15)
        if p == start + length:
            return value * 16 + length
    found = _noted(buf, scratch, notes)
    return found if found < 0 else -found


@inline
def _two(buf: Bytes, p: int) -> int:
    """The number of two digits at p; negative if they are none."""
    high, low = byte_at(buf, p) - 48, byte_at(buf, p + 1) - 48
    return high * 10 + low if high | low | 9 - high | 9 - low >= 0 else -1


@inline
def _moment(buf: Bytes, p: int) -> tuple[int, int, bool]:
    """The RFC 3339 string at p (its quote): place behind it or -1, microseconds, has an offset.

    The twin of messages/moment.moment, which see.
    """
    if byte_at(buf, p) != 34:
        return -1, 0, False
    p += 1
    century, year, month = _two(buf, p), _two(buf, p + 2), _two(buf, p + 5)
    day, hour, minute, second = _two(buf, p + 8), _two(buf, p + 11), _two(buf, p + 14), _two(buf, p + 17)
    between = byte_at(buf, p + 10)
    if byte_at(buf, p + 4) != 45 or byte_at(buf, p + 7) != 45 or (between | 32 != 116 and between != 32):
        return -1, 0, False
    if century | year | minute < 0 or byte_at(buf, p + 13) != 58 or byte_at(buf, p + 16) != 58:
        return -1, 0, False
    year += century * 100
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 30 + (month + (month >> 3) & 1) if month != 2 else 28 + leap
    if not 1 <= month <= 12 or not 1 <= day <= longest or not 0 <= hour <= 23 or minute > 59:
        return -1, 0, False
    if not 0 <= second <= 60:
        return -1, 0, False
    y = year - (month <= 2) + 400  # one era on, so that no division is of a negative number
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = y // 400 * 146_097 + y % 400 * 365 + y % 400 // 4 - y % 400 // 100 + day_of_year - 865_565
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    p += 19
    micros = 0
    if byte_at(buf, p) == 46:
        p, unit, first = p + 1, 100_000, p + 1
        while 48 <= byte_at(buf, p) <= 57:
            micros += (byte_at(buf, p) - 48) * unit
            unit //= 10
            p += 1
        if p == first:
            return -1, 0, False
    sign, offset = byte_at(buf, p), True
    if sign | 32 == 122:
        p += 1
    elif sign == 43 or sign == 45:
        hour, minute = _two(buf, p + 1), _two(buf, p + 4)
        if byte_at(buf, p + 3) != 58 or not 0 <= hour <= 23 or not 0 <= minute <= 59:
            return -1, 0, False
        shift = hour * 3_600 + minute * 60
        seconds += shift if sign == 45 else -shift
        p += 6
    else:
        offset = False
    return (p + 1 if byte_at(buf, p) == 34 else -1), seconds * 1_000_000 + micros, offset


@inline
def _choice(buf: Bytes, p: int, first: int) -> int:
    """Which of three words stands at p (its quote): place behind it * 4 + index, or -1."""
    low, high = word_at(buf, p + 1), word_at(buf, p + 9)
    end = _plain_end(buf, p + 1)
    length = end - p - 1
    if byte_at(buf, p) != 34 or byte_at(buf, end) != 34 or length > 16:
        return -1
    low, high = low & MASK_LOW[length], high & MASK_HIGH[length]
    for i in range(3):
        if low == _WORDS[first + i] and high == _ENDS[first + i]:
            return (end + 1) << 2 | i
    return -1


@inline
def _skipped(buf: Bytes, p: int, scratch: Bytes, notes: Words) -> int:
    """The place behind the value of an unknown field; -1 for arrays, objects and anything wrong."""
    c = byte_at(buf, p)
    if c == 34:
        return _text(buf, p, scratch, 3 * SLOT, ROOM, notes)
    if c == 45 or 48 <= c <= 57:
        return _number(buf, p)[0]
    word = word_at(buf, p) & _QUAD
    if word == _NULL or word == _TRUE:
        return p + 4
    return p + 5 if word == _FALSE and byte_at(buf, p + 4) == 101 else -1


@inline
def _key(buf: Bytes, p: int, guess: int, first: int, count: int, notes: Words) -> tuple[int, int]:
    """The key whose text begins at p: (place of its value or -1, field number or -1 for an unknown one)."""
    low, high, length = word_at(buf, p), word_at(buf, p + 8), KEY_LENGTH[guess]
    same = low & MASK_LOW[length] == KEY_LOW[guess] and high & MASK_HIGH[length] == KEY_HIGH[guess]
    if same and byte_at(buf, p + length) == 34:
        field, end = guess, p + length
    else:
        field, end = -1, _plain_end(buf, p)
        if byte_at(buf, end) != 34:
            return -1, -1
        length = end - p
        if length <= 16:
            low, high = low & MASK_LOW[length], high & MASK_HIGH[length]
            for i in range(first, first + count):
                if low == KEY_LOW[i] and high == KEY_HIGH[i]:
                    field = i
        if field < 0:
            notes[KEY_TOKEN] = _token(buf, p, length, True)
    p = end + 1
    if byte_at(buf, p) != 58:
        p = _space(buf, p)
        if byte_at(buf, p) != 58:
            return -1, -1
    return _space(buf, p + 1), field


@inline
def _unknown(buf: Bytes, p: int, scratch: Bytes, notes: Words, names: int, count: int) -> int:
    """Pass over the value at p of the count-th unknown field of an object; -1 if its name was there before.

    notes[names:] holds the tokens of the names before it; equal tokens are left to the slow path.
    """
    if count > MOST_UNKNOWN:
        return -1
    name = notes[KEY_TOKEN]
    for i in range(count - 1):
        if notes[names + i] == name:
            return -1
    notes[names + count - 1] = name
    return _skipped(buf, p, scratch, notes)


@inline
def _next(buf: Bytes, p: int) -> int:
    """Behind a value: place of the next key's text, place behind the closing brace as a negative, or 0."""
    c = byte_at(buf, p)
    if c != 44 and c != 125:
        p = _space(buf, p)
        c = byte_at(buf, p)
    if c == 125:
        return -(p + 1)
    if c != 44:
        return 0
    p = _space(buf, p + 1)
    return p + 1 if byte_at(buf, p) == 34 else 0


@kernel
def item(
    buf: Bytes, p: int, words: Words, floats: Words, at: int, follower: Words, scratch: Bytes, notes: Words
) -> int:
    """Scan the goods item at p into words[at : at + 14]; the place behind it, or -1. notes[LENGTH]: its fold."""
    for i in range(4):
        words[at + i] = 0
    for i in range(4, 9):
        floats[at + i] = math.nan
    for i in range(9, 12):
        words[at + i] = NO_MONEY
    seen = quality = unknown = item_no = described = signs = trace = 0
    if byte_at(buf, p) != 123:
        return -1
    p = _space(buf, p + 1)
    if byte_at(buf, p) != 34:
        return -1
    p, last = p + 1, FIRST + 15
    while p > 0:
        p, field = _key(buf, p, follower[last], FIRST, 15, notes)
        if p < 0:
            return -1
        if field < 0:
            unknown += 1
            p = _unknown(buf, p, scratch, notes, UNKNOWN_ITEM, unknown)
            if p < 0:
                return -1
            p = _next(buf, p)
            continue
        follower[last] = field
        last = field
        if seen & 1 << field:
            return -1
        seen |= 1 << field
        kind, to = KIND[field], at + PLACE[field]
        if byte_at(buf, p) == 110:
            if word_at(buf, p) & _QUAD != _NULL or ITEM_REQUIRED & 1 << field:
                return -1
            p += 4
        elif kind == FLOAT:
            p, value, power = _number(buf, p)
            if p < 0:
                return -1
            number = _float(value, power)
            if math.isnan(number):
                return -1
            floats[to] = number
        elif kind == MONEY:
            p, value, power = _number(buf, p)
            if p < 0:
                return -1
            minor, rounded = _minor(value, power)
            if minor == NO_MONEY:
                return -1
            words[to] = minor
            if rounded:
                quality |= MONEY_ROUNDED
        elif kind == WHOLE:
            p, item_no, power = _number(buf, p)
            if p < 0 or power != 0 or not 1 <= item_no <= INT32:
                return -1
        else:
            p = _text(buf, p, scratch, 3 * SLOT, ROOM, notes)
            if p < 0:
                return -1
            if kind == DESCRIBED:
                signs = notes[SIGNS]
                if notes[ODD] & CONTROL or signs > MOST_PROSE:
                    return -1
                described = _noted(buf, scratch, notes)
            elif notes[ODD]:
                return -1
            elif kind == COMMODITY:
                if notes[WHERE]:
                    return -1
                words[to] = _commodity(buf, scratch, notes)
            elif kind == CODE:
                if notes[LENGTH] > 16:
                    return -1
                words[to] = _noted(buf, scratch, notes)
            else:
                if notes[LENGTH] > 64:
                    return -1
                trace = _noted(buf, scratch, notes)
        p = _next(buf, p)
    if p == 0 or seen & ITEM_REQUIRED != ITEM_REQUIRED:
        return -1
    hs, net, gross, invoice = words[at], floats[at + 4], floats[at + 5], floats[at + 8]
    if net <= 0:
        quality |= NET_NOT_POSITIVE
    if gross <= 0:
        quality |= GROSS_NOT_POSITIVE
    if net > gross:
        quality |= NET_OVER_GROSS
    if words[at + 9] <= 0 or invoice <= 0:
        quality |= VALUE_NOT_POSITIVE
    if floats[at + 6] <= 0:
        quality |= QUANTITY_NOT_POSITIVE
    if hs <= 0 or not 6 <= hs & 15 <= 10:
        quality |= HS_MALFORMED
    words[at + 12] = item_no | signs << 32
    words[at + 13] = quality
    fold = _fold(item_no, 1) + _fold(hs, 2) + _fold(described, 3)
    fold += _fold(words[at + 1], 4) + _fold(words[at + 2], 5) + _fold(words[at + 3], 6)
    for i in range(4, 12):
        fold += _fold(words[at + i], i + 3)
    notes[LENGTH] = np.int64(fold + _fold(trace, 15))
    notes[SIGNS] = unknown
    return -p


@inline
def _list(
    buf: Bytes, p: int, words: Words, floats: Words, m: int, follower: Words, scratch: Bytes, notes: Words
) -> tuple[int, int, int]:
    """Scan the array of goods items at p: place behind it or -1, number of items, unknown fields in them."""
    if byte_at(buf, p) != 91:
        return -1, 0, 0
    p, count, unknown = _space(buf, p + 1), 0, 0
    while count < MOST_ITEMS:
        p = item(buf, p, words, floats, (m + count) * ITEM_WORDS, follower, scratch, notes)
        if p < 0:
            return -1, 0, 0
        notes[FOLDS + count] = notes[LENGTH]
        unknown += notes[SIGNS]
        count += 1
        p = _space(buf, p)
        c = byte_at(buf, p)
        if c == 93:
            return p + 1, count, unknown
        if c != 44:
            break
        p = _space(buf, p + 1)
    return -1, 0, 0


@inline
def _keep(buf: Bytes, scratch: Bytes, notes: Words, text: Bytes, t: int) -> int:
    """Write declaration_id, office and importer behind one another from text[t] on: the place behind them."""
    for i in range(3):
        source = scratch if notes[KEPT_WHERE + i] else buf
        start, length = notes[KEPT_START + i], notes[KEPT_LENGTH + i]
        for j in range(0, length, 8):
            put_word(text, t + j, word_at(source, start + j))
        t += length
    return t


@kernel
def head(
    buf: Bytes, p: int, end: int, heads: Words, at: int, words: Words, floats: Words, m: int,
    text: Bytes, t: int, follower: Words, scratch: Bytes, notes: Words,
) -> int:  # fmt: skip
    """Scan the declaration in buf[p:end] into heads[at : at + 12] and the items from m on: items, or -1.

    notes[TEXT_BYTES]: the place behind its texts, written from text[t] on.
    """
    for i in range(HEAD_WORDS):
        heads[at + i] = 0
    seen = quality = unknown = own = count = 0
    name = version = function = direction = mode = 0
    offset = False
    if end - p > MOST_BYTES:
        return -1
    if byte_at(buf, p) == 0xEF and byte_at(buf, p + 1) == 0xBB and byte_at(buf, p + 2) == 0xBF:
        p, quality = p + 3, BYTE_ORDER_MARK
    p = _space(buf, p)
    if byte_at(buf, p) != 123:
        return -1
    p = _space(buf, p + 1)
    if byte_at(buf, p) != 34:
        return -1
    p, last = p + 1, 15
    while p > 0:
        p, field = _key(buf, p, follower[last], 0, 14, notes)
        if p < 0:
            return -1
        if field < 0:
            own += 1
            p = _unknown(buf, p, scratch, notes, UNKNOWN_HEAD, own)
            if p < 0:
                return -1
            p = _next(buf, p)
            continue
        follower[last] = field
        last = field
        if seen & 1 << field:
            return -1
        seen |= 1 << field
        kind = KIND[field]
        if byte_at(buf, p) == 110:
            if word_at(buf, p) & _QUAD != _NULL or HEAD_REQUIRED & 1 << field:
                return -1
            p += 4
        elif kind <= CODE:
            slot = KEPT[field]
            p = _text(buf, p, scratch, (slot if slot >= 0 else 3) * SLOT, SLOT, notes)
            if p < 0 or notes[ODD]:
                return -1
            length = notes[LENGTH]
            if length > (64 if kind == NAME else 16) or (length == 0 and field <= EXPORTER):
                return -1
            found = _noted(buf, scratch, notes)
            if field == ID:
                name = found
            else:
                heads[at + PLACE[field]] = found
            if slot >= 0:
                notes[KEPT_START + slot], notes[KEPT_WHERE + slot] = notes[START], notes[WHERE]
                notes[KEPT_LENGTH + slot] = length
        elif kind == WHOLE:
            p, value, power = _number(buf, p)
            if p < 0 or power != 0 or not 1 <= value <= (INT32 if field == VERSION else 9):
                return -1
            if field == VERSION:
                version = value
            else:
                mode = value
        elif kind == CHOICE:
            found = _choice(buf, p, 0 if field == FUNCTION else 3)
            if found < 0:
                return -1
            p = found >> 2
            if field == FUNCTION:
                function = found & 3
            else:
                direction = found & 3
        elif kind == MOMENT:
            p, declared, offset = _moment(buf, p)
            if p < 0:
                return -1
            heads[at] = declared
        else:
            p, count, unknown = _list(buf, p, words, floats, m, follower, scratch, notes)
            if p < 0:
                return -1
        p = _next(buf, p)
    if p == 0 or -p > end or _space(buf, -p) < end or seen & HEAD_REQUIRED != HEAD_REQUIRED:
        return -1
    if not offset or not USABLE_FROM <= heads[at] < USABLE_TO:
        quality |= TIME_UNUSABLE
    unknown += own
    if unknown:
        quality |= UNKNOWN_FIELDS
    h = _fold(name, 1) + _fold(version, 2) + _fold(function, 3) + _fold(heads[at], 4) + _fold(offset, 5)
    h += _fold(heads[at + 2], 6) + _fold(direction, 7) + _fold(heads[at + 3], 8) + _fold(mode, 9)
    for i in range(4, 9):
        h += _fold(heads[at + i], i + 6)
    h += _fold(count, 15)
    for i in range(count):
        h = _mix((h << U27 | h >> U37) + np.uint64(notes[FOLDS + i]))
    heads[at + 1] = np.int64(h)
    heads[at + 9] = version | count << 32
    heads[at + 10] = quality | min(unknown, 65_535) << 32 | function << 48 | direction << 56
    lengths = notes[KEPT_LENGTH] << 16 | notes[KEPT_LENGTH + 1] << 32 | notes[KEPT_LENGTH + 2] << 48
    heads[at + 11] = mode | lengths
    notes[TEXT_BYTES] = _keep(buf, scratch, notes, text, t)
    return count


@kernel
def scan(
    buf: Bytes, starts: Words, ends: Words, heads: Words, words: Words, floats: Words,
    offsets: Words, text: Bytes, text_starts: Words, taken: Words,
) -> int:  # fmt: skip
    """Scan the r records buf[starts[i]:ends[i]]; the number n of those taken.

    buf: u8 with PADDING bytes behind the last record. Written for the records taken, one after another:
    heads i64[12 r], words i64[14 m] and floats, the same memory as float64, m = bytes / LEAST_ITEM + 1;
    offsets i64[r + 1]; text u8[bytes + PADDING]; text_starts i64[r + 1]. taken bool[r].
    """
    follower = np.arange(1, 33)
    follower[13] = follower[15] = ID
    follower[FIRST + 15] = follower[FIRST + 14] = ITEM_NO
    scratch, notes = np.zeros(SCRATCH, np.uint8), np.zeros(NOTES, np.int64)
    n = m = t = 0
    offsets[0] = text_starts[0] = 0
    for i in range(len(starts)):
        at = n * HEAD_WORDS
        count = head(buf, starts[i], ends[i], heads, at, words, floats, m, text, t, follower, scratch, notes)
        taken[i] = count > 0
        if count > 0:
            n, m, t = n + 1, m + count, notes[TEXT_BYTES]
            offsets[n], text_starts[n] = m, t
    return n
