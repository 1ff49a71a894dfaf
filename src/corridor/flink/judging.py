"""The UDF that judges: packed declarations with lineage and histories in, decisions out, a batch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.worker import Counters, series, true_print

if TYPE_CHECKING:
    from corridor.history import History
    from corridor.messages.columns import Declarations
    from corridor.messages.decision import Cells
    from corridor.rulebook.load import Shelf
    from corridor.verdicts import Verdicts

SUMS = ("items", "customs_value", "grams", "duty", "vat")
ROW = DataTypes.ROW(
    [
        DataTypes.FIELD("decision", DataTypes.BYTES()),
        DataTypes.FIELD("trace", DataTypes.BYTES()),
        DataTypes.FIELD("anomalies", DataTypes.ARRAY(DataTypes.BYTES())),
        DataTypes.FIELD("corridor", DataTypes.TINYINT()),
        DataTypes.FIELD("office", DataTypes.STRING()),
        DataTypes.FIELD("importer", DataTypes.STRING()),
        DataTypes.FIELD("direction", DataTypes.TINYINT()),
        *(DataTypes.FIELD(name, DataTypes.BIGINT()) for name in SUMS),
        DataTypes.FIELD("cells", DataTypes.ARRAY(DataTypes.BIGINT())),
        DataTypes.FIELD("amounts", DataTypes.ARRAY(DataTypes.BIGINT())),
        DataTypes.FIELD("superseded_at", DataTypes.BIGINT()),
    ]
)
"""decision, trace: null for a conflict or a failure; anomalies: null for none; corridor, direction: indices.

The sums are the declaration's; cells: the keys of its chapters and origins (see `cells`), with the five
sums of each, one after another, in `amounts`. superseded_at: when the next version was registered.
"""


@dataclass(frozen=True, slots=True)
class Judging:
    """What the UDF is made with: where the rulebook lies, its histories, the time that decisions bear.

    decided_at: microseconds since 1970, None for the clock at each batch; progress: folder of counters.
    """

    rulebook: str
    histories: tuple[str, ...]
    decided_at: int | None
    progress: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Declarations judged by one rulebook: their rows in the batch, and all that was known of them."""

    rows: Any
    batch: "Declarations"
    history: "History"
    verdicts: "Verdicts"


