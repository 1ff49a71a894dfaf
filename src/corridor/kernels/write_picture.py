"""Write picture.v1 from columns, many messages in one buffer: the quick way of messages.picture.encode.

Amounts are written from integers, so their text is exact. Texts (period, dimension, value) come as whole
members, escaped already: a picture has few of them, and each stands in a message every minute.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from corridor.kernels import numerals
from corridor.kernels._jit import inline, kernel_across
from corridor.kernels.documents import rows
from corridor.kernels.numerals import (
    byte,
    copy,
    digits,
    hundredths,
    integer,
    moment,
    natural,
    thousandths,
    trimmed,
)

NO_MONEY: Final = int(np.iinfo(np.int64).min)
"""A missing amount (as messages.columns.NO_MONEY)."""
CELL_BYTES: Final = 1024
"""The most a message without its texts takes."""
WHOLE: Final = 1_000_000
"""Millionths of a whole share."""

_LITERALS: Final = rows(
    *('{"window_start":', ',"window_end":', ',"items":', ',"customs_value":', ',"net_mass_kg":', ',"duty":'),
    *(',"vat":', ',"green":', ',"blue":', ',"yellow":', ',"red":', ',"automatic_share":', ',"rejected":'),
    *(',"duplicates":', ',"late":', ',"decide_seconds":', ',"plan":', "null", "1.0", "0.0", ',"flagged":'),
    *('{"p50":', ',"p95":', ',"p99":', '{"payments":', ',"share":', ',"forecast":'),
)
_START, _END, _ITEMS, _VALUE, _MASS, _DUTY, _VAT, _GREEN, _BLUE, _YELLOW = range(10)
_RED, _SHARE, _REJECTED, _DUPLICATES, _LATE, _SECONDS, _PLAN, _NULL, _ONE, _ZERO = range(10, 20)
_FLAGGED, _P50, _PAYMENTS, _REACHED, _FORECAST = 20, 21, 24, 25, 26


class Cells(NamedTuple):
    """n cells: int64[n, 2] window in microseconds, int64[n] row of their texts, bool[n], int64[n, 14], int64[n].

    told: whether rejected and duplicates are known; measures: in the order of messages.picture.MEASURES;
    share: millionths released without a person, -1 for null; seconds, plan: int64[n, 3] and int64[n, 2], as in
    messages.picture.Beside; reached: int64[n], millionths of what is planned, -1 for null.
    """

    window: Any
    named: Any
    told: Any
    measures: Any
    share: Any
    seconds: Any
    plan: Any
    reached: Any


@inline
def _put(out, p, k):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(32)):
        out[np.uintp(p) + i] = _LITERALS[np.uintp(k), i]
    return p + np.int64(_LITERALS[np.uintp(k), np.uintp(32)])


@inline
def _share(out, p, share):  # type: ignore[no-untyped-def]
    """Write millionths from -1 (null) to 1,000,000 as the shortest text of the float, which Python gives."""
    if share < 0:
        return _put(out, p, _NULL)
    if share in (0, WHOLE):
        return _put(out, p, _ONE if share else _ZERO)
    if share >= 100:
        return trimmed(out, digits(out, byte(out, byte(out, p, 48), 46), share, 6, 100))
    tens = share // 10 if share >= 10 else share
    p = byte(out, p, 48 + tens)
    if share >= 10 and share % 10 > 0:
        p = byte(out, byte(out, p, 46), 48 + share % 10)
    p = byte(out, byte(out, byte(out, p, 101), 45), 48)
    return byte(out, p, 53 if share >= 10 else 54)


@inline
def _decimal(out, p, value, places):  # type: ignore[no-untyped-def]
    """Write value / 10^places with a decimal at least, as Python does; 0.0001 and more, or 0."""
    scale = np.uint64(1_000 if places == 3 else WHOLE)
    p = byte(out, natural(out, p, np.uint64(value) // scale), 46)
    rest = np.uint64(value) % scale
    if rest == 0:
        return byte(out, p, 48)
    return trimmed(out, digits(out, p, rest, places, 100_000 if places == 3 else 100))


@inline
def _seconds(out, p, milliseconds):  # type: ignore[no-untyped-def]
    p = _put(out, p, _SECONDS)
    if milliseconds[0] < 0:
        return _put(out, p, _NULL)
    for k in range(3):
        p = _decimal(out, _put(out, p, _P50 + k), milliseconds[k], 3)
    return byte(out, p, 125)


@inline
def _plan(out, p, plan, reached):  # type: ignore[no-untyped-def]
    p = _put(out, p, _PLAN)
    if plan[0] == NO_MONEY:
        return _put(out, p, _NULL)
    p = _put(out, hundredths(out, _put(out, p, _PAYMENTS), plan[0]), _REACHED)
    p = _share(out, p, reached) if reached <= WHOLE else _decimal(out, p, reached, 6)
    p = _put(out, p, _FORECAST)
    p = _put(out, p, _NULL) if plan[1] == NO_MONEY else hundredths(out, p, plan[1])
    return byte(out, p, 125)


@inline
def _count(out, p, k, told, value):  # type: ignore[no-untyped-def]
    p = _put(out, p, k)
    return integer(out, p, value) if told else _put(out, p, _NULL)


@kernel_across(numerals)
def pictures(cells: Cells, texts: Any, starts: Any, first: int, out: Any, ends: Any) -> None:
    """Write k cells from `first` on into out: uint8[...]; ends: int64[k], where each ends.

    texts: uint8[...], its row r from starts[r] to starts[r + 1]: from the comma before period to the
    colon behind declarations.
    """
    window, named, told, measures, share, seconds, plan, reached = cells
    p = 0
    for i in range(first, first + ends.size):
        p = moment(out, _put(out, p, _START), window[i, 0])
        p = moment(out, _put(out, p, _END), window[i, 1])
        start = starts[named[i]]
        p = copy(out, p, texts, start, starts[named[i] + 1] - start)
        p = integer(out, p, measures[i, 0])
        p = integer(out, _put(out, p, _ITEMS), measures[i, 1])
        p = hundredths(out, _put(out, p, _VALUE), measures[i, 2])
        p = thousandths(out, _put(out, p, _MASS), measures[i, 3])
        p = hundredths(out, _put(out, p, _DUTY), measures[i, 4])
        p = hundredths(out, _put(out, p, _VAT), measures[i, 5])
        for k in range(4):
            p = integer(out, _put(out, p, _GREEN + k), measures[i, 6 + k])
        p = _share(out, _put(out, p, _SHARE), share[i])
        p = _count(out, p, _REJECTED, told[i], measures[i, 12])
        p = _count(out, p, _DUPLICATES, told[i], measures[i, 13])
        p = integer(out, _put(out, p, _LATE), measures[i, 10])
        p = integer(out, _put(out, p, _FLAGGED), measures[i, 11])
        p = byte(out, _plan(out, _seconds(out, p, seconds[i]), plan[i], reached[i]), 125)
        ends[i - first] = p
