"""encodings.parquet: codes as numbers, and the rate of findings behind a code.

`code.<name>`: the rank of the code among all codes of the labelled history, in the order of their
texts. `rate.<name>`: the smoothed share of findings among the results of the code. While a model is
trained, a rate holds only what was known before the day on which the item was registered, so that
no label reaches its own feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from corridor.messages.columns import Array
from corridor.rulebook.fields import FIELDS
from corridor.study.material import DAY_US, Material, code_text

SMOOTHING: Final = 20.0
"""So many results with the base rate stand before a code's own."""
CODES: Final = {
    "code.direction": "declaration.direction",
    "code.office": "declaration.office",
    "code.procedure": "declaration.procedure",
    "code.declarant": "declaration.declarant",
    "code.importer": "declaration.importer",
    "code.exporter": "declaration.exporter",
    "code.dispatch_country": "declaration.dispatch_country",
    "code.delivery_terms": "declaration.delivery_terms",
    "code.hs_code": "item.hs_code",
    "code.hs6": "item.hs6",
    "code.hs4": "item.hs4",
    "code.hs2": "item.hs2",
    "code.origin_country": "item.origin_country",
    "code.unit": "item.unit",
    "code.currency": "item.currency",
}
"""Feature: the field it encodes."""
RATES: Final = {
    f"rate.{name}": CODES[f"code.{name}"]
    for name in ("office", "declarant", "importer", "exporter", "hs_code", "hs6", "hs4", "origin_country")
}


@dataclass(frozen=True)
class Labelled:
    """k items with results: their codes by field (int64[k]), when registered, when known, what was found."""

    codes: dict[str, Array]
    registered_at: Array
    known_at: Array
    hit: Array

    @cached_property
    def distinct(self) -> dict[str, tuple[Array, Array]]:
        """By field: the distinct codes, sorted, and int64[k], the place of each item's code among them."""
        return {field: np.unique(codes, return_inverse=True) for field, codes in self.codes.items()}


def encodings(material: Material, labelled: Labelled, features: Sequence[str], until: int) -> pa.Table:
    """Build the tables of `features` (of CODES and RATES) from results known before `until`."""
    known = labelled.known_at < until
    texts: dict[str, NDArray[np.object_]] = {}
    schema = {"feature": pl.String, "field": pl.String, "text": pl.String, "value": pl.Float64}
    tables = [pl.DataFrame(schema=schema)]
    for feature in features:
        field = (CODES | RATES)[feature]
        codes, places = labelled.distinct[field]
        if field not in texts:
            texts[field] = _texts(material, codes, FIELDS[field].kind)
        seen = np.bincount(places[known], minlength=len(codes)) > 0
        seen &= texts[field] != ""
        if feature in RATES:
            values = _rates(places[known], labelled.hit[known], len(codes))[seen]
        else:
            values = np.argsort(np.argsort(texts[field][seen])).astype(np.float64)
        names = {"feature": pl.lit(feature), "field": pl.lit(field)}
        table = pl.DataFrame({"text": pl.Series(texts[field][seen], dtype=pl.String), "value": values})
        tables.append(table.with_columns(**names).select(list(schema)))
    return pl.concat(tables).to_arrow()


def _texts(material: Material, codes: Array, kind: str) -> NDArray[np.object_]:
    """object[k] of str; "" for what has no text: the missing code, HS codes with other signs."""
    found = [code_text(material.reading, int(code), kind) if code else "" for code in codes]
    return np.array([text or "" for text in found], object)


def rates_in_time(field: str, labelled: Labelled) -> NDArray[np.float64]:
    """float64[k]: for each labelled item the rate of its code, from what was known before its day.

    NaN where nothing was known of the code: the same as an unseen code of the table.
    """
    codes, places = labelled.codes[field], labelled.distinct[field][1]
    prior_hits, prior_n = _before(np.zeros(len(codes), np.int64), labelled)
    hits, n = _before(places, labelled)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (hits + SMOOTHING * prior_hits / prior_n) / (n + SMOOTHING)
    return np.where((n == 0) | (codes == 0), np.nan, rate)


def _rates(places: Array, hit: Array, k: int) -> NDArray[np.float64]:
    n = np.bincount(places, minlength=k)
    hits = np.bincount(places, hit.astype(np.float64), minlength=k)
    return np.asarray((hits + SMOOTHING * hit.mean()) / (n + SMOOTHING)) if len(hit) else np.zeros(k)


def _before(places: Array, labelled: Labelled) -> tuple[Array, Array]:
    """Hits and results in the same place that were known before the day of registration, for each row."""
    if not len(places):
        return np.zeros(0), np.zeros(0, np.int64)
    asked = labelled.registered_at // DAY_US
    known = -(-labelled.known_at // DAY_US)  # the first day that begins after the result
    first = min(int(known.min()), int(asked.min()))
    width = max(int(known.max()), int(asked.max())) - first + 2
    keys = places * width + known - first
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    running = np.concatenate([[0.0], np.cumsum(labelled.hit[order].astype(np.float64))])
    starts = np.searchsorted(keys, places * width)
    ends = np.searchsorted(keys, places * width + asked - first, side="right")
    return running[ends] - running[starts], ends - starts
