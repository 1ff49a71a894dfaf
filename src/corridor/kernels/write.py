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

from corridor.kernels import numerals
from corridor.kernels._jit import inline, kernel_across
from corridor.kernels.documents import Batch, Judged, Same, rows
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
"""A missing amount (as messages.columns.NO_MONEY), money or grams: written as null."""
HEAD_BYTES: Final = 1312
"""The most a decision without its texts, items and rulebook version takes, reasons and slack included."""
ITEM_BYTES: Final = 384
"""The most an item of a decision takes."""
ESCAPED: Final = 6
"""The most bytes that one byte of text takes."""

_MOST: Final = int(np.iinfo(np.int64).max)
_EXACT: Final = 2.0**53
_TENS: Final = 10 ** np.arange(16, dtype=np.int64)
_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8)
_LITERALS: Final = rows(
    *("null", "true", "false", '"unknown"', '{"declaration_id":', ',"version":', ',"registered_at":'),
    *(',"office":', ',"transport_mode":', ',"importer":', ',"probability":', ',"expected_loss":', ',"late":'),
    *(',"reasons":[', ',"item_no":', ',"contribution":', '],"items":[', '{"item_no":', ',"hs_chapter":'),
    *(',"origin_country":', ',"customs_value":', ',"net_mass_kg":', ',"duty":', ',"vat":'),
    *('],"inclusion_probability":', ',"selected_at_random":', ',"shadow":null'),
    *(
        ',"payments":',
        ',"item_count":',
        ',"previous_version":',
        ',"original_declarant_same":',
        ',"history":{',
        ',"flagged":',
    ),
)
_NULL, _TRUE, _FALSE, _UNKNOWN, _ID, _VERSION, _REGISTERED = range(7)
_OFFICE, _MODE, _IMPORTER, _PROBABILITY, _LOSS, _LATE = range(7, 13)
_REASONS, _ITEM_NO, _CONTRIBUTION, _ITEMS, _ITEM, _CHAPTER = range(13, 19)
_ORIGIN, _VALUE, _MASS, _DUTY, _VAT = range(19, 24)
_INCLUSION, _AT_RANDOM, _NO_SHADOW = range(24, 27)
_PAYMENTS, _COUNT, _PREVIOUS, _SAME, _HISTORY, _FLAGGED = range(27, 33)


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
def _sign(out, p, c):  # type: ignore[no-untyped-def]
    """Write one byte of text, escaped where JSON asks for it."""
    if c in (34, 92):
        return byte(out, byte(out, p, 92), c)
    if c < 32:
        p = byte(out, byte(out, p, 92), 117)
        p = byte(out, byte(out, p, 48), 48)
        return byte(out, byte(out, p, _HEX[c >> 4]), _HEX[c & 15])
    return byte(out, p, c)


@inline
def _text(out, p, text, start, length):  # type: ignore[no-untyped-def]
    odd = False
    for i in range(np.uintp(start), np.uintp(start + length)):
        odd |= (text[i] < 32) | (text[i] == 34) | (text[i] == 92)
    p = byte(out, p, 34)
    if odd:
        for i in range(np.uintp(start), np.uintp(start + length)):
            p = _sign(out, p, text[i])
    else:
        p = copy(out, p, text, start, length)
    return byte(out, p, 34)


@inline
def _code(out, p, token):  # type: ignore[no-untyped-def]
    """Write a token's text: null if missing, "unknown" if it was hashed (see messages.tokens)."""
    if token == 0:
        return _put(out, p, _NULL)
    if token < 0:
        return _put(out, p, _UNKNOWN)
    p = byte(out, p, 34)
    length = token & 0xFF
    for j in range(length):
        p = _sign(out, p, np.uint8((token >> (8 * (length - j))) & 0xFF))
    return byte(out, p, 34)


@inline
def _money(out, p, minor):  # type: ignore[no-untyped-def]
    """Write minor units with two decimals; null if missing."""
    return _put(out, p, _NULL) if minor == NO_MONEY else hundredths(out, p, minor)


@inline
def _mass(out, p, grams):  # type: ignore[no-untyped-def]
    """Write grams as kilograms with three decimals; null if missing."""
    return _put(out, p, _NULL) if grams == NO_MONEY else thousandths(out, p, grams)


