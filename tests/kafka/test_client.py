import json

import pytest

from corridor.errors import InputError
from corridor.kafka.client import SHADED, Settings, load
from corridor.kafka.secret import Properties, Secret

SECRET = 'op3n-sesame"\\'


def write(tmp_path, text):
    path = tmp_path / "kafka.toml"
    path.write_text(text, encoding="utf-8")
    return path


def secured(**more):
    given = {"security_protocol": "SASL_SSL", "username": "corridor", "password": Secret(SECRET)}
    return Settings("kafka.example:9093", **(given | more))


def test_options_come_before_the_environment_and_that_before_the_file(tmp_path):
    file = write(
        tmp_path, '[kafka]\nbootstrap = "localhost:1"\ngroup = "file"\ntransactional_id_prefix = "file"\n'
    )
    found = load(
        "localhost:3",
        file,
        environment={"CORRIDOR_KAFKA_BOOTSTRAP": "localhost:2", "CORRIDOR_KAFKA_GROUP": "e"},
    )
    assert (found.bootstrap, found.group, found.transactional_id_prefix) == ("localhost:3", "e", "file")


def test_the_environment_gives_numbers_and_truths():
    environment = {
        "CORRIDOR_KAFKA_BOOTSTRAP": "kafka.example:1",
        "CORRIDOR_KAFKA_INSECURE": "true",
        "CORRIDOR_KAFKA_TRANSACTION_TIMEOUT_MS": "60000",
    }
    found = load(environment=environment)
    assert found.insecure is True
    assert found.transaction_timeout_ms == 60_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[kafka]\nbootstrp = "localhost:1"\n', r"kafka\.bootstrp is not known; did you mean bootstrap"),
        ("[kafka]\nbootstrap = 5\n", r"kafka\.bootstrap must be a text"),
        ('[kafka]\ninsecure = "yes"\n', r"kafka\.insecure must be true or false"),
        ("[kafka]\ntransaction_timeout_ms = true\n", r"must be a whole number"),
        ("[flink]\n", r"flink is not known"),
        ("kafka = 5\n", r"kafka is not a table; write \[kafka\]"),
        ("[kafak]\n", r"kafak is not known; did you mean kafka"),
        ("[kafka]\ngroup = " + "9" * 5000, r"give a TOML file"),
        ("[kafka\n", r"give a TOML file"),
        ("[kafka]\n", r"no Kafka broker is named"),
        ('[kafka]\nbootstrap = "localhost"\n', r"HOST:PORT"),
        ('[kafka]\nbootstrap = "localhost:0"\n', r"HOST:PORT"),
        ('[kafka]\nbootstrap = "localhost:70000"\n', r"HOST:PORT"),
        ('[kafka]\nbootstrap = "localhost:1,"\n', r"HOST:PORT"),
        ('[kafka]\nbootstrap = "localhost:1"\nsecurity_protocol = "TLS"\n', r"give one of PLAINTEXT"),
        (
            '[kafka]\nbootstrap = "localhost:1"\nsecurity_protocol = "SASL_SSL"\n',
            r"needs a username and a password",
        ),
        ('[kafka]\nbootstrap = "localhost:1"\nusername = "a"\npassword = "b"\n', r"uses no username"),
        (
            '[kafka]\nbootstrap = "localhost:1"\nca_file = "/nowhere.pem"\n',
            r"ca_file /nowhere\.pem: No such file",
        ),
        ('[kafka]\nbootstrap = "localhost:1"\nkey_file = "/nowhere.pem"\n', r"go together"),
        ('[kafka]\nbootstrap = "localhost:1"\ngroup = ""\n', r"group is empty"),
        ('[kafka]\nbootstrap = "localhost:1"\ntransaction_timeout_ms = 5\n', r"between 1000 and"),
        (
            '[kafka]\nbootstrap = "localhost:1"\nsecurity_protocol = "SASL_SSL"\nusername = "a"\npassword = "b"\n'
            'sasl_mechanism = "PLAIN"\n',
            r"SCRAM-SHA-256",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        load(file=write(tmp_path, text), environment={})


def test_unknown_names_in_the_environment_are_refused():
    with pytest.raises(
        InputError, match="environment variable CORRIDOR_KAFKA_PASWORD is not known; did you mean pass"
    ):
        load("localhost:1", environment={"CORRIDOR_KAFKA_PASWORD": SECRET})


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        load("localhost:1", tmp_path / "none.toml", environment={})


@pytest.mark.parametrize(
    "place", ["kafka.example:9092", "192.0.2.1:9092", "localhost:9092,kafka.example:9092"]
)
def test_nothing_goes_to_another_machine_in_the_clear_unless_told(place):
    with pytest.raises(InputError, match="in the clear"):
        load(place, environment={})
    assert load(place, insecure=True, environment={}).bootstrap == place


@pytest.mark.parametrize("place", ["localhost:9092", "127.0.0.1:9092", "[::1]:9092"])
def test_loopback_needs_no_tls(place):
    assert not load(place, environment={}).tls


def test_secrets_are_never_printed():
    found = secured(key_password=Secret(SECRET))
    shown = [
        repr(found),
        str(found),
        f"{found}",
        repr(found.password),
        f"{found.password:}",
        str([found.password]),
    ]
    shown += [
        repr(found.librdkafka()),
        str(found.java()),
        repr(found.librdkafka() | {"a": 1}),
        f"{found.java()}",
    ]
    for text in shown:
        assert "sesame" not in text
        assert "***" in text
    with pytest.raises(TypeError):
        json.dumps(found.password)


def test_a_wrong_secret_is_not_in_its_error(tmp_path):
    file = write(tmp_path, '[kafka]\nbootstrap = "localhost:1"\npassword = 998877\n')
    with pytest.raises(InputError) as error:
        load(file=file, environment={})
    assert "998877" not in str(error.value)


def test_both_kinds_of_client_get_the_same_login():
    found = secured()
    native, java = found.librdkafka(), found.java()
    assert isinstance(native | {}, Properties)
    assert native["sasl.password"] == SECRET
    assert native["sasl.mechanism"] == java["sasl.mechanism"] == "SCRAM-SHA-512"
    assert native["security.protocol"] == java["security.protocol"] == "SASL_SSL"
    assert java["sasl.jaas.config"].startswith(
        SHADED + "org.apache.kafka.common.security.scram.ScramLoginModule required"
    )
    assert r'password="op3n-sesame\"\\";' in java["sasl.jaas.config"]
    assert not found.java("java")["sasl.jaas.config"].startswith(SHADED)


def test_certificates_reach_java_as_text(tmp_path):
    for name in ("ca", "certificate", "key"):
        (tmp_path / name).write_text(f"-----{name}-----\n")
    found = Settings(
        "kafka.example:1", "SSL", ca_file=str(tmp_path / "ca"), certificate_file=str(tmp_path / "certificate"),
        key_file=str(tmp_path / "key"), key_password=Secret(SECRET),
    )  # fmt: skip
    assert found.java()["ssl.truststore.certificates"] == "-----ca-----\n"
    assert found.java()["ssl.keystore.key"] == "-----key-----\n"
    assert found.librdkafka()["ssl.ca.location"] == str(tmp_path / "ca")
    assert "-----key-----" not in repr(found.java())
