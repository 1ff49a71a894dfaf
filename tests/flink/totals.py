"""The picture's final totals and what the decisions add up to, in one form to be compared."""

from collections.abc import Iterable

import polars as pl


def final_totals(rows: Iterable[dict], dimension: str, period: str = "day") -> dict:
    """(declarations, items, value and duty in minor units) by day and value, from the last row of each."""
    last: dict = {}
    for row in rows:
        if row["dimension"] == dimension and row["period"] == period:
            key = (row["window_start"][:10], row["value"])
            if key not in last or last[key]["window_end"] <= row["window_end"]:
                last[key] = row
    return {
        key: (row["declarations"], row["items"], round(row["customs_value"] * 100), round(row["duty"] * 100))
        for key, row in last.items()
        if row["declarations"] or row["customs_value"]
    }


def standing_decisions(decisions: list[dict], dimension: str) -> dict:
    """The same from the newest version of each declaration, without what was cancelled."""
    told = pl.DataFrame(decisions, infer_schema_length=None, strict=False)
    newest = told.sort("version").group_by("declaration_id", maintain_order=True).last()
    sums = (
        newest.filter(pl.col("function") != "cancellation")
        .with_columns(day=pl.col("registered_at").str.slice(0, 10))
        .group_by("day", dimension)
        .agg(
            pl.len(),
            pl.col("item_count").sum(),
            (pl.col("customs_value") * 100).round().cast(pl.Int64).sum(),
            (pl.col("duty") * 100).round().cast(pl.Int64).sum(),
        )
    )
    return {(day, value): tuple(numbers) for day, value, *numbers in sums.iter_rows()}
