"""Processes of a cluster on this machine: started, ended in order or by SIGKILL, and their children seen."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
_PATIENCE: Final = 20.0


@dataclass
class Process:
    """One process with its log, to which every start appends."""

    name: str
    log: Path
    pid: int | None = None
    _group: int | None = None
    _running: "subprocess.Popen[bytes] | None" = None

    def start(self, command: list[str], environment: dict[str, str]) -> None:
        """Start it in a session of its own, unless it runs."""
        if self.running():
            return
        self._sweep()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._group = self._running.pid

    def running(self) -> bool:
        """Whether the process that was started is alive."""
        return self._running is not None and self._running.poll() is None

    def stop(self) -> None:
        """End it in order (SIGTERM), by SIGKILL if that takes longer than 20 s; then what it has left behind."""
        self._end(signal.SIGTERM)
        self._sweep()

    def kill(self) -> None:
        """End it by SIGKILL; what it had started lives on until the next start or stop."""
        self._end(signal.SIGKILL)

    def last_words(self) -> str:
        """The last line of its log that is no frame of a stack."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = [line for line in lines if line.strip() and not line[0].isspace()]
        return told[-1][:300] if told else "it said nothing"

    def _sweep(self) -> None:
        """End what a former start has left of its group: a TaskManager that is killed leaves its Python workers."""
        if self._group is not None and not self.running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._group, signal.SIGKILL)
            self._group = None

    def _end(self, how: signal.Signals) -> None:
        process, self._running, self.pid = self._running, None, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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


def end(pid: int, told: str, patience: float = _PATIENCE) -> None:
    """End a process in order if its command line still holds `told`; by SIGKILL after `patience` seconds."""
    deadline, how = time.monotonic() + patience, signal.SIGTERM
    while told in command_of(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        if time.monotonic() > deadline:
            how = signal.SIGKILL
        time.sleep(0.1)
