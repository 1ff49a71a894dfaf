"""Korean declarations from their CSV through the whole of Corridor, beside the paper's figures.

    python bench/korea.py [--data ../shared/data/korea] [--work DIR] [--no-stream]

Converts train and valid, fits a rulebook on train, judges valid offline and through the stream (`corridor
run decide`), and compares both item by item. Paper: Jeong et al., Customs Import Declaration Datasets
(2022), LightGBM. The labels follow exact values (templates copied by the generator), so the figures
check the way from training to the stream and say nothing about finding fraud.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corridor.judge import judge
from corridor.rulebook.load import load
from corridor.study.history import histories
from corridor.study.material import Material, gather
from corridor.study.measure import SHARES, inspections
from corridor.study.texts import texts

PAPER = {0.05: 0.762, 0.10: 0.641}
WANTED = {0.05: 0.74, 0.10: 0.64}
ROWS = 8_134
Key = tuple[str, int]


def main() -> None:
    arguments = options()
    if arguments.work:
        run(arguments.data, arguments.work, arguments.stream)
    else:
        with tempfile.TemporaryDirectory() as folder:
            run(arguments.data, Path(folder), arguments.stream)


def options() -> argparse.Namespace:
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description="Korea: train, valid, stream")
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data" / "korea")
    parser.add_argument("--work", type=Path, help="keep what is made in this new folder")
    parser.add_argument("--no-stream", dest="stream", action="store_false")
    return parser.parse_args()


def run(data: Path, work: Path, stream: bool) -> None:
    for part in ("train", "valid"):
        source = data / f"df_syn_{part}_eng.csv"
        corridor("convert", "--mapping", "korea", "--input", source, "--output", work / part)
    corridor("rulebook", "fit", "--history", work / "train", "--output", work / "rulebook")
    material = gather(work / "valid" / "declarations", work / "valid" / "results")
    offline = judged(material, work / "rulebook")
    good = report(material, offline, data)
    if stream:
        good &= compare(work, offline)
    if not good:
        sys.exit(1)


def corridor(*words: object) -> None:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-m", "corridor.cli", *map(str, words)], check=True)
    print(f"  ({time.perf_counter() - begin:.1f} s: corridor {words[0]} ...)", flush=True)


def judged(material: Material, rulebook: Path) -> dict[Key, float]:
    """The probability of each item by (declaration_id, item_no), judged in one batch without Flink."""
    book, batch = load(rulebook), material.batch
    verdicts = judge(batch, histories(batch, book.policy.histories, material.lines), book)
    return dict(zip(keys(material), verdicts.item_probability.tolist(), strict=True))


def keys(material: Material) -> Iterator[Key]:
    ids = texts(material.batch)[0].to_pylist()
    numbers = material.batch.items["item_no"].tolist()
    return ((ids[d], number) for d, number in zip(material.declaration, numbers, strict=True))


def report(material: Material, offline: dict[Key, float], data: Path) -> bool:
    """Print precision, recall and revenue at the shares inspected; False if short of what is wanted."""
    score = np.array([offline[key] for key in keys(material)])
    hit = np.zeros(len(score), np.bool_)
    hit[material.results.item] = material.results.hit
    good = len(score) == ROWS
    print(f"{len(score):,} items judged, {hit.sum():,} of them with a finding")
    print(f"{'inspected':>10}{'precision':>11}{'paper':>8}{'recall':>8}{'revenue':>9}{'at most':>9}")
    for found in inspections(score, hit, hit * due(material, data), SHARES):
        paper = f"{PAPER[found.share]:.3f}" if found.share in PAPER else "-"
        print(
            f"{100 * found.share:>9.0f}%{found.precision:>11.3f}{paper:>8}{found.recall:>8.3f}"
            f"{found.revenue:>9.3f}{found.oracle_revenue:>9.3f}"
        )
        good &= found.precision >= WANTED.get(found.share, 0.0)
    print("precision as wanted: " + ("yes" if good else "NO"))
    return good


def due(material: Material, data: Path) -> NDArray[np.float64]:
    """The duty at stake in each item, from the CSV: tax rate x price."""
    with (data / "df_syn_valid_eng.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {
            row["Declaration ID"]: float(row["Tax Rate"]) * float(row["Item Price"]) / 100
            for row in csv.DictReader(file)
        }
    return np.array([rows[declaration_id] for declaration_id, _ in keys(material)])


def compare(work: Path, offline: dict[Key, float]) -> bool:
    """Run valid through the stream and compare every item's probability bit for bit."""
    output = work / "stream"
    rulebook, source = work / "rulebook", work / "valid" / "declarations"
    corridor("run", "decide", "--input", source, "--rulebook", rulebook, "--output", output, "--no-picture")
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    stream = dict(decided(output / "decisions"))
    unequal = sum(offline.get(key) != value for key, value in stream.items())
    print(f"stream: read {summary['read']:,}, decided {summary['decided']:,}; {len(stream):,} items")
    unequal += len(offline.keys() - stream.keys())
    print(f"items whose probability differs from the offline one: {unequal}")
    return summary["decided"] == ROWS and stream == offline


def decided(folder: Path) -> Iterator[tuple[Key, float]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith((".", "_")):
            for line in path.read_bytes().splitlines():
                decision = json.loads(line)
                for item in decision["items"]:
                    yield (decision["declaration_id"], item["item_no"]), item["probability"]


if __name__ == "__main__":
    main()
