r"""Write JSON documents from columns: decision.v1 and trace.v1, many in one buffer.

One pass over a batch; each document is one line's worth of bytes, with no line end. Texts are
escaped as RFC 8259 asks (quote, backslash, control characters as \u00XX); other UTF-8 passes as
it is. Numbers are written from integers, so their text is exact: money as minor units with two
decimals, masses as grams with three decimals of a kilogram, probabilities as multiples of 1e-9.
The caller sees to it that `out` is long enough (see messages.decision).

Three things make it quick: positions are unsigned, so that no index is tested for being negative; names,
literals and digits are copied in whole words of fixed width, of which the next piece overwrites what
was too much; and helpers get records and scalars, no tuples of arrays (see documents).
"""

from typing import Any, Final

import numpy as np

from corridor.kernels._jit import inline, kernel
from corridor.kernels.documents import Batch, Judged, Same, rows

NO_MONEY: Final = int(np.iinfo(np.int64).min)
"""A missing amount (as messages.columns.NO_MONEY), money or grams: written as null."""
HEAD_BYTES: Final = 1280
"""The most a decision without its texts, items and rulebook version takes, reasons and slack included."""
ITEM_BYTES: Final = 384
"""The most an item of a decision takes."""
ESCAPED: Final = 6
"""The most bytes that one byte of text takes."""

_MOST: Final = int(np.iinfo(np.int64).max)
_DAY: Final = 86_400_000_000
_FIRST: Final = -62_135_596_800_000_000  # 0001-01-01T00:00:00Z in microseconds
_LAST: Final = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z
_EXACT: Final = 2.0**53
_TENS: Final = 10 ** np.arange(16, dtype=np.int64)
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_LITERALS: Final = rows(
    *("null", "true", "false", '"unknown"', '{"declaration_id":', ',"version":', ',"registered_at":'),
    *(',"office":', ',"transport_mode":', ',"importer":', ',"probability":', ',"expected_loss":', ',"late":'),
    *(',"reasons":[', ',"item_no":', ',"contribution":', '],"items":[', '{"item_no":', ',"hs_chapter":'),
    *(',"origin_country":', ',"customs_value":', ',"net_mass_kg":', ',"duty":', ',"vat":'),
    *('],"inclusion_probability":', ',"selected_at_random":', ',"shadow":null,"customs_value":'),
    *(
        ',"payments":',
        ',"item_count":',
        ',"previous_version":',
        ',"original_declarant_same":',
        ',"history":{',
    ),
)
_NULL, _TRUE, _FALSE, _UNKNOWN, _ID, _VERSION, _REGISTERED = range(7)
_OFFICE, _MODE, _IMPORTER, _PROBABILITY, _LOSS, _LATE = range(7, 13)
_REASONS, _ITEM_NO, _CONTRIBUTION, _ITEMS, _ITEM, _CHAPTER = range(13, 19)
_ORIGIN, _VALUE, _MASS, _DUTY, _VAT = range(19, 24)
_INCLUSION, _AT_RANDOM, _TOTAL = range(24, 27)
_PAYMENTS, _COUNT, _PREVIOUS, _SAME, _HISTORY = range(27, 32)


@inline
def _byte(out, p, value):  # type: ignore[no-untyped-def]
    out[np.uintp(p)] = value
    return p + 1


@inline
def _put(out, p, k):  # type: ignore[no-untyped-def]
    """Write literal k."""
    for i in range(np.uintp(32)):
        out[np.uintp(p) + i] = _LITERALS[np.uintp(k), i]
    return p + np.int64(_LITERALS[np.uintp(k), np.uintp(32)])


@inline
def _name(out, p, names, k):  # type: ignore[no-untyped-def]
    """Write row k of a table of names."""
    for i in range(np.uintp(32)):
        out[np.uintp(p) + i] = names[np.uintp(k), i]
    return p + np.int64(names[np.uintp(k), np.uintp(32)])


@inline
def _copy(out, p, text, start, length):  # type: ignore[no-untyped-def]
    for i in range(np.uintp(length)):
        out[np.uintp(p) + i] = text[np.uintp(start) + i]
    return p + length


