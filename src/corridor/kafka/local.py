"""`make kafka` and `make kafka-down`: a broker of one's own on loopback, with all topics.

`python -m corridor.kafka.local up|down`. CORRIDOR_BROKER_PORT (9092) and CORRIDOR_BROKER_FOLDER (kafka in the
cache folder) say where. The folder keeps the data until somebody removes it.
"""

import json
import os
import sys
from pathlib import Path
from typing import Final

from corridor.cache import cache_folder
from corridor.errors import InputError
from corridor.kafka import admin
from corridor.kafka.broker import LocalBroker
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.jars import fetch
from corridor.kafka.topics import SPECIFICATIONS
from corridor.processes import HOST, end, holds, up_or_down

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
    end(int(running["pid"]), *_marks(place), patience=_PATIENCE)
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
        return noted if holds(int(noted["pid"]), *_marks(place)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _marks(place: Path) -> tuple[str, str]:
    """What the command line of the broker of `place` holds."""
    return "kafka.Kafka", str(place / "server.properties")


def main(arguments: list[str]) -> None:
    """Do `up` or `down` and tell of it."""
    up_or_down("corridor.kafka.local", arguments, up, down)


if __name__ == "__main__":
    main(sys.argv[1:])
