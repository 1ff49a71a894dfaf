import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from corridor.cli import cli
from corridor.kafka import admin
from corridor.kafka.connect import connect
from corridor.kafka.topics import SPECIFICATIONS, TOPICS, Topic

pytestmark = pytest.mark.kafka


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_create_describe_check(broker):
    assert {topic.name for topic in SPECIFICATIONS} == set(TOPICS.values())
    created = run("topics", "create", "--kafka", broker.bootstrap)
    assert created.exit_code == 0, created.output
    assert run("topics", "create", "--kafka", broker.bootstrap).output.count("stands already") == len(TOPICS)
    checked = run("topics", "check", "--kafka", broker.bootstrap)
    assert (checked.exit_code, checked.output.count(": ok")) == (0, len(TOPICS))
    described = run("topics", "describe", "--kafka", broker.bootstrap)
    assert described.exit_code == 0
    lines = {line.split()[0]: line.split()[1:] for line in described.output.splitlines()}
    assert lines["customs.declarations.v1"] == ["8", "1", "delete", "unlimited"]
    assert lines["customs.picture.v1"] == ["2", "1", "compact"]


def test_topics_are_made_as_specified_and_differences_are_told(broker, settings, monkeypatch):
    good = Topic("test-good", 3, SPECIFICATIONS[0].config)
    wrong = Topic("test-wrong", 2, {"retention.ms": "-1", "max.message.bytes": "2000000"})
    client = AdminClient({"bootstrap.servers": broker.bootstrap})
    client.create_topics([NewTopic("test-wrong", 2, config={"retention.ms": "1000"})])["test-wrong"].result(
        20
    )
    monkeypatch.setattr(admin, "SPECIFICATIONS", (good, wrong))
    assert admin.create(connect(settings), replication=1) == ["test-good"]
    found = admin.look(connect(settings))
    assert (found["test-good"].partitions, found["test-good"].replication) == (3, 1)
    assert found["test-good"].config.items() >= good.config.items()
    assert admin.differences(good, found["test-good"]) == []
    told = admin.differences(wrong, found["test-wrong"])
    assert told == [
        "retention.ms is 1000, must be -1: change it",
        "max.message.bytes is 1048588, must be 2000000: change it",
    ]
    assert "run `corridor topics create`" in admin.differences(good, None)[0]


def test_check_ends_with_code_1_when_a_topic_differs(broker, monkeypatch):
    monkeypatch.setattr(admin, "SPECIFICATIONS", (Topic("test-never-made", 1),))
    monkeypatch.setattr(admin.check, "__defaults__", ((Topic("test-never-made", 1),),))
    checked = run("topics", "check", "--kafka", broker.bootstrap)
    assert checked.exit_code == 1
    assert checked.output.startswith("test-never-made: is not there")


def test_more_partitions_are_taken_where_asked(settings, monkeypatch):
    monkeypatch.setattr(admin, "SPECIFICATIONS", (Topic("test-wide", 1),))
    admin.create(connect(settings), partitions=5)
    assert admin.look(connect(settings))["test-wide"].partitions == 5


def test_whether_a_group_has_read_of_a_topic(settings, topic):
    client, group = connect(settings), f"group-{topic}"
    assert not admin.committed(client, group, topic)
    consumer = Consumer(settings.librdkafka() | {"group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 1, 0)], asynchronous=False)
    consumer.close()
    assert admin.committed(client, group, topic)
    assert not admin.committed(client, group, "another")
