"""Score trees of 31 leaves in one thread, beside LightGBM and lleaves: `python bench/trees.py`.

24 features as a declaration has them (skewed masses and prices, their ratios to a norm, shares, counts,
flags), 5 % of the cells missing. Scores are compared with LightGBM's bit for bit. lleaves compiles a
model to machine code; it needs an llvmlite that is older than ours, so it is installed into a throw-away
environment and runs on the same rows in a process of its own. The ways are taken in turn; a figure is
the median of the rounds' processor time, the ratio the median of the rounds' ratios, with least and
greatest.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from side_by_side import in_turn, machine, ratio, timed

from corridor.kernels import ranked
from corridor.rulebook.lightgbm import read
from corridor.rulebook.ranking import rank

ROWS = 100_000
SMALL = 1_000
SINGLE = 1_000
ROUNDS = 7
FEATURES = 24
PEER = """
import sys, time
from importlib.metadata import version
import numpy as np, lleaves
rows, model, scores = np.load(sys.argv[1]), lleaves.Model(model_file=sys.argv[2]), sys.argv[3]
began = time.perf_counter()
model.compile(raw_score=True)
np.save(scores, model.predict(rows, n_jobs=1))
print(version("lleaves"), time.perf_counter() - began, flush=True)
for _ in sys.stdin:
    began = time.process_time()
    model.predict(rows, n_jobs=1)
    print(time.process_time() - began, flush=True)
"""
Step = Callable[[], float]


def material(count: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rows float64[count, 24] and labels that depend on a few of the features together."""
    random = np.random.default_rng(seed)
    prices, masses = random.lognormal(3, 1.5, (count, 4)), random.lognormal(5, 2, (count, 4))
    ratios = random.lognormal(0, 0.5, (count, 4))
    shares, flags = random.beta(0.5, 3, (count, 4)), random.random((count, 3)) < 0.2
    counts, codes = random.poisson(3, (count, 2)), random.integers(0, 97, (count, 3))
    rows = np.column_stack([prices, masses, ratios, shares, flags, counts, codes]).astype(np.float64)
    odds = (
        -1.5 * (ratios[:, 0] < 0.6)
        - np.log(ratios[:, 1])
        + 2 * (shares[:, 0] < 0.01) * flags[:, 0]
        + 0.3 * np.log(prices[:, 0] / 20) * (codes[:, 0] % 7 == 1)
        + 0.2 * counts[:, 0]
    )
    label = (odds + random.logistic(0, 0.7, count) > 1).astype(np.float64)
    rows[random.random(rows.shape) < 0.05] = np.nan
    return rows, label


def train(trees: int, path: Path) -> None:
    rows, label = material(50_000, 1)
    settings = {
        "objective": "binary",
        "num_leaves": 31,
        "learning_rate": 0.05,
        "num_threads": 1,
        "verbose": -1,
    }
    lightgbm.train(settings, lightgbm.Dataset(rows, label), trees).save_model(path)


