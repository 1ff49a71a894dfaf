"""The job over Kafka beside a bare loop of two processes on the same broker: the same work, no Flink.

    .venv/bin/python bench/kafka.py [--declarations 200000] [--repeat 3] [--checkpoint 10000]

Declarations of three items wait in a topic of eight partitions; each way decodes, judges (100 rules, norms, 200 trees)
and writes a decision and a trace, Corridor exactly once and with lineage, the bare loop with transactions (a batch
each) and without. The rate is that from a quarter to nine tenths of all, so no start-up is in it. Broker and ways share
the machine's cores.
"""

import argparse
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from pipeline import fitted_rulebook, material
from side_by_side import machine

from corridor.flink.connectors import Source
from corridor.flink.streaming import Topics, run_decide
from corridor.history import History
from corridor.judge import judge
from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.topics import TOPICS
from corridor.messages import decision, trace
from corridor.messages.declaration import decode
from corridor.rulebook.load import load

WAYS = {
    "bare loop": ("bare", ""),
    "bare loop, transactions": ("bare", "transactions"),
    "Corridor": ("flink", "none"),
    "Corridor, histories": ("flink", "histories"),
    "Corridor, histories, picture": ("flink", "histories picture"),
}


def bare(
    settings: Settings, rulebook: Path, number: int, transactions: bool, done: "multiprocessing.Queue"
) -> None:
    """One process of the bare loop; puts (time, records judged) into `done` after each batch."""
    book, group = load(rulebook), f"bare-{time.time_ns() // 10**9}"
    reader = Consumer(
        settings.librdkafka()
        | {"group.id": f"{group}-{number}", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    more = {"transactional.id": f"{group}-{number}"} if transactions else {}
    writer = Producer(
        settings.librdkafka() | {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000} | more
    )
    if transactions:
        writer.init_transactions()
    parts = sorted(reader.list_topics(TOPICS["declarations"]).topics[TOPICS["declarations"]].partitions)
    reader.assign([TopicPartition(TOPICS["declarations"], part, 0) for part in parts[number::2]])
    while True:
        messages = reader.consume(5_000, timeout=1.0)
        if not messages:
            break
        payloads = [message.value() for message in messages]
        decoded = decode(payloads, [message.timestamp()[1] * 1000 for message in messages], None)
        batch = decoded.declarations
        history = History.none(len(batch))
        if transactions:
            writer.begin_transaction()
        documents = decision.encode(batch, judge(batch, history, book), 0)
        for document, told in zip(documents, trace.encode(batch, history, book.version), strict=True):
            writer.produce(TOPICS["decisions"], document)
            writer.produce(TOPICS["traces"], told)
        if transactions:
            writer.send_offsets_to_transaction(
                reader.position(reader.assignment()), reader.consumer_group_metadata()
            )
            writer.commit_transaction()
        else:
            writer.poll(0)
        done.put((time.time(), len(messages)))
    writer.flush()


def run_bare(settings: Settings, rulebook: Path, flags: str) -> list[tuple[float, int]]:
    """(time, judged so far) of two processes."""
    done: multiprocessing.Queue = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=bare, args=(settings, rulebook, k, "transactions" in flags, done))
        for k in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
    steps = sorted(done.get() for _ in range(done.qsize()))
    total, told = 0, []
    for at, count in steps:
        total += count
        told.append((at, total))
    return told


def run_flink(settings: Settings, rulebook: Path, flags: str, checkpoint_ms: int) -> list[tuple[float, int]]:
    """(time, judged so far) of the job, in this process."""
    told: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as state:
        topics = Topics(
            settings,
            Path(state),
            Source(bounded=True, from_beginning=True),
            rulebook,
            picture="picture" in flags,
            histories="histories" in flags,
            checkpoint_ms=checkpoint_ms,
        )
        run_decide(topics, lambda counts, _: told.append((time.time(), counts["judged"])))
    return told


def steady(told: list[tuple[float, int]], total: int) -> float:
    """Records a second from a quarter to nine tenths of all."""
    first = next(step for step in told if step[1] >= total * 0.25)
    last = next((step for step in told if step[1] >= total * 0.9), told[-1])
    return (last[1] - first[1]) / max(last[0] - first[0], 1e-9)


def one(way: str, bootstrap: str, rulebook: Path, total: int, checkpoint_ms: int) -> None:
    """Run a way in this process and print its rate."""
    kind, flags = WAYS[way]
    settings = Settings(
        bootstrap, group=f"bench-{time.time_ns()}", transactional_id_prefix=f"bench-{time.time_ns()}"
    )
    told = (
        run_bare(settings, rulebook, flags)
        if kind == "bare"
        else run_flink(settings, rulebook, flags, checkpoint_ms)
    )
    print(f"rate {steady(told, total):.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--checkpoint", type=int, default=10_000)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "BOOTSTRAP", "RULEBOOK"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, bootstrap, rulebook = options.one
        one(way, bootstrap, Path(rulebook), options.declarations, options.checkpoint)
        return
    print(machine("apache-flink", "confluent-kafka", "numba"))
    with tempfile.TemporaryDirectory() as where:
        root, broker = Path(where), LocalBroker(Path(where) / "broker")
        rulebook = fitted_rulebook(root / "fitted")
        folder = material(root / "day", options.declarations)
        broker.start()
        try:
            client = connect(Settings(broker.bootstrap))
            admin.create(client, 1)
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "corridor.cli",
                    "produce",
                    "--input",
                    folder,
                    "--kafka",
                    broker.bootstrap,
                ],
                check=True,
            )
            rates: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(options.repeat):
                for way in WAYS:
                    command = [sys.executable, __file__, "--one", way, broker.bootstrap, rulebook]
                    command += ["--declarations", options.declarations, "--checkpoint", options.checkpoint]
                    done = subprocess.run(
                        list(map(str, command)), capture_output=True, text=True, check=False
                    )
                    assert done.returncode == 0, done.stderr[-2000:]
                    rates[way].append(float(done.stdout.split()[-1]))
            ceiling = statistics.median(rates["bare loop, transactions"])
            for way, found in rates.items():
                middle = statistics.median(found)
                print(f"{way:<30}{middle:>9,.0f} declarations/s  ({min(found):,.0f} to {max(found):,.0f})"
                      f"   {middle / ceiling:.2f} of the bare loop with transactions")  # fmt: skip
        finally:
            broker.stop()


if __name__ == "__main__":
    main()
