"""shares.parquet: how usual a pair is among the imports of a history."""

import numpy as np
import polars as pl
import pyarrow as pa

from corridor.features import hs_part
from corridor.messages.columns import DIRECTIONS
from corridor.messages.tokens import hs_text
from corridor.study.material import Material


def shares(material: Material, n_min: int, until: int) -> pa.Table:
    """Shares of origins by HS6 and of dispatch countries by origin, and the headings of each importer.

    Items of standing imports registered before `until` (microseconds). A `of` with fewer than `n_min`
    items is left out: unknown, not unusual.
    """
    batch = material.batch
    imported = material.original & (batch.heads["direction"] == DIRECTIONS.index("import"))
    imported &= batch.heads["registered_at"] < until
    rows = imported[material.declaration]
    items, owner = batch.items[rows], material.declaration[rows]
    code = items["hs_code"].copy()
    goods = pl.DataFrame(
        {
            "hs6": hs_part(code, 6),
            "hs4": hs_part(code, 4),
            "origin": items["origin_country"].copy(),
            "dispatch": batch.heads["dispatch_country"][owner],
            "importer": batch.heads["importer"][owner],
        }
    )
    parts = [
        _shares(goods, "hs6", "origin", n_min).with_columns(kind=pl.lit("origin_of_hs6")),
        _shares(goods, "origin", "dispatch", n_min).with_columns(kind=pl.lit("dispatch_of_origin")),
        _known(goods).with_columns(kind=pl.lit("hs4_of_importer")),
    ]
    named = [_named(part, material) for part in parts]
    return pl.concat(named).drop_nulls().sort("kind", "of", "value").to_arrow()


def _shares(goods: pl.DataFrame, of: str, value: str, n_min: int) -> pl.DataFrame:
    pairs = goods.filter((pl.col(of) != 0) & (pl.col(value) != 0)).group_by(of, value).len()
    whole = pl.col("len").sum().over(of)
    return pairs.filter(whole >= n_min).with_columns(share=pl.col("len") / whole).drop("len")


def _known(goods: pl.DataFrame) -> pl.DataFrame:
    pairs = goods.filter((pl.col("importer") != 0) & (pl.col("hs4") != 0)).select("importer", "hs4").unique()
    return pairs.with_columns(share=pl.lit(1.0))


def _named(pairs: pl.DataFrame, material: Material) -> pl.DataFrame:
    """Rename a frame of two token columns and `share`, `kind` to texts `of` and `value`."""
    of, value = pairs.columns[:2]

    def texts(name: str) -> pl.Series:
        codes = pairs[name].to_numpy()
        distinct, places = np.unique(codes, return_inverse=True)
        made = [hs_text(code) for code in distinct] if name in ("hs4", "hs6") else material.texts(distinct)
        return pl.Series(np.array(made, object)[places] if len(codes) else [], dtype=pl.String)

    return pairs.select("kind", of=texts(of), value=texts(value), share=pl.col("share"))
