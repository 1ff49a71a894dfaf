"""encodings.parquet: codes as numbers, and the rate of findings behind a code.

`code.<name>`: the rank of the code among all codes of the labelled history, in the order of their
texts. `rate.<name>`: the smoothed share of findings among the results of the code. While a model is
trained, a rate holds only what was known before the day on which the item was registered, so that
no label reaches its own feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
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


def encodings(material: Material, labelled: Labelled, features: Sequence[str], until: int) -> pa.Table:
    """Build the tables of `features` (of CODES and RATES) from results known before `until`."""
    columns: dict[str, list[Any]] = {"feature": [], "field": [], "text": [], "value": []}
    known = labelled.known_at < until
    for feature in features:
        field = (CODES | RATES)[feature]
        kind = FIELDS[field].kind
        codes, places = np.unique(labelled.codes[field][known], return_inverse=True)
        texts = [code_text(material.reading, int(code), kind) if code else None for code in codes]
        if feature in RATES:
            values = _rates(places, labelled.hit[known], len(codes))
        else:
            order = np.argsort(np.array([text or "" for text in texts]))
            values = np.empty(len(codes))
            values[order] = np.arange(len(codes))
        for text, value in zip(texts, values.tolist(), strict=True):
            if text:
                for name, cell in (("feature", feature), ("field", field), ("text", text), ("value", value)):
                    columns[name].append(cell)
    kinds = {"value": pa.float64()}
    return pa.table({name: pa.array(cells, kinds.get(name, pa.string())) for name, cells in columns.items()})


def rates_in_time(codes: Array, labelled: Labelled) -> NDArray[np.float64]:
    """float64[k]: for each labelled item the rate of its code, from what was known before its day.

    NaN where nothing was known of the code: the same as an unseen code of the table.
    """
    asked = labelled.registered_at // DAY_US
    known = -(-labelled.known_at // DAY_US)  # the first day that begins after the result
    prior_hits, prior_n = _before(np.zeros(len(codes), np.int64), known, asked, labelled.hit)
    hits, n = _before(codes, known, asked, labelled.hit)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = (hits + SMOOTHING * prior_hits / prior_n) / (n + SMOOTHING)
    return np.where((n == 0) | (codes == 0), np.nan, rate)


def _rates(places: Array, hit: Array, k: int) -> NDArray[np.float64]:
    n = np.bincount(places, minlength=k)
    hits = np.bincount(places, hit.astype(np.float64), minlength=k)
    return np.asarray((hits + SMOOTHING * hit.mean()) / (n + SMOOTHING)) if len(hit) else np.zeros(k)


def _before(codes: Array, known: Array, asked: Array, hit: Array) -> tuple[Array, Array]:
    """Hits and results of the same code that were known by the day asked, for each row."""
    if not len(codes):
        return np.zeros(0), np.zeros(0, np.int64)
    places = np.unique(codes, return_inverse=True)[1]
    first = min(int(known.min()), int(asked.min()))
    width = max(int(known.max()), int(asked.max())) - first + 2
    order = np.lexsort((known, places))
    keys = (places * width + known - first)[order]
    running = np.concatenate([[0.0], np.cumsum(hit[order].astype(np.float64))])
    starts = np.searchsorted(keys, places * width)
    ends = np.searchsorted(keys, places * width + asked - first, side="right")
    return running[ends] - running[starts], ends - starts
