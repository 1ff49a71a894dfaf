"""The UDF that judges: packed declarations with lineage and histories in, decisions out, a batch at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.accounts import ACCOUNT, CONFLICT, STANDS, judged_account
from corridor.flink.changing import BINNED, CHANGES, PARTS, packed_parts, spread, spread_in_time
from corridor.flink.lineages import NEVER, predecessors
from corridor.flink.metrics import Metrics
from corridor.flink.trial import Trial
from corridor.flink.worker import Counters, series, true_print
from corridor.registry.origin import Origin

if TYPE_CHECKING:
    from corridor.history import History
    from corridor.messages.anomaly import Anomaly
    from corridor.messages.columns import Declarations
    from corridor.picture.changes import Changes, Kind
    from corridor.rulebook.candidate import Candidate
    from corridor.rulebook.load import Shelf
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
class Judging:
    """What the UDF is made with: where the rulebook lies (or the registry), its histories, the time that decisions bear.

    decided_at: microseconds since 1970, None for the clock at each batch; progress: folder of counters;
    picture, bins: whether to tell what changes in the picture, in the detector's totals by bin; daily: by day
    instead of by minute, for a picture that only stands as it is now; live: the stream lives in the present, so the times
    that decisions took are told; trial: a candidate to be asked too.
    """

    rulebook: str
    histories: tuple[str, ...]
    decided_at: int | None
    progress: str | None
    picture: bool = True
    bins: bool = False
    daily: bool = False
    live: bool = False
    trial: Trial | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """Declarations judged by one rulebook: their rows in the batch, and all that was known of them."""

    rows: Any
    batch: "Declarations"
    history: "History"
    verdicts: "Verdicts"


class Judge(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """packed, standing, late, two texts of its lineage, partition, histories... -> ROW.

    The texts (see `views.lineage`) are null for most. A duplicate is counted and no more; a conflict gives its
    anomaly too.
    """

    def __init__(self, judging: Judging) -> None:
        self._judging = judging

    def open(self, function_context: Any) -> None:
        """Load the rulebooks and the kernels, once a worker."""
        with true_print():
            from corridor.flink.rulebooks import Rulebooks  # noqa: PLC0415  # numba needs the true print
        self._counters, self._metrics = Counters(self._judging.progress), Metrics(function_context)
        self._rulebooks = Rulebooks(self._judging.rulebook, self._judging.origin, self._metrics)
        trial = self._judging.trial
        self._candidate = None if trial is None else trial.load(self._rulebooks.now())
        if self._candidate is not None:
            self._metrics.tell("candidate", 1, version=self._candidate.rulebook.version)

    def close(self) -> None:
        """No longer follow the registry."""
        self._rulebooks.close()

    def eval(self, *columns: Any) -> pd.DataFrame:
        """Judge one batch: pandas series in the order of the class's description."""
        from corridor.history import History  # noqa: PLC0415  # loaded in `open`
        from corridor.messages.packed import unpack  # noqa: PLC0415

        n, begun = len(columns[0]), time.perf_counter_ns()
        packed, standing, late, earlier, versions, part = (series(column, n) for column in columns[:6])
        batch = unpack(packed.tolist())
        values = [series(column, n).to_numpy(np.int64) for column in columns[6:]]
        previous, declarant, superseded = predecessors(batch.heads["version"], earlier, versions)
        history = History(
            names=self._judging.histories,
            values=np.array(values, np.int64).reshape(len(values), n),
            late=late.to_numpy(np.bool_),
            previous_version=previous,
            original_declarant=declarant,
        )
        answers = Answers(superseded, self._decided_at(), self._judging)
        place = standing.to_numpy(np.int8)
        standing_ones = np.flatnonzero(place == STANDS)
        shelf = self._rulebooks.asked(batch.heads["registered_at"][standing_ones])
        for judged in judge_surely(batch, history, standing_ones, shelf, self._candidate):
            answers.add(judged)
            self._count(judged)
            self._rulebooks.judged(judged)
        answers.tell(self._rulebooks.anomalies())
        for i in np.flatnonzero(place == CONFLICT).tolist():
            answers.add_conflict(batch, i)
        frame = answers.frame(np.where((place == STANDS) & (superseded == NEVER), previous, 0))
        frame["told_at"] = (
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        )
        decided = frame["decision"].notna().to_numpy()
        frame["account"] = judged_account(part.to_numpy(np.int64), place, decided)
        counts = {
            "late": decided & history.late,
            "duplicates": place != STANDS,
            "conflicts": place == CONFLICT,
            "failed": (place == STANDS) & ~decided,
        }
        for name, flags in counts.items():
            self._metrics.count(name, int(flags.sum()))
        self._metrics.count("judged", n)
        self._metrics.count("judge_microseconds", (time.perf_counter_ns() - begun) // 1000)
        return frame

    def _decided_at(self) -> int:
        at = self._judging.decided_at
        return int(pd.Timestamp.now("UTC").value // 1000) if at is None else at

    def _count(self, judged: Judged) -> None:
        from corridor.messages.columns import CORRIDORS  # noqa: PLC0415  # loaded in `open`

        self._counters.add("judged", len(judged.rows))
        corridors = np.bincount(judged.verdicts.corridor, minlength=4).tolist()
        for name, n in zip(CORRIDORS, corridors, strict=True):
            self._counters.add(name, n)
            self._metrics.count("decided", n, corridor=name)
        shadow = judged.verdicts.shadow
        if shadow is not None:
            asked = shadow.corridor >= 0
            pairs = np.bincount(judged.verdicts.corridor[asked] * 4 + shadow.corridor[asked], minlength=16)
            names = (f"{one}_{other}" for one in CORRIDORS for other in CORRIDORS)
            for name, n in zip(names, pairs.tolist(), strict=True):
                self._metrics.count("shadowed", n, corridors=name)
            self._metrics.count("shadow_left_out", int((~asked).sum()))
            self._metrics.count("shadow_failed", shadow.failed)


def judge_surely(
    batch: "Declarations",
    history: "History",
    rows: Any,
    shelf: "Shelf",
    candidate: "Candidate | None" = None,
) -> Iterator[Judged]:
    """Judge the declarations `rows`; where a kernel fails, halve until the failing ones are alone.

    Those are left out (bad-input 27).
    """
    from corridor.judge import judge_in_force  # noqa: PLC0415  # numba needs the true print

    pending = [rows]
    while pending:
        rows = pending.pop()
        whole = len(rows) == len(batch)
        part, known = (batch, history) if whole else (batch.take(rows), history.take(rows))
        try:
            judged = judge_in_force(part, known, shelf, candidate) if len(rows) else []
        except Exception:  # whatever fails on one declaration must not stop the others
            if len(rows) > 1:
                pending += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
            continue
        for of, declarations, verdicts in judged:
            yield Judged(rows[of], declarations, known if len(of) == len(rows) else known.take(of), verdicts)


class Answers:
    """The rows that a batch of n gives back, filled in part by part."""

    def __init__(self, superseded_at: Any, decided_at: int, judging: Judging) -> None:
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


def judge_function(judging: Judging) -> Any:
    """The UDF to register as `judge_declaration`."""
    return udf(Judge(judging), result_type=ROW, func_type="pandas", name="judge_declaration")
