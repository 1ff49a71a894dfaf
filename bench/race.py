"""The race: Corridor's job beside a bare loop, PyFlink, Bytewax and Quix Streams, on one broker and the same decisions.

    make race        # sets up .venv-race for the peers, races, and writes bench/results/race.txt: about 20 minutes
    .venv/bin/python bench/race.py [--repeat 3] [--scale 1.0] [--ways bare,corridor] [--rulebook DIR]

Every way consumes declarations of three items on average from a topic of eight partitions, decodes them, judges (100
rules, 200 trees of 31 leaves, norms) and writes a decision, with two processes or slots on two cores, which the broker
shares. All but the two PyFlink ways, which have one function a record and one output, write a trace (lineage) too.

Rate: the output topics are set to LogAppendTime, so each decision bears the broker's clock when it arrived, whoever
wrote it. The rate of a run is that between the instants at which a quarter and nine tenths of its decisions stood
there: no start-up and no end is in it. Transactions and flushes within are. Slow ways get fewer declarations, so that
each runs long enough to be measured and none for ever; declarations, order and partitions are the same.

Decisions: each run's output is read whole (read_committed) and compared, declaration by declaration, with that of
the first bare loop; runs with histories are compared with Corridor's own batch run over the file, whose histories are
exact. Where corridors differ or declarations are missing, the table says so in place of the ratio. One exception:
what a stream with histories marks late is judged without them, and not counted in those of others, by design; if
there were such, the ratio stands, and behind it how many were late and how many corridors differ.

A ratio is taken within a repetition, in which all ways run one after another; median and spread over the
repetitions. The peers' packages live in an environment of their own, .venv-race, since Quix Streams asks for an
older confluent-kafka than Corridor has; the PyFlink ways run in Corridor's own. Progress goes to stderr.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from peers.run import Run
from pipeline import fitted_rulebook, material
from side_by_side import machine
from topics import filled

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.topics import SPECIFICATIONS, TOPICS

ROOT = Path(__file__).parents[1]
PEERS_PYTHON = ROOT / ".venv-race" / "bin" / "python"
PEERS = ("bytewax", "quixstreams", "confluent-kafka", "numba")
TIME_LIMIT = 300
"""Seconds after which a run counts as failed."""


class Way(NamedTuple):
    """A way: its module, flags, what it guarantees, how many declarations it gets, and whose Python runs it."""

    module: str
    flags: tuple[str, ...]
    guarantee: str
    count: int
    peers: bool = False


ONCE, LEAST, NONE = "exactly once", "at least once", "none"
CEILING = "bare loop, transactions"
SAME = "Corridor"
ALL = "Corridor, histories, picture"
WAYS = {
    "bare loop": Way("bare", (), NONE, 400_000),
    CEILING: Way("bare", ("transactions",), ONCE, 400_000),
    SAME: Way("job", (), ONCE, 500_000),
    "Corridor, picture": Way("job", ("picture",), ONCE, 500_000),
    "Corridor, histories": Way("job", ("histories",), ONCE, 500_000),
    ALL: Way("job", ("histories", "picture"), ONCE, 500_000),
    "PyFlink, newcomer": Way("pyflink_newcomer", (), ONCE, 40_000),
    "PyFlink, kernels a row": Way("pyflink_kernels_a_row", (), ONCE, 12_000),
    "Bytewax, a row": Way("bytewax_flow", (), NONE, 12_000, peers=True),
    "Bytewax, a row, recovery": Way("bytewax_flow", ("recovery",), LEAST, 12_000, peers=True),
    "Bytewax, batches": Way("bytewax_flow", ("batches",), NONE, 400_000, peers=True),
    "Bytewax, batches, recovery": Way("bytewax_flow", ("batches", "recovery"), LEAST, 400_000, peers=True),
    "Quix, a row": Way("quix_app", (), LEAST, 12_000, peers=True),
    "Quix, a row, exactly once": Way("quix_app", ("exactly-once",), ONCE, 12_000, peers=True),
    "Quix, batches in a sink": Way("quix_app", ("batches",), LEAST, 200_000, peers=True),
}

Key = tuple[str, int]
Corridors = dict[Key, str]
"""(declaration_id, version) -> corridor."""


class Decision(msgspec.Struct):
    """What is compared of a decision."""

    declaration_id: str
    version: int
    corridor: str
    late: bool = False


class Written(NamedTuple):
    """What stands in a topic of decisions: when each arrived (ms, sorted), corridors, and how many were late."""

    times: list[int]
    corridors: Corridors
    late: int


class Finish(NamedTuple):
    """How a run came out: declarations a second, what is wrong with its decisions ("" if nothing), what else to know."""

    rate: float
    wrong: str
    note: str = ""


@dataclass(frozen=True)
class Track:
    """What all runs share. expected: by (declarations, with histories) what the corridors must be."""

    broker: LocalBroker
    client: AdminClient
    rulebook: Path
    folder: Path
    checkpoint_ms: int
    expected: dict[tuple[int, bool], Corridors]

    def source(self, count: int) -> str:
        """The topic with the first `count` declarations."""
        return f"race.declarations.{count}"

    def run(self, way: Way, name: str) -> Finish:
        """Run a way on topics of its own, and see what it wrote."""
        prefix = f"race.{name}"
        made = outputs(prefix)
        create(self.client, made)
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
                source = self.source(way.count)
                run = Run(
                    self.broker.bootstrap,
                    source,
                    prefix,
                    str(self.rulebook),
                    scratch,
                    self.checkpoint_ms,
                    way.flags,
                )
                failed = execute(way, run)
            if failed:
                return Finish(0.0, "failed", failed)
            return self._finish(way, run)
        finally:
            for future in self.client.delete_topics([topic.topic for topic in made]).values():
                future.result()

    def _finish(self, way: Way, run: Run) -> Finish:
        written = read(self.broker.bootstrap, run.topic("decisions"))
        found = written.corridors
        if not found:
            return Finish(0.0, "wrote nothing")
        expected = self.expected.setdefault((way.count, "histories" in way.flags), found)
        missing = len(expected.keys() - found.keys())
        other = sum(corridor != expected.get(key) for key, corridor in found.items())
        explained = written.late > 0 and "histories" in way.flags
        differ = [f"{other:,} differ"] * (other > 0)
        wrong = [f"{missing:,} missing"] * (missing > 0) + differ * (not explained)
        twice = len(written.times) - len(found)
        notes = [f"{twice:,} written twice"] * (twice > 0) + [f"{written.late:,} late"] * (written.late > 0)
        notes += differ * explained
        return Finish(steady(written.times), ", ".join(wrong), ", ".join(notes))


def outputs(prefix: str) -> list[NewTopic]:
    """The topics that a way writes, stamped by the broker's clock."""
    stamped = {"message.timestamp.type": "LogAppendTime"}
    topics = [topic for topic in SPECIFICATIONS if topic.name != TOPICS["declarations"]]
    names = {name: key for key, name in TOPICS.items()}
    return [
        NewTopic(f"{prefix}.{names[topic.name]}", topic.partitions, 1, config=topic.config | stamped)
        for topic in topics
    ]


