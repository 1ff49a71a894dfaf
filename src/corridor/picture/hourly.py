"""Totals of declarations by hour, or by bin of an hour, and dimension: what the picture's norms are fitted from.

Dimensions: `service` (value "all"), `office`, `importer`, the pairs `office/origin_country` and
`office/hs_chapter` (value "10131010/CN"), and `price` (value "87/CN", chapter and origin). In a pair,
`declarations` counts the office's declarations with at least one goods item of that origin or chapter; in `price`
those with goods of which value and mass are known. Originals only: amendments and cancellations say nothing of how
much work arrives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.messages.columns import CORRIDORS, Declarations
from corridor.messages.sums import grams
from corridor.messages.tokens import untoken

Array = NDArray[Any]

HOUR: Final = 3_600_000_000
"""Microseconds."""
SERVICE: Final = "all"
PAIRS: Final = ("office/origin_country", "office/hs_chapter")
ORIGINS: Final = "service/origin_country"
"""The whole service's mix of origins, value "all/CN": the sums of the offices'."""
MIXES: Final = (*PAIRS, ORIGINS)
BIN: Final = HOUR // 12
"""Five minutes: the detector's step."""
PRICE: Final = "price"
PER_LOG: Final = 1_000_000
"""Logarithms of prices are summed as whole millionths, so that the order is of no matter."""
NO_PRICE: Final = int(np.iinfo(np.int64).min)
COUNTS: Final = ("declarations", "items", "customs_value", *CORRIDORS, "log_price")


@dataclass(frozen=True, slots=True)
class Hourly:
    """k rows, one for each hour, dimension and value in which something was registered.

    hour: int64[k], microseconds since 1970 of the start of the hour, or of its bin; dimension, value: object[k]
    of str; the counts int64[k], customs_value in minor units; log_price: see `log_prices`. Corridors are 0 where
    nothing was decided yet.
    """

    hour: Array
    dimension: Array
    value: Array
    declarations: Array
    items: Array
    customs_value: Array
    green: Array
    blue: Array
    yellow: Array
    red: Array
    log_price: Array

    @classmethod
    def of(cls, hour: object, dimension: object, value: object, counts: dict[str, object]) -> "Hourly":
        """Build from plain columns; a count that is not given is 0."""
        hours = np.asarray(hour, np.int64)
        zero = np.zeros(len(hours), np.int64)
        columns = {name: np.asarray(counts.get(name, zero), np.int64) for name in COUNTS}
        return cls(hours, np.asarray(dimension, object), np.asarray(value, object), **columns)

    def where(self, rows: Array) -> "Hourly":
        """Keep some rows: bool[k] or their indices."""
        return Hourly(*(getattr(self, name)[rows] for name in ("hour", "dimension", "value", *COUNTS)))

    def pick(self, dimension: str, values: Array) -> "Hourly":
        """Keep the rows of some values of a dimension."""
        rows = np.flatnonzero(self.dimension == dimension)
        return self.where(rows[pd.Series(self.value[rows]).isin(values).to_numpy()])

    def grid(
        self, dimension: str, first: int, bins: int, names: Sequence[str] = ("declarations",), step: float = 1
    ) -> tuple[list[str], list[Array]]:
        """Values of a dimension and its counts as float64[values, bins], zero-filled.

        first: microseconds at which bin 0 begins; a bin is `step` hours (1 / 12 for a BIN); one table for each of
        `names`.
        """
        rows = np.flatnonzero(self.dimension == dimension)
        index, values = pd.factorize(self.value[rows], sort=True)
        column = (self.hour[rows] - first) // round(HOUR * step)
        inside = (column >= 0) & (column < bins)
        flat = index[inside] * bins + column[inside]
        size = len(values) * bins
        tables = [np.bincount(flat, getattr(self, name)[rows][inside], size) for name in names]
        return [str(v) for v in values], [table.reshape(len(values), bins) for table in tables]