@inline
def _sign(out, p, c):  # type: ignore[no-untyped-def]
    """Write one byte of text, escaped where JSON asks for it."""
    if c in (34, 92):
        return _byte(out, _byte(out, p, 92), c)
    if c < 32:
        p = _byte(out, _byte(out, p, 92), 117)
        p = _byte(out, _byte(out, p, 48), 48)
        return _byte(out, _byte(out, p, _HEX[c >> 4]), _HEX[c & 15])
    return _byte(out, p, c)


@inline
def _text(out, p, text, start, length):  # type: ignore[no-untyped-def]
    odd = False
    for i in range(np.uintp(start), np.uintp(start + length)):
        odd |= (text[i] < 32) | (text[i] == 34) | (text[i] == 92)
    p = _byte(out, p, 34)
    if odd:
        for i in range(np.uintp(start), np.uintp(start + length)):
            p = _sign(out, p, text[i])
    else:
        p = _copy(out, p, text, start, length)
    return _byte(out, p, 34)


@inline
def _code(out, p, token):  # type: ignore[no-untyped-def]
    """Write a token's text: null if missing, "unknown" if it was hashed (see messages.tokens)."""
    if token == 0:
        return _put(out, p, _NULL)
    if token < 0:
        return _put(out, p, _UNKNOWN)
    p = _byte(out, p, 34)
    length = token & 0xFF
    for j in range(length):
        p = _sign(out, p, np.uint8((token >> (8 * (length - j))) & 0xFF))
    return _byte(out, p, 34)


@inline
def _eight(value):  # type: ignore[no-untyped-def]
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
def _word(out, p, word):  # type: ignore[no-untyped-def]
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
def _digits(out, p, value, width, fill):  # type: ignore[no-untyped-def]
    """Write `value` in `width` ≤ 8 digits, zeros in front; fill = 10 ** (8 - width)."""
    _word(out, p, _eight(np.uint64(value) * np.uint64(fill)))
    return p + width


@inline
def _few(out, p, value):  # type: ignore[no-untyped-def]
    """Write `value` < 1e8 in as many digits as it has."""
    width = 1
    for k in range(1, 8):
        width += int(value >= np.uint64(_TENS[k]))
    _word(out, p, _eight(value) >> np.uint64(64 - 8 * width))
    return p + width


