# ruff: noqa: PLR1714  (chains of comparisons compile to better code than membership tests)
"""JSON numbers and RFC 3339 times by address, to exact integers and the nearest floats.

Digits are read eight at once (D. Lemire, "Number Parsing at a Gigabyte per Second", Softw. Pract. Exper.
51, 2021, section 3); floats come by W. Clinger's fast path (PLDI 1990) or an exact division. A place of
-1 says: not plain, or not JSON; the caller then leaves the record to the strict path.
"""

import math
from typing import Any, Final

import numpy as np

from corridor.kernels._jit import inline
from corridor.kernels.loads import byte_at, trailing_zeros, typed, word_at

MOST_DIGITS: Final = typed(18)
_NONE, _TWO = typed(0), typed(2)
NO_MONEY: Final = -(1 << 63)
MOST_MINOR: Final = 10**16
POWER: Final = np.array([10**i for i in range(MOST_DIGITS + 1)], np.int64)
EXACT: Final = np.array([10.0**i for i in range(23)])  # powers of ten that a float64 holds exactly

_ZEROS, _NINES, _TOPS = (np.uint64(0x0101010101010101 * i) for i in (0x30, 0x76, 0x80))
_PAIRS, _HUNDREDS = np.uint64(0x000000FF000000FF), np.uint64(0x000F424000000064)
_UNITS = np.uint64(0x0000271000000001)
U8, U10, U16, U32 = (np.uint64(i) for i in (8, 10, 16, 32))


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
    return np.int64(((t & _PAIRS) * _HUNDREDS + ((t >> U16) & _PAIRS) * _UNITS) >> U32)  # type: ignore[return-value]


@inline
def run(p: int, value: int, most: int) -> tuple[int, int]:
    """Append the digits at p to value: place behind them, and value; place -1 if more than `most` digits."""
    end = p + most
    while True:
        word = word_at(p)
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
def _exponent(p: int) -> tuple[int, int]:
    """The exponent whose letter is at p, at most two digits: place behind it or -1, and the power."""
    p += 1
    sign = byte_at(p)
    if sign == 43 or sign == 45:
        p += 1
    end, shift = run(p, _NONE, _TWO)
    return (end if end > p else -1), (-shift if sign == 45 else shift)


@inline
def number(p: int) -> tuple[int, int, int]:
    """The JSON number at p as (place behind it or -1, signed mantissa, power of ten).

    At most 18 digits; the power is 0 for an integer and for nothing else.
    """
    negative = byte_at(p) == 45
    start = p + 1 if negative else p
    p, value = run(start, _NONE, MOST_DIGITS)
    if p <= start or (p > start + 1 and byte_at(start) == 48):
        return -1, 0, 0
    power, c = 0, byte_at(p)
    if c == 46:
        first = p + 1
        p, value = run(first, value, MOST_DIGITS - (p - start))
        if p <= first:
            return -1, 0, 0
        power, c = first - p, byte_at(p)
    if c | 32 == 101:
        p, shift = _exponent(p)
        power += shift
        if power == 0:  # 15.0e-1 or 15e0: not written like an integer, and rare
            return -1, 0, 0
    return p, -value if negative else value, power


@inline
def _divided(value: int, divisor: int) -> float:
    """The float nearest to value / divisor, ties to even, for 2**53 < value < 10**18, divisor <= 10**18."""
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
def nearest(value: int, power: int) -> float:
    """The float64 nearest to value * 10**power; NaN if that takes big arithmetic. No negative zero."""
    size = abs(value)
    if value == 0 or power == 0:
        return float(value)
    if size <= 1 << 53:
        if abs(power) > 22:
            return math.nan
        if power > 0:
            return float(float(value) * EXACT[power])
        return float(float(value) / EXACT[-power])
    if not -MOST_DIGITS <= power < 0:
        return math.nan
    found = _divided(size, POWER[-power])
    return found if value > 0 else -found


@inline
def minor_units(value: int, power: int) -> tuple[int, bool]:
    """Money value * 10**power in hundredths, half to even, and whether rounded; NO_MONEY if too large."""
    power += 2
    size = abs(value)
    if power >= 0:
        if size == 0:
            return 0, False
        if power > MOST_DIGITS or size > MOST_MINOR // POWER[power]:
            return NO_MONEY, False
        return int(value * POWER[power]), False
    if power < -MOST_DIGITS:
        return NO_MONEY, False
    unit = POWER[-power]
    whole, rest = size // unit, size % unit
    if 2 * rest > unit or (2 * rest == unit and whole & 1):
        whole += 1
    if whole > MOST_MINOR:
        return NO_MONEY, False
    return whole if value > 0 else -whole, rest != 0


@inline
def _two(p: int) -> int:
    """The number of two digits at p; negative if they are none."""
    high, low = byte_at(p) - 48, byte_at(p + 1) - 48
    return high * 10 + low if high | low | 9 - high | 9 - low >= 0 else -1


@inline
def _fraction(p: int) -> tuple[int, int]:
    """Microseconds of the digits at p, what is finer cut off, and the place behind them; -1 if none."""
    first, micros, unit = p, 0, 100_000
    while 48 <= byte_at(p) <= 57:
        micros += (byte_at(p) - 48) * unit
        unit //= 10
        p += 1
    return (p if p > first else -1), micros


@inline
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 (H. Hinnant, days_from_civil); below -10**9 if there is no such day."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 30 + (month + (month >> 3) & 1) if month != 2 else 28 + leap
    if not 1 <= month <= 12 or not 1 <= day <= longest:
        return -(1 << 40)
    y = year - (month <= 2) + 400  # one era on, so that no division is of a negative number
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return y // 400 * 146_097 + y % 400 * 365 + y % 400 // 4 - y % 400 // 100 + day_of_year - 865_565


@inline
def moment(p: int) -> tuple[int, int, bool]:
    """The RFC 3339 string at p (its quote): place behind it or -1, microseconds, has an offset.

    The twin of messages/moment.moment, which see.
    """
    p += 1
    century, year = _two(p), _two(p + 2)
    hour, minute, second = _two(p + 11), _two(p + 14), _two(p + 17)
    between = byte_at(p + 10)
    if byte_at(p - 1) != 34 or byte_at(p + 4) != 45 or byte_at(p + 7) != 45 or byte_at(p + 13) != 58:
        return -1, 0, False
    if byte_at(p + 16) != 58 or (between | 32 != 116 and between != 32) or century | year < 0:
        return -1, 0, False
    if not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= second <= 60:
        return -1, 0, False
    days = _days(century * 100 + year, _two(p + 5), _two(p + 8))
    if days < -(10**9):
        return -1, 0, False
    seconds = days * 86_400 + hour * 3_600 + minute * 60 + second
    p, micros = p + 19, 0
    if byte_at(p) == 46:
        p, micros = _fraction(p + 1)
        if p < 0:
            return -1, 0, False
    sign, offset = byte_at(p), True
    if sign | 32 == 122:
        p += 1
    elif sign == 43 or sign == 45:
        hour, minute = _two(p + 1), _two(p + 4)
        if byte_at(p + 3) != 58 or not 0 <= hour <= 23 or not 0 <= minute <= 59:
            return -1, 0, False
        seconds += (hour * 3_600 + minute * 60) * (1 if sign == 45 else -1)
        p += 6
    else:
        offset = False
    return (p + 1 if byte_at(p) == 34 else -1), seconds * 1_000_000 + micros, offset