def hourly(batch: Declarations, corridor: Array | None = None) -> Hourly:
    """Hourly totals of a batch; `corridor`: int8[n], index into CORRIDORS, where it was decided.

    Those of the service and of offices are by BIN: how an hour fills is learned too.
    """
    heads, original = batch.heads, np.flatnonzero(batch.heads["function"] == 0)
    head = pd.DataFrame(
        {
            "hour": heads["registered_at"][original] // BIN * BIN,
            "office": _texts(batch, original, "office"),
            "importer": _texts(batch, original, "importer"),
            "declarations": 1,
            "items": heads["item_count"][original].astype(np.int64),
            "customs_value": _value(batch)[original],
            "log_price": 0,
        }
    )
    for i, name in enumerate(CORRIDORS):
        head[name] = 0 if corridor is None else (np.asarray(corridor)[original] == i).astype(np.int64)
    parts = [_total(head, "service", pd.Series(SERVICE, index=head.index))]
    parts += [_total(head, "office", head["office"])]
    head = head.assign(hour=head["hour"] // HOUR * HOUR)
    parts += [_total(head, "importer", head["importer"])]
    row_of = np.full(len(heads), -1)
    row_of[original] = np.arange(len(original))
    owner = row_of[batch.declaration_of_item()]
    for pair, category in zip(PAIRS, (_origins(batch), _chapters(batch)), strict=True):
        parts.append(_pair(head, pair, owner, category, _item_value(batch)))
    parts.append(_prices(head, owner, batch))
    return _hourly(pd.concat(parts, ignore_index=True))


def merge(parts: Sequence[Hourly]) -> Hourly:
    """Add up totals made batch by batch."""
    names = ("hour", "dimension", "value", *COUNTS)
    frames = [pd.DataFrame({name: getattr(part, name) for name in names}) for part in parts]
    if not frames:
        return Hourly.of([], [], [], {})
    grouped = pd.concat(frames, ignore_index=True).groupby(["dimension", "value", "hour"], sort=True)
    return _hourly(grouped.sum().reset_index())


def _hourly(frame: pd.DataFrame) -> Hourly:
    counts: dict[str, object] = {name: frame[name].to_numpy() for name in COUNTS}
    texts = frame["dimension"].to_numpy(object), frame["value"].to_numpy(object)
    return Hourly.of(frame["hour"].to_numpy(), *texts, counts)


def _total(frame: pd.DataFrame, dimension: str, value: "pd.Series[Any]") -> pd.DataFrame:
    sums = frame[list(COUNTS)].groupby([value.rename("value"), frame["hour"]], sort=True, observed=True).sum()
    return sums.reset_index().assign(dimension=dimension)


def _pair(head: pd.DataFrame, name: str, owner: Array, category: Array, value: Array) -> pd.DataFrame:
    """Totals by office and category of goods; a declaration counts once in each category it has."""
    kept = owner >= 0
    frame = pd.DataFrame(
        {"row": owner[kept], "category": category[kept], "customs_value": value[kept], "items": 1}
    )
    frame = frame.groupby(["row", "category"], sort=False).sum().reset_index()
    picked = head.iloc[frame["row"].to_numpy()].reset_index(drop=True)
    frame = frame.assign(
        hour=picked["hour"], declarations=1, log_price=0, **{c: picked[c] for c in CORRIDORS}
    )
    return _total(frame, name, picked["office"].astype(str) + "/" + frame["category"])


def log_prices(batch: Declarations) -> Array:
    """int64[m]: logarithm of each goods item's value by mass (minor units a gram) in millionths; NO_PRICE without."""
    return logs(batch.items["customs_value"], grams(batch.items["net_mass_kg"]))


def logs(value: Array, mass: Array) -> Array:
    """The same of values in minor units and masses in grams, int64[m] each."""
    known = (value > 0) & (mass > 0)
    found = np.log(np.where(known, value, 1) / np.where(known, mass, 1))
    return np.where(known, np.rint(found * PER_LOG).astype(np.int64), NO_PRICE)


def _prices(head: pd.DataFrame, owner: Array, batch: Declarations) -> pd.DataFrame:
    """Totals by chapter and origin of what has a price; goods of one declaration count once, with their mean."""
    log, chapter, origin = log_prices(batch), _chapters(batch), _origins(batch)
    kept = np.flatnonzero((owner >= 0) & (log != NO_PRICE))
    goods = pd.DataFrame({"row": owner[kept], "value": chapter[kept] + "/" + origin[kept], "log": log[kept]})
    goods = goods.groupby(["row", "value"], sort=False)["log"].mean().reset_index()
    goods["hour"] = head["hour"].to_numpy()[goods["row"].to_numpy()]
    goods = goods.assign(**dict.fromkeys(COUNTS, 0))
    goods = goods.assign(declarations=1, items=1, log_price=np.rint(goods["log"]).astype(np.int64))
    sums = goods.groupby(["value", "hour"], sort=True)[list(COUNTS)].sum()
    return sums.reset_index().assign(dimension=PRICE)


def _texts(batch: Declarations, rows: Array, name: str) -> "pd.Categorical[str]":
    """Texts of a token column that stands in the text buffer: read once for each distinct token."""
    codes, tokens = pd.factorize(batch.heads[name][rows])
    first = np.full(len(tokens), -1)
    first[codes[::-1]] = rows[::-1]
    part = {"office": 1, "importer": 2}[name]
    texts = pd.Index([batch.texts(int(i))[part] for i in first], dtype=object)
    return pd.Categorical.from_codes(codes, texts)


def _origins(batch: Declarations) -> Array:
    codes, tokens = pd.factorize(batch.items["origin_country"])
    return np.array([untoken(int(t)) or "unknown" for t in tokens], object)[codes]


def _chapters(batch: Declarations) -> Array:
    codes, tokens = pd.factorize(batch.items["hs_code"])
    return np.array([_chapter(int(t)) for t in tokens], object)[codes]


def _chapter(hs: int) -> str:
    digits = hs & 15
    return f"{(hs >> 4) // 10 ** (digits - 2):02d}" if hs > 0 and digits >= 2 else "unknown"


def _item_value(batch: Declarations) -> Array:
    value = batch.items["customs_value"]
    return np.where(value > 0, value, 0)


def _value(batch: Declarations) -> Array:
    total = np.concatenate([[0], np.cumsum(_item_value(batch))])
    return np.asarray(total[batch.offsets[1:]] - total[batch.offsets[:-1]])
