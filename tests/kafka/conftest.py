"""Topics of a test's own, and the way to see what stands in them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from corridor.kafka.client import Settings
from corridor.kafka.topics import SPECIFICATIONS


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOOTSTRAP", "PASSWORD", "USERNAME", "SECURITY_PROTOCOL"):
        monkeypatch.delenv(f"CORRIDOR_KAFKA_{name}", raising=False)


@pytest.fixture
def settings(broker) -> Settings:
    return Settings(broker.bootstrap)


@pytest.fixture
def topic(broker) -> Iterator[str]:
    """A new topic of three partitions, set up as that of the declarations."""
    name = f"test-{uuid4().hex[:12]}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, 3, config=SPECIFICATIONS[0].config)])[name].result(30)
    yield name
    admin.delete_topics([name])[name].result(30)


@pytest.fixture
def ndjson(tmp_path: Path) -> Callable[[list[bytes]], Path]:
    def write(lines: list[bytes], name: str = "day.ndjson") -> Path:
        path = tmp_path / name
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


def declaration(number: int, at: str = "2026-11-22T08:15:30.123Z", importer: str = "5012345678") -> bytes:
    document = {"declaration_id": f"10131010/221126/{number:07d}", "version": 1, "registered_at": at}
    return json.dumps(document | {"importer": importer, "items": [{"item_no": 1}]}).encode()
