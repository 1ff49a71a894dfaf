"""File to file on embedded Flink beside a bare Python loop of two processes: the same work, no Flink.

    .venv/bin/python bench/pipeline.py [--declarations 1000000] [--rulebook DIR]

Both decode, judge and write decisions and traces, by 100 rules, norms and 200 trees fitted on a simulated service
unless another rulebook is given; Flink also removes duplicates, keeps histories and paints the picture (without its
detector, whose norms are of one service, while the day is of many). Start-up is taken off: each rate is what the
larger run took longer than a run of 2,000 declarations. Memory is the peak of resident memory over the whole tree
of processes.
"""

import argparse
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from judge import fitted
from side_by_side import machine

from corridor.history import History
from corridor.judge import judge
from corridor.messages import decision, trace
from corridor.messages.declaration import decode_lines
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.simulate import Service, clean
from corridor.simulate.batch import join
from corridor.simulate.service import number
from corridor.simulate.write import lines

SMALL = 2_000
A_SERVICE = 25_000
"""Declarations of one service in a day."""
DAY = date(2026, 11, 12)
"""The day after those that the rulebook is fitted on: its exchange rates still serve, and it is past, since a
stream caps times ahead of the clock."""


def material(folder: Path, count: int) -> Path:
    """A folder of two files, morning and afternoon, with `count` clean declarations of three items on average.

    They are of one day of many services together, so that an importer has as many as in life.
    """
    folder.mkdir()
    parts = []
    for seed, first in enumerate(range(0, count, A_SERVICE), 1):
        part = clean(Service(seed), DAY, min(A_SERVICE, count - first))
        number(part, 1_000_001 + seed * A_SERVICE)
        parts.append(part)
    batch = join(parts)
    batch = batch.take(np.argsort(batch.heads["registered"], kind="stable"))
    for name, rows in zip("01", np.array_split(np.arange(count), 2), strict=True):
        with (folder / f"{name}.ndjson").open("wb") as file:
            for some in np.array_split(rows, max(1, len(rows) // 10_000)):
                file.write(lines(batch.take(some))[0].tobytes())
    return folder


def bare(source: Path, output: Path, rulebook: Path) -> None:
    """One process of the bare loop: one file in, decisions and traces out."""
    book = load(rulebook)
    with (
        source.open("rb") as file,
        output.open("wb") as decided,
        output.with_suffix(".traces").open("wb") as told,
    ):
        rest = b""
        while block := file.read(8 << 20):
            whole, _, rest = (rest + block).rpartition(b"\n")
            batch = decode_lines(whole + b"\n", 0).declarations
            history = History.none(len(batch))
            decided.write(b"\n".join(decision.encode(batch, judge(batch, history, book), 0)) + b"\n")
            told.write(b"\n".join(trace.encode(batch, history, book.version)) + b"\n")


def run_bare(source: Path, output: Path, rulebook: Path) -> float:
    """Seconds of two processes of the bare loop, a file each."""
    output.mkdir()
    start = time.perf_counter()
    workers = [
        multiprocessing.Process(target=bare, args=(file, output / file.name, rulebook))
        for file in sorted(source.iterdir())
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
    return time.perf_counter() - start


def run_flink(source: Path, output: Path, rulebook: Path, *options: str) -> tuple[float, float]:
    """Seconds of `corridor run decide` and the peak of its processes' resident memory in GB."""
    command = [
        sys.executable,
        "-m",
        "corridor.cli",
        "run",
        "decide",
        "--input",
        str(source),
        "--output",
        str(output),
    ]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--rulebook", str(rulebook), *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            peak[0] = max(peak[0], resident(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, told = process.communicate()
    done.set()
    watcher.join()
    assert process.returncode == 0, told.decode()[-2000:]
    return time.perf_counter() - start, peak[0]


def resident(pid: int) -> float:
    """Resident memory (GB) of a process and all below it."""
    table = subprocess.run(["ps", "-eo", "pid,ppid,rss"], capture_output=True, text=True, check=True).stdout
    rows = [tuple(map(int, line.split())) for line in table.splitlines()[1:]]
    tree, grown = {pid}, True
    while grown:
        more = {child for child, parent, _ in rows if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return sum(rss for child, _, rss in rows if child in tree) / 1e6


def fitted_rulebook(folder: Path) -> Path:
    """100 rules and 200 trees, without norms of the picture."""
    fitted(folder)
    (folder / "rulebook" / "picture.parquet").unlink()
    write_manifest(folder / "rulebook", "bench", datetime(2020, 1, 1, tzinfo=UTC))
    return folder / "rulebook"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=1_000_000)
    parser.add_argument("--rulebook", type=Path)
    parser.add_argument("--only", help="one way only, by its name in the table")
    options = parser.parse_args()
    more = options.declarations - SMALL
    print(machine("apache-flink", "pyarrow", "numba"))
    print(f"{options.declarations:,} declarations, two slots or processes")
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        rulebook = options.rulebook or fitted_rulebook(root / "fitted")
        small, large = material(root / "small", SMALL), material(root / "large", options.declarations)
        size = sum(file.stat().st_size for file in large.iterdir()) / options.declarations
        print(f"{size:,.0f} bytes a declaration")
        loop = run_bare(large, root / "b2", rulebook) - run_bare(small, root / "b1", rulebook)
        print(f"bare loop                {more / loop:>9,.0f} declarations/s")
        ways = {
            "Flink, no histories": ("--no-picture", "--no-histories"),
            "Flink, histories": ("--no-picture",),
            "Flink, histories, picture": (),
        }
        for name, flags in ways.items():
            if options.only and name != options.only:
                continue
            short, _ = run_flink(small, root / "f1", rulebook, *flags)
            long, peak = run_flink(large, root / "f2", rulebook, *flags)
            rate = more / (long - short)
            print(f"{name:<25}{rate:>9,.0f} declarations/s   {rate * loop / more:.2f} of the bare loop"
                  f"   start-up {short:.0f} s, peak {peak:.1f} GB", flush=True)  # fmt: skip
            shutil.rmtree(root / "f1")
            shutil.rmtree(root / "f2")


if __name__ == "__main__":
    main()
