"""What every way of the race is told, and the work that all but the newcomer's do alike.

A way is a module that runs by itself: `python -m peers.bare`, told by the environment variable CORRIDOR_RACE.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "CORRIDOR_RACE"
BATCH = 5_000
"""Records that a way may judge at once, where it can."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one way.

    source: the topic with the declarations; prefix: of the topics it writes, and its name towards the broker;
    folder: scratch; checkpoint_ms: how often what keeps checkpoints, snapshots or offsets does so; flags: what this
    way varies.
    """

    bootstrap: str
    source: str
    prefix: str
    rulebook: str
    folder: str
    checkpoint_ms: int
    flags: tuple[str, ...] = ()

    def topic(self, name: str) -> str:
        """The topic of this run that holds `name`."""
        return f"{self.prefix}.{name}"

    def environment(self) -> dict[str, str]:
        """The environment of its processes; numba and LightGBM take one thread each, as two processes share two cores."""
        one = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        return os.environ | one | {VARIABLE: json.dumps(asdict(self))}


def given() -> Run:
    """The run that this process is of."""
    told = json.loads(os.environ[VARIABLE])
    return Run(**told | {"flags": tuple(told["flags"])})


def in_two(*commands: list[str]) -> None:
    """Run Python with each of the arguments at once, and wait; the first that fails raises."""
    processes = [subprocess.Popen([sys.executable, *command]) for command in commands]
    codes = [process.wait() for process in processes]
    assert not any(codes), f"ended with {codes}"


class Kernels:
    """Corridor's decode and `judge`, on as many records as are given: decisions and traces."""

    def __init__(self, rulebook: str) -> None:
        from corridor.rulebook.load import load  # noqa: PLC0415  # in PyFlink's workers numba needs the true print

        self._book = load(Path(rulebook))

    def judge(self, payloads: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """decision.v1 and trace.v1 of each declaration."""
        from corridor.history import History  # noqa: PLC0415
        from corridor.judge import judge  # noqa: PLC0415
        from corridor.messages import decision, trace  # noqa: PLC0415
        from corridor.messages.declaration import decode  # noqa: PLC0415

        batch = decode(payloads, 0, None).declarations
        history = History.none(len(batch))
        decisions = decision.encode(batch, judge(batch, history, self._book), 0)
        return decisions, trace.encode(batch, history, self._book.version)
