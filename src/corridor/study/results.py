"""Results of inspections (result.v1), joined to the goods items that they speak of."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import FUNCTIONS, Declarations
from corridor.study.lineage import Lineage
from corridor.study.read import ndjson_files
from corridor.study.texts import texts

FINDINGS = ("none", "violation", "critical")
_SCHEMA = {
    "declaration_id": pl.String,
    "item_no": pl.Int32,
    "at": pl.String,
    "finding": pl.String,
    "recovered": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Results:
    """What inspections found, one entry for each item with a result (k in all).

    item: int64[k], row in the batch's items; hit: bool[k], a violation or a critical one; at:
    int64[k], microseconds since 1970, when it was known; recovered: float64[k], national currency.
    """

    item: NDArray[np.int64]
    hit: NDArray[np.bool_]
    at: NDArray[np.int64]
    recovered: NDArray[np.float64]
    unmatched: int

    def __len__(self) -> int:
        return len(self.item)


def read_results(path: Path, batch: Declarations, lines: Lineage) -> Results:
    """Read result.v1 from NDJSON and find each one's item in `batch`.

    A result speaks of the newest standing version (cancellations aside) of its declaration. Of several
    results for one item the latest counts. Results of unknown items are counted in `unmatched`.
    Raises InputError where there are no files, or for a line that is not a result.
    """
    table = pl.concat([_read(file) for file in ndjson_files(path)])
    joined = table.join(_items(batch, lines), on=["declaration_id", "item_no"], how="left")
    known = joined.filter(pl.col("item").is_not_null()).sort("at")
    known = known.unique("item", keep="last", maintain_order=True).sort("item")
    return Results(
        known["item"].to_numpy().astype(np.int64),
        (known["finding"] != "none").to_numpy(),
        known["at"].to_numpy().astype(np.int64),
        known["recovered"].fill_null(0.0).to_numpy(),
        joined["item"].null_count(),
    )


def _read(path: Path) -> pl.DataFrame:
    try:
        table = pl.read_ndjson(path, schema=_SCHEMA) if path.stat().st_size else pl.DataFrame(schema=_SCHEMA)
        at = pl.col("at").str.to_datetime("%+", time_unit="us", time_zone="UTC").dt.timestamp("us")
        table = table.with_columns(at)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is not NDJSON of result.v1 ({reason}): mend it or leave it out") from error
    strange = table.filter(pl.col("finding").is_null() | ~pl.col("finding").is_in(FINDINGS))
    if strange.height:
        raise InputError(
            f"{path}: finding is {strange['finding'][0]!r} for declaration {strange['declaration_id'][0]!r}: "
            f"it must be one of {', '.join(FINDINGS)}"
        )
    return table


def _items(batch: Declarations, lines: Lineage) -> pl.DataFrame:
    """declaration_id and item_no of every item that a result may speak of, with its row."""
    usable = lines.standing & (batch.heads["function"] != FUNCTIONS.index("cancellation"))
    heads = pl.DataFrame(
        {
            "declaration_id": pl.Series(texts(batch)[0], dtype=pl.String),
            "version": batch.heads["version"].copy(),
            "declaration": np.arange(len(batch)),
        }
    ).filter(pl.Series(usable))
    newest = heads.sort("version").unique("declaration_id", keep="last")
    items = pl.DataFrame(
        {
            "declaration": batch.declaration_of_item(),
            "item_no": batch.items["item_no"].copy(),
            "item": np.arange(len(batch.items)),
        }
    )
    return newest.join(items, on="declaration").select("declaration_id", "item_no", "item")
