"""Metrics of a Python worker, exported by Flink's own reporter beside those of its operators.

Their names begin with `corridor` in the scope of the operator. Values of labels come from closed lists only. They
count since the worker started; the sums that survive it are those of `accounts`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

_PAGES: Final = Path("/proc/self/statm")


class Told(NamedTuple):
    """A metric of workers. kind: counter or gauge, both of which Flink's reporter tells as gauges; label: "" for none."""

    name: str
    kind: str
    unit: str
    label: str
    meaning: str


PREFIX: Final = "flink_taskmanager_job_task_operator_corridor_"
"""What Flink puts before the names; a metric with a label has the label's name before its own."""
TOLD: Final = (
    Told("read", "counter", "", "", "Records read by this worker."),
    Told("tombstones", "counter", "", "", "Records without a value among them."),
    Told("code_rejected", "counter", "", "code", "Records that could not be decoded, by the code of the reject."),
    Told("corridor_decided", "counter", "", "corridor", "Decisions."),
    Told("corridors_shadowed", "counter", "", "corridors",
         "Decisions beside which a candidate was asked: the corridor given and its own, such as `green_red`."),
    Told("shadow_left_out", "counter", "", "", "Declarations that the candidate was not asked about, or failed on."),
    Told("shadow_failed", "counter", "", "", "Declarations that the candidate failed on."),
    Told("late", "counter", "", "", "Decided without histories."),
    Told("duplicates", "counter", "", "", "Records with an identity that was known."),
    Told("conflicts", "counter", "", "", "Those of them with other content."),
    Told("failed", "counter", "", "", "Declarations that no kernel could judge."),
    Told("judged", "counter", "", "", "Records that `judge` was given."),
    Told("judge_microseconds", "counter", "microseconds", "", "Its time."),
    Told("unreadable", "counter", "", "", "What the job `picture` read and is no decision."),
    Told("bins", "counter", "", "", "Bins of event time that the detector was given."),
    Told("unwatched", "counter", "", "", "Those of them that it passed over, since no norms were fit."),
    Told("norms_refused", "counter", "", "", "Rulebooks whose norms of the picture cannot be used: those before hold on."),
    Told("told", "counter", "", "", "Anomalies that it told."),
    Told("what_left_out", "counter", "", "what",
         "What the detector has no room for, since names are invented: `categories` (cells), `importers`, `bursts`, "
         "`newcomers`."),
    Told("version_rulebook", "gauge", "", "version", "1 for each rulebook on the worker's shelf."),
    Told("version_candidate", "gauge", "", "version", "1 for the candidate."),
    Told("reason_rulebook_refused", "counter", "", "reason", "Rulebooks refused, by why."),
    Told("rulebook_late", "counter", "", "", "Rulebooks that came after their moment."),
    Told("registry_silent_seconds", "gauge", "seconds", "", "Since the registry answered last."),
    Told("partition_conservation_read", "gauge", "", "partition", "Of the topic of conservation: records read."),
    Told("partition_conservation_decided", "gauge", "", "partition", "The same: decided."),
    Told("partition_conservation_rejected", "gauge", "", "partition", "The same: rejected."),
    Told("partition_conservation_duplicates", "gauge", "", "partition", "The same: duplicates."),
    Told("partition_conservation_conflicts", "gauge", "", "partition", "The same: conflicts."),
    Told("partition_conservation_tombstones", "gauge", "", "partition", "The same: tombstones."),
    Told("partition_conservation_waiting", "gauge", "", "partition", "The same: what has no end yet."),
    Told("partition_conservation_position", "gauge", "", "partition", "The same: the greatest offset read."),
    Told("resident_bytes", "gauge", "bytes", "", "Memory of the worker's process; Linux only."),
)  # fmt: skip
"""All of them. A counter that never rose is not told at all."""


class Metrics:
    """Counters and gauges by name and label, each made once; without a context (in tests) they lead nowhere."""

    def __init__(self, function_context: Any) -> None:
        group = None
        if function_context is not None:  # a function of tables and one of streams call it by two names
            of = function_context
            group = of.get_metrics_group() if hasattr(of, "get_metrics_group") else of.get_metric_group()
        self._group: Any = group and group.add_group("corridor")
        self._counters: dict[tuple[str, ...], Any] = {}
        self._values: dict[tuple[str, ...], int] = {}
        if self._group is not None and _PAGES.exists():
            self._group.gauge("resident_bytes", resident_bytes)

    def count(self, name: str, n: int, **label: str) -> None:
        """Add n to a counter; label: at most one."""
        if self._group is None:
            return
        key = (name, *label.values())
        if key not in self._counters:
            self._counters[key] = self._scope(label).counter(name)
        if n:
            self._counters[key].inc(n)

    def tell(self, name: str, value: int, **label: str) -> None:
        """Set a gauge; label: at most one."""
        if self._group is None:
            return
        key = (name, *label.values())
        new = key not in self._values
        self._values[key] = value
        if new:
            self._scope(label).gauge(name, self._reader(key))

    def _reader(self, key: tuple[str, ...]) -> Callable[[], int]:
        return lambda: self._values[key]

    def _scope(self, label: dict[str, str]) -> Any:
        group: Any = self._group
        for name, value in label.items():
            group = group.add_group(name, value)
        return group


def resident_bytes() -> int:
    """Memory of this worker's process: what stands in /proc, which Linux has."""
    return int(_PAGES.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
