"""Encoding decisions and traces, summing cells: microseconds a declaration of three items, one core.

Run: python -m bench.messages [declarations in a batch]
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.messages.batches import plain
from tests.naive import decision as naive

from corridor.history import History
from corridor.messages import decision, sums, trace

DECIDED = 1_700_000_000_123_456


def best(work: Callable[[], Any], n: int, rounds: int = 30) -> float:
    """Microseconds a declaration, the best of some rounds."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) / n * 1e6


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    batch, verdicts = plain(n)
    rng = np.random.default_rng(1)
    names = ("importer_hour_count", "importer_day_count", "importer_day_value", "declarant_day_count")
    history = History(
        names,
        rng.integers(0, 10**9, (4, n)),
        np.zeros(n, np.bool_),
        np.zeros(n, np.int32),
        np.zeros(n, np.int64),
    )
    documents = decision.encode(batch, verdicts, DECIDED)
    print(f"{n} declarations, {np.mean([len(d) for d in documents]):.0f} bytes a decision")
    summands = sums.amounts(batch.items)
    for name, work in {
        "decision.encode": lambda: decision.encode(batch, verdicts, DECIDED),
        "trace.encode": lambda: trace.encode(batch, history, "2026.1"),
        "decision.contributions": lambda: decision.contributions(batch, verdicts, summands),
        "cells by chapter": lambda: sums.cells(batch, "hs_chapter", summands),
        "cells by origin": lambda: sums.cells(batch, "origin_country", summands),
        "amounts": lambda: sums.amounts(batch.items),
        "decode_decisions": lambda: decision.decode_decisions(documents),
    }.items():
        print(f"{name:40s} {best(work, n):7.3f} us")
    few = min(n, 200)
    slow = best(lambda: [naive.text(naive.decision(batch, verdicts, i, DECIDED)) for i in range(few)], few, 2)
    print(f"{'decision, plain Python with json.dumps':40s} {slow:7.3f} us")


if __name__ == "__main__":
    main()
