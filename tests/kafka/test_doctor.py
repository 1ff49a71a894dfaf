import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.kafka import doctor
from corridor.kafka.broker import free_port
from corridor.kafka.topics import TOPICS


def run(*arguments):
    return CliRunner().invoke(cli, ["doctor", *(str(argument) for argument in arguments)])


def failed(line):
    assert line.ok is False
    assert line.advice
    return line


def test_another_python_is_refused():
    assert doctor.python((3, 11)).ok
    assert "3.11" in failed(doctor.python((3, 12))).advice


def test_a_java_that_is_not_there_is_told(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert doctor.java().ok
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "unset JAVA_HOME" in failed(doctor.java()).advice


@pytest.mark.parametrize(
    ("version", "ok"), [("1.8.0_402", False), ("11.0.2", False), ("17.0.15", True), ("24", False)]
)
def test_a_java_too_old_or_too_new_is_told(tmp_path, monkeypatch, version, ok):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert doctor.java().ok is ok


def test_missing_jars_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert "make jars" in failed(doctor.connector_jars()).advice


def test_a_connector_for_another_flink_is_told():
    name = "flink-sql-connector-kafka-5.0.0-2.2.jar"
    assert doctor.fit().ok
    assert doctor.fit("2.2.1", name).ok
    assert failed(doctor.fit("2.1.0", name)).told == "connector for Flink 2.2, Flink 2.1.0"
    failed(doctor.fit("2.20.0", name))


def test_a_broker_before_4_is_told():
    assert doctor.broker_version({"log.dirs": "x"}).ok
    assert "upgrade" in failed(doctor.broker_version({"inter.broker.protocol.version": "3.9"})).advice


def test_a_transaction_timeout_over_the_limit_is_told():
    assert doctor.transactions({"transaction.max.timeout.ms": "900000"}, 900_000).ok
    assert "raise" in failed(doctor.transactions({"transaction.max.timeout.ms": "900000"}, 900_001)).advice
    failed(doctor.transactions({}, 1))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[kafka]\nbootstrp = 'x'\n", "did you mean bootstrap"),
        ("[kafka]\nbootstrap = 'localhost:1'\n[stream]\nstaet = 'x'\n", "did you mean state"),
        ("[kafka]\nbootstrap = 'localhost:1'\n[stream]\nbound_ms = -5\n", "bound_ms -5: give milliseconds"),
    ],
)
def test_wrong_settings_are_a_line_too(tmp_path, text, hint):
    file = tmp_path / "corridor.toml"
    file.write_text(text)
    told = run("--config", file)
    assert told.exit_code == 1
    assert "FAILED  settings" in told.output
    assert hint in told.output


def test_no_broker_is_a_line_too():
    told = run("--kafka", f"127.0.0.1:{free_port()}")
    assert told.exit_code == 1
    assert "FAILED  broker: does not answer" in told.output
    assert "make kafka" in told.output
    assert "not asked: no broker" in told.output


@pytest.mark.kafka
def test_all_is_well(broker):
    CliRunner().invoke(cli, ["topics", "create", "--kafka", broker.bootstrap])
    told = run("--kafka", broker.bootstrap)
    assert told.exit_code == 0, told.output
    assert "all is well" in told.output
    assert told.output.count("permission") == len(TOPICS) + 2
