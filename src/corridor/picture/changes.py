"""What a batch of decisions changes: in the picture, by minute or by day, in the detector's totals by bin.

A declaration adds to the minute in which it was registered. When a later version supersedes it, the same
amounts are taken back in that version's minute, yet on the superseded one's own day (at its last minute
at the latest), so that every day's final totals hold what stands. A cancellation adds nothing.
The time that a decision took is never taken back: it was taken, whatever became of the declaration.
"""

from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.kernels.tally import NEVER
from corridor.messages.columns import FUNCTIONS, Declarations
from corridor.messages.contributions import Contributions
from corridor.messages.decided import DecidedItems
from corridor.messages.sums import CHAPTERS, Cells, Goods, label
from corridor.messages.sums import chapters as chapters_of
from corridor.picture.cells import (
    AMOUNTS,
    DAILY,
    GOODS,
    HOURS,
    MEASURES,
    PARTS,
    SEPARATOR,
    TIMED,
    Changes,
    Names,
    Places,
    Ways,
    cell_name,
    cell_of,
    tally,
)
from corridor.picture.hourly import BIN, NO_PRICE, PAIRS, PRICE, SERVICE, log_prices, logs
from corridor.picture.times import WIDTH, buckets

__all__ = [
    "AMOUNTS",
    "DAILY",
    "KINDS",
    "MEASURES",
    "REMEMBERED",
    "SEPARATOR",
    "Changes",
    "Kind",
    "by_bin",
    "by_day",
    "by_minute",
    "cell_name",
    "cell_of",
    "prices",
    "prices_decided",
    "remembered",
]

Array = NDArray[Any]
Kind = Literal["timed", "parts", "hours", "goods"]

KINDS: Final[dict[Kind, tuple[str, ...]]] = {"timed": TIMED, "parts": PARTS, "hours": HOURS, "goods": GOODS}
"""Dimensions that are kept together: "hours" and "goods" are those of a day alone, "timed" tell decision times."""
MINUTE: Final = 60_000_000
DAY: Final = 1440
"""Minutes."""
WEEK: Final = 7 * DAY
MONDAY: Final = 3 * DAY
"""1970-01-01 was a Thursday: a week's number counts from the Monday before it."""
_CANCELLATION: Final = FUNCTIONS.index("cancellation")
_ORIGINAL: Final = FUNCTIONS.index("original")
_HOUR: Final = 60
"""Minutes."""
REMEMBERED: Final = 35
"""Days after which a stream no longer changes the DAILY dimensions of a day: their cells are many, and forgotten."""
_LONGEST_ORIGIN: Final = 1 << 40
"""Tokens beyond are of no country's code."""


def by_minute(decided: Contributions, goods: Goods, superseded_at: Array) -> Changes:
    """What n decisions change in the picture, by minute; in the DAILY dimensions at the last minute of each hour.

    superseded_at: int64[n], microseconds at which the next version was registered, NEVER if none was.
    """
    places = Places(decided, goods)
    own, back = _moments(decided, superseded_at, added=True)
    minutes = places.tally((*TIMED, *PARTS), Ways(own, back))
    hours = places.tally(DAILY, Ways(_hour_s_end(own), _hour_s_end(back)))
    return _together(minutes, hours)


