"""The live page's source: topics as they are, missing, of other versions, and a broker that goes away."""

import threading
import time
from functools import partial

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from corridor.console.feed import Feed
from corridor.console.snapshot import View, snapshot
from corridor.console.sources import of_topics
from corridor.console.state import STARTS, State
from corridor.kafka import assigned
from corridor.kafka.client import Settings
from corridor.kafka.topics import TOPICS
from tests.console.material import anomaly, at, encoded, made, text

pytestmark = pytest.mark.kafka


def until(holds, seconds=40.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_page_reads_topics_through_whatever_befalls_them(new_broker, monkeypatch):
    monkeypatch.setattr(assigned, "AGAIN", 1.0)
    monkeypatch.setattr(assigned, "SILENCE", 1.0)
    broker, material = new_broker(), made(offices=4, many=300)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    names = [TOPICS[kind] for kind in ("picture", "anomalies", "decisions")]  # the rejects' is missing
    for future in admin.create_topics([NewTopic(name, 2, 1) for name in names]).values():
        future.result()
    state, stop = State("Kafka", upsert=True, keep=True), threading.Event()
    source = partial(of_topics, Settings(broker.bootstrap), STARTS, True)
    feed = threading.Thread(target=Feed(state, source).run, args=(stop,))
    feed.start()
    try:
        until(lambda: state.link.condition == "live")
        assert snapshot(state, View(), 0)["meta"]["start"] is None
        assert "rejects" in snapshot(state, View(), 0)["status"]["missing"]

        send(broker, TOPICS["picture"], *((line, {}) for line in material.lines(at(600))))
        send(
            broker,
            TOPICS["picture"],
            (material.lines(at(660))[0], {"ce_type": b"customs.picture.v2"}),
            (None, {}),
        )
        send(broker, TOPICS["anomalies"], (encoded(anomaly("1")), {"ce_type": b"customs.anomaly.v1"}))
        send(broker, TOPICS["decisions"], *((encoded(one), {}) for one in material.decisions))
        before = [one for one in material.decisions if one["registered_at"] < text(at(600))]
        until(lambda: snapshot(state, View(), 0).get("glance", {}).get("declarations") == len(before))
        until(lambda: len(state.recent) == 300 and state.ignored == {"picture version": 1})
        until(lambda: len(snapshot(state, View(), 0)["anomalies"]) == 1)  # by a topic of its own

        conditions = set()
        broker.stop()
        until(lambda: state.link.condition == "lost")
        for _ in range(40):  # a topic that is missing is tried again meanwhile, and is no sign of life
            conditions.add(state.link.condition)
            time.sleep(0.1)
        assert conditions == {"lost"}
        broker.start()
        until(lambda: state.link.condition == "live")

        (made_,) = admin.create_topics([NewTopic(TOPICS["rejects"], 1, 1)]).values()
        made_.result()
        payload = f'{{"registered_at":"{text(at(5))}", secret'.encode()
        send(broker, TOPICS["rejects"], (payload, {"corridor.error.code": b"malformed"}), (b"x", {}))
        until(lambda: snapshot(state, View(), 0)["rejects"] == {"malformed": 1})
        assert not snapshot(state, View(), 0)["status"]["missing"]

        broker.stop()
        until(lambda: state.link.condition == "lost")
        assert snapshot(state, View(), 0)["glance"]["declarations"] == len(before)
        broker.start()
        send(broker, TOPICS["picture"], *((line, {}) for line in material.lines(at(1440))))
        until(lambda: state.link.condition == "live")
        until(lambda: snapshot(state, View(), 0)["glance"]["declarations"] == 300)
    finally:
        stop.set()
        feed.join(20)
    assert not feed.is_alive()


def send(broker, topic, *records):
    producer = Producer({"bootstrap.servers": broker.bootstrap, "enable.idempotence": True})
    for value, headers in records:
        producer.produce(topic, value, key=b"k", headers=headers)
    assert producer.flush(30) == 0
