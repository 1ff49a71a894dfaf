"""Input checked and output moved into place, without Flink."""

import re
import shutil

import pytest

from corridor.errors import InputError
from corridor.flink import folders
from corridor.flink.folders import find_material, publish, settle, staging


def test_lines_are_counted_as_flink_reads_them(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(b"{}\n{}\r\n\nlast")
    (tmp_path / "b.jsonl").write_bytes(b"\n")
    (tmp_path / "empty.ndjson").write_bytes(b"")
    (tmp_path / ".hidden.ndjson").write_bytes(b"{}\n")
    (tmp_path / "_temporary").mkdir()
    (tmp_path / "_temporary" / "c.ndjson").write_bytes(b"{}\n")
    (tmp_path / "notes.txt").write_bytes(b"x\n")
    assert find_material(tmp_path).lines() == 5


def test_material_must_be_there_and_hold_something(tmp_path):
    for path, told in ((tmp_path / "none", "no such file"), (tmp_path, "no NDJSON file")):
        with pytest.raises(InputError, match=told):
            find_material(path)
    (tmp_path / "a.ndjson").touch()
    with pytest.raises(InputError, match="all files are empty"):
        find_material(tmp_path)


def test_staging_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError), staging(tmp_path / "out", 10) as work:  # noqa: PT012
        (work / "half").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_staging_refuses_what_it_cannot_write(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for name, told in (("file", "is a file"), ("full", "is not empty")):
        with pytest.raises(InputError, match=told), staging(tmp_path / name, 0):
            pass
    monkeypatch.setattr(folders.os, "access", lambda path, mode: False)
    with pytest.raises(InputError, match="no permission"), staging(tmp_path / "out", 0):
        pass


def test_staging_wants_room(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda path: usage._replace(free=100 << 20))
    with pytest.raises(InputError, match="make room"), staging(tmp_path / "out", 1 << 30):
        pass
    assert list(tmp_path.iterdir()) == []


def test_parts_are_settled_and_published_whole(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "part-b").write_text("2\n")
    (parts / "part-a").write_text("1\n")
    (parts / "part-c").touch()
    (parts / "_SUCCESS").touch()
    assert settle(parts, tmp_path / "made" / "decisions") == 2
    (tmp_path / "out").mkdir()
    publish(tmp_path / "made", tmp_path / "out")
    found = sorted((tmp_path / "out" / "decisions").iterdir())
    assert [(path.name, path.read_text()) for path in found] == [
        ("part-0000.ndjson", "1\n"),
        ("part-0001.ndjson", "2\n"),
    ]
    assert not (tmp_path / "made").exists()


def test_what_is_compressed_is_refused(tmp_path):
    (tmp_path / "a.ndjson.gz").write_bytes(b"x")
    with pytest.raises(InputError, match="unpack it"):
        find_material(tmp_path / "a.ndjson.gz")


def test_flink_s_pattern_takes_the_files_that_are_counted(tmp_path):
    for name in ("a.ndjson", "b.jsonl", "c.json", "old.csv", "README.txt", "d.ndjson.bak"):
        (tmp_path / name).write_bytes(b"{}\n")
    material = find_material(tmp_path)
    found = {path.name for path in tmp_path.iterdir() if re.fullmatch(material.pattern, str(path))}
    assert found == {path.name for path in material.files} == {"a.ndjson", "b.jsonl", "c.json"}
    assert find_material(tmp_path / "old.csv").pattern == ""
