"""What every Python worker of Flink needs: the true `print`, and counters that the command line reads.

This module is imported when a UDF is unpickled, so it imports nothing heavy.
"""

import builtins
import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

COUNTERS: Final = ("read", "rejected", "judged", "green", "blue", "yellow", "red")


@contextlib.contextmanager
def true_print() -> Iterator[None]:
    """Give `print` back its original while modules are imported.

    PyFlink's worker replaces `builtins.print` by a bound method, and numba, which looks builtins up
    by name in their modules, then fails to import.
    """
    replaced = builtins.print
    builtins.print = getattr(getattr(replaced, "__self__", None), "_print", replaced)
    try:
        yield
    finally:
        builtins.print = replaced


def series(column: Any, n: int) -> Any:
    """A column of n rows as a pandas series; PyFlink passes a constant as itself."""
    return column if isinstance(column, pd.Series) else pd.Series([column] * n)


class Counters:
    """Counters of one worker in a small file, eight bytes each, renewed in place."""

    def __init__(self, folder: str | None) -> None:
        self._values: Any = np.zeros(len(COUNTERS), np.int64)
        if folder is not None:
            path = Path(folder) / f"{os.getpid()}-{secrets.token_hex(4)}.counts"
            self._values = np.memmap(path, np.int64, "w+", shape=(len(COUNTERS),))

    def add(self, name: str, n: int) -> None:
        """Add n to a counter."""
        self._values[COUNTERS.index(name)] += n


def read_counters(folder: Path) -> dict[str, int]:
    """Sums of all workers' counters."""
    total = np.zeros(len(COUNTERS), np.int64)
    for path in folder.glob("*.counts"):
        with contextlib.suppress(OSError, ValueError):
            total += np.fromfile(path, np.int64, len(COUNTERS))
    return dict(zip(COUNTERS, total.tolist(), strict=True))
