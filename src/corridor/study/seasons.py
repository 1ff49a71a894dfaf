"""How the price or weight of a cell's goods turns with the months: fruit is dear in winter, coats are in summer.

An effect is what a calendar month adds to the logarithm of a measure, the same in every year. What one year alone
shows may be chance or a trend, so nothing is said of histories shorter than two whole years, counted back from
their end: a cell's turn over the months of each year is foretold from the other years, and counts by as much as it
is foretold (the slope of a regression through nothing). A cell whose other years foretell less than half of a year,
and a month with too few items in two of the years, have effect 0. A steady change of the level over the years is
taken off first, since it would look like a turn over the months.
"""

from typing import Final

import numpy as np
import polars as pl

from corridor.features import month_of_year
from corridor.messages.columns import Array
from corridor.rulebook.norms import MONTHS

YEAR_US: Final = 365_250_000 * 86_400
LEAST_YEARS: Final = 2
LEAST_ITEMS: Final = 10
"""In a month of a year, for the month to be looked at."""
LEAST_FORETOLD: Final = 0.5
SMOOTHING: Final = 10.0
"""So many items without an effect stand before a month's own."""


def years(span: tuple[int, int]) -> int:
    """Whole years in a span of microseconds."""
    return (span[1] - span[0]) // YEAR_US


def moments(registered_at: Array, end: int) -> pl.DataFrame:
    """By item: `year`, whole years before `end` (from 0), `age`, the same not rounded, and `month`, 1 to 12."""
    age = (end - 1 - registered_at) / YEAR_US
    year, month = np.floor(age).astype(np.int32), month_of_year(registered_at) + 1
    return pl.DataFrame({"year": year, "age": age, "month": month.astype(np.int8)})


def effects(amounts: pl.DataFrame, keys: list[str], whole: int) -> pl.DataFrame:
    """The months' effects of the cells that have any: `keys`, `month`, `effect`.

    amounts: items with `keys`, the measure `x` and their `moments`; whole: the years of the history.
    """
    if whole < LEAST_YEARS:
        schema = {key: amounts.schema[key] for key in keys}
        return pl.DataFrame(schema={**schema, "month": pl.Int8, "effect": pl.Float64})
    level = pl.col("y").median()
    logs = amounts.filter(pl.col("year") < whole).with_columns(y=pl.col("x").log())
    by_year = logs.group_by(*keys, "year").agg(level=level)
    ends = by_year.group_by(keys).agg(
        slope=(pl.col("level").sort_by("year").last() - pl.col("level").sort_by("year").first())
        / (pl.col("year").max() - pl.col("year").min()).clip(lower_bound=1)
    )
    logs = logs.join(ends, on=keys).with_columns(y=pl.col("y") - pl.col("slope") * pl.col("age"))
    logs = logs.with_columns(y=pl.col("y") - level.over(*keys, "year"))
    seen = logs.group_by(*keys, "year", "month").agg(level=level, n=pl.len())
    seen = seen.filter(pl.col("n") >= LEAST_ITEMS)
    of_month = [*keys, "month"]
    seen = seen.filter(pl.len().over(of_month) >= LEAST_YEARS)
    others = (pl.col("level").sum().over(of_month) - pl.col("level")) / (pl.len().over(of_month) - 1)
    seen = seen.with_columns(others=others)
    foretold = (pl.col("n") * pl.col("level") * pl.col("others")).sum() / (
        pl.col("n") * pl.col("others") ** 2
    ).sum()
    cells = seen.group_by(keys).agg(foretold=foretold.clip(0.0, 1.0))
    told = pl.col("foretold").is_not_nan() & (pl.col("foretold") >= LEAST_FORETOLD)  # NaN: no month differs
    cells = cells.filter(told)
    turn = (pl.col("level") * pl.col("n")).sum() / (pl.col("n").sum() + SMOOTHING)
    found = seen.join(cells, on=keys).group_by(of_month).agg(effect=turn * pl.col("foretold").first())
    return found.sort(of_month)


def by_month(found: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """One row a cell: `keys` and the columns of MONTHS, 0 in a month without an effect."""
    columns = [
        pl.col("effect").filter(pl.col("month") == k).sum().alias(name) for k, name in enumerate(MONTHS, 1)
    ]
    return found.group_by(keys).agg(columns)
