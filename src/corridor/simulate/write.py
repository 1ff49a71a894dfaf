"""A batch as NDJSON: one kernel writes every declaration into one buffer.

Numbers are written from integers (grams, hundredths, thousandths), so no float is ever printed.
"""

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel
from corridor.simulate import texts
from corridor.simulate.batch import Array, Batch

_HEAD_BYTES, _ITEM_BYTES = 560, 560
VARIANTS = 8


@inline
def _text(out, p, pool, starts, index):  # type: ignore[no-untyped-def]
    for i in range(starts[index], starts[index + 1]):
        out[p] = pool[i]
        p += 1
    return p


@inline
def _digits(out, p, value, width):  # type: ignore[no-untyped-def]
    for i in range(width - 1, -1, -1):
        out[p + i] = 48 + value % 10
        value //= 10
    return p + width


@inline
def _integer(out, p, value):  # type: ignore[no-untyped-def]
    if value < 0:
        out[p] = 45
        p += 1
        value = -value
    width, rest = 1, value // 10
    while rest > 0:
        width += 1
        rest //= 10
    for i in range(width - 1, -1, -1):
        out[p + i] = 48 + value % 10
        value //= 10
    return p + width


@inline
def _decimal(out, p, value, digits, keep):  # type: ignore[no-untyped-def]
    """`value` with `digits` decimals; trailing zeros are left out unless `keep`."""
    scale = 1
    for _ in range(digits):
        scale *= 10
    if value < 0:
        out[p] = 45
        p += 1
        value = -value
    p = _integer(out, p, value // scale)
    rest = value % scale
    if rest == 0 and not keep:
        return p
    out[p] = 46
    p = _digits(out, p + 1, rest, digits)
    if not keep:
        while out[p - 1] == 48:
            p -= 1
    return p


@inline
def _time(out, p, ms, zone):  # type: ignore[no-untyped-def]
    """RFC 3339 with milliseconds; civil date from days after Howard Hinnant's algorithm."""
    ms += zone * 3_600_000
    days = ms // 86_400_000
    ms -= days * 86_400_000
    z = days + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    p = _digits(out, p, yoe + era * 400 + (1 if month <= 2 else 0), 4)
    out[p] = 45
    p = _digits(out, p + 1, month, 2)
    out[p] = 45
    p = _digits(out, p + 1, doy - (153 * mp + 2) // 5 + 1, 2)
    out[p] = 84
    p = _digits(out, p + 1, ms // 3_600_000, 2)
    out[p] = 58
    p = _digits(out, p + 1, ms // 60_000 % 60, 2)
    out[p] = 58
    p = _digits(out, p + 1, ms // 1000 % 60, 2)
    out[p] = 46
    p = _digits(out, p + 1, ms % 1000, 3)
    if zone == 0:
        out[p] = 90
        return p + 1
    out[p] = 43
    p = _digits(out, p + 1, zone, 2)
    out[p] = 58
    return _digits(out, p + 1, 0, 2)


@inline
def _party(out, p, pool, starts, countries, country, number):  # type: ignore[no-untyped-def]
    """A ten-digit national number, or country-number for a foreign party."""
    if country < 0:
        return _digits(out, p, number, 10)
    p = _text(out, p, pool, starts, countries + country)
    out[p] = 45
    return _digits(out, p + 1, number, 7)


@inline
def _item(out, p, item, pool, starts, bases, unit):  # type: ignore[no-untyped-def]
    p = _integer(out, _text(out, p, pool, starts, 14), item.item_no)
    p = _text(out, _text(out, p, pool, starts, 15), pool, starts, bases[7] + item.good)
    p = _text(out, p, pool, starts, 16)
    p = _text(out, p, pool, starts, bases[10] + np.int64(item.true_good) * VARIANTS + item.variant)
    p = _text(out, _text(out, p, pool, starts, 17), pool, starts, bases[5] + item.origin)
    p = _decimal(out, _text(out, p, pool, starts, 18), item.net, 3, False)
    p = _decimal(out, _text(out, p, pool, starts, 19), item.gross, 3, False)
    if item.quantity >= 0 and unit[item.good] >= 0:
        p = _decimal(out, _text(out, p, pool, starts, 20), item.quantity, 3, False)
        p = _text(out, _text(out, p, pool, starts, 21), pool, starts, bases[8] + unit[item.good])
        p = _text(out, p, pool, starts, 22)
    else:
        p = _text(out, p, pool, starts, 23)
    p = _integer(out, p, item.packages)
    p = _decimal(out, _text(out, p, pool, starts, 24), item.invoice, 2, True)
    p = _text(out, _text(out, p, pool, starts, 25), pool, starts, bases[9] + item.currency)
    p = _decimal(out, _text(out, p, pool, starts, 26), item.value, 2, True)
    p = _decimal(out, _text(out, p, pool, starts, 27), item.duty, 2, True)
    return _decimal(out, _text(out, p, pool, starts, 28), item.vat, 2, True)


@inline
def _head(out, p, head, pool, starts, bases):  # type: ignore[no-untyped-def]
    p = _text(out, _text(out, p, pool, starts, 0), pool, starts, bases[4] + head.id_office)
    out[p] = 47
    p = _digits(out, p + 1, head.date, 6)
    out[p] = 47
    p = _digits(out, p + 1, head.sequence, 7)
    p = _integer(out, _text(out, p, pool, starts, 1), head.version)
    p = _text(out, _text(out, p, pool, starts, 2), pool, starts, bases[1] + head.function)
    p = _time(out, _text(out, p, pool, starts, 3), head.registered, head.zone)
    p = _text(out, _text(out, p, pool, starts, 4), pool, starts, bases[4] + head.office)
    p = _text(out, _text(out, p, pool, starts, 5), pool, starts, bases[2] + head.direction)
    p = _text(out, _text(out, p, pool, starts, 6), pool, starts, bases[3] + head.procedure)
    p = _integer(out, _text(out, p, pool, starts, 7), head.mode)
    p = _digits(out, _text(out, p, pool, starts, 8), head.declarant, 10)
    p = _text(out, p, pool, starts, 9)
    p = _party(out, p, pool, starts, bases[5], head.importer_country, head.importer)
    p = _text(out, p, pool, starts, 10)
    p = _party(out, p, pool, starts, bases[5], head.exporter_country, head.exporter)
    p = _text(out, _text(out, p, pool, starts, 11), pool, starts, bases[5] + head.dispatch)
    p = _text(out, _text(out, p, pool, starts, 12), pool, starts, bases[6] + head.terms)
    return _text(out, p, pool, starts, 13)


@kernel
def _write(out, heads, items, offsets, pool, starts, bases, unit, ends):  # type: ignore[no-untyped-def]
    p = 0
    for i in range(len(heads)):
        p = _head(out, p, heads[i], pool, starts, bases)
        for j in range(offsets[i], offsets[i + 1]):
            p = _item(out, p, items[j], pool, starts, bases, unit)
            p = _text(out, p, pool, starts, 29 if j + 1 < offsets[i + 1] else 30)
        ends[i] = p
    return p


def lines(batch: Batch) -> tuple[NDArray[np.uint8], Array]:
    """The batch as NDJSON: u1 buffer, and i8[n] where each line ends (its line feed included)."""
    table = texts.load()
    size = len(batch) * _HEAD_BYTES + len(batch.items) * (_ITEM_BYTES + table.longest_description)
    out = np.empty(size, np.uint8)
    ends = np.empty(len(batch), np.int64)
    used = _write(
        out, batch.heads, batch.items, batch.offsets, table.pool, table.starts, table.bases, table.unit, ends
    )
    return out[:used], ends


def split(buffer: NDArray[np.uint8], ends: Array) -> list[bytes]:
    """The lines without their line feeds."""
    raw, stops = buffer.tobytes(), ends.tolist()
    return [raw[start : stop - 1] for start, stop in zip([0, *stops], stops, strict=False)]
