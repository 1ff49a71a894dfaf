import json
import threading
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from corridor.console import sources
from corridor.console.exporter.offices import Offices
from corridor.console.exporter.state import State
from corridor.errors import InputError
from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.follow import Batch
from corridor.kafka.topics import TOPICS
from tests.console.messages import anomaly, cell, message


@pytest.fixture
def run(tmp_path) -> Path:
    for name in sources.FILES:
        (tmp_path / name).mkdir()
    (tmp_path / "picture" / "part-0000.ndjson").write_bytes(cell() + b"\n" + cell("office", "1") + b"\n")
    (tmp_path / "anomalies" / "part-0000.ndjson").write_bytes(anomaly() + b"\n")
    return tmp_path


def all_of(batches) -> list:
    return [message for batch in batches for message in batch.messages]


def test_a_run_is_read_whole_as_messages_of_topics(run):
    found = all_of(sources.of_run(run, sources.FILES))
    assert [message.topic for message in found] == [TOPICS["anomalies"]] + 2 * [TOPICS["picture"]]
    assert [message.value for message in found] == [anomaly(), cell(), cell("office", "1")]
    assert [message.offset for message in found] == [0, 0, len(cell()) + 1]


def test_without_following_nothing_is_read_up_before_the_end(run):
    """Else a page of a run that is over would call itself live for a moment."""
    assert all(batch.behind == {TOPICS["picture"]} for batch in sources.of_run(run, ["picture"]))


@pytest.mark.parametrize(
    ("told", "version"),
    [(None, 1), (b"customs.picture.v1", 1), (b"customs.picture.v23", 23), (b"x", None), (b"a.v\xff", None),
     (b"a.v" + b"9" * 40, None)],
)  # fmt: skip
def test_the_version_of_a_message_is_that_of_its_type(told, version):
    headers = (("other", b"a.v7"), ("ce_type", told))
    assert sources.version(message("picture", cell())._replace(headers=headers)) == version


def test_only_what_was_asked_for_and_nothing_hidden(run):
    (run / "picture" / ".part.crc").write_bytes(b"x")
    (run / "picture" / "_SUCCESS").write_bytes(b"x")
    assert len(all_of(sources.of_run(run, ["picture"]))) == 2


def test_the_last_line_needs_no_end_and_empty_lines_are_none(run):
    with (run / "picture" / "part-0000.ndjson").open("ab") as file:
        file.write(b"\n\r\n" + cell("office", "2"))
    assert all_of(sources.of_run(run, ["picture"]))[-1].value == cell("office", "2")
    assert len(all_of(sources.of_run(run, ["picture"]))) == 3


def test_rejects_bear_the_headers_that_they_have_in_a_topic(run):
    lines = [{"code": "utf8", "pointer": "", "stage": "decode", "payload_base64": "AGJ5dGVz"}, {"no": "code"}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "rejects" / "part-0000.ndjson").write_text(text)
    found = all_of(sources.of_run(run, ["rejects"]))
    assert [sources.reject_code(message) for message in found] == ["utf8", ""]
    assert dict(found[0].headers)["corridor.error.stage"] == b"decode"
    assert [message.value for message in found] == [b"\x00bytes", b'{"no": "code"}']


def test_a_line_without_end_is_read_in_pieces(run, monkeypatch):
    monkeypatch.setattr(sources, "LONGEST", 100)
    (run / "picture" / "part-0000.ndjson").write_bytes(b"x" * 250)
    assert [len(m.value) for m in all_of(sources.of_run(run, ["picture"]))] == [100, 100, 50]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds none of picture"):
        sources.check(tmp_path, ["picture"])
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        sources.check(tmp_path / "file", ["picture"], follow=True)
    with pytest.raises(InputError, match="does not exist"):
        sources.check(tmp_path / "nowhere", ["picture"])
    sources.check(tmp_path / "nowhere", ["picture"], follow=True)