def create(client: AdminClient, topics: list[NewTopic]) -> None:
    for future in client.create_topics(topics).values():
        future.result()


def execute(way: Way, run: Run) -> str:
    """Run a way to its end; what it last said if it failed, else "". All of its processes are ended."""
    python = PEERS_PYTHON if way.peers else Path(sys.executable)
    paths = [
        *filter(None, [os.environ.get("PYTHONPATH")]),
        *(str(ROOT / name) for name in ("bench", "src", "")),
    ]
    with (Path(run.folder) / "told").open("w+b") as told:
        process = subprocess.Popen(
            [python, "-m", f"peers.{way.module}"],
            env=run.environment() | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL, stdout=told, stderr=told, cwd=run.folder, start_new_session=True,
        )  # fmt: skip
        try:
            code: int | None = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # a group of its own, made above
                process.wait()
        told.seek(0)
        last = told.read().decode(errors="replace")[-1500:]
    return "" if code == 0 else f"{'no end' if code is None else f'code {code}'}: {last}"


def read(bootstrap: str, topic: str) -> Written:
    """All committed decisions of a topic."""
    reader = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "race-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    parts = reader.list_topics(topic).topics[topic].partitions
    reader.assign([TopicPartition(topic, part, OFFSET_BEGINNING) for part in parts])
    decode = msgspec.json.Decoder(Decision).decode
    times, corridors, late, open_parts = [], {}, 0, set(parts)
    while open_parts:
        for message in reader.consume(10_000, timeout=1.0):
            if message.error():
                open_parts.discard(message.partition())
                continue
            said = decode(message.value())
            times.append(message.timestamp()[1])
            corridors[said.declaration_id, said.version] = said.corridor
            late += said.late
    reader.close()
    return Written(sorted(times), corridors, late)


