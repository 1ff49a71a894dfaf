"""The UDF that judges: packed declarations with lineage and histories in, decisions out, a batch at a time."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.accounts import CONFLICT, STANDS, judged_account
from corridor.flink.answers import ROW, Answers, Judged
from corridor.flink.lineages import NEVER, predecessors
from corridor.flink.metrics import Metrics
from corridor.flink.trial import Trial
from corridor.flink.worker import Counters, series, true_print
from corridor.registry.origin import Origin

if TYPE_CHECKING:
    from corridor.history import History
    from corridor.messages.columns import Declarations
    from corridor.rulebook.candidate import Candidate
    from corridor.rulebook.load import Shelf


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


def judge_function(judging: Judging) -> Any:
    """The UDF to register as `judge_declaration`."""
    return udf(Judge(judging), result_type=ROW, func_type="pandas", name="judge_declaration")
