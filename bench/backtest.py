"""The back-test: ten million goods items judged on all cores, without histories and with.

    .venv/bin/python bench/backtest.py [--items 10000000] [--rulebook DIR] [--work DIR]

Judged by 100 rules, norms and 200 trees fitted on a simulated service unless another rulebook is given. The history is
the clean days of many services, a week long, so that an importer has as many declarations as in life. Its steps are told
apart: reading the NDJSON, lineage (which duplicates call for, with histories or without), histories, judging (with and
without what the report adds: hits, overlap, what hangs on each rule), and a second rulebook beside the first. Reasons are
not asked for, as in a back-test, which needs them of what moves only. The rate with histories holds their computing.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
from pipeline import A_SERVICE, DAY, fitted_rulebook
from side_by_side import machine

from corridor.rulebook.load import Shelf
from corridor.simulate import Service, clean
from corridor.simulate.batch import join
from corridor.simulate.service import number
from corridor.simulate.write import lines
from corridor.study.backtest.blocks import Decoded, decode, in_order
from corridor.study.backtest.known import Known
from corridor.study.backtest.run import Plan, judge_all

DAYS = 7
ITEMS = 3.0
"""Goods items of a simulated declaration, about."""
AIMS = {False: 500_000, True: 150_000}


def material(folder: Path, items: int) -> None:
    """Files of a day each, with about so many goods items in all, in the order of registration."""
    folder.mkdir()
    a_day = int(items / ITEMS / DAYS)
    for k in range(DAYS):
        parts = []
        for seed, first in enumerate(range(0, a_day, A_SERVICE), 1):
            part = clean(Service(seed), DAY + timedelta(days=k), min(A_SERVICE, a_day - first))
            number(part, 1_000_001 + seed * A_SERVICE)
            parts.append(part)
        batch = join(parts)
        batch = batch.take(np.argsort(batch.heads["registered"], kind="stable"))
        with (folder / f"{k}.ndjson").open("wb") as file:
            for some in np.array_split(np.arange(len(batch)), max(1, len(batch) // 10_000)):
                file.write(lines(batch.take(some))[0].tobytes())


def prepare(root: Path, items: int, fit: bool) -> None:
    """Make what is not there yet."""
    if not (root / "history").exists():
        material(root / "history", items)
    if fit and not (root / "fitted").exists():
        fitted_rulebook(root / "fitted")


def timed(work: Callable[[], object]) -> float:
    """Seconds of some work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def judged(plan: Plan, threads: int | None = None) -> float:
    """Seconds of judging it all, lineage and histories aside."""
    assert plan.history is not None
    return timed(lambda: [outcome.items for outcome in judge_all(plan, threads)])


def read_back(decoded: Decoded) -> float:
    """Seconds of reading the decoded blocks alone."""
    return timed(lambda: sum(len(batch) for batch in in_order(lambda block: block.load(), decoded.blocks)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10_000_000)
    parser.add_argument("--rulebook", type=Path)
    parser.add_argument(
        "--work", type=Path, help="where the material is made and kept; used again if it is there"
    )
    options = parser.parse_args()
    print(machine("polars", "numba", "numpy"))
    with tempfile.TemporaryDirectory() as where:
        root = options.work or Path(where)
        make = multiprocessing.get_context("spawn").Process(
            target=prepare, args=(root, options.items, options.rulebook is None)
        )
        make.start()  # in a process of its own, so that its memory is not taken for the back-test's
        make.join()
        assert make.exitcode == 0
        shelf = Shelf.load(options.rulebook or root / "fitted" / "rulebook")
        size = sum(file.stat().st_size for file in (root / "history").iterdir())
        spill = Path(where) / "decoded"
        spill.mkdir()
        report(root / "history", spill, shelf, size)


def report(history: Path, spill: Path, shelf: Shelf, size: int) -> None:
    """Measure and print."""
    start = time.perf_counter()
    decoded = decode(history, spill)
    reading = time.perf_counter() - start
    items, n = decoded.items, len(decoded)
    kept = sum(block.path.stat().st_size for block in decoded.blocks)
    print(f"{n:,} declarations of {DAYS} days, {items:,} goods items, {size / n:,.0f} bytes each as NDJSON, "
          f"{kept / n:,.0f} decoded; {len(shelf.rulebooks[0].rules)} rules")  # fmt: skip

    def told(what: str, seconds: float, aim: int | None = None) -> None:
        beside = f"   aim {aim:,}: {'met' if items / seconds >= aim else 'missed'}" if aim else ""
        print(f"{what:<58}{seconds:>7.1f} s{items / seconds:>12,.0f} items/s{beside}", flush=True)

    told("NDJSON read and decoded", reading)
    told("decoded blocks read back", read_back(decoded))
    start = time.perf_counter()
    known = Known.of(decoded)
    lineage = time.perf_counter() - start
    told("lineage", lineage)
    list(
        judge_all(
            Plan(Known(decoded, known.lines, known.inside & (np.arange(n) < 1000)), shelf, tallied=False)
        )
    )
    plain = Plan(known, shelf, use_histories=False, tallied=False)
    alone = judged(plain)
    told("judged without histories", alone, AIMS[False])
    told("the same on one core", judged(plain, 1))
    asked = Plan(known, shelf, tallied=False)
    computed = timed(lambda: asked.history)
    told("histories", computed)
    lived = judged(asked)
    told("histories, and judged with them", computed + lived, AIMS[True])
    whole = Plan(known, shelf)
    assert whole.history is not None
    tallied = judged(whole)
    told("judged with histories, figures of rules too", tallied)
    two = judged(Plan(known, shelf, against=shelf))
    told("two rulebooks, figures of rules too", two)
    told("all from NDJSON on, without histories or figures", reading + lineage + alone)
    told("all from NDJSON on, with histories and figures of rules", reading + lineage + computed + tallied)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"peak of memory: {peak:.1f} GB")


if __name__ == "__main__":
    main()
