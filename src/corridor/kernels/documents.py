"""What the writer kernel takes: columns grouped by where they come from.

Numba types a NamedTuple by its fields, so a change here is another signature, never a stale cache.
"""

from typing import Any, NamedTuple


class Batch(NamedTuple):
    """Declarations: HEAD[n], ITEM[m], int64[n + 1], uint8[...], int64[n] (see messages.columns)."""

    heads: Any
    items: Any
    offsets: Any
    text: Any
    starts: Any


class Judged(NamedTuple):
    """Verdicts, aligned with the batch, and what is summed for it.

    corridor, basis: int8[n]; probability, inclusion: float64[n]; expected_loss: int64[n];
    at_random, late: bool[n]; item_probability: float64[m]; item_corridor: int8[m]; reason_group:
    int8[n, r]; reason_item: int32[n, r]; reason_contribution: float64[n, r]; grams: int64[m], a
    goods item's net mass; totals: int64[n, 4], customs value, grams, duty, VAT.
    """

    corridor: Any
    probability: Any
    expected_loss: Any
    basis: Any
    at_random: Any
    inclusion: Any
    item_probability: Any
    item_corridor: Any
    reason_group: Any
    reason_item: Any
    reason_contribution: Any
    late: Any
    grams: Any
    totals: Any


class Words(NamedTuple):
    """Names of codes: uint8[k, width], a row a name, its length in the row's last byte."""

    functions: Any
    directions: Any
    corridors: Any
    bases: Any
    groups: Any
    rulebook: Any  # uint8[...], a JSON string with its quotes


class Given(NamedTuple):
    """What `judge` was given beside a declaration (see history.History).

    names: uint8[...], the names as JSON keys with their colons; name_ends: int64[k], where each
    ends in `names`; values: int64[k, n]; late: bool[n]; previous_version: int32[n];
    original_declarant: int64[n] tokens; rulebook: uint8[...], a JSON string with its quotes.
    """

    names: Any
    name_ends: Any
    values: Any
    late: Any
    previous_version: Any
    original_declarant: Any
    rulebook: Any
