r"""Write JSON documents from columns: decision.v1 and trace.v1, many in one buffer.

One pass over a batch; each document is one line's worth of bytes, with no line end. Texts are
escaped as RFC 8259 asks (quote, backslash, control characters as \u00XX); other UTF-8 passes as
it is. Numbers are written from integers, so their text is exact: money as minor units with two
decimals, masses as grams with three decimals of a kilogram, probabilities as multiples of 1e-9.
The caller sees to it that `out` is long enough (see messages.decision).
"""

from typing import Any, Final

import numpy as np

from corridor.kernels._jit import inline, kernel
from corridor.kernels.documents import Batch, Given, Judged, Words

NO_MONEY: Final = int(np.iinfo(np.int64).min)
"""A missing amount (as messages.columns.NO_MONEY), money or grams: written as null."""
HEAD_BYTES: Final = 1280
"""The most a decision without its texts, items and rulebook version takes, reasons included."""
ITEM_BYTES: Final = 384
"""The most an item of a decision takes."""
ESCAPED: Final = 6
"""The most bytes that one byte of text takes."""

_MOST: Final = int(np.iinfo(np.int64).max)
_DAY: Final = 86_400_000_000
_FIRST: Final = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z in microseconds
_LAST: Final = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_EXACT: Final = 2.0**53
_TENS: Final = 10 ** np.arange(20, dtype=np.uint64)
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)


