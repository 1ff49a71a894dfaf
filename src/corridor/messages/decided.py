"""decision.v1 from bytes to the picture's columns, exactly: the picture is made from decisions alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, NO_MONEY
from corridor.messages.contributions import Contributions
from corridor.messages.moment import moment
from corridor.messages.sums import UNTOLD, Goods, sum_goods
from corridor.messages.tokens import token
from corridor.messages.vocabulary import UNKNOWN

Array = NDArray[Any]
Amount = float | None

EXACT: Final = 1e13
"""Below this, hundredths and thousandths come back from a float64 without loss."""
_MONEY: Final = ("customs_value", "duty", "vat")


class DecidedItem(msgspec.Struct, frozen=True, gc=False):
    """The part of a decision's goods item that the picture sums."""

    hs_chapter: str
    origin_country: str | None
    customs_value: Amount
    net_mass_kg: Amount
    duty: Amount
    vat: Amount


class DecidedShadow(msgspec.Struct, frozen=True, gc=False):
    """What a candidate would have decided."""

    rulebook: str
    corridor: str


class DecidedDeclaration(msgspec.Struct, frozen=True, gc=False):
    """The part of a decision that the picture sums."""

    declaration_id: str
    version: int
    function: str
    registered_at: str
    decided_at: str
    office: str
    direction: str
    importer: str
    corridor: str
    late: bool
    items: list[DecidedItem]
    customs_value: Amount
    net_mass_kg: Amount
    duty: Amount
    vat: Amount
    transport_mode: int = 0
    flagged: bool = False
    """Decisions of earlier versions do not tell it."""


@dataclass(frozen=True, slots=True)
class DecidedItems:
    """m goods items of n decisions.

    offsets: int64[n + 1]; chapter, origin: keys as in `sums.Cells`, int64[m]; customs_value (minor units), grams:
    int64[m], NO_MONEY where not told.
    """

    offsets: Array
    chapter: Array
    origin: Array
    customs_value: Array
    grams: Array


@dataclass(frozen=True, slots=True)
class Decided:
    """n decisions: identities, importers (object[n]), when each was decided (int64[n], µs), and what they add up to."""

    declaration_id: list[str]
    importer: Array
    decided_at: Array
    contributions: Contributions
    goods: Goods
    items: DecidedItems


class _Shadowed(msgspec.Struct, frozen=True, gc=False):
    shadow: DecidedShadow | None


_decode = msgspec.json.Decoder(DecidedDeclaration).decode
_decode_shadow = msgspec.json.Decoder(_Shadowed).decode
_decode_loose = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode


def decode_decisions(lines: Sequence[bytes]) -> Decided:
    """Decisions from their bytes. InputError names the line that is no decision.v1."""
    decided = _read(lines)
    items = [item for declaration in decided for item in declaration.items]
    offsets = np.cumsum([0, *(len(declaration.items) for declaration in decided)])
    owners = np.repeat(np.arange(len(decided)), np.diff(offsets))
    summands = _amounts(items, lines, owners, offsets)
    chapters = _keys([item.hs_chapter for item in items], _chapter)
    origins = _keys([item.origin_country for item in items], _origin)
    return Decided(
        [declaration.declaration_id for declaration in decided],
        np.array([declaration.importer for declaration in decided], object),
        _times([declaration.decided_at for declaration in decided]),
        _contributions(decided, lines, offsets),
        sum_goods(offsets, chapters, origins, summands),
        DecidedItems(offsets, chapters, origins, summands[:, 0], summands[:, 1]),
    )


def decode_shadow(line: bytes) -> DecidedShadow | None:
    """What a candidate said beside a decision, None where it was not asked. InputError if it is no decision.v1."""
    try:
        return _decode_shadow(line).shadow
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"no decision.v1: {error}; give what `corridor run decide` wrote") from None


def _read(lines: Sequence[bytes]) -> list[DecidedDeclaration]:
    decided: list[DecidedDeclaration] = []
    try:
        decided.extend(map(_decode, lines))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"line {len(decided) + 1} is no decision.v1: {error}; give what `corridor run decide` wrote"
        ) from None
    return decided


