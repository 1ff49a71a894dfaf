import os
import subprocess

import pytest

from corridor.flink import standalone
from corridor.flink.distribution import words
from corridor.processes import command_of, descendants, end


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRIDOR_CLUSTER_FOLDER", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("text", ["", "{", "[0]", '["x"]', "[[]]", "[OWN]"])
def test_a_broken_note_is_no_cluster(folder, text):
    (folder / "pids.json").write_text(text.replace("OWN", str(os.getpid())))
    assert "no cluster runs" in standalone.down()


def test_down_ends_no_process_of_others(folder):
    with subprocess.Popen(["sleep", "60"]) as other:
        (folder / "pids.json").write_text(f"[{other.pid}]")
        assert "no cluster runs" in standalone.down()
        assert other.poll() is None
        other.kill()


def test_descendants_are_seen_and_ended_by_name(monkeypatch):
    """Whatever the width of the terminal: a worker's command is longer than a line."""
    monkeypatch.setenv("COLUMNS", "40")
    long = f"sleep {'0' * 200}61"
    with subprocess.Popen(["sh", "-c", f"{long} & wait"]) as parent:
        while not (found := [pid for pid, told in descendants(parent.pid) if told == long]):
            assert parent.poll() is None
        end(found[0], "no such command")
        assert command_of(found[0]) == long
        end(found[0], long)
        parent.wait(10)
    assert command_of(parent.pid) == ""


def test_the_words_of_a_job_come_before_those_of_java():
    java = "Caused by: java.lang.RuntimeException: Python process exits with code: 1\n\t... 12 more\n"
    assert words("corridor: topic x is missing\n" + java) == "corridor: topic x is missing"
    assert words("Traceback:\nValueError: no\n" + java) == "ValueError: no"
    assert words("org.x: y\n" + java) == "java.lang.RuntimeException: Python process exits with code: 1"


def test_usage_is_told():
    with pytest.raises(SystemExit, match=r"up\|down"):
        standalone.main(["sideways"])
