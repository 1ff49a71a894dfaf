"""Topics on a broker: created as they are specified, and compared with their specification."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from corridor.kafka.connect import TIMEOUT, KafkaError, refused
from corridor.kafka.topics import SPECIFICATIONS, Topic

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient


_NOT_YET: Final = (14, 15, 16)
"""Codes of Kafka's protocol: the group's coordinator is loading, is not there, has moved."""


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is: partitions, copies of each, and the settings that its specification names."""

    name: str
    partitions: int
    replication: int
    config: dict[str, str]


def create(client: "AdminClient", replication: int = -1, partitions: int = 0) -> list[str]:
    """Create the topics that are missing; gives their names. What stands already is left as it is.

    replication -1: the broker's own default. partitions 0: each topic's own number.
    """
    from confluent_kafka import KafkaError as Code  # noqa: PLC0415  # keeps `--help` quick
    from confluent_kafka import KafkaException  # noqa: PLC0415
    from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # noqa: PLC0415

    wanted = []
    for topic in SPECIFICATIONS:
        safe = {"min.insync.replicas": "2"} if replication >= 3 else {}
        count = partitions or topic.partitions
        wanted.append(NewTopic(topic.name, count, replication_factor=replication, config=topic.config | safe))
    made = []
    for name, future in client.create_topics(wanted, operation_timeout=30).items():
        try:
            future.result(timeout=40)
            made.append(name)
        except KafkaException as error:
            if error.args[0].code() != Code.TOPIC_ALREADY_EXISTS:
                raise refused(f"topic {name} was not created", error) from None
    _wait(lambda: made and set(made) - client.list_topics(timeout=TIMEOUT).topics.keys())
    return made


def _wait(lacking: Callable[[], object]) -> None:
    """Wait until nothing is lacking, ten seconds at most: brokers tell one another what is new."""
    end = time.monotonic() + TIMEOUT
    while lacking() and time.monotonic() < end:
        time.sleep(0.1)


def look(client: "AdminClient") -> dict[str, Found]:
    """The specified topics that the broker has, by name."""
    known = _ask("the list of topics", lambda: client.list_topics(timeout=TIMEOUT).topics)
    there = [topic for topic in SPECIFICATIONS if topic.name in known and known[topic.name].error is None]
    config = configurations(client, "topic", [topic.name for topic in there])
    found = {}
    for topic in there:
        parts = known[topic.name].partitions
        copies = min((len(part.replicas) for part in parts.values()), default=0)
        kept = {key: config[topic.name].get(key, "") for key in (*topic.config, "min.insync.replicas")}
        found[topic.name] = Found(topic.name, len(parts), copies, kept)
    return found


def differences(topic: Topic, found: Found | None) -> list[str]:
    """What is not as specified, each with what to do; nothing if the topic will do."""
    if found is None:
        return [
            "is not there, or this user may not see it: run `corridor topics create`, or ask for the permission Describe"
        ]
    told = []
    if found.partitions < 1:
        told.append("has no partition: delete it and run `corridor topics create`")
    for key, value in topic.config.items():
        if not _serves(key, value, found.config.get(key, "")):
            told.append(f"{key} is {found.config.get(key) or 'not told'}, must be {value}: change it")
    return told


def check(client: "AdminClient", topics: Iterable[Topic] = SPECIFICATIONS) -> dict[str, list[str]]:
    """By topic what is not as specified."""
    found = look(client)
    return {topic.name: differences(topic, found.get(topic.name)) for topic in topics}


def committed(client: "AdminClient", group: str, topic: str) -> bool:
    """Whether a group has committed an offset of any partition of a topic."""
    from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException  # noqa: PLC0415  # keeps `--help` quick

    def ask() -> Any:
        request = [ConsumerGroupTopicPartitions(group)]
        return client.list_consumer_group_offsets(request, request_timeout=TIMEOUT)[group].result(TIMEOUT + 2)

    found, end = None, time.monotonic() + 3 * TIMEOUT
    while found is None:
        try:
            found = ask()
        except KafkaException as error:
            passing = error.args[0].code() in _NOT_YET
            if time.monotonic() > end or not passing:
                raise refused(f"the offsets of the group {group} cannot be had", error) from None
            time.sleep(0.3)
    return any(place.topic == topic and place.offset >= 0 for place in found.topic_partitions or ())


def configurations(client: "AdminClient", kind: str, names: list[str]) -> dict[str, dict[str, str]]:
    """The settings of topics ("topic") or brokers ("broker") by name; KafkaError if that is not allowed."""
    from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined]  # noqa: PLC0415

    if not names:
        return {}
    which = {"topic": ResourceType.TOPIC, "broker": ResourceType.BROKER}[kind]
    asked = client.describe_configs([ConfigResource(which, name) for name in names], request_timeout=TIMEOUT)
    answers: dict[str, dict[str, str]] = {}
    for resource, future in asked.items():
        entries = _ask(
            f"the settings of {kind} {resource.name}", lambda f=future: f.result(timeout=TIMEOUT + 2)
        )
        answers[resource.name] = {name: entry.value or "" for name, entry in entries.items()}
    return answers


def _serves(key: str, wanted: str, found: str) -> bool:
    if key == "max.message.bytes" or (key.startswith("message.timestamp.") and key.endswith(".max.ms")):
        return found.isdecimal() and int(found) >= int(wanted)
    return found == wanted


def _ask(what: str, request: Any) -> Any:
    from confluent_kafka import KafkaException  # noqa: PLC0415  # keeps `--help` quick

    try:
        return request()
    except KafkaException as error:
        raise refused(f"{what} cannot be had", error) from None
    except TimeoutError:
        raise KafkaError(
            f"{what} cannot be had: no answer within {TIMEOUT:.0f} s; see `corridor doctor`"
        ) from None
