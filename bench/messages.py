"""Encoding decisions, traces and the picture, summing cells: microseconds each, one core, the best of 15.

A declaration has three items. The ways are taken in turn.

Run: python -m bench.messages [declarations in a batch]
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from bench.side_by_side import alternate, machine
from tests.messages.batches import plain
from tests.naive import decision as naive

from corridor.history import History
from corridor.messages import decision, sums, trace
from corridor.messages.picture import MEASURES, decode, encode, encode_columns

DECIDED = 1_700_000_000_123_456


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
    moments, offices = np.full(n, DECIDED), [f"{10_131_000 + i % 400}" for i in range(n)]
    measures = rng.integers(0, 10**6, (n, len(MEASURES)))
    cells = (moments, moments, ["office"] * n, offices, measures, np.zeros(n, np.bool_))
    rows = decode(encode_columns("day", *cells)[:200])
    print(machine("numba", "numpy", "msgspec"))
    print(
        f"{n} declarations and cells of the picture, {np.mean([len(d) for d in documents]):.0f} bytes a decision"
    )
    summands = sums.amounts(batch.items)
    few = min(n, 200)
    ways: dict[str, Callable[[], Any]] = {
        "decision.encode": lambda: decision.encode(batch, verdicts, DECIDED),
        "trace.encode": lambda: trace.encode(batch, history, "2026.1"),
        "decision.contributions": lambda: decision.contributions(batch, verdicts, summands),
        "cells by chapter": lambda: sums.cells(batch, "hs_chapter", summands),
        "cells by origin": lambda: sums.cells(batch, "origin_country", summands),
        "amounts": lambda: sums.amounts(batch.items),
        "decode_decisions": lambda: decision.decode_decisions(documents),
        "picture.encode_columns": lambda: encode_columns("day", *cells),
        f"{few} decisions, plain Python": lambda: [
            naive.text(naive.decision(batch, verdicts, i, DECIDED)) for i in range(few)
        ],
        f"{few} cells, picture.encode": lambda: [encode(row) for row in rows],
    }
    for name, seconds in alternate(ways, 15).items():
        count = few if name.startswith(f"{few} ") else n
        print(f"{name:40s} {min(seconds) / count * 1e6:7.3f} us")


if __name__ == "__main__":
    main()
