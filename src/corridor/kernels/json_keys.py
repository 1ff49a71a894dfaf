"""Keys of declaration.v1 by address, and the way past fields that it does not know.

The scanner's state is one run of int64 at an address `s`; the names below say what stands where.
A place of -1 says: not plain, or not JSON; the caller then leaves the record to the strict path.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline
from corridor.kernels.json_numbers import number
from corridor.kernels.json_texts import plain_end, space, text, token
from corridor.kernels.loads import byte_at, get, put, typed, word_at

HEAD_KEYS: Final = (
    b"declaration_id", b"version", b"function", b"registered_at", b"office", b"direction", b"procedure",
    b"transport_mode", b"declarant", b"importer", b"exporter", b"dispatch_country", b"delivery_terms",
    b"items",
)  # fmt: skip
ITEM_KEYS: Final = (
    b"item_no", b"hs_code", b"description", b"origin_country", b"net_mass_kg", b"gross_mass_kg",
    b"quantity", b"unit", b"packages", b"invoice_amount", b"currency", b"customs_value", b"duty", b"vat",
    b"trace_id",
)  # fmt: skip
HEAD_START, ITEM_START = typed(15), typed(31)
"""What "precedes" the first key of a declaration and of an item; items' fields are numbered from 16."""
NONE: Final = typed(0)
CHOICES: Final = (b"original", b"amendment", b"cancellation", b"import", b"export", b"transit")

MOST_ITEMS: Final = 999
MOST_UNKNOWN: Final = 16  # in one object; more go to the strict path
MOST_NESTED: Final = 16
MOST_NAMES: Final = 64  # open at once in nested unknown objects
MOST_PROSE: Final = 4096

# `s`: notes between the steps, then what each record needs, then room for decoded texts
NAME, TEXT_END, ITEMS_END, RECORD, FIXES, ODD_END = 1, 2, 3, 4, 5, 6
HEADS, ITEMS, TEXT, ODD, FIX, MOST_FIXES = range(8, 14)  # addresses of the output, and room for fixes
KEPT: Final = 14
FOLLOWER: Final = 20
UNKNOWN: Final = 52  # 16 of the declaration, 16 of the item
BEGINS: Final = UNKNOWN + 2 * MOST_UNKNOWN
NAMES: Final = BEGINS + MOST_NESTED
FOLDS: Final = NAMES + MOST_NAMES
SLOTS: Final = FOLDS + MOST_ITEMS
SLOT: Final = 512
ROOM: Final = SLOTS + 3 * SLOT // 8
ROOM_BYTES: Final = typed(4 * MOST_PROSE + 8)
STATE: Final = ROOM + int(ROOM_BYTES) // 8 + 8
"""Its length in int64."""


def _words(keys: tuple[bytes, ...], place: int) -> NDArray[np.uint64]:
    return np.array([int.from_bytes(key.ljust(16, b"\0")[place : place + 8], "little") for key in keys], "u8")


_KEYS: Final = (*HEAD_KEYS, b"", b"", *ITEM_KEYS, b"")
_FILLED: Final = tuple(b"\xff" * length for length in range(17))
KEY_LOW, KEY_HIGH = _words(_KEYS, 0), _words(_KEYS, 8)
MASK_LOW, MASK_HIGH = _words(_FILLED, 0), _words(_FILLED, 8)
KEY_LENGTH: Final = np.array([len(key) for key in _KEYS], np.int64)
CHOICE_LOW, CHOICE_HIGH = _words(CHOICES, 0), _words(CHOICES, 8)
_NULL, _TRUE, _FALSE = (np.uint64(int.from_bytes(word, "little")) for word in (b"null", b"true", b"fals"))
_FOUR: Final = np.uint64(0xFFFFFFFF)


@inline
def behind_null(p: int) -> int:
    """The place behind the null at p, or -1 if there is something else."""
    return p + 4 if word_at(p) & _FOUR == _NULL else -1


@inline
def _value_place(p: int) -> int:
    """Behind a key's quote: the place of its value, or -1 if no colon comes."""
    if byte_at(p) != 58:
        p = space(p)
        if byte_at(p) != 58:
            return -1
    return space(p + 1)


