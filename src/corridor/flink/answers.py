"""What the UDF that judges gives back: a row for each of a batch, and what the batch changes together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes

from corridor.flink.accounts import ACCOUNT
from corridor.flink.changing import BINNED, CHANGES, PARTS, packed_parts, spread, spread_in_time

if TYPE_CHECKING:
    from corridor.flink.judging import Judging
    from corridor.history import History
    from corridor.messages.anomaly import Anomaly
    from corridor.messages.columns import Declarations
    from corridor.picture.changes import Changes, Kind
    from corridor.verdicts import Verdicts

ROW = DataTypes.ROW(
    [
        DataTypes.FIELD("decision", DataTypes.BYTES()),
        DataTypes.FIELD("trace", DataTypes.BYTES()),
        DataTypes.FIELD("anomalies", DataTypes.ARRAY(DataTypes.BYTES())),
        DataTypes.FIELD("corridor", DataTypes.TINYINT()),
        DataTypes.FIELD("flagged", DataTypes.BOOLEAN()),
        DataTypes.FIELD("remembered", DataTypes.BOOLEAN()),
        DataTypes.FIELD("supersedes", DataTypes.INT()),
        DataTypes.FIELD("account", ACCOUNT),
        DataTypes.FIELD("told_at", DataTypes.BYTES()),
        PARTS,
        *CHANGES,
        *BINNED,
    ]
)
"""decision, trace: null for a duplicate, a conflict or a failure; anomalies: null for none; corridor: index; flagged:
something declared is odd; remembered: a live picture took it into its day's own dimensions; supersedes: the version that
this newest one takes the place of, null for none; account: see `accounts`; told_at: the clock, RFC 3339.

anomalies, cells with sums (what the batch changes in the picture; in a stream parts in their place) and bin_cells
with bin_sums (in the detector's totals) are those of the whole batch, spread over its rows; see `changing`.
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """Declarations judged by one rulebook: their rows in the batch, and all that was known of them."""

    rows: Any
    batch: "Declarations"
    history: "History"
    verdicts: "Verdicts"


class Answers:
    """The rows that a batch of n gives back, filled in part by part."""

    def __init__(self, superseded_at: Any, decided_at: int, judging: "Judging") -> None:
        self._n, self._decided_at, self._judging = len(superseded_at), decided_at, judging
        self._superseded_at = superseded_at
        self._columns: dict[str, Any] = {}
        self._anomalies: list[bytes] = []
        self._changes: list[Changes] = []
        self._daily: list[dict[Kind, Changes]] = []
        self._bins: list[Changes] = []
        self._in_bin = np.full(self._n, -1, np.int64)
        self._partly = False

    def add(self, judged: Judged) -> None:
        """Encode what was judged, and sum what it changes."""
        from corridor.messages import decision, trace  # noqa: PLC0415  # numba needs the true print
        from corridor.messages.quality import flagged  # noqa: PLC0415

        batch, verdicts = judged.batch, judged.verdicts
        found = {
            "corridor": verdicts.corridor,
            "flagged": flagged(verdicts.quality, verdicts.item_quality, batch.offsets),
            "decision": decision.encode(batch, verdicts, self._decided_at),
            "trace": trace.encode(batch, judged.history, verdicts.rulebook),
        }
        for name, values in found.items():
            self._put(name, judged.rows, values)
        self._change(judged)
        self._tell(judged)

    def _change(self, judged: Judged) -> None:
        from corridor.messages.contributions import contributions, names  # noqa: PLC0415  # numba: true print
        from corridor.messages.sums import amounts, goods  # noqa: PLC0415
        from corridor.picture.changes import by_bin, by_day, by_minute, prices, remembered  # noqa: PLC0415
        from corridor.picture.hourly import BIN  # noqa: PLC0415

        if not (self._judging.picture or self._judging.bins):
            return
        batch, summands = judged.batch, amounts(judged.batch.items)
        added = contributions(batch, judged.verdicts, summands)
        of = goods(batch, summands)
        superseded_at = self._superseded_at[judged.rows]
        if self._judging.picture and self._judging.daily:
            decided_at = np.full(len(batch), self._decided_at) if self._judging.live else None
            self._daily.append(by_day(added, of, superseded_at, decided_at))
            if decided_at is not None:
                self._put("remembered", judged.rows, remembered(added.registered_at, decided_at))
        elif self._judging.picture:
            self._changes.append(by_minute(added, of, superseded_at))
        if self._judging.bins:
            self._in_bin[judged.rows] = batch.heads["registered_at"] // BIN
            self._bins.append(by_bin(added, of.chapters, of.origins, names(batch, "importer"), prices(batch)))

    def tell(self, found: "list[Anomaly]") -> None:
        """Give anomalies that are of no declaration along with the batch."""
        from corridor.messages import anomaly  # noqa: PLC0415

        self._anomalies += [anomaly.encode(one) for one in found]

    def add_conflict(self, batch: "Declarations", i: int) -> None:
        """Tell that declaration i bears the identity of an earlier one."""
        from corridor.messages import anomaly  # noqa: PLC0415

        self._anomalies.append(anomaly.encode(anomaly.conflict(batch, i)))

    def frame(self, supersedes: Any) -> pd.DataFrame:
        """All n rows, columns as in ROW; supersedes: int32[n], 0 for none."""
        told = np.full(self._n, None)
        if self._anomalies:
            told[0] = self._anomalies
        self._columns["anomalies"] = told
        self._columns["supersedes"] = supersedes.astype(object)
        self._columns["supersedes"][supersedes == 0] = None
        if self._judging.daily:
            self._columns["parts"] = packed_parts(self._daily, self._n)
        else:
            self._columns["cells"], self._columns["sums"] = spread(self._changes, self._n)
        self._columns["bin_cells"], self._columns["bin_sums"] = spread_in_time(self._bins, self._in_bin)
        if self._partly:  # who was not judged has no corridor: numbers of their rows are fillers
            decided = np.array([decision is not None for decision in self._columns["decision"]])
            for name in {"corridor", "flagged", "remembered"} & self._columns.keys():
                self._columns[name] = self._columns[name].astype(object)
                self._columns[name][~decided] = None
        return pd.DataFrame({name: self._columns.get(name, [None] * self._n) for name in ROW.names})

    def _tell(self, judged: Judged) -> None:
        from corridor.messages import anomaly  # noqa: PLC0415
        from corridor.messages.quality import HEAD_BITS  # noqa: PLC0415

        batch, verdicts = judged.batch, judged.verdicts
        others = np.flatnonzero(verdicts.quality & HEAD_BITS["other_declarant"]).tolist()
        told = [*anomaly.notified(batch, verdicts), *(anomaly.other_declarant(batch, i) for i in others)]
        self._anomalies += [anomaly.encode(found) for found in told]

    def _put(self, name: str, rows: Any, values: Any) -> None:
        if len(rows) == self._n:
            self._columns[name] = values
            return
        self._partly = True
        plain = isinstance(values, np.ndarray) and values.dtype != object
        column = self._columns.setdefault(
            name, np.zeros(self._n, values.dtype) if plain else np.full(self._n, None)
        )
        if not plain:
            boxed = np.empty(len(values), object)
            boxed[:] = values
            values = boxed
        column[rows] = values
