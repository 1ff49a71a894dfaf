"""Quix Streams with Corridor's kernels, two processes in one consumer group.

flags: exactly-once (its processing guarantee; else at least once); batches. Its operators see one record each. Its
count windows gather records of one key each (here the importer's few) in RocksDB, so they make no batches of a stream;
the one place where its API hands over many records is a sink (`BatchingSink`), which gets those of a partition
at each commit. A sink writes by itself, outside the application's transactions, so it is at least once.
"""

import sys
from typing import Any

from confluent_kafka import Producer
from quixstreams import Application
from quixstreams.sinks.base import BatchingSink, SinkBatch

from peers.run import BATCH, Kernels, Run, given, in_two

IDLE = 5.0
"""Seconds without a record after which a process takes the topic to be at its end."""


class JudgingSink(BatchingSink):
    """Judges and writes what came between two commits."""

    def __init__(self, run: Run, kernels: Kernels) -> None:
        super().__init__()
        self._run, self._kernels = run, kernels
        limit = {"queue.buffering.max.messages": 1_000_000}
        self._producer = Producer({"bootstrap.servers": run.bootstrap, "enable.idempotence": True} | limit)

    def write(self, batch: SinkBatch) -> None:
        """Judge the records of one partition."""
        for some in batch.iter_chunks(n=BATCH):
            decisions, traces = self._kernels.judge([record.value for record in some])
            for decision, trace in zip(decisions, traces, strict=True):
                self._producer.produce(self._run.topic("decisions"), decision)
                self._producer.produce(self._run.topic("traces"), trace)

    def flush(self) -> None:
        """Write all, and wait until the broker has it."""
        super().flush()
        assert self._producer.flush() == 0


def work(run: Run) -> None:
    """One process."""
    kernels, batches = Kernels(run.rulebook), "batches" in run.flags
    kernels.judge([])
    more: dict[str, Any] = {"commit_every": 4 * BATCH} if batches else {}
    application = Application(
        broker_address=run.bootstrap,
        consumer_group=run.prefix,
        auto_offset_reset="earliest",
        commit_interval=run.checkpoint_ms / 1000,
        processing_guarantee="exactly-once" if "exactly-once" in run.flags else "at-least-once",
        state_dir=f"{run.folder}/state",
        loglevel="WARNING",
        **more,
    )
    messages = application.dataframe(application.topic(run.source, value_deserializer="bytes"))
    if batches:
        messages.sink(JudgingSink(run, kernels))
    else:
        judged = messages.apply(lambda payload: kernels.judge([payload]))
        for place, name in enumerate(("decisions", "traces")):
            topic = application.topic(run.topic(name), value_serializer="bytes")
            judged.apply(lambda pair, place=place: pair[place][0]).to_topic(topic)
    application.run(timeout=IDLE, collect=False)


def main() -> None:
    if "work" in sys.argv:
        work(given())
    else:
        in_two(*[["-m", "peers.quix_app", "work"]] * 2)


if __name__ == "__main__":
    main()
