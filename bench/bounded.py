"""The rate of the decide job over a topic that is already filled, in a process of its own.

.venv/bin/python bench/bounded.py BOOTSTRAP TOPIC TOTAL [KEY=VALUE ...]     (KEYs of `Topics`: rulebook, backend, ...)
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from side_by_side import steady

from corridor.flink.streaming import run_decide
from corridor.flink.topics import Source, Topics
from corridor.kafka.client import Settings

KINDS = {"rulebook": Path, "backend": str, "parallelism": int}
"""What a run can be told apart from topic and broker, and how it is read from a command line."""


def rate(bootstrap: str, topic: str, total: int, **more: object) -> float:
    """Declarations a second from a half to nine tenths of `total`, exactly once, with histories and picture."""
    stated = [f"{key}={value}" for key, value in more.items()]
    done = subprocess.run(
        [sys.executable, __file__, bootstrap, topic, str(total), *stated],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return float(done.stdout.split()[-1])


def main() -> None:
    bootstrap, topic, total, *stated = sys.argv[1:]
    more = {key: KINDS[key](value) for key, value in (pair.split("=", 1) for pair in stated)}
    told: list[tuple[float, int]] = []
    name = f"bench-{time.time_ns()}"
    with tempfile.TemporaryDirectory() as state:
        run_decide(
            Topics(
                Settings(bootstrap, group=name, transactional_id_prefix=name),
                Path(state),
                Source(topic=topic, bounded=True, from_beginning=True),
                checkpoint_ms=10_000,
                **more,
            ),
            lambda counts, _: told.append((time.time(), counts["judged"])),
        )
    print(f"rate {steady(told, int(total)):.0f}")


if __name__ == "__main__":
    main()
