"""What the benchmarks share: ways in turn, again and again, and the machine they ran on."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any


def machine(*packages: str) -> str:
    """One line: processor, cores and their load, Python and the versions of the packages named."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text("ascii", "replace").splitlines() if path.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    model = named[0] if named else platform.processor() or platform.machine()
    vectors = "AVX-512" if any("avx512bw" in line for line in lines) else "no AVX-512"
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{model} ({vectors}), {load}, Python {platform.python_version()}, {versions}"


def alternate(
    ways: Mapping[str, Callable[[], Any]],
    repetitions: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each way, run in turn (A B C A B C ...) after one run of each that is not counted."""
    return in_turn({name: timed(work, clock) for name, work in ways.items()}, repetitions)


def timed(work: Callable[[], Any], clock: Callable[[], float], repeats: int = 1) -> Callable[[], float]:
    """A way that gives its own seconds by `clock`, divided by the repeats."""

    def step() -> float:
        start = clock()
        for _ in range(repeats):
            work()
        return (clock() - start) / repeats

    return step


def in_turn(steps: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """As `alternate`, for ways that give their own seconds."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repetitions):
        for name, step in steps.items():
            seconds[name].append(step())
    return seconds


def rate(count: int, seconds: list[float]) -> str:
    """Median rate with its spread: "1,234,000/s (1,200,000 to 1,260,000)"."""
    middle = count / statistics.median(seconds)
    return f"{middle:,.0f}/s ({count / max(seconds):,.0f} to {count / min(seconds):,.0f})"


def ratio(one: list[float], other: list[float]) -> str:
    """How many times faster `one` is than `other`, pair by pair: median and spread."""
    pairs = [b / a for a, b in zip(one, other, strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"


def steady(told: Sequence[tuple[float, int]], total: int) -> float:
    """Records a second between a half and nine tenths of `total`. told: (seconds, records so far), as time went on."""
    first = next(step for step in told if step[1] >= total * 0.5)
    last = next(step for step in told if step[1] >= total * 0.9)
    return (last[1] - first[1]) / max(last[0] - first[0], 1e-9)
