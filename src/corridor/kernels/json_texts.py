# ruff: noqa: PLR1714  (chains of comparisons compile to better code than membership tests)
"""JSON strings by address: where they end, what they say, their token.

`room`: an address with space for the decoded bytes of a string that has escapes or signs outside ASCII.
A place of -1 says: not plain, or not JSON; the caller then leaves the record to the strict path.
"""

from typing import Any, Final

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.loads import byte_at, put, put_byte, stops, swap_bytes, trailing_zeros, word_at

NON_ASCII, CONTROL, LAYOUT, COPIED = 1, 2, 4, 8
"""What is odd about a text: signs outside ASCII; controls; tab or line ends; decoded into `room`."""
SIGNS: Final = 0
"""Where `unescape` notes the number of code points."""

U0, U5, U8, U27, U31, U33, U37 = (np.uint64(i) for i in (0, 5, 8, 27, 31, 33, 37))
_T1, _T2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
_F1, _F2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SEED, _ADD, _TOP = np.uint64(0x436F727269646F72), np.uint64(0x52DCE729), np.uint64(1 << 63)
_ALL: Final = np.uint64((1 << 64) - 1)
PLACES: Final = np.array([place * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for place in range(16)], np.uint64)


@inline
def mix(x: Any) -> Any:
    """MurmurHash3's 64-bit finaliser."""
    x ^= x >> U33
    x *= _F1
    x ^= x >> U33
    x *= _F2
    return x ^ (x >> U33)


@inline
def fold(value: int, place: Any) -> Any:
    """What a value adds to the content hash (messages/content.py); place: one of PLACES."""
    return mix(np.uint64(value) + place)


@inline
def token(p: int, length: int, odd: int) -> int:
    """messages/tokens.token over `length` bytes at p; odd: NON_ASCII if there are other than ASCII ones."""
    if length <= 7 and odd == 0:
        if length == 0:
            return 0
        packed = swap_bytes(word_at(p)) >> np.uint64(64 - 8 * length)
        return np.int64(packed << U8 | np.uint64(length))  # type: ignore[return-value]
    h, end = _SEED ^ np.uint64(length), p + length
    while p < end:
        k = word_at(p)
        if end - p < 8:
            k &= _ALL >> np.uint64(64 - 8 * (end - p))
        k *= _T1
        k = (k << U31 | k >> U33) * _T2
        h ^= k
        h = (h << U27 | h >> U37) * U5 + _ADD
        p += 8
    return np.int64(mix(h) | _TOP)  # type: ignore[return-value]


@inline
def space(p: int) -> int:
    """The first place from p on that holds no JSON white space."""
    c = byte_at(p)
    while c <= 32 and (c == 32 or c == 10 or c == 13 or c == 9):
        p += 1
        c = byte_at(p)
    return p


@inline
def plain_end(p: int) -> int:
    """The first place from p on that ends a run of plain string bytes."""
    found = stops(p)
    while found == U0:
        p += 32
        found = stops(p)
    return p + trailing_zeros(found)


@inline
def _hex4(p: int) -> int:
    value = 0
    for i in range(4):
        c = byte_at(p + i)
        if 48 <= c <= 57:
            value = value << 4 | c - 48
        elif 97 <= c | 32 <= 102:
            value = value << 4 | (c | 32) - 87
        else:
            return -1
    return value


@inline
def _escaped(p: int) -> int:
    """Code point * 16 + bytes of the escape at p (behind its backslash); -1 if it is none."""
    c = byte_at(p)
    if c == 117:  # u
        point = _hex4(p + 1)
        if 0xD800 <= point < 0xDC00 and byte_at(p + 5) == 92 and byte_at(p + 6) == 117:
            low = _hex4(p + 7)
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


@inline
def _utf8(p: int) -> int:
    """Code point * 16 + bytes of the UTF-8 sequence at p; -1 if it is none (RFC 3629, section 4)."""
    c, a = byte_at(p), byte_at(p + 1)
    if a & 0xC0 != 0x80:
        return -1
    if c < 0xE0:
        return ((c & 0x1F) << 6 | a & 0x3F) << 4 | 2 if c >= 0xC2 else -1
    b = byte_at(p + 2)
    if b & 0xC0 != 0x80:
        return -1
    if c < 0xF0:
        point = (c & 0x0F) << 12 | (a & 0x3F) << 6 | b & 0x3F
        return point << 4 | 3 if point >= 0x800 and not 0xD800 <= point < 0xE000 else -1
    d = byte_at(p + 3)
    point = (c & 0x07) << 18 | (a & 0x3F) << 12 | (b & 0x3F) << 6 | d & 0x3F
    return point << 4 | 4 if c < 0xF5 and d & 0xC0 == 0x80 and 0x10000 <= point < 0x110000 else -1


@inline
def _put_utf8(o: int, point: int) -> int:
    """Write a code point at address o; the address behind it."""
    if point < 0x80:
        put_byte(o, point)
        return o + 1
    if point < 0x800:
        put_byte(o, 0xC0 | point >> 6)
    else:
        if point < 0x10000:
            put_byte(o, 0xE0 | point >> 12)
        else:
            put_byte(o, 0xF0 | point >> 18)
            put_byte(o + 1, 0x80 | point >> 12 & 0x3F)
            o += 1
        put_byte(o + 1, 0x80 | point >> 6 & 0x3F)
        o += 1
    put_byte(o + 1, 0x80 | point & 0x3F)
    return o + 2


@inline
def unescape(p: int, o: int, most: int, notes: int) -> tuple[int, int, int]:
    """Decode the string whose text begins at p to address o: (place behind its quote or -1, bytes, oddities).

    notes[SIGNS]: its code points. At most `most` bytes, else -1.
    """
    begin, signs, odd = o, 0, COPIED
    while o - begin <= most - 4:
        c = byte_at(p)
        if 32 <= c < 127 and c != 34 and c != 92:
            put_byte(o, c)
            o, p, signs = o + 1, p + 1, signs + 1
            continue
        if c == 34:
            put(notes, SIGNS, signs)
            return p + 1, o - begin, odd
        if c < 32:
            return -1, 0, 0
        if c == 92:
            p += 1
            found = _escaped(p)
        else:
            found = _utf8(p) if c != 127 else 127 << 4 | 1
        if found < 0:
            return -1, 0, 0
        p, point = p + (found & 15), found >> 4
        if point >= 128:
            odd |= NON_ASCII
        if point == 9 or point == 10 or point == 13:
            odd |= LAYOUT
        elif point < 32 or 127 <= point < 160:
            odd |= CONTROL
        o, signs = _put_utf8(o, point), signs + 1
    return -1, 0, 0


@inline
def text(p: int, room: int, most: int, notes: int) -> tuple[int, int, int, int]:
    """The string at p (its quote): (place behind it or -1, address of its decoded bytes, bytes, oddities)."""
    if byte_at(p) != 34:
        return -1, 0, 0, 0
    p += 1
    end = plain_end(p)
    if byte_at(end) == 34:
        return end + 1, p, end - p, 0
    end, length, odd = unescape(p, room, most, notes)
    return end, room, length, odd
