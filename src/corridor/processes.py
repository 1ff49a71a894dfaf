"""Servers on this machine: started, ended in order or by SIGKILL, seen with their children, told of on two words."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from corridor.errors import CorridorError

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 20.0


@dataclass
class Process:
    """One process with its log, to which every start appends."""

    name: str
    log: Path
    pid: int | None = None
    _running: "subprocess.Popen[bytes] | None" = None

    def start(
        self, command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None
    ) -> None:
        """Start it in a session of its own, unless it runs; with this process's environment and folder if None."""
        if self.running():
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                command, env=environment, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.pid = self._running.pid

    def running(self) -> bool:
        """Whether the process that was started is alive."""
        return self.code() is None and self._running is not None

    def code(self) -> int | None:
        """With which code it ended; None while it runs, and where none was started."""
        return None if self._running is None else self._running.poll()

    def stop(self, timeout: float = _PATIENCE) -> None:
        """End it in order (SIGTERM), by SIGKILL if that takes longer than `timeout` seconds."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """End it by SIGKILL; what it had started lives on."""
        self._end(signal.SIGKILL, _PATIENCE)

    def last_words(self) -> str:
        """The last line of its log that is no frame of a stack."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if line.strip() and not line[0].isspace()]
        return told[-1][:300] if told else "it said nothing"

    def _end(self, how: signal.Signals, timeout: float) -> None:
        process, self._running, self.pid = self._running, None, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Family(Process):
    """A process whose children outlive it: a TaskManager that is killed leaves its Python workers.

    They are ended before its next start, and by its stop.
    """

    _group: int | None = None

    def start(
        self, command: list[str], environment: dict[str, str] | None = None, folder: Path | None = None
    ) -> None:
        """End what a former start has left, then start it as any process."""
        if not self.running():
            self._sweep()
        super().start(command, environment, folder)
        self._group = self.pid

    def stop(self, timeout: float = _PATIENCE) -> None:
        """End it in order, then what it has left behind."""
        super().stop(timeout)
        self._sweep()

    def _sweep(self) -> None:
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)
            self._group = None


def command_of(pid: int) -> str:
    """The command line of a process; nothing if there is no such process."""
    try:
        told = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return ""
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        told = shown.stdout
    return told.replace(b"\0", b" ").decode(errors="replace").strip()


def descendants(pid: int) -> list[tuple[int, str]]:
    """The process ids and command lines of all that a process has started, directly or not."""
    shown = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    parents: dict[int, list[tuple[int, str]]] = {}
    for line in shown.stdout.splitlines():
        child, parent, *told = line.split(None, 2)
        parents.setdefault(int(parent), []).append((int(child), told[0] if told else ""))
    found, open_ones = [], [pid]
    while open_ones:
        children = parents.get(open_ones.pop(), [])
        found += children
        open_ones += [child for child, _ in children]
    return found


def end(pid: int, *told: str, patience: float = _PATIENCE) -> None:
    """End a process in order while its command line holds all of `told`; by SIGKILL after `patience` seconds."""
    deadline, how = time.monotonic() + patience, signal.SIGTERM
    while holds(pid, *told):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        if time.monotonic() > deadline:
            how = signal.SIGKILL
        time.sleep(0.1)


def holds(pid: int, *told: str) -> bool:
    """Whether a process's command line holds all of `told`: a process id alone may be another's by now."""
    command = command_of(pid)
    return all(text in command for text in told)


def up_or_down(module: str, arguments: list[str], up: Callable[[], str], down: Callable[[], str]) -> None:
    """The command line of a module: do `up` or `down` and tell of it; an error is one line and exit code 2."""
    if arguments not in (["up"], ["down"]):
        sys.exit(f"usage: python -m {module} up|down")
    try:
        print(up() if arguments == ["up"] else down())
    except CorridorError as error:
        print(f"corridor: {error}", file=sys.stderr)
        sys.exit(2)
