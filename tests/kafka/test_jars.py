import hashlib

import pytest

from corridor.kafka import jars
from tests.conftest import ROOT


@pytest.fixture
def maven(tmp_path, monkeypatch):
    """Maven brings what `gives` says; pinned is a.jar."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checksums = tmp_path / "checksums.txt"
    checksums.write_text(f"{hashlib.sha256(b'good').hexdigest()}  broker/a.jar\n")
    monkeypatch.setattr(jars, "_CHECKSUMS", checksums)
    gives = {"a.jar": b"good"}
    monkeypatch.setattr(
        jars, "_copy", lambda _, to: [(to / name).write_bytes(bytes_) for name, bytes_ in gives.items()]
    )
    return gives


def test_jars_are_fetched_once_and_found(maven):
    assert jars.missing("broker") == ["a.jar"]
    with pytest.raises(jars.JarsError, match="run `make jars`"):
        jars.jars("broker")
    jars.fetch("broker")
    maven.clear()
    jars.fetch("broker")
    assert [path.read_bytes() for path in jars.jars("broker")] == [b"good"]


def test_a_jar_with_other_bytes_is_refused_and_leaves_nothing(maven):
    maven["a.jar"] = b"evil"
    with pytest.raises(jars.JarsError, match=r"a\.jar: SHA-256 .* came, pinned is"):
        jars.fetch("broker")
    assert list(jars.folder("broker").iterdir()) == []


def test_a_jar_that_is_not_pinned_is_refused(maven):
    maven["b.jar"] = b"more"
    with pytest.raises(jars.JarsError, match=r"b\.jar: .* pinned is nothing"):
        jars.fetch("broker")


def test_a_jar_that_does_not_come_is_told(maven):
    maven.clear()
    with pytest.raises(jars.JarsError, match="Maven did not bring it"):
        jars.fetch("broker")


def test_a_jar_that_was_changed_later_is_noticed(maven):
    jars.fetch("broker")
    (jars.folder("broker") / "a.jar").write_bytes(b"cut")
    assert jars.missing("broker") == ["a.jar"]


def test_without_maven_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(jars.JarsError, match="install the package maven"):
        jars.fetch("broker")


def test_every_pinned_jar_has_a_whole_checksum():
    lines = (ROOT / "deploy" / "jars" / "checksums.txt").read_text().splitlines()
    assert len(lines) == len(jars.pinned("broker")) + len(jars.pinned("connector"))
    assert all(len(line.partition("  ")[0]) == 64 for line in lines)
    assert list(jars.pinned("connector")) == ["flink-sql-connector-kafka-5.0.0-2.2.jar"]
    assert "kafka_2.13-4.1.1.jar" in jars.pinned("broker")


def test_no_file_names_where_jars_come_from():
    assert "://" not in (ROOT / "deploy" / "jars" / "pom.xml").read_text()
