"""What it costs that rulebooks change: in a worker alone, and in a stream at its limit.

    .venv/bin/python bench/switch.py [--count 200000] [--versions 8] [--rulebook DIR] [--alone]

Alone, by the thread's own processor time, so that it holds on a busy machine: taking over a version in the background;
loading versions that differ in a rule, each for itself and sharing what they read from the same bytes, and what they
keep in memory; judging a batch whose declarations are of two versions, against one that is of one.

In a stream: a topic of one day's declarations is decided as fast as it goes, with histories and picture, while signed
rulebooks appear in a registry, each about two seconds before the declarations that it is for. Workers look every second.
In turn: with all versions published before the run, and while it runs. Signing is done before: it is no worker's work.
"""

import argparse
import shutil
import statistics
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from judge import some_history
from pipeline import DAY, fitted_rulebook, material
from side_by_side import alternate, machine, steady
from topics import filled

from corridor.cache import cache_folder
from corridor.flink.environment import ARROW_ROWS as BATCH
from corridor.flink.streaming import run_decide
from corridor.flink.topics import Source, Topics
from corridor.judge import judge_in_force
from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.messages.declaration import decode
from corridor.registry.copies import Copies
from corridor.registry.follow import Follower
from corridor.registry.keys import PublicKey, Signer, Trust, as_text
from corridor.registry.origin import Origin
from corridor.registry.publication import Publication
from corridor.registry.registry import Hand, Registry
from corridor.rulebook.book import Rulebook
from corridor.rulebook.lists import microseconds
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.manifest import write_manifest
from corridor.simulate import declarations

BEFORE = 2.0
"""Seconds from the moment a version appears to the first declaration that it is for, at the rate that is usual here."""
USUAL = 8_000


def person(name: str, role: str) -> Signer:
    key = Ed25519PrivateKey.generate()
    return Signer(PublicKey(name, (role,), 0, 1 << 60, key.public_key().public_bytes_raw()), key)


def registry_of(where: Path, book: Path, versions: int) -> tuple[Path, Path]:
    """A registry whose versions take effect evenly over the day, and the folder of its keys."""
    author, approver = person("author", "author"), person("approver", "approver")
    trust = Trust({one.owner.name: one.owner for one in (author, approver)})
    (where / "trusted").mkdir()
    for one in (author, approver):
        (where / "trusted" / f"{one.owner.name}.toml").write_text(as_text(one.owner))
    registry, begins = Registry.open(str(where / "registry")), datetime.combine(DAY, clock(), UTC)
    for n in range(versions):
        at = begins + n * timedelta(days=1) / versions if n else datetime(2020, 1, 1, tzinfo=UTC)
        copy = shutil.copytree(book, where / f"v{n}")
        with (copy / "rules.yaml").open("a") as rules:
            rules.write(f"# changed {n} times\n")
        write_manifest(copy, f"v{n}", at)
        now = microseconds(at) - 3_600_000_000
        registry.propose(copy, Hand(author, trust, clock=lambda now=now: now))
        registry.approve(f"v{n}", Hand(approver, trust, clock=lambda now=now: now))
    return where / "registry", where / "trusted"


def run(
    bootstrap: str, topic: str, registry: Path, trusted: Path, hidden: list[tuple[int, Path]]
) -> list[tuple[float, int]]:
    """(seconds, declarations judged) as time went on. hidden: records, each to appear once so many are judged."""
    told: list[tuple[float, int]] = []
    waiting = list(hidden)

    def report(counts: dict[str, int], _: int) -> None:
        told.append((time.time(), counts["judged"]))
        while waiting and counts["judged"] >= waiting[0][0]:
            _, record = waiting.pop(0)
            record.rename(registry / "versions" / record.name)

    name = f"bench-{time.time_ns()}"
    with tempfile.TemporaryDirectory() as state:
        run_decide(
            Topics(
                Settings(bootstrap, group=name, transactional_id_prefix=name), Path(state),
                Source(topic=topic, bounded=True, from_beginning=True), checkpoint_ms=10_000,
                registry=str(registry), trusted_keys=trusted, registry_poll_s=1,
            ),
            report,
        )  # fmt: skip
    shutil.rmtree(
        Copies(Registry.open(str(registry)), cache_folder() / "registry").folder, ignore_errors=True
    )
    return told


def windows(told: list[tuple[float, int]], total: int) -> list[tuple[int, int, float]]:
    """Seconds of the steady part: (judged at its begin, at its end, rate)."""
    kept = [step for step in told if 0.15 * total <= step[1] <= 0.95 * total]
    found, first = [], kept[0]
    for step in kept:
        if step[0] - first[0] >= 1.0:
            found.append((first[1], step[1], (step[1] - first[1]) / (step[0] - first[0])))
            first = step
    return found


