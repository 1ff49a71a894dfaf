"""A standalone Flink cluster on loopback, from the wheel's distribution: JobManager and TaskManagers as processes.

`python -m corridor.flink.standalone up|down`, or `make cluster` and `make cluster-down`: CORRIDOR_CLUSTER_PORT (8081)
and CORRIDOR_CLUSTER_FOLDER (flink in the cache folder) say where. With high availability a ZooKeeper, whose classes
are in Flink's own jar, keeps what a JobManager must know to go on by itself after a kill.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from corridor.cache import cache_folder
from corridor.flink.distribution import ClusterError, distribution, environment, lay_out, words
from corridor.kafka.broker import free_port
from corridor.processes import HOST, Family, descendants, end, holds, up_or_down

JOBMANAGER: Final = "jobmanager"
ZOOKEEPER: Final = "zookeeper"
PORT: Final = 8081
_WORKER: Final = "pyflink.fn_execution.beam.beam_boot"
_SUBMITTED: Final = re.compile(r"JobID ([0-9a-f]{32})")
_SAVEPOINT: Final = re.compile(r"Path: (\S+)")


@dataclass
class StandaloneCluster:
    """A JobManager and TaskManagers whose conf, logs and process ids stand under `folder`.

    slots: of each TaskManager; memory_mb: of each TaskManager's JVM, its Python workers come on top of that;
    settings: further keys of Flink's config.yaml; port: of the REST interface, 0 for a free one.
    """

    folder: Path
    taskmanagers: int = 2
    slots: int = 2
    memory_mb: int = 2048
    high_availability: bool = False
    settings: dict[str, str] = field(default_factory=dict, repr=False)
    port: int = 0
    processes: dict[str, Family] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.folder, self.port = self.folder.absolute(), self.port or free_port()
        names = [f"taskmanager-{number}" for number in range(1, self.taskmanagers + 1)]
        for name in [ZOOKEEPER] * self.high_availability + [JOBMANAGER, *names]:
            self.processes[name] = Family(name, self.folder / "logs" / f"{name}.log")

    def start(self, timeout: float = 120.0) -> None:
        """Write the configuration, start all processes, and wait until every slot is there.

        ClusterError if a process ends or the cluster is not whole within `timeout` seconds.
        """
        given = {"rest.port": str(self.port), "taskmanager.numberOfTaskSlots": str(self.slots)}
        given |= {"taskmanager.memory.process.size": f"{self.memory_mb}m"}
        lay_out(self.folder, given | self.settings, self.high_availability)
        try:
            for name in self.processes:
                self.bring_back(name)
            self._wait(timeout)
        except BaseException:  # Ctrl-C too: no process stays behind that nobody knows of
            self.stop()
            raise

    def bring_back(self, name: str) -> None:
        """Start a process that does not run; it joins the cluster in its own time."""
        scripts = distribution() / "bin"
        script, *arguments = {
            ZOOKEEPER: ["flink-console.sh", "zookeeper", "--zkConfigFile", str(self.folder / "conf" / "zoo.cfg"),
                        "--peerId", "1"],
            JOBMANAGER: ["jobmanager.sh", "start-foreground"],
        }.get(name, ["taskmanager.sh", "start-foreground"])  # fmt: skip
        self.processes[name].start([str(scripts / script), *arguments], environment(self.folder))

    def revive(self) -> list[str]:
        """Bring back the TaskManagers that ended by themselves, as Kubernetes would; their names."""
        names = [name for name, one in self.processes.items() if name.startswith("taskmanager")]
        gone = [name for name in names if not self.processes[name].running()]
        for name in gone:
            self.bring_back(name)
        return gone

    def kill(self, name: str) -> None:
        """End a process by SIGKILL; `bring_back` starts it again."""
        self.processes[name].kill()

    def stop(self) -> None:
        """End all processes in order, and Python workers that outlive their TaskManager."""
        for process in reversed(self.processes.values()):
            process.stop()

    def workers(self, name: str) -> list[int]:
        """The process ids of a TaskManager's Python workers."""
        pid = self.processes[name].pid
        return [] if pid is None else [child for child, told in descendants(pid) if _WORKER in told]

    def rest(self, path: str) -> Any:
        """What the JobManager's REST interface answers to GET `path`; ClusterError if it does not."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=10) as answer:
                return json.load(answer)
        except (OSError, ValueError) as error:
            log = self.processes[JOBMANAGER].log
            raise ClusterError(
                f"the JobManager on {HOST}:{self.port} does not answer {path}: {error}; see {log}"
            ) from None

    def submit(self, job: Path, *arguments: object, parallelism: int = 2, restore: str = "") -> str:
        """Submit a Python job detached, as a user does with `flink run`; gives its id.

        restore: a savepoint or checkpoint to go on from. ClusterError with the job's own words if it is refused.
        """
        given: list[object] = ["run", "-d", "-p", parallelism, "-pyclientexec", sys.executable]
        given += ["-pyexec", sys.executable, *(["-s", restore] if restore else []), "-py", job, *arguments]
        return self._found(_SUBMITTED, "job id", *given)

    def savepoint(self, job: str, place: str) -> str:
        """Stop a job with a savepoint under `place`, a URI; gives where it lies."""
        return self._found(_SAVEPOINT, "savepoint", "stop", "--savepointPath", place, job)

    def flink(self, *arguments: object, timeout: float = 240.0) -> str:
        """Run the distribution's command `flink` against this cluster; what it printed.

        ClusterError if it fails or takes longer than `timeout` seconds.
        """
        command = [str(distribution() / "bin" / "flink"), *map(str, arguments)]
        try:
            done = subprocess.run(
                command,
                env=environment(self.folder),
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise ClusterError(f"flink {arguments[0]} took longer than {timeout:.0f} s") from None
        if done.returncode != 0:
            raise ClusterError(f"flink {arguments[0]}: {words(done.stdout + done.stderr)}")
        return done.stdout

    def _found(self, pattern: re.Pattern[str], what: str, *arguments: object) -> str:
        told = self.flink(*arguments)
        found = pattern.search(told)
        if found is None:
            raise ClusterError(f"flink {arguments[0]} told of no {what}: {told[-500:]}")
        return found[1]

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for process in self.processes.values():
                if not process.running():
                    raise ClusterError(f"{process.name} ended: {process.last_words()}; see {process.log}")
            try:
                if self.rest("/overview")["slots-total"] >= self.taskmanagers * self.slots:
                    return
            except ClusterError:
                pass
            time.sleep(0.2)
        raise ClusterError(
            f"the cluster on {HOST}:{self.port} was not whole within {timeout:.0f} s; see {self.folder / 'logs'}"
        )


def folder() -> Path:
    """Where the cluster of `up` keeps its configuration, logs and what outlasts it."""
    return Path(os.environ.get("CORRIDOR_CLUSTER_FOLDER") or cache_folder() / "flink").absolute()


def up() -> str:
    """Have a whole cluster run; says where, and how `flink` reaches it. Does nothing twice."""
    place, port = folder(), int(os.environ.get("CORRIDOR_CLUSTER_PORT") or PORT)
    if not _whole(place):
        down()
        cluster = StandaloneCluster(place, high_availability=True, port=port)
        cluster.start()
        _note(place).write_text(json.dumps([process.pid for process in cluster.processes.values()]))
    needed = ("JAVA_HOME", "FLINK_CONF_DIR", "FLINK_LIB_DIR", "FLINK_LOG_DIR")
    told = "\n".join(f"  export {name}={environment(place)[name]}" for name in needed)
    return (
        f"Flink runs on http://{HOST}:{port} ({len(_running(place))} processes); conf and logs are in {place}; "
        f"`make cluster-down` ends it. To submit jobs:\n{told}\n  {distribution() / 'bin' / 'flink'} run ..."
    )


def down() -> str:
    """End the processes that `up` started, and no others; gives one line about it."""
    place = folder()
    running = _running(place)
    workers = [pid for parent in running for pid, told in descendants(parent) if _WORKER in told]
    for pid in reversed(running):
        end(pid, str(place))
    for pid in workers:
        end(pid, _WORKER)
    _note(place).unlink(missing_ok=True)
    return f"Flink has ended, {len(running)} processes" if running else f"no cluster runs in {place}"


def _whole(place: Path) -> bool:
    """Whether all that `up` started runs; a cluster without one of its processes is none."""
    return bool(running := _running(place)) and len(running) == len(json.loads(_note(place).read_text()))


def _note(place: Path) -> Path:
    return place / "pids.json"


def _running(place: Path) -> list[int]:
    """The noted processes that are alive and still the cluster's: a process id alone may be another's by now."""
    try:
        noted = json.loads(_note(place).read_text())
        return [pid for pid in noted if holds(int(pid), str(place / "conf"))]
    except (OSError, ValueError, TypeError):
        return []


def main(arguments: list[str]) -> None:
    """Do `up` or `down` and tell of it."""
    up_or_down("corridor.flink.standalone", arguments, up, down)


if __name__ == "__main__":
    main(sys.argv[1:])
