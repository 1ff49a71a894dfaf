"""What the picture must hold, summed by polars from the decisions themselves, beside what it holds."""

from collections.abc import Iterable

import polars as pl

COUNTS = ("declarations", "items", "green", "blue", "yellow", "red", "late", "flagged")
CENTS = ("customs_value", "duty", "vat")
BY_DAY_ALONE = ("hour", "office_hour", "origin_chapter")


def final_rows(rows: Iterable[dict], dimension: str, period: str = "day") -> dict:
    """The last row of each day and value, those left out of which nothing remains."""
    last: dict = {}
    for row in rows:
        if row["dimension"] == dimension and row["period"] == period:
            key = (row["window_start"][:10], row["value"])
            if key not in last or last[key]["window_end"] < row["window_end"]:
                last[key] = row
    return {key: row for key, row in last.items() if row["declarations"] or row["customs_value"]}


def picture_cells(rows: Iterable[dict]) -> dict:
    """(period, day, dimension, value) -> the exact sums at the end, of cells in which something remains."""
    last: dict = {}
    for row in rows:
        key = row["period"], row["window_start"][:10], row["dimension"], row["value"]
        if key not in last or last[key]["window_end"] < row["window_end"]:
            last[key] = row
    return {key: sums for key, row in last.items() if any((sums := _sums(row)).values())}


def _sums(row: dict) -> dict[str, int]:
    money = {name: round(row[name] * 100) for name in CENTS}
    return {name: row[name] for name in COUNTS} | money | {"grams": round(row["net_mass_kg"] * 1000)}


def standing_decisions(decisions: list[dict]) -> pl.DataFrame:
    """The newest version of each declaration, without what was cancelled; `day`, and `minor`: value in cents."""
    told = pl.DataFrame(decisions, infer_schema_length=None, strict=False)
    newest = told.sort("version").group_by("declaration_id", maintain_order=True).last()
    return newest.filter(pl.col("function") != "cancellation").with_columns(
        day=pl.col("registered_at").str.slice(0, 10),
        minor=(pl.col("customs_value") * 100).round().cast(pl.Int64),
    )


def expected_cells(decisions: list[dict]) -> dict:
    """As `picture_cells`, from the goods items of the decisions that stand; amounts above zero count."""
    amount = {name: (100, f"item_{name}") for name in CENTS} | {"grams": (1000, "item_net_mass_kg")}
    wanted = ["item_" + name for name in ("hs_chapter", "origin_country", "net_mass_kg", *CENTS)]
    items = (
        standing_decisions(decisions)
        .explode("items")
        .with_columns(pl.col("items").name.prefix_fields("item_"))
        .unnest("items")
        .select(
            *("declaration_id", "day", "corridor", "office", "direction", "late", "flagged", *wanted),
            pl.col("transport_mode").cast(pl.String),
            pl.col("registered_at").str.slice(0, 13).alias("hour"),
            pl.lit("all").alias("service"),
        )
        .with_columns(
            *((pl.col(of) * scale).round().clip(lower_bound=0).fill_null(0).cast(pl.Int64).alias(name)
              for name, (scale, of) in amount.items()),
            hs_chapter=pl.col("item_hs_chapter"),
            origin_country=pl.col("item_origin_country").fill_null("unknown"),
            week=pl.col("day").str.to_date().dt.truncate("1w").cast(pl.String),
        )
        .with_columns(
            office_hour=pl.col("office") + "/" + pl.col("hour"),
            origin_chapter=pl.col("origin_country") + "/" + pl.col("hs_chapter"),
        )
    )  # fmt: skip
    found: dict = {}
    for dimension in _DIMENSIONS:
        found |= _by(items, "day", dimension, amount)
        if dimension not in BY_DAY_ALONE:
            found |= _by(items, "week", dimension, amount)
    return found


_DIMENSIONS = (
    *("service", "office", "direction", "corridor", "hs_chapter", "origin_country", "transport_mode"),
    *BY_DAY_ALONE,
)


def _by(items: pl.DataFrame, period: str, dimension: str, amounts: Iterable[str]) -> dict:
    """A declaration counts once in each cell that one of its goods items is of, and so do its marks."""
    once = items.unique(["declaration_id", period, dimension]).group_by(period, dimension).agg(
        pl.len().alias("declarations"),
        *((pl.col("corridor") == name).sum().alias(name) for name in COUNTS[2:6]),
        pl.col("late").sum(), pl.col("flagged").sum(),
    )  # fmt: skip
    sums = items.group_by(period, dimension).agg(
        pl.len().alias("items"), *(pl.col(name).sum() for name in amounts)
    )
    rows = once.join(sums, on=[period, dimension]).iter_rows(named=True)
    return {(period, row.pop(period), dimension, row.pop(dimension)): row for row in rows}
