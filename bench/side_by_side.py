"""What the benchmarks share: ways in turn, again and again, and the machine they ran on."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any


def machine(*packages: str) -> str:
    """One line: processor, cores, Python and the versions of the packages named."""
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"


def alternate(ways: Mapping[str, Callable[[], Any]], repetitions: int = 5) -> dict[str, list[float]]:
    """Seconds of each way, run in turn (A B C A B C ...) after one run of each that is not counted."""
    for work in ways.values():
        work()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def rate(count: int, seconds: list[float]) -> str:
    """Median rate with its spread: "1,234,000/s (1,200,000 to 1,260,000)"."""
    middle = count / statistics.median(seconds)
    return f"{middle:,.0f}/s ({count / max(seconds):,.0f} to {count / min(seconds):,.0f})"


def ratio(one: list[float], other: list[float]) -> str:
    """How many times faster `one` is than `other`, pair by pair: median and spread."""
    pairs = [b / a for a, b in zip(one, other, strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"
