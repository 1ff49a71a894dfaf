"""What the picture and its detector cost: processor time of runs with them and without, and what they leave behind.

    .venv/bin/python bench/picture.py [--declarations 100000] [--offices 200] [--repeat 3] [--against SRC] [--files]

Declarations of many simulated services in one day, spread over so many offices (most of them small, as in life), are
decided from topics without the picture, with it, and with norms in the rulebook, so that its detector runs too: by
turns. Processor time is that of all processes of a run, so that a machine which others use too says little of it; a run
of 2,000 declarations is taken off. against: `src` of another version of Corridor, whose picture takes its turns as
well. files: over files too. Beside it: bytes of the newest checkpoint, and the cells of the day's picture in the
compacted topic by dimension, with how often each was written.
"""

import argparse
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from judge import fitted
from pipeline import SMALL, material
from side_by_side import machine, ratio
from topics import filled

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import read
from corridor.kafka.topics import TOPICS
from corridor.rulebook.manifest import write_manifest

BEFORE = "picture before"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
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


@dataclass(frozen=True)
class Way:
    """A version of Corridor, the rulebook and the flags with which it decides."""

    source: str
    rulebook: Path
    flags: tuple[str, ...] = ()


class Runs:
    """Runs over files or topics, each in a place of its own."""

    def __init__(self, root: Path, bootstrap: str) -> None:
        self._root, self._bootstrap, self._count = root, bootstrap, 0

    def files(self, source: Path, way: Way) -> float:
        """Processor seconds of a run over files."""
        self._count += 1
        return self._run(way, "--input", str(source), "--output", str(self._root / f"out{self._count}"))

    def topic(self, topic: str, way: Way) -> float:
        """Processor seconds of a bounded run; its state stays in `self.state`."""
        self._count += 1
        name = f"bench-{self._count}"
        self.state = self._root / name
        config = self._root / f"{name}.toml"
        config.write_text(
            f'[kafka]\nbootstrap = "{self._bootstrap}"\ngroup = "{name}"\ntransactional_id_prefix = "{name}"\n'
            f'[stream]\nstate = "{self.state}"\nbundle_ms = 500\ntopic = "{topic}"\n'
        )
        return self._run(way, "--config", str(config), "--bounded", "--from-beginning")

    def _run(self, way: Way, *more: str) -> float:
        command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--no-histories"]
        return processor_seconds([*command, "--rulebook", str(way.rulebook), *way.flags, *more], way.source)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--offices", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--files", action="store_true")
    options = parser.parse_args()
    print(machine("apache-flink", "pyarrow", "numba"))
    print(
        f"{options.declarations:,} declarations of one day, {options.offices} offices, two slots; no histories"
    )
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        sources = [
            of_offices(material(root / str(n), n), options.offices) for n in (SMALL, options.declarations)
        ]
        ways = all_ways(root / "fitted", options.against)
        broker = LocalBroker(root / "broker")
        broker.start()
        try:
            settings = Settings(broker.bootstrap)
            client = connect(settings)
            admin.create(client, 1)
            names = [f"bench.declarations.{source.name}" for source in sources]
            for name, source in zip(names, sources, strict=True):
                filled(client, broker.bootstrap, name, source)
            compare(Runs(root, broker.bootstrap), options, {"topic": names, "files": sources}, ways, settings)
        finally:
            broker.stop()


def all_ways(folder: Path, against: Path | None) -> dict[str, Way]:
    """The ways to be compared, by name."""
    fitted(folder)
    watched, plain = folder / "rulebook", folder / "plain"
    if against:  # versions without a model of recovery do not know it; all are compared by the same rulebook
        (watched / "recovery.txt").unlink(missing_ok=True)
    shutil.copytree(watched, plain)
    (plain / "picture.parquet").unlink()
    write_manifest(watched, "bench", LONG_AGO)
    write_manifest(plain, "bench", LONG_AGO)
    ways = {
        "no picture": Way(OWN, plain, ("--no-picture",)),
        "picture": Way(OWN, plain),
        "picture, detector": Way(OWN, watched),
    }
    return ways | ({BEFORE: Way(str(against), plain)} if against else {})


def compare(
    runs: Runs,
    options: argparse.Namespace,
    places: dict[str, list[Any]],
    ways: dict[str, Way],
    settings: Settings,
) -> None:
    """Processor time a declaration of every way, by turns, and what the last round left behind."""
    found: dict[tuple[str, str], list[float]] = collections.defaultdict(list)
    left: dict[str, int] = {}
    for way in ways.values():  # not counted: it compiles what the cache lacks
        runs.topic(places["topic"][0], way)
    for i in range(options.repeat):
        for kind in ("topic", *["files"] * options.files):
            for name, way in ways.items():
                begun = datetime.now(UTC).isoformat()
                small, large = (getattr(runs, kind)(place, way) for place in places[kind])
                found[kind, name].append((large - small) / (options.declarations - SMALL) * 1e6)
                if kind == "topic":
                    left[name] = checkpoint_bytes(runs.state)
                each = found[kind, name][-1]
                print(f"  {kind}, {name:<20}{each:>7.1f} us a declaration", file=sys.stderr, flush=True)
                if i == options.repeat - 1 and kind == "topic" and name in ("picture", BEFORE):
                    tell_rows(settings, begun, name)
    for (kind, name), each in found.items():
        spread, whole = f"({min(each):.1f} to {max(each):.1f})", found[kind, "picture"]
        more = f"; newest checkpoint {left[name] / 1e6:,.2f} MB" if kind == "topic" else ""
        print(
            f"{kind}, {name:<20}{statistics.median(each):>7.1f} {spread} us of processor time a declaration; picture "
            f"by it, turn by turn: {ratio(each, whole)}{more}"
        )


def checkpoint_bytes(state: Path) -> int:
    """Bytes of the newest whole checkpoint in a folder of state, its shared files included; 0 without one."""
    whole = sorted(state.glob("checkpoints/*/chk-*/_metadata"), key=lambda path: path.stat().st_mtime_ns)
    if not whole:
        return 0
    job = whole[-1].parents[1]
    files = [*whole[-1].parent.rglob("*"), *job.glob("shared/*"), *job.glob("taskowned/*")]
    return sum(path.stat().st_size for path in files if path.is_file())


def tell_rows(settings: Settings, begun: str, name: str) -> None:
    """Cells of the compacted topic and writes of each since a run of 2,000 declarations and one of all began."""
    written: collections.Counter[tuple[str, str]] = collections.Counter()
    keys: dict[tuple[str, str], set[bytes]] = collections.defaultdict(set)
    size: collections.Counter[tuple[str, str]] = collections.Counter()
    for message in read(settings, TOPICS["picture"], begun):
        row = json.loads(message.value)
        of = row["period"], row["dimension"]
        written[of] += 1
        keys[of].add(message.key)
        size[of] += len(message.value)
    for of, n in sorted(written.items()):
        print(
            f"{name}: {' '.join(of):<22}{len(keys[of]):>7,} cells, {n:>8,} writes, {size[of] / n:,.0f} bytes each"
        )
    cells = sum(map(len, keys.values()))
    print(
        f"{name}: {cells:,} cells in all, {written.total():,} writes, {size.total() / 1e6:,.1f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
