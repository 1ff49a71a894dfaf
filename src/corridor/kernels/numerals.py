"""Numbers and times as ASCII digits in a buffer: what the kernels that write JSON share.

Each function writes at position p of out: uint8[...] and gives the position behind what it wrote. Up to eight
bytes behind that may be overwritten: the caller leaves them room (see write).
"""

from typing import Final

import numpy as np

from corridor.kernels._jit import inline

_DAY: Final = 86_400_000_000
_FIRST: Final = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z in microseconds
_LAST: Final = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_TENS: Final = 10 ** np.arange(8, dtype=np.int64)


@inline
def byte(out, p, value):  # type: ignore[no-untyped-def]
    """Write one byte."""
    out[np.uintp(p)] = value
    return p + 1


@inline
def copy(out, p, text, start, length):  # type: ignore[no-untyped-def]
    """Write `length` bytes of text: uint8[...] from `start` on."""
    for i in range(np.uintp(length)):
        out[np.uintp(p) + i] = text[np.uintp(start) + i]
    return p + length


@inline
def eight(value):  # type: ignore[no-untyped-def]
    """Spell `value` < 1e8 as eight ASCII digits in a word, the first in its lowest byte.

    Divides by 10,000, 100 and 10 in lanes of one word, without a branch or a table.
    """
    high = value // np.uint64(10_000)
    lanes = high | ((value - high * np.uint64(10_000)) << np.uint64(32))
    high = ((lanes * np.uint64(10_486)) >> np.uint64(20)) & np.uint64(0x0000_007F_0000_007F)
    lanes = high | ((lanes - high * np.uint64(100)) << np.uint64(16))
    high = ((lanes * np.uint64(103)) >> np.uint64(10)) & np.uint64(0x000F_000F_000F_000F)
    return high | ((lanes - high * np.uint64(10)) << np.uint64(8)) | np.uint64(0x3030_3030_3030_3030)


@inline
def word(out, p, word):  # type: ignore[no-untyped-def]
    """Write eight bytes; LLVM makes one store of them only if they are written out like this."""
    at = np.uintp(p)
    out[at] = np.uint8(word)
    out[at + np.uintp(1)] = np.uint8(word >> np.uint64(8))
    out[at + np.uintp(2)] = np.uint8(word >> np.uint64(16))
    out[at + np.uintp(3)] = np.uint8(word >> np.uint64(24))
    out[at + np.uintp(4)] = np.uint8(word >> np.uint64(32))
    out[at + np.uintp(5)] = np.uint8(word >> np.uint64(40))
    out[at + np.uintp(6)] = np.uint8(word >> np.uint64(48))
    out[at + np.uintp(7)] = np.uint8(word >> np.uint64(56))


@inline
def digits(out, p, value, width, fill):  # type: ignore[no-untyped-def]
    """Write `value` in `width` ≤ 8 digits, zeros in front; fill = 10 ** (8 - width)."""
    word(out, p, eight(np.uint64(value) * np.uint64(fill)))
    return p + width


@inline
def few(out, p, value):  # type: ignore[no-untyped-def]
    """Write `value` < 1e8 in as many digits as it has."""
    width = 1
    for k in range(1, 8):
        width += int(value >= np.uint64(_TENS[k]))
    word(out, p, eight(value) >> np.uint64(64 - 8 * width))
    return p + width


@inline
def natural(out, p, value):  # type: ignore[no-untyped-def]
    """Write `value` ≥ 0 in as many digits as it has."""
    whole, part = np.uint64(value), np.uint64(100_000_000)
    if whole < part:
        return few(out, p, whole)
    high = whole // part
    if high < part:
        p = few(out, p, high)
    else:
        p = few(out, p, high // part)
        p = digits(out, p, high % part, 8, 1)
    return digits(out, p, whole % part, 8, 1)


@inline
def integer(out, p, value):  # type: ignore[no-untyped-def]
    """Write an int64."""
    if value < 0:
        p = byte(out, p, 45)
    return natural(out, p, np.uint64(abs(value)))


@inline
def hundredths(out, p, value):  # type: ignore[no-untyped-def]
    """Write an int64 with two decimals."""
    if value < 0:
        p = byte(out, p, 45)
    size = np.uint64(abs(value))
    p = byte(out, natural(out, p, size // np.uint64(100)), 46)
    return digits(out, p, size % np.uint64(100), 2, 1_000_000)


@inline
def thousandths(out, p, value):  # type: ignore[no-untyped-def]
    """Write an int64 with three decimals."""
    if value < 0:
        p = byte(out, p, 45)
    size = np.uint64(abs(value))
    p = byte(out, natural(out, p, size // np.uint64(1_000)), 46)
    return digits(out, p, size % np.uint64(1_000), 3, 100_000)


@inline
def trimmed(out, p):  # type: ignore[no-untyped-def]
    """Step back over zeros at the end, and over the point if nothing is left behind it."""
    while out[np.uintp(p - 1)] == 48:
        p -= 1
    return p - 1 if out[np.uintp(p - 1)] == 46 else p


@inline
def moment(out, p, micros):  # type: ignore[no-untyped-def]
    """Write RFC 3339 in UTC; milliseconds, or microseconds where they are not zero.

    Days to the calendar: Hinnant, chrono-compatible low-level date algorithms, civil_from_days.
    """
    micros = min(max(micros, _FIRST), _LAST)
    days = micros // _DAY
    rest = micros - days * _DAY
    z = days + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    shifted = (5 * doy + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    p = byte(out, digits(out, byte(out, p, 34), year, 4, 10_000), 45)
    p = byte(out, digits(out, p, month, 2, 1_000_000), 45)
    p = byte(out, digits(out, p, doy - (153 * shifted + 2) // 5 + 1, 2, 1_000_000), 84)
    p = byte(out, digits(out, p, rest // 3_600_000_000, 2, 1_000_000), 58)
    p = byte(out, digits(out, p, rest // 60_000_000 % 60, 2, 1_000_000), 58)
    p = byte(out, digits(out, p, rest // 1_000_000 % 60, 2, 1_000_000), 46)
    p = digits(out, p, rest % 1_000_000, 6, 100)
    return byte(out, byte(out, p if rest % 1_000 else p - 3, 90), 34)
