"""norms.parquet: what a kilogram and a unit of goods usually cost and weigh, cell by cell."""

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa

from corridor.features import hs_part
from corridor.kernels.boxplot import SUMMARY, summaries
from corridor.messages.columns import NO_MONEY, Array
from corridor.messages.tokens import hs_text
from corridor.rulebook.norms import MONTHS
from corridor.study import seasons
from corridor.study.material import Material

MEASURES: Final = {
    "value_per_kg": ("value", "net", False),
    "value_per_unit": ("value", "quantity", True),
    "kg_per_unit": ("net", "quantity", True),
}
"""Measure: numerator, denominator, whether its cells are by unit too."""
LEVELS: Final = (("hs10", True), ("hs6", True), ("hs6", False), ("hs4", False))
"""HS10 x origin, HS6 x origin, HS6, HS4: the part of the code, and whether the origin counts."""


def norms(material: Material, n_min: int) -> pa.Table:
    """Every cell with at least `n_min` usable items, in the columns of the rulebook's norms.parquet.

    Items of standing originals with both amounts positive and finite. A cell holds robust figures only, so
    a few false declarations do not move it. Where its goods turn with the months (see `seasons`), it holds the
    figures of an item without that turn, and the turn beside them: the columns of MONTHS, in which it is left out
    where no cell has one.
    """
    goods, whole = _goods(material), seasons.years(material.span)
    parts = []
    for measure, (above, below, by_unit) in MEASURES.items():
        amounts = goods.filter((pl.col(above) > 0) & (pl.col(below) > 0))
        amounts = amounts.with_columns(x=pl.col(above) / pl.col(below)).filter(pl.col("x").is_finite())
        if by_unit:
            amounts = amounts.filter(pl.col("unit") != 0)
        for level, (part, by_origin) in enumerate(LEVELS):
            keys = [part, *(["origin"] if by_origin else []), *(["unit"] if by_unit else [])]
            cells = _cells(amounts, keys, n_min, whole)
            parts.append(
                _named(cells, part, material).with_columns(measure=pl.lit(measure), level=pl.lit(level))
            )
    table = pl.concat(parts).sort("measure", "level", "hs", "origin", "unit")
    order = ["measure", "level", "hs", "origin", "unit", "n", *SUMMARY]
    if any(table[name].is_not_null().any() for name in MONTHS):
        order += MONTHS
    return table.select(order).cast({"level": pl.Int8, "n": pl.Int32}).to_arrow()


def _goods(material: Material) -> pl.DataFrame:
    """The items of standing originals: codes, positive amounts, parts of the HS code (0: none)."""
    batch = material.batch
    items = batch.items[material.original[material.declaration]]
    code = items["hs_code"].copy()
    registered = material.batch.heads["registered_at"][
        material.declaration[material.original[material.declaration]]
    ]
    goods = pl.DataFrame(
        {
            "hs10": np.where((code > 0) & (code & 15 >= 7), code, 0),
            "hs6": hs_part(code, 6),
            "hs4": hs_part(code, 4),
            "origin": items["origin_country"].copy(),
            "unit": items["unit"].copy(),
            "net": items["net_mass_kg"].copy(),
            "quantity": items["quantity"].copy(),
            "value": _money(items["customs_value"]),
        }
    )
    return goods.hstack(seasons.moments(registered, material.span[1]))


def _money(minor: Array) -> Array:
    return np.where(minor == NO_MONEY, np.nan, minor / 100.0)


def _cells(amounts: pl.DataFrame, keys: list[str], n_min: int, whole: int) -> pl.DataFrame:
    """Group x by `keys` and sum up each group, the turn of its months taken off; whole: years of the history."""
    present = [pl.col(key) != 0 for key in keys if key != "unit"]
    amounts = amounts.filter(present)
    turns = seasons.effects(amounts, keys, whole)
    if len(turns):
        amounts = amounts.join(turns, on=[*keys, "month"], how="left")
        amounts = amounts.with_columns(x=pl.col("x") / pl.col("effect").fill_null(0.0).exp())
    groups = amounts.group_by(keys).agg(pl.col("x"), n=pl.len()).filter(pl.col("n") >= n_min)
    starts = np.concatenate([[0], np.cumsum(groups["n"].to_numpy())]).astype(np.int64)
    values = groups["x"].explode(empty_as_null=False).to_numpy() if len(groups) else np.zeros(0)
    found = summaries(values, starts)
    cells = groups.drop("x").with_columns([pl.Series(name, found[:, i]) for i, name in enumerate(SUMMARY)])
    return cells.join(seasons.by_month(turns, keys), on=keys, how="left", nulls_equal=True)


def _named(cells: pl.DataFrame, part: str, material: Material) -> pl.DataFrame:
    """Put texts for tokens; a key that the level does not have is null."""

    def texts(key: str) -> pl.Series:
        if key not in cells.columns:
            return pl.Series(key, [None] * len(cells), dtype=pl.String)
        return pl.Series(key, material.texts(cells[key].to_list()), dtype=pl.String)

    hs = pl.Series("hs", [hs_text(code) for code in cells[part].to_list()], dtype=pl.String)
    named = cells.with_columns(hs, texts("origin"), texts("unit"))
    return named.select("hs", "origin", "unit", "n", *SUMMARY, *MONTHS)
