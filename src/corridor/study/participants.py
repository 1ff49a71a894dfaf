"""participants.parquet: who declared how much, and what inspections found with them."""

from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from corridor.messages.columns import Array
from corridor.study.material import DAY_US, Material
from corridor.study.results import Results

ROLES: Final = ("importer", "declarant", "exporter")
PRIOR: Final = 10.0
"""So many inspections with the base rate of findings stand before a participant's own."""
DECAY: Final = 0.9
DECAY_DAYS: Final = 90.0
"""A result of 90 days ago weighs 0.9 of one of today (design: scoring 5)."""
WHOLE: Final = float(1 << 30)
LEAST_DAYS: Final = 7.0
"""A participant's daily mean is taken over a week at least, as weekdays differ."""


def participants(material: Material, until: int) -> pa.Table:
    """Each participant by role, from standing originals before `until` and results known by then.

    until: microseconds since 1970. The coefficient is the shrunk and decayed rate of findings of the
    inspected declarations, centred: 0 at the base rate, 1 where each inspection found something, -1 where
    none did.
    """
    heads = material.batch.heads
    seen = np.flatnonzero(material.original & (heads["registered_at"] < until))
    inspected = inspected_declarations(material, material.results, until)
    parts = [_role(material, role, seen, inspected, (material.span[0], until)) for role in ROLES]
    return pl.concat(parts).sort("role", "code").to_arrow()


def coefficient(hits: Array, inspected: Array, base: float) -> NDArray[np.float64]:
    """float64[k] in [-1, 1] from decayed sums of hits and inspections and the base rate of findings."""
    rate = (hits + PRIOR * base) / (inspected + PRIOR)
    room = np.where(rate >= base, 1.0 - base, base)
    return np.clip(np.divide(rate - base, room, out=np.zeros_like(rate), where=room > 0), -1.0, 1.0)


def inspected_declarations(material: Material, results: Results, until: int) -> pl.DataFrame:
    """One row an inspected declaration: `declaration`, `hit`, `weight`, from results before `until`.

    A weight is in parts of WHOLE: sums of integers do not depend on the order of the rows.
    """
    known = results.at < until
    age_days = (until - results.at[known]) / DAY_US
    frame = pl.DataFrame(
        {
            "declaration": material.declaration[results.item[known]],
            "hit": results.hit[known].astype(np.int64),
            "weight": np.round(WHOLE * DECAY ** (age_days / DECAY_DAYS)).astype(np.int64),
        }
    )
    return frame.group_by("declaration").agg(pl.col("hit").max(), pl.col("weight").max())


def _role(
    material: Material, role: str, seen: Array, inspected: pl.DataFrame, span: tuple[int, int]
) -> pl.DataFrame:
    heads = material.batch.heads
    first, until = span
    whole_days = max((until - first) / DAY_US, 1.0)
    days = (until - pl.col("first_seen")) / DAY_US
    counts = (
        pl.DataFrame({"token": heads[role][seen], "at": heads["registered_at"][seen]})
        .filter(pl.col("token") != 0)
        .group_by("token")
        .agg(declarations=pl.len().cast(pl.Int64), first_seen=pl.col("at").min())
        .with_columns(daily=pl.col("declarations") / days.clip(min(LEAST_DAYS, whole_days), whole_days))
    )
    weight, hit = inspected["weight"].to_numpy(), inspected["hit"].to_numpy()
    base = float((hit * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0
    found = (
        inspected.with_columns(token=heads[role][inspected["declaration"].to_numpy()])
        .filter(pl.col("token") != 0)
        .group_by("token")
        .agg(
            inspected=pl.len().cast(pl.Int64),
            hits=pl.col("hit").sum(),
            weight=pl.col("weight").sum(),
            weighted=(pl.col("hit") * pl.col("weight")).sum(),
        )
    )
    table = counts.join(found, on="token", how="left").fill_null(0).sort("token")
    c = coefficient(table["weighted"].to_numpy() / WHOLE, table["weight"].to_numpy() / WHOLE, base)
    return table.select(
        role=pl.lit(role),
        code=pl.Series(material.texts(table["token"].to_list()), dtype=pl.String),
        coefficient=pl.Series(c),
        declarations="declarations",
        first_seen=pl.col("first_seen").cast(pl.Datetime("us", "UTC")),
        daily="daily",
        inspected="inspected",
        hits="hits",
    ).drop_nulls()