def _literal(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(text.encode(), np.uint8)


_NULL: Final = _literal("null")
_TRUE: Final = _literal("true")
_FALSE: Final = _literal("false")
_UNKNOWN: Final = _literal('"unknown"')
_ID: Final = _literal('{"declaration_id":')
_VERSION: Final = _literal(',"version":')
_FUNCTION: Final = _literal(',"function":')
_REGISTERED: Final = _literal(',"registered_at":')
_DECIDED: Final = _literal(',"decided_at":')
_OFFICE: Final = _literal(',"office":')
_DIRECTION: Final = _literal(',"direction":')
_MODE: Final = _literal(',"transport_mode":')
_IMPORTER: Final = _literal(',"importer":')
_CORRIDOR: Final = _literal(',"corridor":')
_PROBABILITY: Final = _literal(',"probability":')
_LOSS: Final = _literal(',"expected_loss":')
_BASIS: Final = _literal(',"basis":')
_LATE: Final = _literal(',"late":')
_REASONS: Final = _literal(',"reasons":[')
_GROUP: Final = _literal('{"group":')
_ITEM_NO: Final = _literal(',"item_no":')
_CONTRIBUTION: Final = _literal(',"contribution":')
_ITEMS: Final = _literal('],"items":[')
_ITEM: Final = _literal('{"item_no":')
_CHAPTER: Final = _literal(',"hs_chapter":')
_ORIGIN: Final = _literal(',"origin_country":')
_VALUE: Final = _literal(',"customs_value":')
_MASS: Final = _literal(',"net_mass_kg":')
_DUTY: Final = _literal(',"duty":')
_VAT: Final = _literal(',"vat":')
_INCLUSION: Final = _literal('],"inclusion_probability":')
_AT_RANDOM: Final = _literal(',"selected_at_random":')
_RULEBOOK: Final = _literal(',"rulebook":')
_TOTAL: Final = _literal(',"shadow":null,"customs_value":')
_PAYMENTS: Final = _literal(',"payments":')
_COUNT: Final = _literal(',"item_count":')
_PREVIOUS: Final = _literal(',"previous_version":')
_SAME: Final = _literal(',"original_declarant_same":')
_HISTORY: Final = _literal(',"history":{')


@inline
def _put(out, p, piece):  # type: ignore[no-untyped-def]
    for i in range(piece.size):
        out[p + i] = piece[i]
    return p + piece.size


@inline
def _name(out, p, names, k):  # type: ignore[no-untyped-def]
    """Write the name of code k, quoted."""
    out[p] = 34
    length = np.int64(names[k, names.shape[1] - 1])
    for i in range(length):
        out[p + 1 + i] = names[k, i]
    out[p + 1 + length] = 34
    return p + length + 2


@inline
def _sign(out, p, c):  # type: ignore[no-untyped-def]
    """Write one byte of text, escaped where JSON asks for it."""
    if c in (34, 92):
        out[p] = 92
        out[p + 1] = c
        return p + 2
    if c < 32:
        out[p] = 92
        out[p + 1] = 117
        out[p + 2] = 48
        out[p + 3] = 48
        out[p + 4] = _HEX[c >> 4]
        out[p + 5] = _HEX[c & 15]
        return p + 6
    out[p] = c
    return p + 1


@inline
def _text(out, p, text, start, length):  # type: ignore[no-untyped-def]
    out[p] = 34
    p += 1
    for i in range(start, start + length):
        p = _sign(out, p, text[i])
    out[p] = 34
    return p + 1


@inline
def _code(out, p, token):  # type: ignore[no-untyped-def]
    """Write a token's text: null if missing, "unknown" if it was hashed (see messages.tokens)."""
    if token == 0:
        return _put(out, p, _NULL)
    if token < 0:
        return _put(out, p, _UNKNOWN)
    out[p] = 34
    p += 1
    length = token & 0xFF
    for j in range(length):
        p = _sign(out, p, np.uint8((token >> (8 * (length - j))) & 0xFF))
    out[p] = 34
    return p + 1


@inline
def _digits(out, p, value, width):  # type: ignore[no-untyped-def]
    """Write `value` ≥ 0 in `width` digits, zeros in front."""
    rest = np.uint64(value)
    for i in range(width - 1, -1, -1):
        tenth = rest // np.uint64(10)
        out[p + i] = np.uint8(48 + (rest - tenth * np.uint64(10)))
        rest = tenth
    return p + width


@inline
def _natural(out, p, value):  # type: ignore[no-untyped-def]
    """Write `value` ≥ 0 in as many digits as it has."""
    whole = np.uint64(value)
    width = 1
    while width < 20 and whole >= _TENS[width]:
        width += 1
    return _digits(out, p, whole, width)


@inline
def _fixed(out, p, value, places, scale):  # type: ignore[no-untyped-def]
    """Write `value` / `scale` with `places` decimals; null if missing."""
    if value == NO_MONEY:
        return _put(out, p, _NULL)
    if value < 0:
        out[p] = 45
        p += 1
    size = np.uint64(abs(value))
    whole = size // np.uint64(scale)
    p = _natural(out, p, whole)
    out[p] = 46
    return _digits(out, p + 1, size - whole * np.uint64(scale), places)


@inline
def _trimmed(out, p, value, places, scale):  # type: ignore[no-untyped-def]
    """Write `value`, a multiple of 1 / `scale`, without zeros at the end; null if it is no such number."""
    scaled = np.rint(abs(value) * scale)
    if not scaled < _EXACT:
        return _put(out, p, _NULL)
    size = np.uint64(scaled)
    if size > 0 and value < 0:
        out[p] = 45
        p += 1
    whole = size // np.uint64(scale)
    rest = size - whole * np.uint64(scale)
    p = _natural(out, p, whole)
    if rest == 0:
        return p
    out[p] = 46
    p = _digits(out, p + 1, rest, places)
    while out[p - 1] == 48:
        p -= 1
    return p


@inline
def _moment(out, p, micros):  # type: ignore[no-untyped-def]
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
    out[p] = 34
    p = _digits(out, p + 1, yoe + era * 400 + (1 if month <= 2 else 0), 4)
    out[p] = 45
    p = _digits(out, p + 1, month, 2)
    out[p] = 45
    p = _digits(out, p + 1, doy - (153 * shifted + 2) // 5 + 1, 2)
    out[p] = 84
    p = _digits(out, p + 1, rest // 3_600_000_000, 2)
    out[p] = 58
    p = _digits(out, p + 1, rest // 60_000_000 % 60, 2)
    out[p] = 58
    p = _digits(out, p + 1, rest // 1_000_000 % 60, 2)
    out[p] = 46
    if rest % 1_000 == 0:
        p = _digits(out, p + 1, rest // 1_000 % 1_000, 3)
    else:
        p = _digits(out, p + 1, rest % 1_000_000, 6)
    out[p] = 90
    out[p + 1] = 34
    return p + 2


@inline
def _flag(out, p, yes):  # type: ignore[no-untyped-def]
    return _put(out, p, _TRUE) if yes else _put(out, p, _FALSE)


@inline
def _chapter(out, p, hs):  # type: ignore[no-untyped-def]
    """Write the first two digits of an HS code of 6 to 10 digits; "unknown" for 00 and any other."""
    width = hs & 15
    chapter = (hs >> 4) // np.int64(_TENS[width - 2]) if hs > 0 and 6 <= width <= 10 else 0
    if chapter == 0:
        return _put(out, p, _UNKNOWN)
    out[p] = 34
    p = _digits(out, p + 1, chapter, 2)
    out[p] = 34
    return p + 1


@inline
def _reasons(out, p, judged, words, i):  # type: ignore[no-untyped-def]
    p = _put(out, p, _REASONS)
    first = True
    for r in range(judged.reason_group.shape[1]):
        group = judged.reason_group[i, r]
        if group < 0:
            continue
        if not first:
            out[p] = 44
            p += 1
        first = False
        p = _name(out, _put(out, p, _GROUP), words.groups, group)
        p = _natural(out, _put(out, p, _ITEM_NO), max(judged.reason_item[i, r], 0))
        p = _trimmed(out, _put(out, p, _CONTRIBUTION), judged.reason_contribution[i, r], 6, 1_000_000)
        out[p] = 125
        p += 1
    return p


@inline
def _item(out, p, item, judged, words, j):  # type: ignore[no-untyped-def]
    p = _natural(out, _put(out, p, _ITEM), max(item.item_no, 0))
    p = _chapter(out, _put(out, p, _CHAPTER), item.hs_code)
    p = _code(out, _put(out, p, _ORIGIN), item.origin_country)
    p = _trimmed(out, _put(out, p, _PROBABILITY), judged.item_probability[j], 9, 1_000_000_000)
    p = _name(out, _put(out, p, _CORRIDOR), words.corridors, judged.item_corridor[j])
    p = _fixed(out, _put(out, p, _VALUE), item.customs_value, 2, 100)
    p = _fixed(out, _put(out, p, _MASS), judged.grams[j], 3, 1_000)
    p = _fixed(out, _put(out, p, _DUTY), item.duty, 2, 100)
    p = _fixed(out, _put(out, p, _VAT), item.vat, 2, 100)
    out[p] = 125
    return p + 1


@inline
def _identity(out, p, batch, i):  # type: ignore[no-untyped-def]
    head = batch.heads[i]
    p = _text(out, _put(out, p, _ID), batch.text, batch.starts[i], np.int64(head.id_length))
    return _natural(out, _put(out, p, _VERSION), max(head.version, 0))


@inline
def _head(out, p, batch, judged, words, i, decided_at):  # type: ignore[no-untyped-def]
    """Write from the identity to the basis, all of the declaration as a whole."""
    head = batch.heads[i]
    office = batch.starts[i] + np.int64(head.id_length)
    p = _identity(out, p, batch, i)
    p = _name(out, _put(out, p, _FUNCTION), words.functions, head.function)
    p = _moment(out, _put(out, p, _REGISTERED), head.registered_at)
    p = _moment(out, _put(out, p, _DECIDED), decided_at)
    p = _text(out, _put(out, p, _OFFICE), batch.text, office, np.int64(head.office_length))
    p = _name(out, _put(out, p, _DIRECTION), words.directions, head.direction)
    p = _natural(out, _put(out, p, _MODE), max(head.transport_mode, 0))
    importer = office + np.int64(head.office_length)
    p = _text(out, _put(out, p, _IMPORTER), batch.text, importer, np.int64(head.importer_length))
    p = _name(out, _put(out, p, _CORRIDOR), words.corridors, judged.corridor[i])
    p = _trimmed(out, _put(out, p, _PROBABILITY), judged.probability[i], 9, 1_000_000_000)
    p = _fixed(out, _put(out, p, _LOSS), judged.expected_loss[i], 2, 100)
    p = _name(out, _put(out, p, _BASIS), words.bases, judged.basis[i])
    return _flag(out, _put(out, p, _LATE), judged.late[i])


@inline
def _sums(out, p, judged, words, i, item_count):  # type: ignore[no-untyped-def]
    value, grams, duty, vat = judged.totals[i]
    p = _trimmed(out, _put(out, p, _INCLUSION), judged.inclusion[i], 9, 1_000_000_000)
    p = _flag(out, _put(out, p, _AT_RANDOM), judged.at_random[i])
    p = _put(out, _put(out, p, _RULEBOOK), words.rulebook)
    p = _fixed(out, _put(out, p, _TOTAL), value, 2, 100)
    payments = duty + vat if duty <= _MOST - vat else _MOST
    p = _fixed(out, _put(out, p, _PAYMENTS), payments, 2, 100)
    p = _fixed(out, _put(out, p, _DUTY), duty, 2, 100)
    p = _fixed(out, _put(out, p, _VAT), vat, 2, 100)
    p = _fixed(out, _put(out, p, _MASS), grams, 3, 1_000)
    p = _natural(out, _put(out, p, _COUNT), item_count)
    out[p] = 125
    return p + 1


@kernel
def decisions(batch: Batch, judged: Judged, words: Words, decided_at: int, out: Any, ends: Any) -> None:
    """Write decision.v1 of each declaration into out: uint8[...]; ends: int64[n], where each ends."""
    p = 0
    for i in range(batch.heads.size):
        p = _head(out, p, batch, judged, words, i, decided_at)
        p = _reasons(out, p, judged, words, i)
        p = _put(out, p, _ITEMS)
        for j in range(batch.offsets[i], batch.offsets[i + 1]):
            if j > batch.offsets[i]:
                out[p] = 44
                p += 1
            p = _item(out, p, batch.items[j], judged, words, j)
        p = _sums(out, p, judged, words, i, batch.offsets[i + 1] - batch.offsets[i])
        ends[i] = p


@inline
def _histories(out, p, given, late, i):  # type: ignore[no-untyped-def]
    for k in range(given.values.shape[0]):
        if k > 0:
            out[p] = 44
            p += 1
        for c in range(given.name_ends[k - 1] if k > 0 else 0, given.name_ends[k]):
            out[p] = given.names[c]
            p += 1
        value = given.values[k, i]
        if late or value == NO_MONEY:
            p = _put(out, p, _NULL)
            continue
        if value < 0:
            out[p] = 45
            p += 1
        p = _natural(out, p, np.uint64(abs(value)))
    return p


@kernel
def traces(batch: Batch, given: Given, out: Any, ends: Any) -> None:
    """Write trace.v1 of each declaration into out: uint8[...]; ends: int64[n], where each ends."""
    p = 0
    for i in range(batch.heads.size):
        p = _identity(out, p, batch, i)
        p = _put(out, _put(out, p, _RULEBOOK), given.rulebook)
        p = _flag(out, _put(out, p, _LATE), given.late[i])
        p = _natural(out, _put(out, p, _PREVIOUS), max(given.previous_version[i], 0))
        p = _put(out, p, _SAME)
        declarant = given.original_declarant[i]
        same = declarant == batch.heads[i].declarant
        p = _flag(out, p, same) if declarant != 0 else _put(out, p, _NULL)
        p = _histories(out, _put(out, p, _HISTORY), given, given.late[i], i)
        out[p] = 125
        out[p + 1] = 125
        p += 2
        ends[i] = p