@inline
def _probability(out, p, value):  # type: ignore[no-untyped-def]
    """Write a multiple of 1e-9 ≥ 0 without zeros at the end; null if it is no such number."""
    scaled = np.rint(value * 1e9)
    if not 0 <= scaled < _EXACT:
        return _put(out, p, _NULL)
    size = np.uint64(scaled)
    p = byte(out, natural(out, p, size // np.uint64(1_000_000_000)), 46)
    rest = size % np.uint64(1_000_000_000)
    p = byte(out, p, np.uint8(48 + rest // np.uint64(100_000_000)))
    return trimmed(out, digits(out, p, rest % np.uint64(100_000_000), 8, 1))


@inline
def _contribution(out, p, value):  # type: ignore[no-untyped-def]
    """Write a multiple of 1e-6 without zeros at the end; null if it is no such number."""
    scaled = np.rint(abs(value) * 1e6)
    if not scaled < _EXACT:
        return _put(out, p, _NULL)
    size = np.uint64(scaled)
    if value < 0 and size > 0:
        p = byte(out, p, 45)
    p = byte(out, natural(out, p, size // np.uint64(1_000_000)), 46)
    return trimmed(out, digits(out, p, size % np.uint64(1_000_000), 6, 100))


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
    return byte(out, digits(out, byte(out, p, 34), chapter, 2, 1_000_000), 34)


@inline
def _identity(out, p, head, text, start):  # type: ignore[no-untyped-def]
    p = _text(out, _put(out, p, _ID), text, start, np.int64(head.id_length))
    return natural(out, _put(out, p, _VERSION), max(head.version, 0))


@inline
def _parties(out, p, head, verdict, names, text, start):  # type: ignore[no-untyped-def]
    """Write where, which way and for whom."""
    office = start + np.int64(head.id_length)
    importer = office + np.int64(head.office_length)
    p = _text(out, _put(out, p, _OFFICE), text, office, np.int64(head.office_length))
    p = _name(out, p, names, verdict.direction)
    p = natural(out, _put(out, p, _MODE), max(head.transport_mode, 0))
    return _text(out, _put(out, p, _IMPORTER), text, importer, np.int64(head.importer_length))


@inline
def _outcome(out, p, verdict, names):  # type: ignore[no-untyped-def]
    p = _name(out, p, names, verdict.corridor)
    p = _probability(out, _put(out, p, _PROBABILITY), verdict.probability)
    p = _money(out, _put(out, p, _LOSS), verdict.expected_loss)
    p = _name(out, p, names, verdict.basis)
    p = _flag(out, _put(out, p, _LATE), verdict.late)
    return _put(out, _flag(out, _put(out, p, _FLAGGED), verdict.flagged), _REASONS)


@inline
def _reason(out, p, reason, names):  # type: ignore[no-untyped-def]
    p = _name(out, p, names, reason.group)
    p = natural(out, _put(out, p, _ITEM_NO), max(reason.item_no, 0))
    p = _contribution(out, _put(out, p, _CONTRIBUTION), reason.contribution)
    return byte(out, byte(out, p, 125), 44)


@inline
def _item(out, p, item, verdict, names):  # type: ignore[no-untyped-def]
    p = natural(out, _put(out, p, _ITEM), max(item.item_no, 0))
    p = _chapter(out, _put(out, p, _CHAPTER), item.hs_code)
    p = _code(out, _put(out, p, _ORIGIN), item.origin_country)
    p = _probability(out, _put(out, p, _PROBABILITY), verdict.probability)
    p = _name(out, p, names, verdict.corridor)
    p = _money(out, _put(out, p, _VALUE), item.customs_value)
    p = _mass(out, _put(out, p, _MASS), verdict.grams)
    p = _money(out, _put(out, p, _DUTY), item.duty)
    p = _money(out, _put(out, p, _VAT), item.vat)
    return byte(out, byte(out, p, 125), 44)


@inline
def _sums(out, p, verdict, item_count):  # type: ignore[no-untyped-def]
    payments = verdict.duty + verdict.vat if verdict.duty <= _MOST - verdict.vat else _MOST
    p = _money(out, _put(out, p, _VALUE), verdict.customs_value)
    p = _money(out, _put(out, p, _PAYMENTS), payments)
    p = _money(out, _put(out, p, _DUTY), verdict.duty)
    p = _money(out, _put(out, p, _VAT), verdict.vat)
    p = _mass(out, _put(out, p, _MASS), verdict.grams)
    return byte(out, natural(out, _put(out, p, _COUNT), item_count), 125)


@kernel_across(numerals)
def decisions(batch: Batch, judged: Judged, same: Same, first: int, out: Any, ends: Any) -> None:
    """Write decision.v1 of k declarations from `first` on into out: uint8[...]; ends: int64[k]."""
    heads, items, offsets, text, starts = batch
    verdicts, item_verdicts, reasons = judged
    names, decided_at, rulebook, shadow = same
    p = 0
    for i in range(first, first + ends.size):
        head, verdict = heads[i], verdicts[i]
        p = _identity(out, p, head, text, starts[i])
        p = _name(out, p, names, verdict.function)
        p = moment(out, _put(out, p, _REGISTERED), head.registered_at)
        p = copy(out, p, decided_at, 0, decided_at.size)
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
        p = copy(out, p, rulebook, 0, rulebook.size)
        if verdict.shadow < 0:
            p = _put(out, p, _NO_SHADOW)
        else:
            p = _name(out, copy(out, p, shadow, 0, shadow.size), names, verdict.shadow)
            p = byte(out, p, 125)
        p = _sums(out, p, verdict, offsets[i + 1] - offsets[i])
        ends[i - first] = p


@kernel_across(numerals)
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
        p = copy(out, p, rulebook, 0, rulebook.size)
        p = _flag(out, _put(out, p, _LATE), row.late)
        p = natural(out, _put(out, p, _PREVIOUS), max(row.previous_version, 0))
        p = _put(out, p, _SAME)
        p = _put(out, p, _NULL) if row.same_declarant < 0 else _flag(out, p, row.same_declarant)
        p = _put(out, p, _HISTORY)
        for k in range(values.shape[1]):
            p = copy(out, p, keys[k], 0, np.int64(keys[k, keys.shape[1] - 1]))
            value = values[i, k]
            if value == NO_MONEY:
                p = _put(out, p, _NULL)
                continue
            p = integer(out, p, value)
        p = byte(out, byte(out, p, 125), 125)
        ends[i] = p
