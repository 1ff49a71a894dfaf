"""The UDFs that tell what changes in the picture, from decisions and from what is kept of them."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.errors import InputError
from corridor.flink.lineages import NEVER, predecessors
from corridor.flink.metrics import Metrics
from corridor.flink.worker import COUNTERS, Counters, series, true_print

if TYPE_CHECKING:
    from corridor.picture.changes import Changes, Kind

CHANGES: Final = (
    DataTypes.FIELD("cells", DataTypes.ARRAY(DataTypes.STRING())),
    DataTypes.FIELD("sums", DataTypes.ARRAY(DataTypes.BIGINT())),
)
"""Names of cells, and for each of them its moment, its name's token and its sums, one after another."""
PARTS: Final = DataTypes.FIELD("parts", DataTypes.ARRAY(DataTypes.BYTES()))
"""The same in a stream, where the picture stands by day and week: packed parts, see `picture.standing`."""
_BIN_NAMES: Final = ("bin_cells", "bin_sums")
BINNED: Final = tuple(
    DataTypes.FIELD(name, field.data_type) for name, field in zip(_BIN_NAMES, CHANGES, strict=True)
)
"""The same of the detector's totals, by bin."""
_AT_ONCE: Final = 4
"""Cells in a row: unnesting copies the whole array for each of them."""


