"""Painting: cells of the picture to picture.v1 bytes, as they come from files, and as they stand in a stream."""

import pickle
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from pyflink.common import Row, Time, Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import (
    ListStateDescriptor,
    MapStateDescriptor,
    StateTtlConfig,
)
from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from corridor.flink.worker import series, true_print

if TYPE_CHECKING:
    from corridor.messages.picture import Period
    from corridor.picture.forecast import Prospect
    from corridor.picture.standing import Part, Window

PAINTED = Types.ROW_NAMED(
    ["period", "start_minute", "cell", "payload"],
    [Types.STRING(), Types.LONG(), Types.STRING(), Types.PRIMITIVE_ARRAY(Types.BYTE())],
)
"""What `Painter` gives: the key of a cell and its picture.v1."""
_OFTEN: Final = 1_000
_SELDOM: Final = 5_000
"""Milliseconds between two paintings of a cell; of the many cells of a day alone, that change seldom, the second."""
_END: Final = 253_402_300_799_000
"""The end of 9999 in milliseconds: the watermark passes it only when a bounded stream has ended."""
_MARGIN: Final = 10
"""Days for which a day's own cells are kept after nothing changes them."""
_WEEK: Final = -1
"""The key of the week among its days' windows."""


class Paint(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """period, moment (minute), cell, whether losses are known, its measures -> picture.v1, of files.

    Null for the week of a dimension that stands with the day alone.
    """

    def __init__(self, prospect: "Prospect | None") -> None:
        self._packed = pickle.dumps(prospect)  # else workers would import numba before the true print is back

    def open(self, function_context: Any) -> None:
        """Load the encoder, once a worker."""
        del function_context
        self._prospect = _loaded(self._packed)

    def eval(self, period: Any, moment: Any, cell: Any, known: Any, *measures: Any) -> "pd.Series[Any]":
        """Encode one batch of cells."""
        from corridor.picture.changes import DAILY, cell_of  # noqa: PLC0415
        from corridor.picture.painted import painted  # noqa: PLC0415

        n, minute, names = len(moment), moment.to_numpy(np.int64), series(cell, len(moment)).tolist()
        sums = np.stack([series(column, n).to_numpy(np.int64) for column in measures], axis=1)
        told, whole = series(known, n).to_numpy(np.bool_), series(period, n).to_numpy()
        of_a_day, found = np.array([cell_of(name)[0] in DAILY for name in names], np.bool_), np.full(n, None)
        for of in set(whole.tolist()):
            rows = np.flatnonzero((whole == of) & ~(of_a_day & (of == "week")))
            chosen = [names[i] for i in rows.tolist()]
            found[rows] = painted(of, minute[rows], chosen, sums[rows], told[rows], self._prospect)
        return pd.Series(found)


class PackLosses(ScalarFunction):  # type: ignore[misc]  # PyFlink has no types
    """moment (minute), rejected, duplicates -> packed parts; null in all rows of a batch but its first."""

    def open(self, function_context: Any) -> None:
        """Load what packs, once a worker."""
        del function_context
        _loaded(pickle.dumps(None))

    def eval(self, moment: Any, rejected: Any, duplicates: Any) -> "pd.Series[Any]":
        """Sum one batch by day."""
        from corridor.picture.changes import cell_name  # noqa: PLC0415
        from corridor.picture.hourly import SERVICE  # noqa: PLC0415
        from corridor.picture.standing import lost  # noqa: PLC0415

        n = len(moment)
        numbers = (series(column, n).to_numpy(np.int64) for column in (moment, rejected, duplicates))
        found = np.full(n, None)
        if n:
            found[0] = [part.pack() for part in lost(cell_name("service", SERVICE), *numbers)]
        return pd.Series(found)


class Painter(KeyedProcessFunction):  # type: ignore[misc]  # PyFlink has no types
    """Packed parts (`picture.standing`) of one place, a kind of cells and a week -> cells as they stand, picture.v1.

    What came is held and painted together, by the clock: the cost of a cell is that of a second, however many
    declarations changed it. What is late joins its own day: nothing here waits for a watermark, which only tells the end
    of a bounded stream.
    """

    def __init__(self, known_losses: bool, prospect: "Prospect | None") -> None:
        """known_losses: whether rejects and duplicates are told; prospect: payments planned."""
        self._known, self._packed = known_losses, pickle.dumps(prospect)

    def open(self, runtime_context: Any) -> None:
        """Load the encoder and the state, once a worker."""
        self._prospect = _loaded(self._packed)
        from corridor.picture.changes import REMEMBERED  # noqa: PLC0415

        raw = Types.PRIMITIVE_ARRAY(Types.BYTE())
        self._held = runtime_context.get_list_state(ListStateDescriptor("held", raw))
        self._kept = runtime_context.get_map_state(MapStateDescriptor("windows", Types.LONG(), raw))
        forgotten = MapStateDescriptor("days", Types.LONG(), raw)
        forgotten.enable_time_to_live(StateTtlConfig.new_builder(Time.days(REMEMBERED + _MARGIN)).build())
        self._days = runtime_context.get_map_state(forgotten)

    def process_element(self, value: Any, ctx: Any) -> None:
        """Hold a part until its place is painted."""
        from corridor.picture.standing import WEEKLY, kind_of  # noqa: PLC0415

        packed, timers = bytes(value[0]), ctx.timer_service()
        self._held.add(packed)
        every = _OFTEN if kind_of(packed) in WEEKLY else _SELDOM
        timers.register_processing_time_timer((timers.current_processing_time() // every + 1) * every)
        timers.register_event_time_timer(_END)

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[Any]:
        """Fold what was held, and paint what it changed."""
        from corridor.picture.standing import unpack  # noqa: PLC0415

        del timestamp, ctx
        parts = [unpack(bytes(packed)) for packed in self._held.get() or ()]
        self._held.clear()
        if parts:
            yield from self._painted(parts)

    def _painted(self, parts: "list[Part]") -> Iterator[Any]:
        from corridor.picture.painted import painted, start_of  # noqa: PLC0415
        from corridor.picture.standing import WEEKLY  # noqa: PLC0415

        weekly = parts[0].kind in WEEKLY
        windows: dict[int, list[Part]] = {_WEEK: parts} if weekly else {}
        for part in parts:
            windows.setdefault(part.day, []).append(part)
        for day, changes in windows.items():
            window = self._window(day, weekly, changes[0].kind)
            rows = np.unique(np.concatenate([window.fold(part) for part in changes]))
            (self._kept if weekly else self._days).put(day, window.dump())
            names, minute = list(window.rows), window.moment[rows]
            cells = [names[i] for i in rows.tolist()]
            period: Period = "week" if day == _WEEK else "day"
            told = np.full(len(rows), self._known)
            payloads = painted(period, minute, cells, window.sums[rows], told, self._prospect)
            start = int(start_of(period, int(minute[0])))
            for cell, payload in zip(cells, payloads, strict=True):
                yield Row(period, start, cell, payload)

    def _window(self, day: int, weekly: bool, kind: Any) -> "Window":
        from corridor.picture.standing import WIDTHS, Window  # noqa: PLC0415

        kept = (self._kept if weekly else self._days).get(day)
        return Window(WIDTHS[kind]) if kept is None else Window.load(bytes(kept), WIDTHS[kind])


def place(row: Any) -> int:
    """The key of a row that `Painter` takes."""
    with true_print():  # a worker may ask for keys before anything of Corridor was opened in it
        from corridor.picture.standing import place_of  # noqa: PLC0415

    return place_of(bytes(row[0]))


def _loaded(prospect: bytes) -> "Prospect | None":
    with true_print():
        from corridor.messages import picture  # noqa: F401, PLC0415  # numba needs the true print
        from corridor.picture import changes, painted, standing  # noqa: F401, PLC0415

        found: Prospect | None = pickle.loads(prospect)
    return found


def paint_function(prospect: "Prospect | None" = None) -> Any:
    """The UDF to register as `paint_picture`. prospect: the plan of payments, with the norms of its forecast."""
    return udf(Paint(prospect), result_type=DataTypes.BYTES(), func_type="pandas", name="paint_picture")


def losses_function() -> Any:
    """The UDF to register as `pack_losses`."""
    return udf(
        PackLosses(),
        result_type=DataTypes.ARRAY(DataTypes.BYTES()),
        func_type="pandas",
        name="pack_losses",
    )
