"""The operator of the stream's detector: a bin that closed in, anomalies out; its state is Flink's."""

import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import ValueStateDescriptor

from corridor.flink import bin_views, records
from corridor.flink.metrics import Metrics
from corridor.flink.statements import Operator, Statements
from corridor.flink.worker import true_print
from corridor.registry.origin import Origin

if TYPE_CHECKING:
    from corridor.picture.detector import Bin

_LOG: Final = logging.getLogger(__name__)
ONE_KEY = Types.INT()
TOLD = Types.ROW_NAMED(["told"], [Types.STRING()])
"""What the operator gives: anomaly.v1 as text."""


class Watch(KeyedProcessFunction):  # type: ignore[misc]  # PyFlink has no types
    """Rows (end of a bin in seconds, its totals as JSON) of one key -> rows of anomaly.v1; called once a bin.

    The rulebook in force as the bin ends gives the norms, loaded or not. Where they cannot be used the norms before them
    hold on; where there are none nothing is told, and the bin is counted.
    """

    def __init__(self, rulebook: str, origin: Origin | None) -> None:
        self._rulebook, self._origin = rulebook, origin

    def open(self, runtime_context: Any) -> None:
        """Load rulebooks and kernel, once a worker."""
        with true_print():
            from corridor.flink.rulebooks import Rulebooks  # noqa: PLC0415  # numba needs the true print
            from corridor.picture.norms import FILE  # noqa: PLC0415
            from corridor.picture.state import State  # noqa: PLC0415
            from corridor.picture.successive import Successive  # noqa: PLC0415
        self._metrics = Metrics(runtime_context)
        self._rulebooks = Rulebooks(self._rulebook, self._origin, self._metrics)
        self._detectors = Successive(lambda at: self._rulebooks.holding(FILE, at), self._refused)
        self._metrics.count("norms_refused", 0)
        self._is_watching = True
        descriptor = ValueStateDescriptor("detector", Types.PRIMITIVE_ARRAY(Types.BYTE()))
        self._state = runtime_context.get_state(descriptor)
        self._kept, self._folded = b"", State()
        """The state as it was kept last, so that it is read only when it is of another worker."""

    def close(self) -> None:
        """No longer follow the registry."""
        self._rulebooks.close()

    def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
        """Fold one bin."""
        from corridor.messages.anomaly import encode  # noqa: PLC0415  # loaded in `open`
        from corridor.picture.state import State  # noqa: PLC0415

        del ctx
        kept = bytes(self._state.value() or b"")
        if kept != self._kept:
            self._kept, self._folded = kept, State.load(kept)
        state = self._folded
        dropped, found = dict(state.dropped), read_bin(bytes(value[1]), int(value[0]) * 1_000_000)
        self._metrics.count("bins", 1)
        if not self._watches(found):
            return
        told = self._detectors.fold(state, found)
        self._kept = state.dump()
        self._state.update(self._kept)
        self._metrics.count("told", len(told))
        for what, n in state.dropped.items():
            self._metrics.count("left_out", n - dropped.get(what, 0), what=what)
        for anomaly in told:
            yield Row(encode(anomaly).decode())

    def _watches(self, found: "Bin") -> bool:
        """Whether there are norms that a bin can go by; where they end, the log says so once."""
        before, self._is_watching = self._is_watching, self._detectors.at(found.at) is not None
        self._metrics.count("unwatched", int(not self._is_watching))
        if before and not self._is_watching:
            _LOG.warning("detector: no fit norms of the picture; bins are passed over until there are")
        return self._is_watching

    def _refused(self, version: str, error: Exception) -> None:
        """Tell of a version whose norms cannot be used."""
        self._metrics.count("norms_refused", 1)
        _LOG.warning("detector: the norms of rulebook %s are not used: %s", version, error)


def watched(tables: Any, job: Statements, decided: str, watch: Watch, ticks: str | None) -> None:
    """The detector beside a stream: bins as they close, to its operator, to the table `detected`.

    decided: decisions with `bin_cells`, `bin_sums` and their event time; ticks: see `bin_views.closed`.
    """
    bin_views.added(tables, decided, "bin_changes", "ts, ")
    bin_views.closed(tables, "bin_changes", "closed_bins", ticks)
    job.put_operator(
        Operator("closed_bins", watch, TOLD, one_key, ONE_KEY), records.anomalies("watch", "detected")
    )


def one_key(row: Any) -> int:
    """The key of all rows."""
    del row
    return 0


def read_bin(raw: bytes, end: int) -> "Bin":
    """A bin from its row: cells of this bin and, of batches that reach back, of ones before; all count in this one.

    end: microseconds. A cell that stands twice, with two moments, is summed.
    """
    import numpy as np  # noqa: PLC0415

    from corridor.picture.detector import Bin  # noqa: PLC0415
    from corridor.picture.hourly import BIN, COUNTS  # noqa: PLC0415

    sums: dict[str, Any] = {}
    for cell, _, *counts in json.loads(raw):
        if cell:
            sums[cell] = sums.get(cell, 0) + np.array(counts, np.int64)
    names = sorted(sums)
    table = np.array([sums[name] for name in names], np.int64).reshape(len(names), len(COUNTS))
    return Bin(end // BIN - 1, names, table)