@inline
def key(p: int, last: int, s: int) -> tuple[int, int]:
    """The key whose text begins at p, after field `last`: (place of its value or -1, its number or -1).

    `last` also says whether it is one of a declaration or of an item. s[NAME]: an unknown key's token.
    """
    low, high, guess = word_at(p), word_at(p + 8), get(s, FOLLOWER + last)
    length = KEY_LENGTH[guess]
    same = low & MASK_LOW[length] == KEY_LOW[guess] and high & MASK_HIGH[length] == KEY_HIGH[guess]
    if same and byte_at(p + length) == 34:
        return _value_place(p + length + 1), guess
    end = plain_end(p)
    if byte_at(end) != 34:
        return -1, -1
    length, field = end - p, -1
    if 0 < length <= 16:
        low, high = low & MASK_LOW[length], high & MASK_HIGH[length]
        for i in range(last & 16, (last & 16) + 16):
            if low == KEY_LOW[i] and high == KEY_HIGH[i]:
                field = i
    if field >= 0:
        put(s, FOLLOWER + last, field)
    else:
        put(s, NAME, token(p, length, NONE))
    return _value_place(end + 1), field


@inline
def choice(p: int, field: int) -> tuple[int, int]:
    """Which function (field 2) or direction the string at p names: (place behind it or -1, index)."""
    first = 0 if field == 2 else 3
    end = plain_end(p + 1)
    length = end - p - 1
    if byte_at(p) != 34 or byte_at(end) != 34 or length > 16:
        return -1, 0
    low, high = word_at(p + 1) & MASK_LOW[length], word_at(p + 9) & MASK_HIGH[length]
    for i in range(3):
        if low == CHOICE_LOW[first + i] and high == CHOICE_HIGH[first + i]:
            return end + 1, i
    return -1, 0


@inline
def following(p: int) -> int:
    """Behind a value: the place of the next key's text, minus the place behind the closing brace, or 0."""
    c = byte_at(p)
    if c <= 32:
        p = space(p)
        c = byte_at(p)
    if c == 44:
        p = space(p + 1)
        return p + 1 if byte_at(p) == 34 else 0
    return -(p + 1) if c == 125 else 0


@inline
def _scalar(p: int, s: int) -> int:
    """The place behind the text, number, true, false or null at p, or -1."""
    c = byte_at(p)
    if c == 34:
        return text(p, s + ROOM * 8, ROOM_BYTES, s)[0]
    if c == 45 or 48 <= c <= 57:
        return number(p)[0]
    word = word_at(p) & _FOUR
    if word == _FALSE:
        return p + 5 if byte_at(p + 4) == 101 else -1
    return p + 4 if word == _NULL or word == _TRUE else -1  # noqa: PLR1714, SIM109


@inline
def _new_name(names: int, count: int, name: int, s: int) -> bool:
    """Whether a key's token differs from the `count` ones at s[names]; it is put behind them."""
    for i in range(count):
        if get(s, names + i) == name:
            return False
    put(s, names + count, name)
    return True


@inline
def _nested(p: int, s: int) -> int:
    """The place behind the array or object at p, in which no key may stand twice, or -1.

    s[BEGINS + depth]: where the names of an open object begin among s[NAMES]; -1 for an array.
    """
    depth, names = NONE, NONE
    while True:
        opened = byte_at(p)
        if opened == 123 or opened == 91:  # noqa: PLR1714
            if depth == MOST_NESTED:
                return -1
            put(s, BEGINS + depth, names if opened == 123 else -1)
            depth, p = depth + 1, space(p + 1)
            # 125 = 123 + 2 closes an object, 93 = 91 + 2 an array
            closed = byte_at(p) == opened + 2
            if not closed and opened == 91:
                continue
        else:
            p, closed = _scalar(p, s), False
            if p < 0:
                return -1
            p = space(p)
            if byte_at(p) == 44:
                p = space(p + 1)
                if get(s, BEGINS + depth - 1) < 0:
                    continue
            else:
                closed = True
        while closed:
            begin = get(s, BEGINS + depth - 1)
            if byte_at(p) != (93 if begin < 0 else 125):
                return -1
            depth, p, names = depth - 1, p + 1, begin if begin >= 0 else names
            if depth == 0:
                return p
            p = space(p)
            if byte_at(p) == 44:
                p, closed = space(p + 1), False
        begin = get(s, BEGINS + depth - 1)
        if begin < 0:
            continue
        end = plain_end(p + 1)
        if byte_at(p) != 34 or byte_at(end) != 34 or names == MOST_NAMES:
            return -1
        if not _new_name(NAMES + begin, names - begin, token(p + 1, end - p - 1, NONE), s):
            return -1
        names, p = names + 1, _value_place(end + 1)
        if p < 0:
            return -1


@inline
def unknown(p: int, last: int, count: int, s: int) -> int:
    """The place behind the value at p of an unknown field, the one after `count` others; or -1.

    `last`: the known field before it. Names with equal tokens are left to the strict path.
    """
    if count == MOST_UNKNOWN or not _new_name(UNKNOWN + (last & 16), count, get(s, NAME), s):
        return -1
    c = byte_at(p)
    return _nested(p, s) if c == 123 or c == 91 else _scalar(p, s)  # noqa: PLR1714
