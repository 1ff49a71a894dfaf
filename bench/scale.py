"""How the job's rate changes with parallelism, with the number of participants, and with the number of rules.

    .venv/bin/python bench/scale.py [--declarations 100000] [--repeat 3]
        [--only parallelism|participants|rules] [--parties 10000 ...] [--rulebook DIR]

Each row is a run of `corridor run decide` with histories and picture, exactly once, over a topic of eight partitions on a
broker that shares the two cores; the rows of a table are measured in turn, and each is set beside the first of its
turn. Rates are those from a half to nine tenths of all declarations, by the workers' counters. Participants: importers
and exporters are drawn evenly from 10,000, 100,000 or a million, so that histories keep a state for each that came by (at
most as many as there are declarations: a million needs `--declarations 1000000`); with RocksDB state lies on disk.
Rules: those of the sample repeated with other constants. What a cluster needs for a nation's records is worked out from
these figures in bench/README.md.
"""

import argparse
import re
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bounded import rate
from judge import with_rules
from pipeline import fitted_rulebook, material
from side_by_side import machine
from topics import filled

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect

PARALLELISM = (1, 2, 4)
PARTIES = (10_000, 100_000, 1_000_000)
RULES = (10, 100, 1_000)
SPREAD = 2_654_435_761
"""Knuth's multiplier: neighbours in number are far apart in party."""


def with_parties(source: Path, target: Path, parties: int) -> Path:
    """The declarations of a folder, importer and exporter drawn evenly from so many."""
    target.mkdir()
    i = 0
    for path in sorted(source.glob("*.ndjson")):
        with path.open("rb") as lines, (target / path.name).open("wb") as file:
            for line in lines:
                party = i * SPREAD % 2**32 % parties
                importer = b'"importer":"%010d"' % (5_000_000_000 + party)
                other = re.sub(rb'"importer":"[^"]*"', importer, line, count=1)
                file.write(re.sub(rb'"exporter":"[^"]*"', b'"exporter":"XX-%07d"' % party, other, count=1))
                i += 1
    return target


class Bench:
    """A broker, its topics of material, and runs over them in processes of their own."""

    def __init__(self, root: Path, rulebook: Path, total: int, repeat: int, parties: Sequence[int]) -> None:
        self.root, self.rulebook, self.total, self.repeat, self.parties = (
            root,
            rulebook,
            total,
            repeat,
            parties,
        )
        self.broker = LocalBroker(root / "broker")
        self.broker.start()
        self.settings = Settings(self.broker.bootstrap)
        self.client = connect(self.settings)
        admin.create(self.client, 1)
        self.day = material(root / "day", total)

    def send(self, topic: str, folder: Path) -> None:
        """Make a topic set up as that of the declarations, and fill it."""
        filled(self.client, self.broker.bootstrap, topic, folder)

    def table(self, ways: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        """Each way (its topic, and how it is run) in turn, again and again; a row each beside the first."""
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(self.repeat):
            for name, (topic, more) in ways.items():
                of = {"rulebook": self.rulebook, **more}
                rates[name].append(rate(self.broker.bootstrap, topic, self.total, **of))
        first, *_ = ways
        for name, found in rates.items():
            shares = [one / base for one, base in zip(found, rates[first], strict=True)]
            spread = f"({min(found):,.0f} to {max(found):,.0f})" if self.repeat > 1 else ""
            print(f"{name:<32}{statistics.median(found):>9,.0f} declarations/s {spread:<20}"
                  f"{statistics.median(shares):.2f} of {first}", flush=True)  # fmt: skip


def parallelism(bench: Bench) -> None:
    bench.send("scale-day", bench.day)
    ways = {f"parallelism {n}": {"parallelism": n} for n in PARALLELISM}
    bench.table({name: ("scale-day", more) for name, more in ways.items()})


def participants(bench: Bench) -> None:
    ways: dict[str, tuple[str, dict[str, object]]] = {}
    for parties in bench.parties:
        folder, topic = with_parties(bench.day, bench.root / "parties", parties), f"scale-{parties}"
        bench.send(topic, folder)
        shutil.rmtree(folder)
        for backend in ("hashmap", "rocksdb"):
            ways[f"{min(parties, bench.total):,} participants, {backend}"] = (topic, {"backend": backend})
    bench.table(ways)


def rules(bench: Bench) -> None:
    bench.send("scale-rules", bench.day)
    ways: dict[str, tuple[str, dict[str, object]]] = {}
    for count in RULES:
        folder = bench.root / f"rules-{count}"
        shutil.copytree(bench.rulebook, folder)
        with_rules(folder, count)
        ways[f"{count} rules"] = ("scale-rules", {"rulebook": folder})
    bench.table(ways)


TABLES = {"parallelism": parallelism, "participants": participants, "rules": rules}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--parties", type=int, nargs="+", default=PARTIES, help="numbers of participants")
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--rulebook", type=Path, help="100 rules and 200 trees; fitted anew unless given")
    options = parser.parse_args()
    print(machine("apache-flink", "confluent-kafka", "numba"))
    print(f"{options.declarations:,} declarations")
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        rulebook = options.rulebook or fitted_rulebook(root / "fitted")
        bench = Bench(root, rulebook, options.declarations, options.repeat, options.parties)
        try:
            for name, table in TABLES.items():
                if options.only in (None, name):
                    table(bench)
        finally:
            bench.broker.stop()


if __name__ == "__main__":
    main()
