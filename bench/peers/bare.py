"""The bare loop: two processes of confluent-kafka, decode and `judge`, and no engine: the practical ceiling.

flags: transactions (a batch each, with the offsets in it); else offsets are not kept, so nothing is guaranteed.
"""

import multiprocessing

from confluent_kafka import Consumer, Producer, TopicPartition

from peers.run import BATCH, Kernels, Run, given


def loop(run: Run, number: int) -> None:
    """One process, of every second partition, to their ends."""
    kernels, transactions = Kernels(run.rulebook), "transactions" in run.flags
    common = {"bootstrap.servers": run.bootstrap}
    reading = {
        "group.id": f"{run.prefix}-{number}",
        "enable.auto.commit": False,
        "enable.partition.eof": False,
    }
    reader = Consumer(common | reading)
    writing = {"linger.ms": 20, "queue.buffering.max.messages": 1_000_000}
    writer = Producer(
        common | writing | ({"transactional.id": f"{run.prefix}-{number}"} if transactions else {})
    )
    if transactions:
        writer.init_transactions()
    parts = sorted(reader.list_topics(run.source).topics[run.source].partitions)
    reader.assign([TopicPartition(run.source, part, 0) for part in parts[number::2]])
    while messages := reader.consume(BATCH, timeout=2.0):
        decisions, traces = kernels.judge([message.value() for message in messages])
        if transactions:
            writer.begin_transaction()
        for decision, trace in zip(decisions, traces, strict=True):
            writer.produce(run.topic("decisions"), decision)
            writer.produce(run.topic("traces"), trace)
        if transactions:
            writer.send_offsets_to_transaction(
                reader.position(reader.assignment()), reader.consumer_group_metadata()
            )
            writer.commit_transaction()
        else:
            writer.poll(0)
    writer.flush()


def main() -> None:
    workers = [multiprocessing.Process(target=loop, args=(given(), number)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers)


if __name__ == "__main__":
    main()