def steady(times: Sequence[int]) -> float:
    """Records a second between the instants (ms) at which a quarter and nine tenths of all had arrived."""
    stamps = np.asarray(times)
    first, last = stamps[len(stamps) // 4], stamps[len(stamps) * 9 // 10]
    return float(np.sum((stamps > first) & (stamps <= last)) / max((last - first) / 1e3, 1e-3))


def exact_histories(track: Track, file: Path) -> Corridors:
    """The corridors that Corridor's batch run over a file gives."""
    with tempfile.TemporaryDirectory(dir=track.folder) as scratch:
        output = Path(scratch) / "out"
        command = [
            "run",
            "decide",
            "--input",
            file,
            "--output",
            output,
            "--rulebook",
            track.rulebook,
            "--no-picture",
        ]
        cli(*command)
        decode = msgspec.json.Decoder(Decision).decode
        decisions = (
            decode(line)
            for path in (output / "decisions").iterdir()
            for line in path.open("rb")
            if line.strip()
        )
        return {(said.declaration_id, said.version): said.corridor for said in decisions}


def cli(*words: object) -> None:
    """Run the command `corridor`; what it says is shown only if it fails."""
    command = [sys.executable, "-m", "corridor.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def prepare(track: Track, ways: dict[str, Way]) -> None:
    """The declarations in topics, as many in each as some way gets, and what must come of those with histories."""
    counts = sorted({way.count for way in ways.values()})
    folder = material(track.folder / "day", counts[-1])
    for count in counts:
        file = track.folder / f"{count}.ndjson"
        with file.open("wb") as target:
            lines = (line for path in sorted(folder.iterdir()) for line in path.open("rb"))
            target.writelines(islice(lines, count))
        filled(track.client, track.broker.bootstrap, track.source(count), file)
        if any(way.count == count and "histories" in way.flags for way in ways.values()):
            track.expected[count, True] = exact_histories(track, file)
        file.unlink()


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def race(track: Track, ways: dict[str, Way], repetitions: int) -> dict[str, list[Finish]]:
    """All ways in turn, again and again."""
    finishes: dict[str, list[Finish]] = {name: [] for name in ways}
    for repetition in range(repetitions):
        for number, (name, way) in enumerate(ways.items()):
            begun = time.monotonic()
            finish = track.run(way, f"{repetition}.{number}")
            finishes[name].append(finish)
            spent = time.monotonic() - begun
            more = " ".join(filter(None, [finish.wrong, finish.note]))
            tell(
                f"{repetition + 1}/{repetitions} {name:<30}{finish.rate:>10,.0f}/s in {spent:3.0f} s  {more}"
            )
    return finishes


def spread(values: Sequence[float], form: str) -> str:
    """Median, least and most."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def ratio(finishes: dict[str, list[Finish]], name: str, other: str) -> str:
    """One way by another, repetition by repetition; or why there is none."""
    if name not in finishes or other not in finishes:
        return "-"
    pairs = list(zip(finishes[name], finishes[other], strict=True))
    wrong = [finish.wrong for pair in pairs for finish in pair if finish.wrong]
    return spread([a.rate / b.rate for a, b in pairs], ".2f") if not wrong else "-"


def table(finishes: dict[str, list[Finish]], ways: dict[str, Way]) -> list[str]:
    """A line a way."""
    head = ("", "guarantee", "declarations/s", f"by {CEILING}", f"{SAME} by it", "everything on by it", "")
    rows = [head]
    for name, way in ways.items():
        of = finishes[name]
        wrong = "; ".join(dict.fromkeys(finish.wrong for finish in of if finish.wrong))
        if wrong:
            wrong += f" in {sum(bool(finish.wrong) for finish in of)} of {len(of)}"
        notes = "; ".join(dict.fromkeys(finish.note for finish in of if finish.note and not wrong))
        by = [
            wrong or ratio(finishes, name, CEILING),
            ratio(finishes, SAME, name),
            ratio(finishes, ALL, name),
        ]
        rates = [finish.rate for finish in of if finish.rate] or [0.0]
        rows.append((name, way.guarantee, spread(rates, ",.0f"), *by, notes))
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    return [
        "".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def peers_versions() -> str:
    """The versions of the peers' packages, as their environment has them."""
    names = json.dumps(PEERS)
    told = (
        f"from importlib.metadata import version; print(', '.join(f'{{n}} {{version(n)}}' for n in {names}))"
    )
    return subprocess.run(
        [PEERS_PYTHON, "-c", told], capture_output=True, text=True, check=True
    ).stdout.strip()


def chosen(asked: str, scale: float) -> dict[str, Way]:
    """The ways whose names contain one of the words asked for, their counts scaled."""
    words = [word.strip().lower() for word in asked.split(",")]
    ways = {name: way for name, way in WAYS.items() if any(word in name.lower() for word in words)}
    return {name: way._replace(count=max(2_000, int(way.count * scale))) for name, way in ways.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer declarations for all")
    parser.add_argument("--ways", default="", help="parts of their names, with commas; default: all")
    parser.add_argument("--checkpoint", type=int, default=10_000, help="ms between checkpoints, for all ways")
    parser.add_argument("--rulebook", type=Path, help="default: one is fitted on a simulated service")
    options = parser.parse_args()
    ways = chosen(options.ways, options.scale)
    peers = any(way.peers for way in ways.values())
    if peers and not PEERS_PYTHON.is_file():
        sys.exit(
            f"{PEERS_PYTHON.parent.parent.name} is missing: run `make race-setup`, or give --ways without peers"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that broker and ways are ended too
    print(machine("apache-flink", "confluent-kafka", "numba", "lightgbm"))
    if peers:
        print(f"peers: {peers_versions()}")
    print(f"{options.repeat} repetitions, checkpoints each {options.checkpoint / 1e3:g} s", flush=True)
    with tempfile.TemporaryDirectory(prefix="corridor-race-") as where:
        folder = Path(where)
        rulebook = options.rulebook or fitted_rulebook(folder / "fitted")
        with LocalBroker(folder / "broker") as broker:
            client = connect(Settings(broker.bootstrap))
            admin.create(client, 1)
            track = Track(broker, client, rulebook.resolve(), folder, options.checkpoint, {})
            prepare(track, ways)
            finishes = race(track, ways, options.repeat)
    print("\n".join(table(finishes, ways)))


if __name__ == "__main__":
    main()
