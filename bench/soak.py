"""The job over Kafka for a long while: whether its memory stands still.

    .venv/bin/python bench/soak.py [--minutes 30] [--speed 2000] [--backend hashmap|rocksdb]

`corridor produce --simulate` replays day after day of the simulated service at `--speed` times its own clock into a broker
of this bench, `corridor run decide` judges it with histories and picture, and every five seconds resident memory of its
JVM and of its Python workers, the heap that the JVM uses, and the newest checkpoint are written down. After a warm-up of a
third of the time a line is fitted to each. The heap swings with its collections, so its lower edge is taken: the least
of each minute. State grows by design, by each identity that is remembered for 35 days; what grows faster than
checkpoints do is a leak.
"""

import argparse
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from pipeline import fitted_rulebook
from side_by_side import machine

from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker, free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.processes import descendants

STEP = 5.0
HEADS = (
    "JVM resident",
    "JVM heap, lower edge",
    "JVM beside the heap",
    "Python workers resident",
    "checkpoint",
)
_HEAP = "flink_taskmanager_Status_JVM_Memory_Heap_Used"
_BESIDE = "flink_taskmanager_Status_JVM_Memory_NonHeap_Used"
_READ = "flink_taskmanager_job_task_operator_corridor_read"
_WAITING = "flink_taskmanager_job_task_operator_corridor_partition_conservation_waiting"


def resident(root: int) -> tuple[float, float]:
    """MB of the JVM, and of all Python processes below `root` but itself."""
    java = python = 0.0
    for pid, told in descendants(root):
        try:
            size = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
        except (OSError, IndexError):
            continue
        if told.split(None, 1)[0].endswith("java"):
            java += size
        else:
            python += size
    return java, python


def scrape(port: int) -> dict[str, float]:
    """Sums of metrics over all labels; empty while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, OSError):
        return {}
    found: dict[str, float] = {}
    for name, value in re.findall(r"^(\w+)\{.*\} (\S+)$", text, re.MULTILINE):
        if name in (_HEAP, _BESIDE, _READ, _WAITING):
            found[name] = found.get(name, 0.0) + float(value)
    return found


def checkpoint(state: Path) -> float:
    """MB of all that the newest checkpoints hold."""
    return sum(path.stat().st_size for path in state.glob("checkpoints/**/*") if path.is_file()) / 1e6


def slope(points: list[tuple[float, float]]) -> float:
    """MB an hour of (seconds, MB)."""
    times, values = zip(*points, strict=True)
    return statistics.linear_regression(times, values).slope * 3600


def edge(points: list[tuple[float, float]], seconds: float = 60.0) -> list[tuple[float, float]]:
    """The least value of each minute."""
    least: dict[int, tuple[float, float]] = {}
    for at, value in points:
        key = int(at // seconds)
        if key not in least or value < least[key][1]:
            least[key] = (at, value)
    return list(least.values())


def watch(
    job: subprocess.Popen, port: int, state: Path, minutes: float
) -> tuple[list[list[float]], float, float]:
    """Rows of time and HEADS, records read, records waiting at the end."""
    rows, metrics, begun = [], {}, time.time()
    while not scrape(port).get(_READ):
        assert job.poll() is None, job.stderr.read()[-2000:]
        assert time.time() - begun < 300, "the job read nothing for five minutes"
        time.sleep(1)
    begun = time.time()
    while time.time() - begun < minutes * 60:
        assert job.poll() is None, job.stderr.read()[-2000:]
        metrics = scrape(port) or metrics
        java, python = resident(job.pid)
        told = (java, metrics[_HEAP] / 1e6, metrics[_BESIDE] / 1e6, python, checkpoint(state))
        rows.append([time.time() - begun, *told])
        if len(rows) % 12 == 1:
            figures = "  ".join(f"{name} {value:,.0f}" for name, value in zip(HEADS, told, strict=True))
            print(f"{rows[-1][0] / 60:5.1f} min  read {metrics[_READ]:>12,.0f}  MB: {figures}", flush=True)
        time.sleep(STEP)
    return rows, metrics[_READ], metrics.get(_WAITING, 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--speed", type=float, default=2000.0)
    parser.add_argument("--backend", default="hashmap", choices=["hashmap", "rocksdb"])
    options = parser.parse_args()
    print(machine("apache-flink", "confluent-kafka", "numba"))
    with tempfile.TemporaryDirectory() as where:
        root = Path(where)
        broker, port, state = LocalBroker(root / "broker"), free_port(), root / "state"
        rulebook = fitted_rulebook(root / "fitted")
        broker.start()
        processes = []
        try:
            admin.create(connect(Settings(broker.bootstrap)), 1)
            for words in (
                f"run decide --state {state} --rulebook {rulebook} --metrics {port} --backend {options.backend}",
                f"produce --simulate --speed {options.speed} --start 2026-01-12 --garbage 0.01",
            ):
                command = [sys.executable, "-m", "corridor.cli", *words.split(), "--kafka", broker.bootstrap]
                processes.append(
                    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                )
            rows, read, waiting = watch(processes[0], port, state, options.minutes)
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGINT)
                process.wait(60)
            broker.stop()
    settled = [row for row in rows if row[0] >= rows[-1][0] / 3]
    print(f"{options.minutes:g} minutes, backend {options.backend}, {read:,.0f} records read "
          f"({read / rows[-1][0]:,.0f}/s), {waiting:,.0f} waiting at the end")  # fmt: skip
    for i, name in enumerate(HEADS, 1):
        points = [(row[0], row[i]) for row in settled]
        points = edge(points) if "edge" in name else points
        print(f"{name:<26}{points[0][1]:>8,.0f} to {points[-1][1]:>8,.0f} MB   {slope(points):>+9,.1f} MB/h")


if __name__ == "__main__":
    main()
