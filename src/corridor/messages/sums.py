"""What is summed over goods items, exactly: money in minor units, net mass in grams.

Masses are declared as decimal kilograms and held as float64; rounded to whole grams first, their sum
is the same in any order. Only amounts above zero count (design: bad-input, 12).
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.kernels import totals as kernels
from corridor.kernels._jit import readonly
from corridor.messages.columns import NO_MONEY, Declarations
from corridor.messages.tokens import token, untoken
from corridor.messages.vocabulary import UNKNOWN

Array = NDArray[Any]
By = Literal["hs_chapter", "origin_country", "origin_chapter"]

HEAVIEST_KG: Final = 1e12
"""A mass beyond a billion tonnes is no mass: written as null, counted as 0, so that sums stay exact."""
UNTOLD: Final = -1
"""The key of every origin that was not declared, or as "unknown", or whose token does not hold its text: one cell."""
_UNKNOWN: Final = token(UNKNOWN)
CHAPTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Cells:
    """Sums by (declaration, key): those of declaration i are rows offsets[i]:offsets[i + 1].

    offsets: int64[n + 1]; key: int64[k], the HS chapter 1 to 99 (0 unknown), the origin's token (UNTOLD
    for one that is none), or of both together what `Goods` says; items: int32[k]; customs_value, duty, vat:
    int64[k] minor units; grams: int64[k].
    """

    by: By
    offsets: Array
    key: Array
    items: Array
    customs_value: Array
    grams: Array
    duty: Array
    vat: Array

    def labels(self) -> Array:
        """object[k]: the key as outputs write it: "01" to "99", a country's code, or "unknown"."""
        distinct, at = np.unique(self.key, return_inverse=True)
        names = np.array([label(self.by, int(key)) for key in distinct], object)
        return names[at] if len(names) else np.empty(0, object)


@dataclass(frozen=True, slots=True)
class Goods:
    """Sums by (declaration, chapter), (declaration, origin), and by both together.

    countries: int64[c], tokens of the origins, each once; a key of `pairs` is the place of its origin there
    * CHAPTERS + its chapter.
    """

    chapters: Cells
    origins: Cells
    pairs: Cells
    countries: Array

    def pair(self, key: int) -> str:
        """A key of `pairs` as outputs write it: "CN/87"."""
        country, chapter = divmod(key, CHAPTERS)
        return f"{label('origin_country', int(self.countries[country]))}/{label('hs_chapter', chapter)}"


def label(by: By, key: int) -> str:
    """A key as outputs write it: "01" to "99", a country's code, or "unknown"."""
    if by == "hs_chapter":
        return f"{key:02d}" if key > 0 else UNKNOWN
    return (untoken(key) or UNKNOWN) if key > 0 else UNKNOWN


def grams(net_mass_kg: Array) -> Array:
    """int64[m]: kilograms to the nearest gram (half to even); NO_MONEY for NaN, ±inf and giants."""
    kilograms = np.asarray(net_mass_kg, np.float64)
    usable = np.abs(kilograms) <= HEAVIEST_KG  # false for NaN
    rounded = np.rint(np.where(usable, kilograms, 0.0) * 1000.0).astype(np.int64)
    return np.where(usable, rounded, NO_MONEY)


def chapters(hs_code: Array) -> Array:
    """int64[m]: the first two digits of HS codes of 6 to 10 digits (hs_tokens), else 0."""
    hs = np.asarray(hs_code, np.int64)
    width = hs & 15
    known = (hs > 0) & (width >= 6) & (width <= 10)
    scale = np.power(10, np.where(known, width - 2, 0), dtype=np.int64)
    return np.where(known, (hs >> 4) // scale, 0)


def amounts(items: Array, mass: Array | None = None) -> Array:
    """int64[m, 4]: customs value, grams, duty and VAT of each item, NO_MONEY where missing."""
    mass = grams(items["net_mass_kg"]) if mass is None else mass
    return np.stack([items["customs_value"], mass, items["duty"], items["vat"]], axis=1)


def totals(offsets: Array, summands: Array) -> Array:
    """int64[n, 4]: `amounts` summed by declaration."""
    out = np.empty((len(offsets) - 1, summands.shape[1]), np.int64)
    kernels.totals(readonly(offsets, np.int64), readonly(summands, np.int64), out)
    return out


def goods(batch: Declarations, summands: Array | None = None) -> Goods:
    """Sum the batch's goods items within each declaration by chapter, by origin, and by both.

    summands: `amounts(batch.items)` if the caller has them already.
    """
    told = batch.items["origin_country"]
    origins = np.where((told > 0) & (told != _UNKNOWN), told, UNTOLD)
    summed = amounts(batch.items) if summands is None else summands
    return sum_goods(batch.offsets, chapters(batch.items["hs_code"]), origins, summed)


def sum_goods(offsets: Array, chapter: Array, origin: Array, summands: Array) -> Goods:
    """The same from columns: offsets int64[n + 1]; chapter, origin: keys, int64[m]; summands int64[m, 4]."""
    place, countries = pd.factorize(origin)
    return Goods(
        sum_cells("hs_chapter", offsets, chapter, summands),
        sum_cells("origin_country", offsets, origin, summands),
        sum_cells("origin_chapter", offsets, place * CHAPTERS + chapter, summands),
        np.asarray(countries, np.int64),
    )


def sum_cells(by: By, offsets: Array, keys: Array, summands: Array) -> Cells:
    """Sum columns by key: offsets int64[n + 1], keys int64[m], summands int64[m, 4]."""
    m = len(keys)
    ends, key = np.empty(len(offsets), np.int64), np.empty(m, np.int64)
    items, sums = np.empty(m, np.int32), np.empty((m, kernels.MEASURES), np.int64)
    k = kernels.cells(
        readonly(offsets, np.int64),
        readonly(keys, np.int64),
        readonly(summands, np.int64),
        ends,
        key,
        items,
        sums,
    )
    value, mass, duty, vat = (sums[:k, c] for c in range(kernels.MEASURES))
    return Cells(by, ends, key[:k], items[:k], value, mass, duty, vat)