@inline
def _natural(out, p, value):  # type: ignore[no-untyped-def]
    """Write `value` ≥ 0 in as many digits as it has."""
    whole, part = np.uint64(value), np.uint64(100_000_000)
    if whole < part:
        return _few(out, p, whole)
    high = whole // part
    if high < part:
        p = _few(out, p, high)
    else:
        p = _few(out, p, high // part)
        p = _digits(out, p, high % part, 8, 1)
    return _digits(out, p, whole % part, 8, 1)


@inline
def _money(out, p, minor):  # type: ignore[no-untyped-def]
    """Write minor units with two decimals; null if missing."""
    if minor == NO_MONEY:
        return _put(out, p, _NULL)
    if minor < 0:
        p = _byte(out, p, 45)
    size = np.uint64(abs(minor))
    p = _byte(out, _natural(out, p, size // np.uint64(100)), 46)
    return _digits(out, p, size % np.uint64(100), 2, 1_000_000)


@inline
def _mass(out, p, grams):  # type: ignore[no-untyped-def]
    """Write grams as kilograms with three decimals; null if missing."""
    if grams == NO_MONEY:
        return _put(out, p, _NULL)
    if grams < 0:
        p = _byte(out, p, 45)
    size = np.uint64(abs(grams))
    p = _byte(out, _natural(out, p, size // np.uint64(1_000)), 46)
    return _digits(out, p, size % np.uint64(1_000), 3, 100_000)


@inline
def _trimmed(out, p):  # type: ignore[no-untyped-def]
    """Step back over zeros at the end, and over the point if nothing is left behind it."""
    while out[np.uintp(p - 1)] == 48:
        p -= 1
    return p - 1 if out[np.uintp(p - 1)] == 46 else p


@inline
def _probability(out, p, value):  # type: ignore[no-untyped-def]
    """Write a multiple of 1e-9 ≥ 0 without zeros at the end; null if it is no such number."""
    scaled = np.rint(value * 1e9)
    if not 0 <= scaled < _EXACT:
        return _put(out, p, _NULL)
    size = np.uint64(scaled)
    p = _byte(out, _natural(out, p, size // np.uint64(1_000_000_000)), 46)
    rest = size % np.uint64(1_000_000_000)
    p = _byte(out, p, np.uint8(48 + rest // np.uint64(100_000_000)))
    return _trimmed(out, _digits(out, p, rest % np.uint64(100_000_000), 8, 1))


@inline
def _contribution(out, p, value):  # type: ignore[no-untyped-def]
    """Write a multiple of 1e-6 without zeros at the end; null if it is no such number."""
    scaled = np.rint(abs(value) * 1e6)
    if not scaled < _EXACT:
        return _put(out, p, _NULL)
    size = np.uint64(scaled)
    if value < 0 and size > 0:
        p = _byte(out, p, 45)
    p = _byte(out, _natural(out, p, size // np.uint64(1_000_000)), 46)
    return _trimmed(out, _digits(out, p, size % np.uint64(1_000_000), 6, 100))


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
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    p = _byte(out, _digits(out, _byte(out, p, 34), year, 4, 10_000), 45)
    p = _byte(out, _digits(out, p, month, 2, 1_000_000), 45)
    p = _byte(out, _digits(out, p, doy - (153 * shifted + 2) // 5 + 1, 2, 1_000_000), 84)
    p = _byte(out, _digits(out, p, rest // 3_600_000_000, 2, 1_000_000), 58)
    p = _byte(out, _digits(out, p, rest // 60_000_000 % 60, 2, 1_000_000), 58)
    p = _byte(out, _digits(out, p, rest // 1_000_000 % 60, 2, 1_000_000), 46)
    p = _digits(out, p, rest % 1_000_000, 6, 100)
    return _byte(out, _byte(out, p if rest % 1_000 else p - 3, 90), 34)


@inline
def _flag(out, p, yes):  # type: ignore[no-untyped-def]
    return _put(out, p, _TRUE if yes else _FALSE)


@inline
def _chapter(out, p, hs):  # type: ignore[no-untyped-def]
    """Write the first two digits of an HS code of 6 to 10 digits; "unknown" for 00 and any other."""
    width = hs & 15
    chapter = (hs >> 4) // _TENS[np.uintp(width - 2)] if hs > 0 and 6 <= width <= 10 else 0
    if chapter == 0:
        return _put(out, p, _UNKNOWN)
    return _byte(out, _digits(out, _byte(out, p, 34), chapter, 2, 1_000_000), 34)


@inline
def _identity(out, p, head, text, start):  # type: ignore[no-untyped-def]
    p = _text(out, _put(out, p, _ID), text, start, np.int64(head.id_length))
    return _natural(out, _put(out, p, _VERSION), max(head.version, 0))


@inline
def _parties(out, p, head, verdict, names, text, start):  # type: ignore[no-untyped-def]
    """Write where, which way and for whom."""
    office = start + np.int64(head.id_length)
    importer = office + np.int64(head.office_length)
    p = _text(out, _put(out, p, _OFFICE), text, office, np.int64(head.office_length))
    p = _name(out, p, names, verdict.direction)
    p = _natural(out, _put(out, p, _MODE), max(head.transport_mode, 0))
    return _text(out, _put(out, p, _IMPORTER), text, importer, np.int64(head.importer_length))


@inline
def _outcome(out, p, verdict, names):  # type: ignore[no-untyped-def]
    p = _name(out, p, names, verdict.corridor)
    p = _probability(out, _put(out, p, _PROBABILITY), verdict.probability)
    p = _money(out, _put(out, p, _LOSS), verdict.expected_loss)
    p = _name(out, p, names, verdict.basis)
    return _put(out, _flag(out, _put(out, p, _LATE), verdict.late), _REASONS)


@inline
def _reason(out, p, reason, names):  # type: ignore[no-untyped-def]
    p = _name(out, p, names, reason.group)
    p = _natural(out, _put(out, p, _ITEM_NO), max(reason.item_no, 0))
    p = _contribution(out, _put(out, p, _CONTRIBUTION), reason.contribution)
    return _byte(out, _byte(out, p, 125), 44)


@inline
def _item(out, p, item, verdict, names):  # type: ignore[no-untyped-def]
    p = _natural(out, _put(out, p, _ITEM), max(item.item_no, 0))
    p = _chapter(out, _put(out, p, _CHAPTER), item.hs_code)
    p = _code(out, _put(out, p, _ORIGIN), item.origin_country)
    p = _probability(out, _put(out, p, _PROBABILITY), verdict.probability)
    p = _name(out, p, names, verdict.corridor)
    p = _money(out, _put(out, p, _VALUE), item.customs_value)
    p = _mass(out, _put(out, p, _MASS), verdict.grams)
    p = _money(out, _put(out, p, _DUTY), item.duty)
    p = _money(out, _put(out, p, _VAT), item.vat)
    return _byte(out, _byte(out, p, 125), 44)


@inline
def _sums(out, p, verdict, item_count):  # type: ignore[no-untyped-def]
    payments = verdict.duty + verdict.vat if verdict.duty <= _MOST - verdict.vat else _MOST
    p = _money(out, _put(out, p, _TOTAL), verdict.customs_value)
    p = _money(out, _put(out, p, _PAYMENTS), payments)
    p = _money(out, _put(out, p, _DUTY), verdict.duty)
    p = _money(out, _put(out, p, _VAT), verdict.vat)
    p = _mass(out, _put(out, p, _MASS), verdict.grams)
    return _byte(out, _natural(out, _put(out, p, _COUNT), item_count), 125)


@kernel
def decisions(batch: Batch, judged: Judged, same: Same, first: int, out: Any, ends: Any) -> None:
    """Write decision.v1 of k declarations from `first` on into out: uint8[...]; ends: int64[k]."""
    heads, items, offsets, text, starts = batch
    verdicts, item_verdicts, reasons = judged
    names, decided_at, rulebook = same
    p = 0
    for i in range(first, first + ends.size):
        head, verdict = heads[i], verdicts[i]
        p = _identity(out, p, head, text, starts[i])
        p = _name(out, p, names, verdict.function)
        p = _moment(out, _put(out, p, _REGISTERED), head.registered_at)
        p = _copy(out, p, decided_at, 0, decided_at.size)
        p = _parties(out, p, head, verdict, names, text, starts[i])
        p = _outcome(out, p, verdict, names)
        begin = p
        for r in range(reasons.shape[1]):
            if reasons[i, r].group >= 0:
                p = _reason(out, p, reasons[i, r], names)
        p = _put(out, max(begin, p - 1), _ITEMS)  # over the last comma
        for j in range(offsets[i], offsets[i + 1]):
            p = _item(out, p, items[j], item_verdicts[j], names)
        empty = offsets[i] == offsets[i + 1]
        p = _probability(out, _put(out, p if empty else p - 1, _INCLUSION), verdict.inclusion)
        p = _flag(out, _put(out, p, _AT_RANDOM), verdict.at_random)
        p = _copy(out, p, rulebook, 0, rulebook.size)
        p = _sums(out, p, verdict, offsets[i + 1] - offsets[i])
        ends[i - first] = p


@kernel
def traces(batch: Batch, given: Any, values: Any, keys: Any, rulebook: Any, out: Any, ends: Any) -> None:
    """Write trace.v1 of each declaration into out: uint8[...]; ends: int64[n], where each ends.

    given: GIVEN[n]; values: int64[n, k], NO_MONEY for null; keys: uint8[k, w + 1], each history's key with
    its colon, from the second on with a comma before it, the length in the last byte; rulebook: as in `Same`.
    """
    heads, _, _, text, starts = batch
    p = 0
    for i in range(heads.size):
        row = given[i]
        p = _identity(out, p, heads[i], text, starts[i])
        p = _copy(out, p, rulebook, 0, rulebook.size)
        p = _flag(out, _put(out, p, _LATE), row.late)
        p = _natural(out, _put(out, p, _PREVIOUS), max(row.previous_version, 0))
        p = _put(out, p, _SAME)
        p = _put(out, p, _NULL) if row.same_declarant < 0 else _flag(out, p, row.same_declarant)
        p = _put(out, p, _HISTORY)
        for k in range(values.shape[1]):
            p = _copy(out, p, keys[k], 0, np.int64(keys[k, keys.shape[1] - 1]))
            value = values[i, k]
            if value == NO_MONEY:
                p = _put(out, p, _NULL)
                continue
            if value < 0:
                p = _byte(out, p, 45)
            p = _natural(out, p, np.uint64(abs(value)))
        p = _byte(out, _byte(out, p, 125), 125)
        ends[i] = p
