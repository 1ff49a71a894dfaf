"""Messages as the jobs write them, for what reads them."""

import json
from collections.abc import Iterable
from typing import Any

from corridor.console.sources import of_line
from corridor.kafka.follow import Message
from corridor.kafka.topics import TOPICS


def cell(dimension: str = "service", value: str = "all", day: str = "2026-11-22", **fields: Any) -> bytes:
    """picture.v1 with four declarations in green; fields go over it."""
    document = {
        "window_start": f"{day}T00:00:00.000Z", "window_end": f"{day}T08:16:00.000Z", "period": "day",
        "dimension": dimension, "value": value, "declarations": 4, "items": 9, "customs_value": 100.5,
        "net_mass_kg": 2.25, "duty": 5.0, "vat": 20.25, "green": 4, "blue": 0, "yellow": 0, "red": 0,
        "automatic_share": 1.0, "rejected": None, "duplicates": None, "late": 0, "decide_seconds": None, "plan": None,
    }  # fmt: skip
    return json.dumps(document | fields).encode()


def anomaly(kind: str = "picture.silence", **fields: Any) -> bytes:
    """anomaly.v1 of an office."""
    document = {
        "anomaly_id": "0" * 32, "kind": kind, "severity": "warning", "subject": {"type": "office", "id": "1"},
        "office": "1", "event_time": "2026-11-22T08:00:00.000Z", "text": {"en": "x", "ru": "x"}, "evidence": {},
    }  # fmt: skip
    return json.dumps(document | fields).encode()


def decision(corridor: str = "green", **fields: Any) -> bytes:
    """decision.v1 decided two seconds after it was registered."""
    document = {
        "corridor": corridor, "basis": "score", "rulebook": "7", "reasons": [], "selected_at_random": False,
        "registered_at": "2026-11-22T08:15:30.000Z", "decided_at": "2026-11-22T08:15:32.000Z", "shadow": None,
    }  # fmt: skip
    return json.dumps(document | fields).encode()


def conservation(partition: int = 0, **fields: Any) -> bytes:
    """conservation.v1 of ten records."""
    document = {
        "topic": TOPICS["declarations"], "partition": partition, "position": 9, "read": 10, "decided": 8,
        "rejected": 1, "duplicates": 1, "conflicts": 0, "tombstones": 0, "waiting": 0,
        "told_at": "2026-11-22T08:16:00.000Z",
    }  # fmt: skip
    return json.dumps(document | fields).encode()


def message(name: str, value: bytes | None, **headers: str) -> Message:
    """A message of a topic, by its name in TOPICS."""
    told = tuple((key.replace("_", "."), text.encode()) for key, text in headers.items())
    return Message(TOPICS[name], 0, 0, -1, None, value, told)


def as_messages(name: str, found: Iterable[bytes]) -> list[Message]:
    """Lines of a run's file as messages of their topic."""
    return [of_line(name, 0, 0, line) for line in found]
