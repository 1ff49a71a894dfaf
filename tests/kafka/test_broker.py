import socket

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from corridor.kafka.broker import BrokerError, LocalBroker, free_port

pytestmark = pytest.mark.kafka


def test_what_was_acknowledged_survives_a_kill(new_broker):
    broker = new_broker()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic("kept", 1)])["kept"].result(20)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
    producer.produce("kept", b"a")
    assert producer.flush(20) == 0
    place = broker.bootstrap
    broker.kill()
    assert not broker.running()
    broker.start()
    assert broker.bootstrap == place
    producer.produce("kept", b"b")
    assert producer.flush(60) == 0
    broker.stop()
    assert not broker.running()


def test_a_taken_port_is_told(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        with pytest.raises(BrokerError, match="is taken by another program"):
            LocalBroker(tmp_path, port=other.getsockname()[1]).start()


def test_a_broker_that_cannot_start_says_why(tmp_path):
    broker = LocalBroker(tmp_path, settings={"num.network.threads": "none"})
    with pytest.raises(BrokerError, match=r"num\.network\.threads"):
        broker.start()
    assert not broker.running()
