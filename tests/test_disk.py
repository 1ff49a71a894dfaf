"""Full disks and missing rights, for real: one clear line, exit code 2, nothing half-written.

A full disk is a small tmpfs where mounting is allowed, else a limit on the size of files: the same way
through the code with another word of the system. Root, whom no rights stop, gives its powers up first.
"""

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from corridor.simulate import Options, Service, blocks, folder

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
Prepare = Callable[[], None]


def unprivileged() -> None:
    """In a child before exec: rights count for root too. Any other user has no such powers."""
    if os.geteuid() == 0:
        for power in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, power, 0, 0, 0) == 0


def start(prepare: Prepare | None, *arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "corridor.cli", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, preexec_fn=prepare, **pipes)  # noqa: PLW1509  # it only calls the system


def refused(prepare: Prepare | None, *arguments: str | Path) -> str:
    """The one line that a command told when it refused."""
    return told(start(prepare, *arguments))


def told(run: subprocess.Popen[str]) -> str:
    _, error = run.communicate(timeout=240)
    assert run.returncode == 2, error
    assert error.startswith("corridor: "), error
    assert error.count("\n") == 1, error
    return error


@dataclass(frozen=True)
class Disk:
    """A folder that runs full beyond `room` bytes, what a child must do for that, and the words for it."""

    path: Path
    prepare: Prepare | None
    words: str

    def inside(self) -> list[str]:
        return sorted(path.name for path in self.path.rglob("*") if path.name != "junk")

    def fill(self) -> None:
        """Leave no room."""
        if self.prepare is None:
            with (self.path / "junk").open("ab", buffering=0) as junk:
                try:
                    while junk.write(bytes(1 << 16)):
                        pass
                except OSError:
                    pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def make(room: int) -> Disk:
        nonlocal mounted
        mount = ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)]
        mounted = (
            os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        )
        if mounted:
            return Disk(place, None, "No space left on device")
        limit = min(room // 20, 1 << 16)
        return Disk(
            place, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), "File too large"
        )

    yield make
    if mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small days with results."""
    where = tmp_path_factory.mktemp("service") / "service"
    span = folder.Span(date(2026, 11, 2), 3, 1500, Options(results=True), "none")
    folder.write(Service(1), span, where, lambda day, records: None)
    return where


def sheet(path: Path, rows: int) -> tuple[Path, Path]:
    """An extract of so many rows, and a mapping for it."""
    day = (f"{i},2026-11-{i % 20 + 1:02d} 08:00:00,{'x' * 200}\n" for i in range(rows))
    (path / "extract.csv").write_text("id,time,text\n" + "".join(day))
    (path / "mapping.yaml").write_text(MAPPING)
    return path / "mapping.yaml", path / "extract.csv"


MAPPING = """\
input: {encoding: utf-8, delimiter: ","}
one_row_is: declaration
declaration:
  declaration_id: {column: id}
  version: {constant: 1}
  function: {constant: original}
  registered_at: {column: time, format: "%Y-%m-%d %H:%M:%S", offset: "+00:00"}
  office: {constant: "10131010"}
  direction: {constant: import}
  procedure: {constant: "40"}
  transport_mode: {constant: 3}
  declarant: {column: text}
  importer: {constant: "5012345678"}
items:
  item_no: {count: true}
  hs_code: {constant: "8715001000"}
  customs_value: {constant: 20}