def spread(changes: Sequence["Changes"], n: int, tokens: bool = True) -> tuple[Any, Any]:
    """Columns `cells` and `sums` for n rows; most are null. tokens: False leaves 0 in the place of the names' tokens."""
    cells, sums = np.full(n, None), np.full(n, None)
    if not changes or not n:
        return cells, sums
    names = [name for change in changes for name in change.cell]
    numbers = np.concatenate(
        [
            np.column_stack([change.moment, change.hashed if tokens else change.moment * 0, change.sums])
            for change in changes
        ]
    )
    width = max(_AT_ONCE, -(-len(names) // n))
    for row, start in enumerate(range(0, len(names), width)):
        cells[row] = names[start : start + width]
        sums[row] = numbers[start : start + width].ravel()
    return cells, sums


def packed_parts(changes: Sequence[dict["Kind", "Changes"]], n: int) -> Any:
    """Column `parts` for n rows, from what `by_day` gives; null in most."""
    from corridor.picture.standing import parts  # noqa: PLC0415  # numba needs the true print

    found = [part.pack() for change in changes for part in parts(change)]
    column, width = np.full(n, None), -(-len(found) // max(n, 1))
    for row, start in enumerate(range(0, len(found), max(width, 1))):
        column[row] = found[start : start + width]
    return column


def spread_in_time(changes: Sequence["Changes"], moments: Any) -> tuple[Any, Any]:
    """As `spread`, each cell on a row of its own moment; moments: int64[n], of the rows.

    A stream's windows take a row's cells by the row's time. A cell whose moment no row has stands nowhere: there is none,
    as the cells were summed of these rows.
    """
    cells, sums = np.full(len(moments), None), np.full(len(moments), None)
    for change in changes:
        for moment in np.unique(change.moment).tolist():
            own, rows = np.flatnonzero(change.moment == moment), np.flatnonzero(moments == moment)
            part = change.take(own)
            names, numbers = spread([part], len(rows), tokens=False)  # nothing sorts bins by their cells
            for row, name, number in zip(rows.tolist(), names, numbers, strict=True):
                if name is not None:
                    cells[row] = name if cells[row] is None else cells[row] + name
                    sums[row] = number if sums[row] is None else np.concatenate([sums[row], number])
    return cells, sums


class Read(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """A decision's bytes -> what says which of a declaration's versions stands.

    passes: of what is no decision all is null, and it is counted; else the run fails with InputError.
    """

    def __init__(self, progress: str | None, passes: bool) -> None:
        self._progress, self._passes = progress, passes

    def open(self, function_context: Any) -> None:
        """Load the decoder, once a worker."""
        with true_print():
            from corridor.messages import decision  # noqa: F401, PLC0415  # numba needs the true print
        self._counters, self._metrics = Counters(self._progress), Metrics(function_context)

    def eval(self, payload: Any) -> pd.DataFrame:
        """Read one batch of decisions."""
        from corridor.messages.decision import decode_decisions  # noqa: PLC0415

        lines = payload.tolist()
        decided, kept = self._readable(lines) if self._passes else (decode_decisions(lines), slice(None))
        added = decided.contributions
        n, read = len(lines), len(decided.declaration_id)
        told = n - lines.count(None)  # a tombstone says nothing; Flink may filter behind a UDF
        corridors = np.bincount(added.corridor, minlength=4).tolist()
        for name, count in zip(COUNTERS, (told, told - read, read, *corridors), strict=True):
            self._counters.add(name, count)
        self._metrics.count("unreadable", told - read)
        columns = {name: getattr(added, name) for name in READ.names if hasattr(added, name)}
        columns |= {"declaration_id": decided.declaration_id, "act": added.function}
        frame = pd.DataFrame({name: columns[name] for name in READ.names})
        if read < n:
            frame = frame.astype(object).set_axis(np.arange(n)[kept]).reindex(range(n), fill_value=None)
        return frame

    def _readable(self, lines: list[bytes | None]) -> tuple[Any, Any]:
        """Those of a batch that are decisions, and which they are; one by one only where one is none."""
        from corridor.messages.decision import decode_decisions  # noqa: PLC0415

        whole = [line for line in lines if line is not None]
        try:
            if len(whole) == len(lines):
                return decode_decisions(whole), slice(None)
        except InputError:
            pass  # at least one of them is none
        kept = np.array([line is not None and _is_decision(line) for line in lines], np.bool_)
        return decode_decisions([line for line, good in zip(lines, kept, strict=True) if line and good]), kept


def _is_decision(line: bytes) -> bool:
    from corridor.messages.decision import decode_decisions  # noqa: PLC0415

    try:
        decode_decisions([line])
    except InputError:
        return False
    return True


READ: Final = DataTypes.ROW(
    [
        DataTypes.FIELD("declaration_id", DataTypes.STRING()),
        DataTypes.FIELD("version", DataTypes.INT()),
        DataTypes.FIELD("act", DataTypes.TINYINT()),
        DataTypes.FIELD("registered_at", DataTypes.BIGINT()),
        DataTypes.FIELD("corridor", DataTypes.TINYINT()),
    ]
)


class Change(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """A decision's bytes, its version and the texts of its lineage -> what it changes, and what it takes the place of.

    bins: with what it adds to the detector's totals. Of a day's own dimensions a live picture takes what `TakeBack` would
    take back: where an old topic is read, nothing of days that are no longer remembered.
    """

    def __init__(self, daily: bool, live: bool, bins: bool) -> None:
        self._daily, self._live, self._bins = daily, live, bins

    def open(self, function_context: Any) -> None:
        """Load the decoder and the kernel, once a worker."""
        del function_context
        _load()

    def eval(self, payload: Any, version: Any, earlier: Any, versions: Any) -> pd.DataFrame:
        """The changes of one batch of decisions, spread over its rows."""
        from corridor.messages.decision import decode_decisions  # noqa: PLC0415
        from corridor.picture.changes import by_day, by_minute  # noqa: PLC0415

        n = len(payload)
        decided = decode_decisions(payload.tolist())
        texts = (series(column, n) for column in (earlier, versions))
        previous, _, ends = predecessors(version.to_numpy(np.int64), *texts)
        given = decided.contributions, decided.goods, ends
        if self._daily:
            at, known = (decided.decided_at, _known(decided)) if self._live else (None, None)
            told = {"parts": packed_parts([by_day(*given, at, known=known)], n)}
        else:
            told = dict(zip(("cells", "sums"), spread([by_minute(*given)], n), strict=True))
        supersedes = np.where(ends == NEVER, previous, 0).astype(object)
        supersedes[supersedes == 0] = None
        if self._bins:
            told |= _in_bins(decided)
        return pd.DataFrame({"supersedes": supersedes, "superseded": ends != NEVER} | told)


def _in_bins(decided: Any) -> dict[str, Any]:
    """The columns of BINNED of a batch of decisions."""
    from corridor.picture.changes import by_bin, prices_decided  # noqa: PLC0415
    from corridor.picture.hourly import BIN  # noqa: PLC0415

    added, goods = decided.contributions, decided.goods
    found = by_bin(added, goods.chapters, goods.origins, decided.importer, prices_decided(decided.items))
    return dict(zip(_BIN_NAMES, spread_in_time([found], added.registered_at // BIN), strict=True))


class TakeBack(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """What is kept of a decision, and when it was superseded -> what is taken back, by day.

    of "declarations": packed, corridor, late, flagged, remembered; of "decisions": the decision's bytes. Of a day's own
    dimensions that alone is taken back which was added, while its day is remembered.
    """

    def __init__(self, of: Literal["declarations", "decisions"], live: bool) -> None:
        self._live = live
        self._read = _read_packed if of == "declarations" else _read_decision

    def open(self, function_context: Any) -> None:
        """Load the kernels, once a worker."""
        del function_context
        _load()

    def eval(self, *columns: Any) -> "pd.Series[Any]":
        """The changes of one batch of decisions that no longer stand, spread over its rows."""
        from corridor.picture.changes import by_day  # noqa: PLC0415

        *kept, superseded = columns
        at = superseded.to_numpy(np.int64)
        decided, goods, known = self._read(*kept)
        if self._live:
            known = known & _still(decided.registered_at)
        changes = by_day(decided, goods, at, added=False, known=known if self._live else None)
        return pd.Series(packed_parts([changes], len(at)))


def _load() -> None:
    with true_print():
        from corridor.messages import decision, packed  # noqa: F401, PLC0415  # numba needs the true print
        from corridor.picture import changes  # noqa: F401, PLC0415


def _read_packed(packed: Any, corridor: Any, late: Any, flagged: Any, known: Any) -> tuple[Any, Any, Any]:
    from corridor.messages.contributions import contributions_of  # noqa: PLC0415
    from corridor.messages.packed import unpack  # noqa: PLC0415
    from corridor.messages.sums import goods  # noqa: PLC0415

    batch, verdicts = unpack(packed.tolist()), (corridor.to_numpy(np.int8), late.to_numpy(np.bool_))
    found = contributions_of(batch, *verdicts, flagged.to_numpy(np.bool_))
    return found, goods(batch), known.to_numpy(np.bool_)


def _read_decision(payload: Any) -> tuple[Any, Any, Any]:
    from corridor.messages.decision import decode_decisions  # noqa: PLC0415
    from corridor.picture.changes import remembered  # noqa: PLC0415

    found = decode_decisions(payload.tolist())
    decided = found.contributions
    return decided, found.goods, remembered(decided.registered_at, found.decided_at)


def _known(decided: Any) -> Any:
    """bool[n]: of which decisions a live picture takes in a day's own dimensions now."""
    from corridor.picture.changes import remembered  # noqa: PLC0415

    registered = decided.contributions.registered_at
    return remembered(registered, decided.decided_at) & _still(registered)


def _still(registered_at: Any) -> Any:
    """bool[n]: whether days (µs of registration, int64[n]) are remembered now."""
    from corridor.picture.changes import remembered  # noqa: PLC0415

    return remembered(registered_at, np.array(int(time.time() * 1e6)))


def read_function(progress: str | None, passes: bool) -> Any:
    """The UDF to register as `read_decision`. passes: over what is no decision, instead of an end."""
    return udf(Read(progress, passes), result_type=READ, func_type="pandas", name="read_decision")


def change_function(daily: bool, live: bool, bins: bool) -> Any:
    """The UDF to register as `changes_of`.

    daily: by day, for a picture that only stands as it is now; live: the times that decisions took are told; bins: what
    is added to the detector's totals too.
    """
    fields = [
        DataTypes.FIELD("supersedes", DataTypes.INT()),
        DataTypes.FIELD("superseded", DataTypes.BOOLEAN()),
        *((PARTS,) if daily else CHANGES),
        *(BINNED if bins else ()),
    ]
    function = Change(daily, live, bins)
    return udf(function, result_type=DataTypes.ROW(fields), func_type="pandas", name="changes_of")


def take_back_function(of: Literal["declarations", "decisions"], live: bool) -> Any:
    """The UDF to register as `taken_back`; live: as in `change_function`."""
    return udf(
        TakeBack(of, live),
        result_type=PARTS.data_type,
        func_type="pandas",
        name="taken_back",
    )
