"""A real Prometheus with the rules of deploy/, asked over HTTP; and promtool."""

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from corridor.kafka.broker import free_port
from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
_yaml = YAML(typ="safe", pure=True)


def program(name: str) -> str:
    """The path of prometheus or promtool. Without it a test fails in CI, and elsewhere is skipped with what to install."""
    found = shutil.which(name)
    if found is None:
        told = f"{name} is not there: `apt-get install prometheus` brings it"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return found


def read(path: Path) -> Any:
    return _yaml.load(path.read_text(encoding="utf-8"))


class Prometheus:
    """A running server: its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.loads(answer.read())["data"]

    def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """An instant query: labels and value of each series; a scalar has no labels."""
        data = self.get("query", query=query)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in data["result"]]

    def number(self, query: str) -> float | None:
        """The one value of a query; None if there is none."""
        found = self.ask(query)
        assert len(found) <= 1, (query, found)
        return found[0][1] if found else None

    def wait(self, query: str, value: float, seconds: float) -> None:
        """Wait until a query has a value."""
        end = time.monotonic() + seconds
        while (found := self.number(query)) != value:
            assert time.monotonic() < end, f"{query} is {found}, not {value}"
            time.sleep(0.5)


@contextmanager
def running(folder: Path, exporter: int, job: int) -> Iterator[Prometheus]:
    """Prometheus with the configuration and rules of deploy/, once a second, on other ports."""
    binary, port = program("prometheus"), free_port()
    config = read(FOLDER / "prometheus.yml")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "rules" / "*.yml")]
    for scraped, at in zip(config["scrape_configs"], (exporter, job), strict=True):
        scraped["static_configs"] = [{"targets": [f"127.0.0.1:{at}"]}]
        scraped["scrape_timeout"] = "1s"
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    command = [
        *(binary, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        server = Prometheus(port)
        _ready(port, process, folder / "prometheus.log")
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())
