"""Corridor's own job, exactly once, in two slots; flags: histories, picture."""

import time
from pathlib import Path

from corridor.flink.connectors import Source
from corridor.flink.streaming import Topics, run_decide
from corridor.kafka.client import Settings
from corridor.kafka.topics import TOPICS
from peers.run import given


def main() -> None:
    run = given()
    TOPICS.update(
        {name: run.topic(name) for name in TOPICS if name != "declarations"}
    )  # topics of this run alone
    name = f"{run.prefix}-{time.time_ns()}"
    run_decide(
        Topics(
            Settings(run.bootstrap, group=name, transactional_id_prefix=name),
            Path(run.folder),
            Source(topic=run.source, bounded=True, from_beginning=True),
            Path(run.rulebook),
            picture="picture" in run.flags,
            histories="histories" in run.flags,
            checkpoint_ms=run.checkpoint_ms,
            bundle_ms=500,  # fuller batches: a race is about rate, and others have batches of 5,000
        )
    )


if __name__ == "__main__":
    main()