def test_following_gives_what_grows_and_comes(run, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    batches = sources.of_run(run, ["picture"], follow=True)
    part = run / "picture" / "part-0000.ndjson"
    first = next(batches)
    assert [message.value for message in first.messages] == [cell(), cell("office", "1")]
    assert first.behind == {TOPICS["picture"]}
    assert not next(batches).behind
    assert new(batches) == []
    with part.open("ab") as file:
        file.write(cell("office", "2") + b"\n" + cell("office", "3")[:40])
    assert new(batches) == [cell("office", "2")]
    with part.open("ab") as file:
        file.write(cell("office", "3")[40:] + b"\n")
    (run / "picture" / "part-0001.ndjson").write_bytes(cell("office", "4") + b"\n")
    assert new(batches) == [cell("office", "3"), cell("office", "4")]


def new(batches) -> list[bytes]:
    """What comes next, up to the end of a look."""
    found = []
    for batch in batches:
        assert not batch.anew
        if not batch.messages:
            return found
        found += [message.value for message in batch.messages]
    return found


@pytest.mark.parametrize("how", ["shorter", "longer", "as long", "another file", "gone"])
def test_a_run_that_is_written_anew_is_read_anew_whole(run, monkeypatch, how):
    """In place and by another file; what was given before counts no more, of other files neither."""
    monkeypatch.setattr(sources, "POLL", 0.01)
    batches = sources.of_run(run, ["anomalies", "picture"], follow=True)
    while next(batches).behind:
        pass
    part = run / "picture" / "part-0000.ndjson"
    old = part.read_bytes()
    more = b"".join(cell("office", str(n)) + b"\n" for n in range(9))
    told = {"shorter": cell() + b"\n", "longer": more, "as long": old.replace(b'"1"', b'"2"'), "gone": b""}
    if how in {"another file", "gone"}:
        part.unlink()
    if how != "gone":
        time.sleep(0.01)
        part.write_bytes(told.get(how, more))
    batch = next(batches)
    assert (batch.anew, batch.messages) == (True, [])
    assert batch.behind == {TOPICS["picture"], TOPICS["anomalies"]}
    assert new(batches) == [anomaly(), *told.get(how, more).splitlines()]


@pytest.mark.parametrize("then", [b"", b"".join(cell("office", str(n)) + b"\n" for n in range(9))])
def test_a_file_that_is_replaced_after_it_was_looked_at_is_read_anew(run, monkeypatch, then):
    """Between the look and the reading: the tail of the new file is not read as if it were that of the old one."""
    monkeypatch.setattr(sources, "POLL", 0.01)
    part, look = run / "picture" / "part-0000.ndjson", sources._replaced
    batches = sources.of_run(run, ["picture"], follow=True)
    while next(batches).behind:
        pass

    def looked(known):
        found = look(known)
        monkeypatch.setattr(sources, "_replaced", look)
        part.write_bytes(then)
        return found

    monkeypatch.setattr(sources, "_replaced", looked)
    assert next(batches) == Batch()
    part.write_bytes(whole := then * 2 or part.read_bytes() + 9 * (cell("office", "7") + b"\n"))
    assert next(batches).anew
    assert new(batches) == whole.splitlines()


def test_following_waits_for_a_folder_and_tells_that_it_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    batches = sources.of_run(tmp_path / "later", ["picture"], follow=True)
    assert not next(batches).there
    (tmp_path / "later" / "picture").mkdir(parents=True)
    assert next(batches) == Batch()
    (tmp_path / "later" / "picture" / "p.ndjson").write_bytes(cell() + b"\n")
    assert [message.value for message in next(batches).messages] == [cell()]
    assert next(batches) == Batch()
    (tmp_path / "later").rename(tmp_path / "away")
    assert not next(batches).there
    (tmp_path / "away").rename(tmp_path / "later")
    assert next(batches) == Batch()


def closing(monkeypatch, wrong: Path):
    """Make a file one that cannot be opened; call what it returns to mend that."""
    opened = Path.open

    def closed(path, *arguments):
        if path == wrong:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", closed)
    return lambda: monkeypatch.setattr(Path, "open", opened)


@pytest.mark.parametrize("names", [["anomalies", "picture"], ["picture", "anomalies"]])
def test_a_file_that_cannot_be_read_makes_its_topic_missing_until_it_can(run, monkeypatch, names):
    """In each batch, of whatever topic it is: else the topic counts as read up, and a page blinks."""
    monkeypatch.setattr(sources, "POLL", 0.01)
    mend = closing(monkeypatch, run / "anomalies" / "part-0000.ndjson")
    batches, state = sources.of_run(run, names, follow=True), State(Offices())

    def heard() -> Batch:
        batch = next(batches)
        state.take(batch.messages)
        state.heard(batch)
        return batch

    assert len(heard().messages) == 2
    grown = 0
    while grown < 2:
        batch = heard()
        assert "part-0000.ndjson: Permission denied" in batch.missing[TOPICS["anomalies"]]
        assert not state.up
        assert not state.told("anomalies")
        assert state.told("picture")
        if not batch.messages:
            grown += 1
            with (run / "picture" / "part-0001.ndjson").open("ab") as file:
                file.write(cell("office", str(grown)) + b"\n")
    while (batch := heard()).messages:
        assert TOPICS["anomalies"] in batch.missing
    (run / "picture" / "part-0001.ndjson").unlink()
    batch = heard()
    assert batch.anew
    assert TOPICS["anomalies"] in batch.missing
    while batch.behind:
        batch = heard()
    assert not state.told("anomalies")
    mend()
    while not (batch := heard()).messages:
        pass
    assert [message.value for message in batch.messages] == [anomaly()]
    assert heard() == Batch()
    assert state.up
    assert state.told("anomalies")


def test_a_summary_that_is_broken_is_none(run):
    assert sources.summary(run) is None
    (run / "summary.json").write_bytes(b"\xff{")
    assert sources.summary(run) is None
    (run / "summary.json").write_bytes(b'{"read": 7}')
    assert sources.summary(run) == {"read": 7}


@pytest.mark.kafka
def test_topics_are_read_together_and_followed_past_a_restart_of_the_broker(new_broker):
    """Several topics in one source; a broker that is gone is told as None, and read on from when it is back."""
    broker = new_broker()
    settings = Settings(broker.bootstrap)
    admin.create(connect(settings), 1)
    marks = [b"0", b"1", b"2", b"3"]

    def send(name: str, value: bytes) -> None:
        producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        producer.produce(TOPICS[name], value, key=value)
        assert producer.flush(30) == 0

    def until(wanted: bytes | None) -> list[bytes | None]:
        """All values up to the one wanted; None for a batch that says that the broker is gone."""
        found: list[bytes | None] = []
        end = time.monotonic() + 60
        while wanted not in found:
            assert time.monotonic() < end
            batch = next(batches)
            found += [message.value for message in batch.messages] if batch.there else [None]
        return found

    send("picture", marks[0])
    send("anomalies", marks[1])
    found = all_of(sources.of_topics(settings, {"picture": "beginning", "anomalies": "beginning"}))
    assert {message.value for message in found} == {marks[0], marks[1]}
    batches = sources.of_topics(settings, {"picture": "end", "anomalies": "end"}, follow=True)
    next(batches)
    threading.Timer(1, send, ("picture", marks[2])).start()
    assert until(marks[2]) == [marks[2]]
    broker.stop()
    assert until(None) == [None]
    broker.start()
    send("anomalies", marks[3])
    assert [value for value in until(marks[3]) if value is not None] == [marks[3]]
    batches.close()
