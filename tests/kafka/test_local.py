import os
import subprocess

import pytest

from corridor.errors import InputError
from corridor.kafka import local
from corridor.kafka.admin import check
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.topics import TOPICS


@pytest.fixture
def port(tmp_path, monkeypatch):
    found = free_port()
    monkeypatch.setenv("CORRIDOR_BROKER_FOLDER", str(tmp_path / "kafka"))
    monkeypatch.setenv("CORRIDOR_BROKER_PORT", str(found))
    return found


@pytest.mark.kafka
def test_up_twice_and_down_twice(port, monkeypatch):
    try:
        assert f"{len(TOPICS)} of them new" in local.up()
        assert not any(check(connect(Settings(f"127.0.0.1:{port}"))).values())
        noted = (local.folder() / "broker.pid").read_text()
        assert "0 of them new" in local.up()
        assert (local.folder() / "broker.pid").read_text() == noted
        monkeypatch.setenv("CORRIDOR_BROKER_PORT", str(port + 7))
        with pytest.raises(InputError, match=r"runs on .* already"):
            local.up()
    finally:
        assert "has ended" in local.down()
    assert "no broker runs" in local.down()
    assert not (local.folder() / "broker.pid").exists()


def test_down_ends_no_process_of_others(port):
    with subprocess.Popen(["sleep", "60"]) as other:
        local.folder().mkdir()
        (local.folder() / "broker.pid").write_text(f'{{"pid": {other.pid}, "bootstrap": "127.0.0.1:{port}"}}')
        assert "no broker runs" in local.down()
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": OWN}'])
def test_a_broken_note_is_no_broker(port, text):
    local.folder().mkdir()
    (local.folder() / "broker.pid").write_text(text.replace("OWN", str(os.getpid())))
    assert "no broker runs" in local.down()


@pytest.mark.parametrize("text", ["kafka", "80", "70000", "-1"])
def test_a_port_that_is_none_is_told(port, monkeypatch, text):
    monkeypatch.setenv("CORRIDOR_BROKER_PORT", text)
    with pytest.raises(InputError, match="CORRIDOR_BROKER_PORT"):
        local.up()