def peer_python(folder: Path) -> Path | str:
    """Make an environment with lleaves; its interpreter, or why there is none."""
    uv = shutil.which("uv")
    if uv is None:
        return "uv is not on the path"
    home = folder / "peer"
    packages = ["lleaves", "lightgbm", "numpy", "llvmlite<0.45"]
    environment = os.environ | {"VIRTUAL_ENV": str(home)}
    for command in (
        [uv, "venv", "-q", "--python", "3.11", str(home)],
        [uv, "pip", "install", "-q", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["uv failed"])[-1]
    return home / "bin" / "python"


class Peer:
    """lleaves in a process of its own: compiled once, then one round for each line it is sent."""

    def __init__(self, python: Path, rows: Path, model: Path) -> None:
        self.scores = model.with_suffix(".npy")
        (model.parent / "peer.py").write_text(PEER)
        command = [str(python), str(model.parent / "peer.py"), str(rows), str(model), str(self.scores)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.version, self.seconds = self._answer().split()

    def _answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("lleaves stopped; its message stands above; --no-lleaves goes without it")
        return line

    def step(self) -> float:
        """One round, in seconds of its processor time."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._answer())

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def ways(forest: ranked.RankedForest, booster: Any, rows: NDArray[np.float64]) -> dict[str, tuple[int, Step]]:
    """Name → rows scored in a round, and the round."""
    batches = [rows[i : i + SMALL] for i in range(0, ROWS, SMALL)]

    def predict(part: NDArray[np.float64]) -> Any:
        return booster.predict(part, raw_score=True, num_threads=1)

    def own(work: Callable[[], Any], repeats: int = 1) -> Step:
        return timed(work, time.process_time, repeats)

    return {
        f"corridor, {ROWS:,} rows": (ROWS, own(lambda: ranked.raw(forest, rows))),
        f"corridor, batches of {SMALL:,}": (ROWS, own(lambda: [ranked.raw(forest, b) for b in batches])),
        f"LightGBM, {ROWS:,} rows": (ROWS, own(lambda: predict(rows))),
        "corridor, one row": (1, own(lambda: ranked.raw(forest, rows[:1]), SINGLE)),
        "LightGBM, one row": (1, own(lambda: predict(rows[:1]), SINGLE)),
    }


def compare(trees: int, rows: NDArray[np.float64], folder: Path, python: Path | str, out: Console) -> None:
    model = folder / f"{trees}.txt"
    train(trees, model)
    began = time.process_time()
    forest = rank(read(model)[1])
    loaded = time.process_time() - began
    booster = lightgbm.Booster(model_file=str(model))
    scores = ranked.raw(forest, rows)
    want = booster.predict(rows, raw_score=True, num_threads=1)
    assert np.array_equal(scores.view(np.int64), want.view(np.int64)), "scores differ from LightGBM's"
    steps = ways(forest, booster, rows)
    notes = [f"all {ROWS:,} scores equal LightGBM's bit for bit; model read and ranked in {loaded:.2f} s"]
    peer = Peer(python, folder / "rows.npy", model) if isinstance(python, Path) else None
    if peer:
        far = np.abs(np.load(peer.scores) - want).max()
        name = f"lleaves {peer.version}, {ROWS:,} rows"
        steps[name] = (ROWS, peer.step)
        notes.append(f"lleaves: farthest score {far:.1e} off; compiled in {float(peer.seconds):.1f} s")
    else:
        notes.append(f"lleaves could not be installed: {python}")
    seconds = in_turn({name: step for name, (_, step) in steps.items()}, ROUNDS)
    taken = {name: [second / steps[name][0] for second in each] for name, each in seconds.items()}
    if peer:
        peer.stop()
    out.print(report(trees, taken))
    out.print("\n".join(notes) + "\n")


def report(trees: int, taken: dict[str, list[float]]) -> Table:
    table = Table(title=f"{trees} trees × 31 leaves, {FEATURES} features, one thread", title_justify="left")
    for heading in ("", "ns/row", "rows/s", "corridor ÷ this, in speed"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, seconds in taken.items():
        ours = taken["corridor, one row" if "one row" in name else f"corridor, {ROWS:,} rows"]
        middle = statistics.median(seconds)
        table.add_row(name, f"{middle * 1e9:,.0f}", f"{1 / middle:,.0f}", ratio(ours, seconds))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-lleaves", action="store_true", help="do not install lleaves")
    options = parser.parse_args()
    out = Console(width=110 if not sys.stdout.isatty() else None)
    out.print(machine("lightgbm", "numba", "llvmlite", "numpy") + "\n")
    rows, _ = material(ROWS, 2)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "rows.npy", rows)
        python = "it was not asked for" if options.no_lleaves else peer_python(folder)
        for trees in (100, 500):
            compare(trees, rows, folder, python, out)


if __name__ == "__main__":
    main()
