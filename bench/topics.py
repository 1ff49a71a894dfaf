"""Topics of their own for benchmarks: made as that of the declarations, and filled."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka.admin import NewTopic

from corridor.kafka.topics import SPECIFICATIONS


def filled(client: Any, bootstrap: str, topic: str, source: Path) -> None:
    """Make a topic set up as that of the declarations, and send a file or all of a folder into it."""
    like = SPECIFICATIONS[0]
    client.create_topics([NewTopic(topic, like.partitions, 1, config=like.config)])[topic].result(30)
    until = time.monotonic() + 30
    while topic not in client.list_topics(timeout=10).topics:
        assert time.monotonic() < until, f"{topic} was made and is not listed"
        time.sleep(0.1)
    command = [sys.executable, "-m", "corridor.cli", "produce", "--input", str(source)]
    done = subprocess.run(
        [*command, "--kafka", bootstrap, "--topic", topic], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