def _contributions(
    decided: list[DecidedDeclaration], lines: Sequence[bytes], offsets: Array
) -> Contributions:
    rows = np.arange(len(decided))
    sums = _amounts(decided, lines, rows, None)
    return Contributions(
        registered_at=_times([declaration.registered_at for declaration in decided]),
        office=np.array([declaration.office for declaration in decided], object),
        direction=_index("direction", DIRECTIONS, decided),
        corridor=_index("corridor", CORRIDORS, decided),
        function=_index("function", FUNCTIONS, decided),
        version=np.array([declaration.version for declaration in decided], np.int32),
        items=np.diff(offsets).astype(np.int32),
        customs_value=sums[:, 0],
        duty=sums[:, 2],
        vat=sums[:, 3],
        grams=sums[:, 1],
        late=np.array([declaration.late for declaration in decided], np.bool_),
        flagged=np.array([declaration.flagged for declaration in decided], np.bool_),
        transport_mode=_modes(decided),
    )


def _index(name: str, names: tuple[str, ...], decided: list[DecidedDeclaration]) -> Array:
    at = {text: i for i, text in enumerate(names)}
    texts = map(attrgetter(name), decided)
    try:
        return np.array([at[text] for text in texts], np.int8)
    except KeyError as error:
        raise InputError(f"a decision has {name} {error}; it must be one of {', '.join(names)}") from None


def _keys(texts: Sequence[str | None], key: Any) -> Array:
    table = {text: key(text) for text in set(texts)}
    return np.array([table[text] for text in texts], np.int64)


def _chapter(text: str) -> int:
    return int(text) if len(text) == 2 and text.isascii() and text.isdigit() else 0


def _origin(text: str | None) -> int:
    known = token(text) if text is not None and text != UNKNOWN else UNTOLD
    return known if known > 0 else UNTOLD


def _modes(decided: list[DecidedDeclaration]) -> Array:
    """int8[n]: 1 to 9; 0 for what is none."""
    modes = np.array([declaration.transport_mode for declaration in decided], np.int64)
    return np.where((modes >= 1) & (modes <= 9), modes, 0).astype(np.int8)


def _times(texts: list[str]) -> Array:
    """int64[n] microseconds since 1970."""
    try:
        return np.array([text.removesuffix("Z") for text in texts], "datetime64[us]").astype(np.int64)
    except ValueError:
        return np.array([_time(text) for text in texts], np.int64)


def _time(text: str) -> int:
    found = moment(text)
    if found is None:
        raise InputError(f"a decision has the time {text!r}; give RFC 3339, as 2026-11-22T08:15:30.123Z")
    return found.microseconds


def _amounts(parts: Sequence[Any], lines: Sequence[bytes], owners: Array, offsets: Array | None) -> Array:
    """int64[m, 4]: customs value, grams, duty, VAT of items (offsets given) or of declarations.

    Amounts too large for a float64 to hold to the cent are read again as decimals.
    """
    value, duty, vat = (_scaled(map(attrgetter(name), parts), len(parts), 100) for name in _MONEY)
    mass = _scaled(map(attrgetter("net_mass_kg"), parts), len(parts), 1000)
    out = np.stack([value, mass, duty, vat], axis=1)
    for row in np.flatnonzero((out == _LARGE).any(1)):
        document = _decode_loose(lines[owners[row]])
        if offsets is not None:
            document = document["items"][row - offsets[owners[row]]]
        exact = [_exact(document[name], 100) for name in _MONEY]
        out[row] = exact[0], _exact(document["net_mass_kg"], 1000), exact[1], exact[2]
    return out


_LARGE: Final = NO_MONEY + 1


def _scaled(values: Iterable[Amount], n: int, scale: int) -> Array:
    numbers = np.fromiter((np.nan if value is None else value for value in values), np.float64, n)
    small = np.abs(numbers) < EXACT
    whole = np.rint(np.where(small, numbers, 0.0) * scale).astype(np.int64)
    return np.where(small, whole, np.where(np.isnan(numbers), NO_MONEY, _LARGE))


def _exact(value: Any, scale: int) -> int:
    return NO_MONEY if value is None else int(Decimal(value) * scale)