def around(seconds: list[tuple[int, int, float]], places: list[int]) -> list[float]:
    """The rates of the seconds in which one of the places lies."""
    return [rate for begin, end, rate in seconds if any(begin < place <= end for place in places)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--versions", type=int, default=8)
    parser.add_argument("--repetitions", type=int, default=2)
    parser.add_argument("--rulebook", type=Path)
    parser.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    print(machine("apache-flink", "numba", "cryptography", "fsspec"))
    count, versions = options.count, options.versions
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        book = options.rulebook or fitted_rulebook(where / "fitted")
        registry, trusted = registry_of(where, book, versions)
        alone(where, registry, trusted)
        if options.alone:
            return
        broker = LocalBroker(where / "broker")
        broker.start()
        try:
            client = connect(Settings(broker.bootstrap))
            admin.create(client, 1)
            filled(client, broker.bootstrap, "backlog", material(where / "day", count))
            run(broker.bootstrap, "backlog", registry, trusted, [])
            compare(broker.bootstrap, registry, trusted, options)
        finally:
            broker.stop()


def alone(where: Path, registry: Path, trusted: Path) -> None:
    """Processor time of one worker: to take over a version, and to judge a batch at a switch."""
    follower = Follower(Origin(str(registry), str(trusted), 0), cache=where / "cache")
    chain, copies = Registry.open(str(registry)).publications(Trust.load(trusted)), where / "copies"
    loads = []
    for one in chain:
        begun = time.thread_time()
        Copies(Registry.open(str(registry)), copies / one.digest).book(one)
        loads.append(time.thread_time() - begun)
    middle = 1_000 * statistics.median(loads)
    print(
        f"to copy, check and load a version: {middle:.0f} ms of a worker's processor time, in the background"
    )
    sharing(where, len(chain))
    shelf, batch = follower.published.find(times(chain)), decode(declarations(BATCH, 7, DAY), 0).declarations
    history = some_history(shelf.rulebooks[0], len(batch))
    registered = np.sort(batch.heads["registered_at"])
    shelves = {
        "one": Shelf.of(shelf.rulebooks[0]),
        "two": Shelf(shelf.rulebooks[:2], np.array([0, registered[len(registered) // 2]])),
    }
    ways = {name: lambda of=of: judge_in_force(batch, history, of) for name, of in shelves.items()}
    one, two = (
        1_000 * statistics.median(values) for values in alternate(ways, 21, time.thread_time).values()
    )
    print(
        f"a batch of {BATCH:,}: {one:.2f} ms of one version, {two:.2f} ms of two ({two / one - 1:+.0%}), once a switch"
    )


def times(chain: list[Publication]) -> np.ndarray:
    """int64[k]: the moments from which versions are in force, µs."""
    return np.array([one.statement.starts for one in chain], np.int64)


def sharing(where: Path, versions: int) -> None:
    """Seconds and memory of loading versions each for itself, and like those before."""

    def loaded(shared: bool) -> list[Rulebook]:
        books: list[Rulebook] = []
        for n in range(versions):
            books.append(load(where / f"v{n}", books if shared else ()))
        return books

    loaded(True)
    for shared, told in ((False, "each for itself"), (True, "sharing what is the same")):
        begun = time.thread_time()
        loaded(shared)
        spent = time.thread_time() - begun
        tracemalloc.start()
        books = loaded(shared)
        kept = tracemalloc.get_traced_memory()[0] / 1e6
        tracemalloc.stop()
        print(
            f"{len(books)} versions loaded {told}: {1_000 * spent / versions:.0f} ms each, {kept:.1f} MB kept"
        )


def compare(bootstrap: str, registry: Path, trusted: Path, options: argparse.Namespace) -> None:
    """Both ways in turn, and what they tell."""
    count, versions, away = options.count, options.versions, registry.parent / "away"
    away.mkdir()
    switches = [n * count // versions for n in range(1, versions)]
    rates: dict[str, list[float]] = {"before": [], "while": []}
    loading, changes, others = [], [], []
    for _ in range(options.repetitions):
        rates["before"].append(steady(run(bootstrap, "backlog", registry, trusted, []), count))
        hidden = []
        for n, at in enumerate(switches, 1):
            name = f"{n + 1:06d}.json"
            (registry / "versions" / name).rename(away / name)
            hidden.append((max(1, int(at - BEFORE * USUAL)), away / name))
        told = run(bootstrap, "backlog", registry, trusted, hidden)
        rates["while"].append(steady(told, count))
        seconds = windows(told, count)
        middle = statistics.median(rate for _, _, rate in seconds)
        appear = [at for at, _ in hidden]
        loading += [rate / middle for rate in around(seconds, [at + USUAL // 2 for at in appear])]
        changes += [rate / middle for rate in around(seconds, switches)]
        others += [rate / middle for rate in (rate for _, _, rate in seconds)]
    for name, values in rates.items():
        print(f"published {name} the run: {', '.join(f'{value:,.0f}' for value in values)} declarations/s")
    print(
        f"while / before, pair by pair: {', '.join(f'{b / a:.2f}' for a, b in zip(*rates.values(), strict=True))}"
    )
    for name, values in {"with a load": loading, "with a switch": changes, "of any kind": others}.items():
        spread = f"{min(values):.2f} to {max(values):.2f}" if values else "none seen"
        middle = statistics.median(values) if values else float("nan")
        print(
            f"the second of {name} against the run's median: {middle:.2f} at the middle ({spread}; {len(values)})"
        )


if __name__ == "__main__":
    main()
