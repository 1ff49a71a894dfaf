"""What a back-test judges: a decoded history, which of its records stand, what was known at each, what was found."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.history import History
from corridor.messages import result
from corridor.messages.columns import FUNCTIONS, NO_MONEY, Array, Declarations
from corridor.rulebook.load import Shelf
from corridor.study.backtest.blocks import Block, Decoded
from corridor.study.backtest.judging import asked_histories
from corridor.study.history import histories
from corridor.study.lineage import Lineage, lineage
from corridor.study.results import NOTHING
from corridor.study.texts import declaration_ids


@dataclass(frozen=True)
class Known:
    """A decoded history of n records. inside: bool[n], the standing ones that are to be judged and told of."""

    decoded: Decoded
    lines: Lineage
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, decoded: Decoded, since: int | None = None, until: int | None = None) -> "Known":
        """Find the lineage of all, and what was registered from `since` on and before `until` (microseconds)."""
        lines, times = lineage(decoded.heads), decoded.heads.heads["registered_at"]
        inside = lines.standing.copy()
        if since is not None:
            inside &= times >= since
        if until is not None:
            inside &= times < until
        return cls(decoded, lines, inside)

    @cached_property
    def ids(self) -> pl.Series:
        """declaration_id of each record."""
        return pl.Series("declaration_id", declaration_ids(self.decoded.heads), dtype=pl.String)

    @cached_property
    def newest(self) -> NDArray[np.bool_]:
        """bool[n]: the newest standing version of each declaration, cancellations aside: of which results speak."""
        heads = self.decoded.heads.heads
        usable = self.lines.standing & (heads["function"] != FUNCTIONS.index("cancellation"))
        rows = np.flatnonzero(usable)
        table = pl.DataFrame(
            {"id": self.ids.gather(rows), "version": heads["version"][rows].copy(), "row": rows}
        )
        last = table.sort("version").unique("id", keep="last")["row"].to_numpy()
        out = np.zeros(len(heads), np.bool_)
        out[last] = True
        return out

    def histories(self, *shelves: Shelf) -> History:
        """All that the rulebooks ask for, of all records, each up to and including its own instant."""
        return histories(self.decoded.heads, asked_histories(*shelves), self.lines, self.decoded.value)

    def without_histories(self) -> History:
        """Lineage alone."""
        none, lines = History.none(len(self.decoded)), self.lines
        return History(none.names, none.values, none.late, lines.previous_version, lines.original_declarant)


@dataclass(frozen=True)
class Found:
    """k results that were matched, by row: int64[k] rows ascending, int32[k] item_no (0: the whole declaration).

    hit: bool[k]; recovered: float64[k], national currency; unmatched: how many speak of nothing that is known.
    """

    row: NDArray[np.int64]
    item_no: NDArray[np.int32]
    hit: NDArray[np.bool_]
    recovered: NDArray[np.float64]
    unmatched: int

    def within(self, block: Block, local: Array, batch: Declarations) -> tuple[Array, Array]:
        """Rows of a batch's items that have a result, and bool, whether it is a hit.

        batch: the declarations `local` (int64, ascending) of the block.
        """
        lo, hi = np.searchsorted(self.row, (block.first, block.first + block.n))
        keys = (local[batch.declaration_of_item()] + block.first) << 32 | batch.items["item_no"]
        order = np.argsort(keys, kind="stable")
        wanted = self.row[lo:hi] << 32 | self.item_no[lo:hi]
        place = np.searchsorted(keys[order], wanted)
        there = place < len(keys)
        there[there] = keys[order][place[there]] == wanted[there]
        return order[place[there]], self.hit[lo:hi][there]


def read_found(path: Path, ids: pl.Series, newest: NDArray[np.bool_]) -> Found:
    """Read result.v1 and find of which declaration each speaks: the newest version of it.

    Of several results for one item the latest counts. Raises InputError where there are no files, or for a line that
    is no result.
    """
    told = result.read(path)
    table = pl.DataFrame(
        {
            "declaration_id": pl.Series(told.declaration_id, dtype=pl.String),
            "item_no": told.item_no,
            "at": told.at,
            "hit": told.finding != NOTHING,
            "recovered": np.where(told.recovered == NO_MONEY, 0, told.recovered) / 100,
        }
    )
    rows = np.flatnonzero(newest)
    known = pl.DataFrame({"declaration_id": ids.gather(rows), "row": rows})
    joined = table.join(known, on="declaration_id", how="left", maintain_order="left")
    matched = joined.filter(pl.col("row").is_not_null()).sort("at", maintain_order=True)
    matched = matched.unique(["row", "item_no"], keep="last", maintain_order=True).sort("row", "item_no")
    return Found(
        matched["row"].to_numpy().astype(np.int64),
        matched["item_no"].to_numpy().astype(np.int32),
        matched["hit"].to_numpy(),
        matched["recovered"].to_numpy(),
        joined["row"].null_count(),
    )
