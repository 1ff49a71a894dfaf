"""How the job's rate changes with parallelism, with the number of participants, and with the number of rules.

    .venv/bin/python bench/scale.py [--declarations 100000] [--only parallelism|participants|rules] [--rulebook DIR]

Each row is a run of `corridor run decide` with histories and picture, exactly once, over a topic of eight partitions on a
broker that shares the two cores; all rows of a table are measured in one run of this bench. Rates are those from a
half to nine tenths of all declarations, by the workers' counters. Participants: importers and exporters are drawn evenly
from 10,000, 100,000 or a million, so that histories keep a state for each that came by (a million of them need
`--declarations 1000000` or more to be seen); with RocksDB state lies on disk. Rules: those of the sample repeated with
other constants. What a cluster needs for a nation's records is worked out from these figures in bench/README.md.
"""

import argparse
import re
import shutil
import tempfile
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

    def __init__(self, root: Path, rulebook: Path, total: int) -> None:
        self.root, self.rulebook, self.total = root, rulebook, total
        self.broker = LocalBroker(root / "broker")
        self.broker.start()
        self.settings = Settings(self.broker.bootstrap)
        self.client = connect(self.settings)
        admin.create(self.client, 1)
        self.day = material(root / "day", total)

    def send(self, topic: str, folder: Path) -> None:
        """Make a topic set up as that of the declarations, and fill it."""
        filled(self.client, self.broker.bootstrap, topic, folder)

    def rate(self, topic: str, rulebook: Path | None = None, **more: object) -> float:
        """Declarations a second of one run."""
        return rate(self.broker.bootstrap, topic, self.total, rulebook=rulebook or self.rulebook, **more)


def parallelism(bench: Bench) -> None:
    bench.send("scale-day", bench.day)
    rates = {n: bench.rate("scale-day", parallelism=n) for n in (1, 2, 4)}
    for n, found in rates.items():
        print(
            f"parallelism {n:<22}{found:>9,.0f} declarations/s   {found / rates[1]:.2f} of parallelism 1",
            flush=True,
        )


def participants(bench: Bench) -> None:
    rates: dict[tuple[str, int], float] = {}
    for parties in PARTIES:
        if parties > bench.total:
            print(f"{parties:,} participants need as many declarations: not run")
            continue
        folder = with_parties(bench.day, bench.root / "parties", parties)
        bench.send(f"scale-{parties}", folder)
        shutil.rmtree(folder)
        for backend in ("hashmap", "rocksdb"):
            rates[backend, parties] = found = bench.rate(f"scale-{parties}", backend=backend)
            print(f"{parties:>9,} participants, {backend:<10}{found:>9,.0f} declarations/s   "
                  f"{found / rates[backend, PARTIES[0]]:.2f} of {PARTIES[0]:,}", flush=True)  # fmt: skip


def rules(bench: Bench) -> None:
    bench.send("scale-rules", bench.day)
    rates = {}
    for count in RULES:
        folder = bench.root / f"rules-{count}"
        shutil.copytree(bench.rulebook, folder)
        with_rules(folder, count)
        rates[count] = found = bench.rate("scale-rules", folder)
        print(f"{count:>5} rules{'':<24}{found:>9,.0f} declarations/s   {found / rates[RULES[0]]:.2f} of {RULES[0]}",
              flush=True)  # fmt: skip


TABLES = {"parallelism": parallelism, "participants": participants, "rules": rules}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--only", choices=TABLES)
    parser.add_argument("--rulebook", type=Path, help="100 rules and 200 trees; fitted anew unless given")
    options = parser.parse_args()
    print(machine("apache-flink", "confluent-kafka", "numba"))
    print(f"{options.declarations:,} declarations")
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        bench = Bench(root, options.rulebook or fitted_rulebook(root / "fitted"), options.declarations)
        try:
            for name, table in TABLES.items():
                if options.only in (None, name):
                    table(bench)
        finally:
            bench.broker.stop()


if __name__ == "__main__":
    main()