def _hour_s_end(minutes: Array) -> Array:
    return np.where(minutes == NEVER, NEVER, minutes // _HOUR * _HOUR + _HOUR - 1)


def by_day(
    decided: Contributions,
    goods: Goods,
    superseded_at: Array,
    told_at: Array | None = None,
    *,
    added: bool = True,
    known: Array | None = None,
) -> dict[Kind, Changes]:
    """What n decisions change by day, each at the last minute of its day that is among them: a picture as it stands.

    Those of the kind "timed" have columns for decision times. told_at: int64[n], microseconds at which they are told in a
    stream that lives in the present, where `added` the time of the decision; None in a replay, where it says nothing.
    added: False to take back only, for what was added before; known: bool[n], of which the DAILY dimensions are changed,
    None for those that are `remembered` when they are told.
    """
    places = Places(decided, goods)
    own, back = _moments(decided, superseded_at, added=added)
    registered = np.asarray(decided.registered_at, np.int64)
    took = None
    if told_at is not None and added:
        took = registered // MINUTE // DAY, buckets(told_at - registered)
    added_at, back_at = (np.where(m == NEVER, m, m // DAY) for m in (own, back))
    found: dict[Kind, Changes] = {
        "timed": places.tally(KINDS["timed"], Ways(added_at, back_at, WIDTH, took)),
        "parts": places.tally(KINDS["parts"], Ways(added_at, back_at)),
    }
    if known is None and told_at is not None:
        known = remembered(registered, told_at)
    if known is not None:
        added_at = np.where(known, added_at, NEVER)
    found["hours"] = places.tally(KINDS["hours"], Ways(added_at, back_at))
    found["goods"] = places.tally(KINDS["goods"], Ways(added_at, back_at))
    last = _last_minutes(
        np.concatenate([own, back[own != NEVER], registered[: len(own) * bool(took)] // MINUTE])
    )
    sign = 1 if added else -1
    return {kind: _at(changes, last, sign) for kind, changes in found.items()}


def remembered(registered_at: Array, told_at: Array) -> Array:
    """bool[n]: whether a stream still changes the DAILY dimensions of a day at a time; both int64[n], microseconds."""
    return np.asarray(told_at - registered_at <= REMEMBERED * DAY * MINUTE)


def _together(one: Changes, other: Changes) -> Changes:
    return Changes(
        np.concatenate([one.moment, other.moment]),
        one.cell + other.cell,
        np.concatenate([one.sums, other.sums]),
    )


def _moments(decided: Contributions, superseded_at: Array, added: bool) -> tuple[Array, Array]:
    """int64[n] minutes each: at which decisions are added, and taken back; NEVER if not.

    added: False gives at the first those at which they are taken back, and none at the second.
    """
    own = np.asarray(decided.registered_at, np.int64) // MINUTE
    then = np.minimum(superseded_at // MINUTE, own // DAY * DAY + DAY - 1)
    counts = decided.function != _CANCELLATION
    back = np.where(superseded_at != NEVER, np.maximum(own, then), NEVER)
    if added:
        return np.where(counts, own, NEVER), back
    return np.where(counts, back, NEVER), np.full(len(own), NEVER)


def _last_minutes(minutes: Array) -> dict[int, int]:
    """The last of some minutes of each day."""
    minutes = minutes[minutes != NEVER]
    days, of = np.unique(minutes // DAY, return_inverse=True)
    last = days * DAY
    np.maximum.at(last, of, minutes)
    return dict(zip(days.tolist(), last.tolist(), strict=True))


def _at(changes: Changes, last: dict[int, int], sign: int) -> Changes:
    """Changes by day at the last minute of each; sign: -1 for what is taken back."""
    moment = np.array([last[day] for day in changes.moment.tolist()], np.int64)
    return Changes(moment, changes.cell, sign * changes.sums)


def by_bin(
    decided: Contributions, chapters: Cells, origins: Cells, importer: Array, prices: Cells | None = None
) -> Changes:
    """Totals by BIN of n decisions on originals, dimensions as in `hourly`; importer: n texts.

    prices: see `prices`; in their cells the logarithms stand in the place of duty.
    """
    bins = np.asarray(decided.registered_at, np.int64) // BIN
    office, offices = pd.factorize(decided.office)
    party, importers = pd.factorize(importer)
    countries, country = np.unique(origins.key, return_inverse=True)
    by_origin, by_chapter = PAIRS
    places = [
        ("service", 1, lambda i: SERVICE),
        ("office", len(offices), lambda i: str(offices[i])),
        ("importer", len(importers), lambda i: str(importers[i])),
        (
            by_chapter,
            len(offices) * CHAPTERS,
            lambda i: f"{offices[i // CHAPTERS]}/{label('hs_chapter', i % CHAPTERS)}",
        ),
        (
            by_origin,
            len(offices) * len(countries),
            lambda i: (
                f"{offices[i // len(countries)]}/{label('origin_country', int(countries[i % len(countries)]))}"
            ),
        ),
    ]
    goods: tuple[Cells, ...] = chapters, origins
    pairs = _owner(chapters, office) * CHAPTERS + chapters.key
    codes = [(by_chapter, pairs), (by_origin, _owner(origins, office) * len(countries) + country)]
    if prices is not None:
        priced, at = np.unique(prices.key, return_inverse=True)
        places.append((PRICE, len(priced), lambda i: _price_label(int(priced[i]))))
        codes.append((PRICE, at))
        goods = (*goods, prices)
    names = Names(*places)
    heads = names.codes(service=0, office=office, importer=party)
    moment = np.where(decided.function == _ORIGINAL, bins, NEVER)
    numbered = tuple(names.code(dimension, place) for dimension, place in codes)
    ways = Ways(moment, np.full(len(bins), NEVER))
    return tally(decided, ways, heads, goods, numbered, names)


def prices(batch: Declarations) -> Cells:
    """A row for each declaration, chapter and origin with a price: the mean of its items' `log_prices` for duty.

    Goods of one declaration are priced together, so they count once.
    """
    items = batch.items
    return _prices(log_prices(batch), items["origin_country"], chapters_of(items["hs_code"]), batch.offsets)


def prices_decided(items: DecidedItems) -> Cells:
    """The same of decisions' goods items."""
    return _prices(logs(items.customs_value, items.grams), items.origin, items.chapter, items.offsets)


def _prices(log: Array, origins: Array, chapter: Array, offsets: Array) -> Cells:
    kept = np.flatnonzero(log != NO_PRICE)
    origin = origins[kept]
    origin = np.where((origin > 0) & (origin < _LONGEST_ORIGIN), origin, 0)
    pair = origin * CHAPTERS + chapter[kept]
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[kept]
    places, at = np.unique(np.stack([owner, pair]), axis=1, return_inverse=True)
    k = places.shape[1]
    count, total = np.bincount(at.ravel(), minlength=k), np.zeros(k, np.int64)
    np.add.at(total, at.ravel(), log[kept])
    zero = np.zeros(k, np.int64)
    mean = np.rint(total / np.maximum(count, 1)).astype(np.int64)
    starts = np.searchsorted(places[0], np.arange(len(offsets)))
    return Cells("origin_country", starts, places[1], np.ones(k, np.int32), zero, zero, mean, zero)


def _price_label(key: int) -> str:
    return f"{label('hs_chapter', key % CHAPTERS)}/{label('origin_country', key // CHAPTERS)}"


def _owner(cells: Cells, office: Array) -> Array:
    return np.repeat(office, np.diff(cells.offsets))
