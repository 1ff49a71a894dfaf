"""The picture's final rows and the decisions that stand, which what the picture holds is compared with."""

from collections.abc import Iterable

import polars as pl


def final_rows(rows: Iterable[dict], dimension: str, period: str = "day") -> dict:
    """The last row of each day and value, those left out of which nothing remains."""
    last: dict = {}
    for row in rows:
        if row["dimension"] == dimension and row["period"] == period:
            key = (row["window_start"][:10], row["value"])
            if key not in last or last[key]["window_end"] < row["window_end"]:
                last[key] = row
    return {key: row for key, row in last.items() if row["declarations"] or row["customs_value"]}


def standing_decisions(decisions: list[dict]) -> pl.DataFrame:
    """The newest version of each declaration, without what was cancelled; `day`, and `minor`: value in cents."""
    told = pl.DataFrame(decisions, infer_schema_length=None, strict=False)
    newest = told.sort("version").group_by("declaration_id", maintain_order=True).last()
    return newest.filter(pl.col("function") != "cancellation").with_columns(
        day=pl.col("registered_at").str.slice(0, 10),
        minor=(pl.col("customs_value") * 100).round().cast(pl.Int64),
    )
