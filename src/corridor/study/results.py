"""Results of inspections (result.v1), joined to the goods items that they speak of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.messages import result
from corridor.messages.columns import FUNCTIONS, NO_MONEY, Declarations
from corridor.messages.vocabulary import FINDINGS
from corridor.study.lineage import Lineage
from corridor.study.texts import texts

NOTHING: Final = FINDINGS.index("none")


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
    """Read result.v1 from NDJSON and find each one's item in `batch`, as `joined` does.

    Raises InputError where there are no files, or for a line that is not a result.
    """
    return joined(result.read(path), batch, lines)


def joined(found: result.Results, batch: Declarations, lines: Lineage, until: int | None = None) -> Results:
    """Find the item in `batch` of each result that was known before `until` (microseconds; None: of all).

    A result speaks of the newest standing version (cancellations aside) of its declaration. Of several
    results for one item the latest counts. Results of unknown items are counted in `unmatched`.
    """
    table = pl.DataFrame(
        {
            "declaration_id": pl.Series(found.declaration_id, dtype=pl.String),
            "item_no": found.item_no,
            "at": found.at,
            "hit": found.finding != NOTHING,
            "recovered": np.where(found.recovered == NO_MONEY, 0, found.recovered) / 100,
        }
    )
    if until is not None:
        table = table.filter(pl.col("at") < until)
    matched = table.join(
        _items(batch, lines), on=["declaration_id", "item_no"], how="left", maintain_order="left"
    )
    known = matched.filter(pl.col("item").is_not_null()).sort("at", maintain_order=True)
    known = known.unique("item", keep="last", maintain_order=True).sort("item")
    return Results(
        known["item"].to_numpy().astype(np.int64),
        known["hit"].to_numpy(),
        known["at"].to_numpy().astype(np.int64),
        known["recovered"].to_numpy(),
        matched["item"].null_count(),
    )


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
