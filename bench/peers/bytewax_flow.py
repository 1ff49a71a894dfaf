"""Bytewax with its own Kafka connectors and Corridor's kernels, two processes of one worker each.

flags: batches (`flat_map_batch`, in place of a record at a time); recovery (state store on disk, a snapshot each
checkpoint interval). Its source keeps offsets in the snapshots, its sink knows no transactions: at least once with
recovery; without, a restart begins anew.
"""

import sys
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow

from corridor.kafka.broker import free_port
from corridor.processes import HOST
from peers.run import BATCH, Kernels, Run, given, in_two

FEW = 100
"""Records that a row at a time are handed on together: each costs a millisecond, and the clock of the race sees finer
steps than with the default of 1,000."""


def flow() -> Dataflow:
    """Read, judge, write."""
    run = given()
    kernels, batches = Kernels(run.rulebook), "batches" in run.flags

    def judge(messages: list[KafkaSourceMessage]) -> list[KafkaSinkMessage]:
        decisions, traces = kernels.judge([message.value for message in messages])
        told = [KafkaSinkMessage(None, decision, run.topic("decisions")) for decision in decisions]
        return told + [KafkaSinkMessage(None, trace, run.topic("traces")) for trace in traces]

    dataflow = Dataflow("race")
    size = BATCH if batches else FEW
    source = KafkaSource([run.bootstrap], [run.source], tail=False, batch_size=size)
    messages = op.input("declarations", dataflow, source)
    if batches:
        judged = op.flat_map_batch("judge", messages, judge)
    else:
        judged = op.flat_map("judge", messages, lambda message: judge([message]))
    op.output("decisions", judged, KafkaSink([run.bootstrap], topic=None))
    return dataflow


def main(run: Run) -> None:
    addresses = ";".join(f"{HOST}:{free_port()}" for _ in range(2))
    more: list[str] = []
    if "recovery" in run.flags:
        store = Path(run.folder) / "recovery"
        store.mkdir()
        in_two(["-m", "bytewax.recovery", str(store), "2"])
        more = ["-r", str(store), "-s", str(run.checkpoint_ms // 1000), "-b", "0"]
    in_two(
        *(
            ["-m", "bytewax.run", "peers.bytewax_flow:flow", "-i", str(number), "-a", addresses, *more]
            for number in range(2)
        )
    )


if __name__ == "__main__":
    sys.exit(main(given()))
