"""One importer with half of the stream beside an even stream: the same job on the same broker, in turn.

    .venv/bin/python bench/skew.py [--declarations 100000] [--repeat 3]

The records of an importer stand in one partition and its histories in one key, so one subtask has more than half of
the work. The rate is that from a half to nine tenths of all, by the workers' counters, with histories and picture; the
promise is that the skewed stream keeps 70 % of the even one's.
"""

import argparse
import itertools
import json
import statistics
import tempfile
from pathlib import Path

from bounded import rate
from pipeline import material
from side_by_side import machine
from topics import filled

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect

WAYS = ("even", "skewed")


def skewed(source: Path, target: Path) -> Path:
    """The same declarations, every second of them by one importer."""
    target.mkdir()
    importer = None
    for path in sorted(source.glob("*.ndjson")):
        with path.open("rb") as lines, (target / path.name).open("wb") as file:
            for line, turn in zip(lines, itertools.cycle((True, False)), strict=False):
                document = json.loads(line)
                importer = importer or document["importer"]
                file.write(json.dumps(document | {"importer": importer}).encode() + b"\n" if turn else line)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    print(machine("apache-flink", "numba"))
    with tempfile.TemporaryDirectory() as where:
        root, broker = Path(where), LocalBroker(Path(where) / "broker")
        even = material(root / "even", options.declarations)
        folders = {"even": even, "skewed": skewed(even, root / "skewed")}
        broker.start()
        try:
            client = connect(Settings(broker.bootstrap))
            admin.create(client, 1)
            for way, folder in folders.items():
                filled(client, broker.bootstrap, way, folder)
            rates: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(options.repeat):
                for way in WAYS:
                    rates[way].append(rate(broker.bootstrap, way, options.declarations))
            for way, found in rates.items():
                share = statistics.median(found) / statistics.median(rates["even"])
                print(f"{way:<8}{statistics.median(found):>9,.0f} declarations/s  ({min(found):,.0f} to {max(found):,.0f})"
                      f"   {share:.2f} of even")  # fmt: skip
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
