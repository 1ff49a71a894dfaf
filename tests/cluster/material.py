"""A day of many services, registered in order and without faults, and what an undisturbed run decides on it."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np

from corridor.simulate import Service, clean
from corridor.simulate.batch import join
from corridor.simulate.service import number
from corridor.simulate.write import lines, split

A_SERVICE = 25_000
DAY = date(2025, 11, 25)
"""Long gone by any clock: event time is never held back to the present."""


def declarations(count: int, first: int = 1) -> list[bytes]:
    """Clean declarations in the order of their registration."""
    parts = []
    for seed, begin in enumerate(range(0, count, A_SERVICE), first):
        part = clean(Service(seed), DAY, min(A_SERVICE, count - begin))
        number(part, 1_000_001 + seed * A_SERVICE)
        parts.append(part)
    batch = join(parts)
    return split(*lines(batch.take(np.argsort(batch.heads["registered"], kind="stable"))))


def write(folder: Path, count: int, twice: int) -> Path:
    """A folder with `count` declarations in one file, and the first `twice` of them again in a second one."""
    folder.mkdir()
    made = [line.rstrip(b"\n") + b"\n" for line in declarations(count)]
    (folder / "1.ndjson").write_bytes(b"".join(made))
    (folder / "2.ndjson").write_bytes(b"".join(made[:twice]))
    return folder


def decided_on_files(source: Path, output: Path) -> dict[tuple[str, int], dict]:
    """Decisions by identity, of a run over files on embedded Flink: what no fault has touched."""
    command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--input", source, "--output", output]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = (
        json.loads(line) for path in sorted((output / "decisions").iterdir()) for line in path.open("rb")
    )
    return {identity(decision): content(decision) for decision in found}


def identity(decision: dict) -> tuple[str, int]:
    return decision["declaration_id"], decision["version"]


def content(decision: dict) -> dict:
    """A decision without the time at which it was made."""
    return {key: value for key, value in decision.items() if key != "decided_at"}
