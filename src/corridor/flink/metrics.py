"""Metrics of a Python worker, exported by Flink's own reporter beside those of its operators.

Their names begin with `corridor` in the scope of the operator. Values of labels come from closed lists only. They
count since the worker started; the sums that survive it are those of `accounts`.
"""

from collections.abc import Callable
from typing import Any


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