class Judge(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """packed, stands, late, four arrays of its lineage, histories... -> ROW.

    The arrays (see `views.lineage`) are null for most. A row that does not stand is a conflict: it gives
    its anomaly and nothing else.
    """

    def __init__(self, judging: Judging) -> None:
        self._judging = judging

    def open(self, function_context: Any) -> None:
        """Load the rulebook and the kernels, once a worker."""
        del function_context
        with true_print():
            from corridor.rulebook.load import Shelf  # noqa: PLC0415  # numba needs the true print
        self._shelf = Shelf.load(Path(self._judging.rulebook))
        self._counters = Counters(self._judging.progress)

    def eval(self, *columns: Any) -> pd.DataFrame:
        """Judge one batch: pandas series in the order of the class's description."""
        from corridor.history import History  # noqa: PLC0415  # loaded in `open`
        from corridor.messages.packed import unpack  # noqa: PLC0415

        n = len(columns[0])
        packed, stands, late, *lineage = (series(column, n) for column in columns[:7])
        batch = unpack(packed.tolist())
        values = [column.to_numpy(np.int64) for column in columns[7:]]
        previous, declarant, superseded = predecessors(batch.heads["version"], *lineage)
        history = History(
            names=self._judging.histories,
            values=np.array(values, np.int64).reshape(len(values), n),
            late=late.to_numpy(np.bool_),
            previous_version=previous,
            original_declarant=declarant,
        )
        answers = Answers(superseded, self._decided_at())
        standing = stands.to_numpy(np.bool_)
        for judged in judge_surely(batch, history, np.flatnonzero(standing), self._shelf):
            answers.add(judged)
            self._count(judged)
        for i in np.flatnonzero(~standing).tolist():
            answers.add_conflict(batch, i)
        return answers.frame()

    def _decided_at(self) -> int:
        at = self._judging.decided_at
        return int(pd.Timestamp.now("UTC").value // 1000) if at is None else at

    def _count(self, judged: Judged) -> None:
        self._counters.add("judged", len(judged.rows))
        corridors = np.bincount(judged.verdicts.corridor, minlength=4).tolist()
        for name, n in zip(("green", "blue", "yellow", "red"), corridors, strict=True):
            self._counters.add(name, n)


def predecessors(
    version: Any, known_versions: Any, known_declarants: Any, all_versions: Any, all_times: Any
) -> tuple[Any, Any, Any]:
    """What came before and after each record, from the arrays of its lineage.

    Returns:
        int32[n], the greatest version below its own that was known when it came, 0 for none; int64[n],
        the token of its original's declarant, 0 if unknown; object[n], when the next version was
        registered, null for none. The first record of a version stands, so later ones are passed over.

    """
    n = len(version)
    previous, declarant = np.zeros(n, np.int32), np.zeros(n, np.int64)
    superseded = np.full(n, None)
    for i in np.flatnonzero(known_versions.notna()).tolist():
        for earlier, by in _first(known_versions.iloc[i], known_declarants.iloc[i]).items():
            if earlier < version[i]:
                previous[i] = max(previous[i], earlier)
                declarant[i] = by or declarant[i]
    for i in np.flatnonzero(all_versions.notna()).tolist():
        times = _first(all_versions.iloc[i], all_times.iloc[i])
        later = [other for other in times if other > version[i]]
        if later:
            superseded[i] = times[min(later)]
    return previous, declarant, superseded


def _first(versions: Any, values: Any) -> dict[int, int]:
    """The value beside the first appearance of each version."""
    pairs = zip(reversed(versions.tolist()), reversed(values.tolist()), strict=True)
    return dict(pairs)


def judge_surely(batch: "Declarations", history: "History", rows: Any, shelf: "Shelf") -> Iterator[Judged]:
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
            judged = judge_in_force(part, known, shelf) if len(rows) else []
        except Exception:  # whatever fails on one declaration must not stop the others
            if len(rows) > 1:
                pending += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
            continue
        for of, declarations, verdicts in judged:
            yield Judged(rows[of], declarations, known if len(of) == len(rows) else known.take(of), verdicts)


class Answers:
    """The rows that a batch of n gives back, filled in part by part."""

    def __init__(self, superseded_at: Any, decided_at: int) -> None:
        self._n, self._decided_at = len(superseded_at), decided_at
        self._columns: dict[str, Any] = {"superseded_at": superseded_at}
        self._anomalies: list[bytes] = []
        self._partly = False

    def add(self, judged: Judged) -> None:
        """Encode what was judged."""
        from corridor.messages import decision, trace  # noqa: PLC0415  # numba needs the true print
        from corridor.messages.sums import amounts  # noqa: PLC0415

        batch, verdicts = judged.batch, judged.verdicts
        summands = amounts(batch.items)
        added = decision.contributions(batch, verdicts, summands)
        found = {name: getattr(added, name) for name in ("corridor", "office", "direction", *SUMS)}
        found["decision"] = decision.encode(batch, verdicts, self._decided_at)
        found["trace"] = trace.encode(batch, judged.history, verdicts.rulebook)
        found["importer"] = importers(batch)
        found["cells"], found["amounts"] = item_cells(batch, summands)
        for name, values in found.items():
            self._put(name, judged.rows, values)
        self._tell(judged)

    def add_conflict(self, batch: "Declarations", i: int) -> None:
        """Tell that declaration i bears the identity of an earlier one."""
        from corridor.messages import anomaly  # noqa: PLC0415

        self._anomalies.append(anomaly.encode(anomaly.conflict(batch, i)))

    def frame(self) -> pd.DataFrame:
        """All n rows, columns as in ROW; the anomalies of the batch stand in its first row."""
        told = np.full(self._n, None)
        if self._anomalies:
            told[0] = self._anomalies
        self._columns["anomalies"] = told
        if self._partly:  # who was not judged has no corridor: numbers of their rows are fillers
            decided = np.array([decision is not None for decision in self._columns["decision"]])
            self._columns["corridor"] = self._columns["corridor"].astype(object)
            self._columns["corridor"][~decided] = None
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


def importers(batch: "Declarations") -> list[str]:
    """The importer of each declaration as its text stands."""
    text, heads = batch.text.tobytes(), batch.heads
    starts = batch.text_starts + heads["id_length"] + heads["office_length"]
    ends = starts + heads["importer_length"]
    return [text[a:b].decode() for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]


def item_cells(batch: "Declarations", summands: Any) -> tuple[list[Any], list[Any]]:
    """`cells_of` a batch."""
    from corridor.messages.decision import cells  # noqa: PLC0415

    return cells_of(cells(batch, "hs_chapter", summands), cells(batch, "origin_country", summands))


def cells_of(chapters: "Cells", origins: "Cells") -> tuple[list[Any], list[Any]]:
    """Keys and sums of each declaration's chapters and origins: int64[k] and int64[5 k] a declaration.

    Keys: a chapter is 0 (unknown) to 99, an origin its token, -1 if unknown; tokens are above 255.
    """
    from corridor.messages.tokens import token  # noqa: PLC0415
    from corridor.messages.vocabulary import UNKNOWN  # noqa: PLC0415

    known = (origins.key > 0) & (origins.key != token(UNKNOWN))
    n = len(chapters.offsets) - 1
    owner = np.concatenate([np.repeat(np.arange(n), np.diff(c.offsets)) for c in (chapters, origins)])
    order = np.argsort(owner, kind="stable")
    keys = np.concatenate([chapters.key, np.where(known, origins.key, -1)])[order]
    sums = np.stack(
        [np.concatenate([getattr(c, name) for c in (chapters, origins)]) for name in SUMS], axis=1
    )[order].astype(np.int64)
    ends = chapters.offsets + origins.offsets
    flat, stops = sums.ravel(), ends[1:].tolist()
    pairs = list(zip([0, *stops[:-1]], stops, strict=True))
    return [keys[a:b] for a, b in pairs], [flat[5 * a : 5 * b] for a, b in pairs]


def judge_function(judging: Judging) -> Any:
    """The UDF to register as `judge_declaration`."""
    return udf(Judge(judging), result_type=ROW, func_type="pandas", name="judge_declaration")
