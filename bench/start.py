"""How long a worker takes from its process's start to its first judged batch: kernels compiled, and from the cache.

    .venv/bin/python bench/start.py [--rulebook DIR] [--times 3]

Each line is a process of its own that does what Flink's worker does: imports, decodes, loads the rulebook and judges
a batch. The first one has an empty cache of kernels, the others that which the first one left.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from side_by_side import machine

from corridor.rulebook.sample import sample_path
from corridor.simulate import Service, blocks

WORKER = """
import sys
import pandas as pd
from corridor.flink.decoding import Decode
from corridor.flink.judging import Judge, Judging
decode = Decode(None, True)
decode.open(None)
lines = open(sys.argv[1], "rb").read().splitlines()
n = len(lines)
places = pd.Series([0] * n)
times = pd.Series(pd.to_datetime(["2026-11-25"] * n))
rows = decode.eval(pd.Series(lines), times, pd.Series(["file"] * n), places, places)
judge = Judge(Judging(sys.argv[2], (), 0, None))
judge.open(None)
none = pd.Series([None] * n)
answer = judge.eval(rows["packed"], places, pd.Series([False] * n), none, none, places)
assert answer["decision"].notna().all()
"""


def start(lines: Path, rulebook: Path, cache: str) -> float:
    """Seconds of one worker."""
    begun = time.perf_counter()
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    subprocess.run([sys.executable, "-c", WORKER, lines, rulebook], check=True, env=environment)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rulebook", type=Path, default=sample_path())
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    print(machine("apache-flink", "numba", "pandas"))
    with tempfile.TemporaryDirectory() as where:
        lines = Path(where) / "lines.ndjson"
        lines.write_bytes(b"".join(blocks(Service(1), date(2026, 11, 24), 1_000)))
        cache = str(Path(where) / "cache")
        print(
            f"first start, kernels compiled      {start(lines, options.rulebook, cache):6.1f} s", flush=True
        )
        again = [start(lines, options.rulebook, cache) for _ in range(options.times)]
        told = f"{statistics.median(again):6.1f} s   ({min(again):.1f} to {max(again):.1f})"
        print(f"further starts, kernels from cache {told}")


if __name__ == "__main__":
    main()
