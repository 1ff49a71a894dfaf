"""A list of a million entries beside one of ten, and 10,000 snoozes beside none: what they cost.

Two rulebooks, the sample's rules over and over (with varied limits) until there are 100 and one rule that reads a list of
importers; each of the list's entries has a first and a last day, two years of them. They judge the same simulated
declarations, in turn. Decisions without the list's rule are compared first.

    python bench/lists.py > bench/results/lists.txt
"""

import json
import random
import resource
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from side_by_side import in_turn, machine, rate, ratio, timed

from corridor.history import History
from corridor.judge import judge
from corridor.messages.columns import Declarations
from corridor.messages.declaration import decode
from corridor.rulebook.book import Rulebook
from corridor.rulebook.lists import read_list
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.snoozes import Snoozes
from corridor.simulate import declarations

COUNT, BATCH, REPETITIONS, RULES, SNOOZES = 40_000, 5_000, 9, 100, 10_000
FEW, MANY = 10, 1_000_000
POLICY = "thresholds:\n  - {blue: 0.15, yellow: 0.25, red: 0.6}\n"
CONDITIONS = (
    "item.value_per_kg < {}",
    "declaration.dispatch_country != item.origin_country and item.customs_value > {}",
    "item.net_mass_kg % {} == 0",
    "item.hs_code in ['85', '9503', '6403'] and item.net_mass_kg > {}",
)
FIRST = date(2026, 1, 1)


def write_list(path: Path, count: int, known: list[str]) -> None:
    """Importers' numbers with days drawn from two years; five that the declarations hold, so that hits cost the same."""
    chance = random.Random(count)
    with path.open("w", encoding="ascii") as file:
        file.write("code,valid_from,valid_until,reason,owner\n")
        for n in range(count):
            since = FIRST + timedelta(chance.randrange(365))
            code = known[n] if n < FEW // 2 else f"{chance.randrange(10**9):09}{n:07}"
            file.write(f"{code},{since},{since + timedelta(chance.randrange(30, 365))},authorised,unit\n")


def write_rulebook(folder: Path, count: int, known: list[str]) -> Path:
    """A rulebook of 100 rules and a list."""
    (folder / "lists").mkdir(parents=True)
    paper = "group: list, title: t, owner: o, legal_basis: l, valid_from: 2020-01-01, response: score, weight: 0.01"
    whens = [CONDITIONS[r % len(CONDITIONS)].format(10 + r) for r in range(RULES - 1)]
    whens.append("declaration.importer in lists.listed")
    rules = [f'  - {{id: R{r}, when: "{when}", {paper}}}' for r, when in enumerate(whens)]
    (folder / "rules.yaml").write_text("\n".join(["rules:", *rules]))
    (folder / "corridors.yaml").write_text(POLICY)
    (folder / "sampling.key").write_text("ab" * 32)
    write_list(folder / "lists" / "listed.csv", count, known)
    rows = [
        f"R{n % (RULES - 1)},importer,{code},2026-06-01,2027-05-01,known,unit"
        for n, code in enumerate(snoozed(known))
    ]
    (folder / "snoozes.csv").write_text(
        "rule,subject,code,valid_from,valid_until,reason,owner\n" + "\n".join(rows) + "\n"
    )
    write_manifest(folder, str(count), datetime(2020, 1, 1, tzinfo=UTC))
    return folder


def snoozed(known: list[str]) -> list[str]:
    """10,000 parties: half of the importers that are known, and others."""
    mine = known[: min(SNOOZES, len(known)) // 2]
    return mine + [f"S{n:08}" for n in range(SNOOZES - len(mine))]


def judging(book: Rulebook, batches: list[Declarations]) -> None:
    """Judge all batches."""
    for batch in batches:
        judge(batch, History.none(len(batch)), book)


def timed_load(folder: Path) -> tuple[Rulebook, float]:
    """The rulebook and the seconds that it took."""
    start = time.perf_counter()
    book = load(folder)
    return book, time.perf_counter() - start


def peak() -> float:
    """The most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024**2 if sys.platform == "darwin" else 1024
    )


def main() -> None:
    """Print the comparison."""
    print(__doc__.split("\n\n", maxsplit=1)[0] if __doc__ else "")
    print(machine("numpy", "numba"))
    payloads = list(declarations(COUNT, 11))
    known = sorted({json.loads(payload)["importer"] for payload in payloads})
    batch = decode(payloads, 0).declarations
    batches = [batch.take(np.arange(low, low + BATCH)) for low in range(0, COUNT, BATCH)]
    print(f"{COUNT:,} declarations of {len(batch.items):,} items and {len(known):,} importers, {BATCH:,} a batch; "
          f"{RULES} rules, {REPETITIONS} runs in turn\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        few_folder, many_folder = (write_rulebook(Path(place, str(n)), n, known) for n in (FEW, MANY))
        load(few_folder)  # warm
        few, few_seconds = timed_load(few_folder)
        before = peak()
        many, many_seconds = timed_load(many_folder)
        grown = peak() - before
        start = time.perf_counter()
        read_list(many_folder / "lists" / "listed.csv")
        reading = time.perf_counter() - start
    without = {"10 entries": few, "1,000,000 entries": many}
    plain = {name: replace(book, snoozes=Snoozes()) for name, book in without.items()}
    hits = {name: book.lists["listed"].holds(batch.heads["importer"], batch.heads["registered_at"] / 1e6).mean()
            for name, book in plain.items()}  # fmt: skip
    table, held = many.lists["listed"].table.array.nbytes, many.lists["listed"].tokens.nbytes * 3
    print(
        f"load: {few_seconds:.2f} s with {FEW} entries, {many_seconds:.2f} s with {MANY:,}, "
        f"of which {reading:.2f} s to read them"
    )
    print(f"memory: the table {table / 1e6:.0f} MB, its entries {held / 1e6:.0f} MB; "
          f"the process's peak grew by {grown:.0f} MB while it loaded")  # fmt: skip
    print(f"listed: {hits['10 entries']:.2%} and {hits['1,000,000 entries']:.2%} of the declarations\n")
    ways = plain | {"10 entries, 10,000 snoozes": few}
    seconds = in_turn({name: timed(lambda b=book: judging(b, batches), time.perf_counter) for name, book in ways.items()},
                      REPETITIONS)  # fmt: skip
    base = seconds["10 entries"]
    for name, took in seconds.items():
        told = "" if took is base else f"   {ratio(took, base)} times the rate with ten and without snoozes"
        print(f"  {name:28} {rate(COUNT, took)} declarations{told}")
    alone = in_turn(
        {name: timed(lambda b=book: b.lists["listed"].holds(batch.heads["importer"], batch.heads["registered_at"] / 1e6),
                     time.perf_counter) for name, book in plain.items()},
        REPETITIONS)  # fmt: skip
    print()
    for name, took in alone.items():
        print(f"  the lookup alone, {name:17} {np.median(took) / COUNT * 1e9:6.1f} ns a declaration")


if __name__ == "__main__":
    main()