"""


def test_simulate_on_a_full_disk(small_disk) -> None:
    disk = small_disk(4 << 20)
    line = refused(
        disk.prepare, "simulate", "--output", disk.path / "a" / "out", "--days", 9, "--per-day", 900
    )
    assert disk.words in line
    assert disk.inside() == []


def test_convert_on_a_full_disk(small_disk, tmp_path) -> None:
    disk = small_disk(4 << 20)
    mapping, extract = sheet(tmp_path, 30_000)
    line = refused(
        disk.prepare, "convert", "--mapping", mapping, "--input", extract, "--output", disk.path / "out"
    )
    assert disk.words in line
    assert disk.inside() == []


@pytest.mark.parametrize("room", [20 << 10, 180 << 10, 500 << 10])  # rules, a norm's parquet, the model
def test_rulebook_fit_on_a_full_disk(small_disk, service, room) -> None:
    disk = small_disk(room)
    line = refused(disk.prepare, "rulebook", "fit", "--history", service, "--output", disk.path / "book")
    assert disk.words in line
    assert disk.inside() == []


@pytest.mark.flink
def test_a_run_on_a_disk_that_runs_full(small_disk, tmp_path) -> None:
    source = tmp_path / "in.ndjson"
    source.write_bytes(b"".join(blocks(Service(7), date(2026, 11, 24), 3_000)))
    disk = small_disk(90 << 20)
    run = start(disk.prepare, "run", "decide", "--input", source, "--output", disk.path / "out")
    while not list(disk.path.glob(".out.*/progress/*.counts")) and run.poll() is None:
        time.sleep(0.05)
    disk.fill()
    line = told(run)
    assert disk.words in line
    assert disk.inside() == []


def test_a_run_on_a_disk_without_room(small_disk, service) -> None:
    disk = small_disk(1 << 20)
    if disk.prepare is None:
        line = refused(
            None, "run", "decide", "--input", service / "declarations", "--output", disk.path / "o"
        )
        assert "make room" in line
        assert disk.inside() == []


COMMANDS = {
    "simulate": lambda service, mapping, extract: ("simulate", "--per-day", 200),
    "convert": lambda service, mapping, extract: ("convert", "--mapping", mapping, "--input", extract),
    "fit": lambda service, mapping, extract: ("rulebook", "fit", "--history", service),
    "decide": lambda service, mapping, extract: ("run", "decide", "--input", service / "declarations"),
    "picture": lambda service, mapping, extract: ("run", "picture", "--input", service / "declarations"),
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("rights", [0o555, 0o000])
def test_an_output_that_may_not_be_written(name, rights, service, tmp_path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(rights)
    try:
        arguments = COMMANDS[name](service, *sheet(tmp_path, 30))
        line = refused(unprivileged, *arguments, "--output", closed / "out")
    finally:
        closed.chmod(0o755)
    assert "ermission" in line
    assert str(closed) in line
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "simulate"])
def test_an_input_that_may_not_be_read(name, tmp_path) -> None:
    inside = tmp_path / "service"
    for topic in ("declarations", "results"):
        (inside / topic).mkdir(parents=True)
        (inside / topic / "a.ndjson").write_text("{}\n")
    mapping, extract = sheet(tmp_path, 30)
    hidden = extract if name == "convert" else inside / "declarations"
    hidden.chmod(0)
    try:
        line = refused(unprivileged, *COMMANDS[name](inside, mapping, extract), "--output", tmp_path / "out")
    finally:
        hidden.chmod(0o755)
    assert "ermission" in line or "not readable" in line
    assert str(hidden) in line
    assert not (tmp_path / "out").exists()


def test_a_rulebook_that_may_not_be_read(service, tmp_path) -> None:
    book = tmp_path / "book"
    book.mkdir(0)
    arguments = ("--input", service / "declarations", "--rulebook", book, "--output", tmp_path / "out")
    assert "not readable" in refused(unprivileged, "run", "decide", *arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_replaced_is_filled(service, tmp_path) -> None:
    """As a mount point: the folder may be written, the one above it may not."""
    closed = tmp_path / "closed"
    (closed / "book").mkdir(parents=True)
    closed.chmod(0o555)
    try:
        run = start(unprivileged, "rulebook", "fit", "--history", service, "--output", closed / "book")
        _, error = run.communicate(timeout=240)
    finally:
        closed.chmod(0o755)
    assert run.returncode == 0, error
    inside = {path.name for path in (closed / "book").iterdir()}
    assert {"manifest.yaml", "rules.yaml", "lists"} <= inside
    assert not any(name.startswith(".") for name in inside)
