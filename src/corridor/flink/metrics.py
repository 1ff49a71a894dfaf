"""Metrics of a Python worker, exported by Flink's own reporter beside those of its operators.

Their names begin with `corridor` in the scope of the operator. Values of labels come from closed lists only. They
count since the worker started; the sums that survive it are those of `accounts`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_PAGES: Final = Path("/proc/self/statm")


class Metrics:
    """Counters and gauges by name and label, each made once; without a context (in tests) they lead nowhere."""

    def __init__(self, function_context: Any) -> None:
        self._group = (
            None if function_context is None else function_context.get_metric_group().add_group("corridor")
        )
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
