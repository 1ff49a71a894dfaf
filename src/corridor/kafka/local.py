"""`make kafka` and `make kafka-down`: a broker of one's own on loopback, with all topics.

`python -m corridor.kafka.local up|down`. CORRIDOR_BROKER_PORT (9092) and CORRIDOR_BROKER_FOLDER (kafka in the
cache folder) say where. The folder keeps the data until somebody removes it.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from corridor.cache import cache_folder
from corridor.errors import CorridorError, InputError
from corridor.kafka import admin
from corridor.kafka.broker import HOST, LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.jars import fetch
from corridor.kafka.topics import SPECIFICATIONS

PORT: Final = 9092
_PATIENCE: Final = 30.0


def folder() -> Path:
    """Where the broker keeps its storage, its log and its process id."""
    return Path(os.environ.get("CORRIDOR_BROKER_FOLDER") or cache_folder() / "kafka").absolute()


def up() -> str:
    """Have the broker run and all topics there; gives one line about it. Does nothing twice."""
    place, port = folder(), _port()
    running = _running(place)
    if running is None:
        fetch("broker")
        broker = LocalBroker(place, port, port + 1)
        broker.start()
        running = {"pid": broker.pid or 0, "bootstrap": broker.bootstrap}
        _note(place).write_text(json.dumps(running), encoding="ascii")
    elif running["bootstrap"] != f"{HOST}:{port}":
        raise InputError(
            f"the broker in {place} runs on {running['bootstrap']} already: `make kafka-down` ends it; another "
            "broker beside it needs its own CORRIDOR_BROKER_FOLDER"
        )
    made = admin.create(connect(Settings(str(running["bootstrap"]))), replication=1)
    return (
        f"Kafka runs on {running['bootstrap']} (process {running['pid']}, {len(SPECIFICATIONS)} topics, {len(made)} "
        f"of them new); its data and log are in {place}; `make kafka-down` ends it"
    )


def down() -> str:
    """End the broker that `up` started, and no other process; gives one line about it."""
    place = folder()
    running = _running(place)
    _note(place).unlink(missing_ok=True)
    if running is None:
        return f"no broker runs in {place}"
    pid = int(running["pid"])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while _is_ours(pid, place):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    return f"Kafka on {running['bootstrap']} has ended; its data stay in {place}"


def _port() -> int:
    text = os.environ.get("CORRIDOR_BROKER_PORT") or str(PORT)
    if not text.isdecimal() or not 1024 <= int(text) < 65_535:
        raise InputError(f"CORRIDOR_BROKER_PORT {text!r}: give a port between 1024 and 65534")
    return int(text)


def _note(place: Path) -> Path:
    return place / "broker.pid"


def _running(place: Path) -> dict[str, int | str] | None:
    """What was noted of the broker in `place`, if that very process is alive."""
    try:
        noted: dict[str, int | str] = json.loads(_note(place).read_text(encoding="ascii"))
        return noted if _is_ours(int(noted["pid"]), place) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ours(pid: int, place: Path) -> bool:
    """Whether the process is the broker of `place`: a process id alone may be another's by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self").exists():
            return False
        shown = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        command = shown.stdout
    return "kafka.Kafka" in command and str(place / "server.properties") in command


def main(arguments: list[str]) -> None:
    """Do `up` or `down` and tell of it; an error is one line and exit code 2."""
    if arguments not in (["up"], ["down"]):
        sys.exit("usage: python -m corridor.kafka.local up|down")
    try:
        print(up() if arguments == ["up"] else down())
    except CorridorError as error:
        print(f"corridor: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
