"""What the picture costs: processor time of a run with it and without, files and topics, and what it leaves behind.

    .venv/bin/python bench/picture.py [--declarations 100000] [--offices 200] [--repeat 3] [--against SRC]

Declarations of many simulated services in one day, spread over so many offices (most of them small, as in life), are
decided with and without the picture by turns. Processor time is that of all processes of a run, so that a machine which
others use too says little of it; a run of 2,000 declarations is taken off. against: `src` of another version of
Corridor, which takes its turns as well. Beside it: cells of the day's picture in the compacted topic by dimension, how
often each was written, and bytes of the newest checkpoint with the picture and without.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pipeline import SMALL, fitted_rulebook, material
from side_by_side import machine
from topics import filled

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import read
from corridor.kafka.topics import TOPICS

OWN = str(Path(__file__).parents[1] / "src")
TICKS = os.sysconf("SC_CLK_TCK")


def of_offices(folder: Path, offices: int) -> Path:
    """The declarations of a folder, their offices drawn from so many, the largest with one in twenty."""
    weights = 1 / (np.arange(offices) + 10.0)
    rng = np.random.default_rng(1)
    for path in folder.iterdir():
        lines = path.read_bytes().splitlines(keepends=True)
        drawn = rng.choice(offices, len(lines), p=weights / weights.sum()).tolist()
        key = b'"office":"'
        with path.open("wb") as file:
            for line, office in zip(lines, drawn, strict=True):
                at = line.index(key) + len(key)
                file.write(line[:at] + f"10{office:03d}010".encode() + line[at + 8 :])
    return folder


def processor_seconds(command: list[str], source: str) -> float:
    """Processor time of a command and of all below it, to the fifth of a second that it is looked at."""
    environment = os.environ | {"PYTHONPATH": source}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    used: dict[int, int] = {}
    while process.poll() is None:
        used |= _tree(process.pid)
        time.sleep(0.2)
    assert process.returncode == 0, process.stderr and process.stderr.read().decode()[-2000:]
    return sum(used.values()) / TICKS


def _tree(root: int) -> dict[int, int]:
    """Ticks by process, of a process and all below it."""
    found: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(entry.parent.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    tree, grown = {root}, True
    while grown:
        more = {pid for pid, (parent, _) in found.items() if parent in tree} - tree
        tree |= more
        grown = bool(more)
    return {pid: found[pid][1] for pid in tree if pid in found}


class Runs:
    """Runs over files or topics, each in a place of its own."""

    def __init__(self, root: Path, bootstrap: str, rulebook: Path) -> None:
        self._root, self._bootstrap, self._rulebook, self._count = root, bootstrap, rulebook, 0

    def files(self, source: Path, src: str, *flags: str) -> float:
        """Processor seconds of a run over files."""
        self._count += 1
        places = ["--input", str(source), "--output", str(self._root / f"out{self._count}")]
        return self._run(src, *places, *flags)

    def topic(self, topic: str, src: str, *flags: str) -> float:
        """Processor seconds of a bounded run; its state stays in `self.state`."""
        self._count += 1
        name = f"bench-{self._count}"
        self.state = self._root / name
        config = self._root / f"{name}.toml"
        config.write_text(
            f'[kafka]\nbootstrap = "{self._bootstrap}"\ngroup = "{name}"\ntransactional_id_prefix = "{name}"\n'
            f'[stream]\nstate = "{self.state}"\nbundle_ms = 500\ntopic = "{topic}"\n'
        )
        return self._run(src, "--config", str(config), "--bounded", "--from-beginning", *flags)

    def _run(self, src: str, *more: str) -> float:
        command = [
            sys.executable,
            "-m",
            "corridor.cli",
            "run",
            "decide",
            "--rulebook",
            str(self._rulebook),
            *more,
        ]
        return processor_seconds(command, src)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--offices", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--rulebook", type=Path)
    parser.add_argument("--only", choices=("files", "topic"))
    options = parser.parse_args()
    print(machine("apache-flink", "pyarrow", "numba"))
    print(
        f"{options.declarations:,} declarations of one day, {options.offices} offices, two slots; no histories"
    )
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        rulebook = options.rulebook or fitted_rulebook(root / "fitted")
        sources = [
            of_offices(material(root / str(n), n), options.offices) for n in (SMALL, options.declarations)
        ]
        broker = LocalBroker(root / "broker")
        broker.start()
        try:
            settings = Settings(broker.bootstrap)
            client = connect(settings)
            admin.create(client, 1)
            names = [f"bench.declarations.{source.name}" for source in sources]
            for name, source in zip(names, sources, strict=True):
                filled(client, broker.bootstrap, name, source)
            compare(Runs(root, broker.bootstrap, rulebook), options, sources, names)
            if options.only != "files":
                tell_rows(settings)
        finally:
            broker.stop()


def compare(runs: Runs, options: argparse.Namespace, sources: list[Path], names: list[str]) -> None:
    """Processor time a declaration of every way, by turns."""
    flags = ("--no-histories",)
    trees = {"": OWN} | ({"before, ": str(options.against)} if options.against else {})
    found: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(options.repeat):
        for kind, places in (("topic", names), ("files", sources)):
            if options.only not in (None, kind):
                continue
            for which, src in trees.items():
                for picture in ((), ("--no-picture",)) if not which else ((),):
                    small, large = (getattr(runs, kind)(place, src, *flags, *picture) for place in places)
                    name = f"{which}{kind}, {'no picture' if picture else 'picture'}"
                    each = (large - small) / (options.declarations - SMALL) * 1e6
                    found[name].append(each)
                    size = checkpoint_bytes(runs.state) if kind == "topic" else 0
                    more = f", newest checkpoint {size / 1e6:,.1f} MB" * bool(size)
                    print(f"  {name:<28}{each:>7.1f} us a declaration{more}", file=sys.stderr, flush=True)
    for name, each in found.items():
        spread = f"({min(each):.1f} to {max(each):.1f})"
        print(f"{name:<28}{statistics.median(each):>7.1f} {spread} us of processor time a declaration")


def checkpoint_bytes(state: Path) -> int:
    """Bytes of the newest whole checkpoint in a folder of state, its shared files included; 0 without one."""
    whole = sorted(state.glob("checkpoints/*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
    if not whole:
        return 0
    job = whole[-1].parents[1]
    files = [*whole[-1].parent.rglob("*"), *job.glob("shared/*"), *job.glob("taskowned/*")]
    return sum(path.stat().st_size for path in files if path.is_file())


def tell_rows(settings: Settings) -> None:
    """Cells of the compacted topic and writes of each."""
    written: collections.Counter[tuple[str, str]] = collections.Counter()
    keys: dict[tuple[str, str], set[bytes]] = collections.defaultdict(set)
    size: collections.Counter[tuple[str, str]] = collections.Counter()
    for message in read(settings, TOPICS["picture"]):
        row = json.loads(message.value)
        of = row["period"], row["dimension"]
        written[of] += 1
        keys[of].add(message.key)
        size[of] += len(message.value)
    for of, n in sorted(written.items()):
        cells = len(keys[of])
        print(
            f"{' '.join(of):<22}{cells:>7,} cells, {n / cells:>6.1f} writes each over all runs, {size[of] / n:,.0f} bytes"
        )
    print(f"{sum(map(len, keys.values())):,} cells in all")


if __name__ == "__main__":
    main()
