"""Ctrl-C: how far the run came, and nothing left behind."""

import signal
import subprocess
import sys
import time
from datetime import date

import pytest

from corridor.simulate import Service, blocks

pytestmark = [pytest.mark.flink, pytest.mark.timeout(300)]


def test_ctrl_c_says_how_far_it_came_and_leaves_nothing(tmp_path):
    source = tmp_path / "in.ndjson"
    source.write_bytes(b"".join(blocks(Service(7), date(2026, 11, 24), 20_000)))
    command = [sys.executable, "-m", "corridor.cli", "run", "decide", "--input", str(source)]
    run = subprocess.Popen([*command, "--output", str(tmp_path / "out")], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(".out.*/progress/*.counts")) and run.poll() is None:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, told = run.communicate()
    assert run.returncode == 130, told
    assert told.startswith("corridor: stopped: ")
    assert told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.ndjson"]
