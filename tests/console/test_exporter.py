"""The exporter: what is read becomes samples, and nothing that is read can break them."""

import json
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from corridor.console import feed, sources
from corridor.console.exporter.collector import Exporter, Parts
from corridor.console.exporter.day import hour_start
from corridor.console.exporter.families import BUCKETS, FAMILIES, OTHER
from corridor.console.exporter.offices import MOST, Offices, read_offices
from corridor.console.exporter.offsets import Offsets
from corridor.console.exporter.rulebooks import Rulebooks, keys_end
from corridor.console.exporter.serve import exposition, serve
from corridor.console.exporter.state import State
from corridor.console.feed import Feed
from corridor.errors import InputError, RulebookError
from corridor.kafka.broker import free_port
from corridor.kafka.client import Settings
from corridor.kafka.connect import KafkaError
from corridor.kafka.follow import Batch
from corridor.kafka.topics import TOPICS
from corridor.messages.moment import moment
from corridor.picture.norms import PictureNorms
from corridor.registry.keys import PublicKey
from corridor.rulebook.sample import sample_path
from tests.console.messages import anomaly, cell, conservation, decision, message
from tests.deploy.prometheus import program

NOON = moment("2026-11-22T12:00:00Z").microseconds / 1e6


def told(*messages, clock=lambda: NOON, offices: Offices | None = None, **parts) -> dict:
    """The table after some messages."""
    return Exporter(Parts(read(*messages, offices=offices), clock=clock, **parts)).table()


def read(*messages, offices: Offices | None = None) -> State:
    """A state that has read messages, and all that there are."""
    state = State(offices or Offices())
    state.take(messages)
    state.end()
    return state


def samples(text: bytes) -> dict:
    """Name and labels to value, as a parser of the format reads them."""
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def test_the_days_service_is_told_in_base_units():
    plan = {"payments": 101.0, "share": 0.25, "forecast": 90.0}
    seconds = {"p50": 2.0, "p95": 3.0, "p99": None}
    value = cell(
        green=2,
        yellow=1,
        red=1,
        automatic_share=0.5,
        rejected=3,
        plan=plan,
        decide_seconds=seconds,
        flagged=1,
    )
    table = told(message("picture", value))
    assert table["corridor_service_declarations"] == {
        ("green",): 2, ("blue",): 0, ("yellow",): 1, ("red",): 1,
    }  # fmt: skip
    assert table["corridor_service_net_mass_grams"] == {(): 2250.0}
    assert table["corridor_service_automatic_ratio"] == {(): 0.5}
    assert table["corridor_service_rejected"] == {(): 3.0}
    assert table["corridor_service_duplicates"] == {}
    assert table["corridor_service_decide_seconds"] == {("50",): 2.0, ("95",): 3.0}
    assert table["corridor_service_plan_forecast"] == {(): 90.0}
    assert table["corridor_event_timestamp_seconds"] == {
        (): moment("2026-11-22T08:16:00Z").microseconds / 1e6
    }


def test_cells_of_older_jobs_and_of_newer_ones_are_read():
    old = {
        name: value
        for name, value in json.loads(cell()).items()
        if name not in {"plan", "decide_seconds", "late"}
    }
    new = json.loads(cell("office", "1")) | {"unheard_of": {"x": [1]}}
    table = told(*(message("picture", json.dumps(one).encode()) for one in (old, new)))
    assert table["corridor_service_items"] == {(): 9.0}
    assert table["corridor_office_payments"] == {("1",): 25.25}
    assert table["corridor_source_unreadable_total"][(TOPICS["picture"],)] == 0


def test_of_a_cell_the_later_window_counts_whatever_comes_later():
    later = cell(window_end="2026-11-22T09:00:00.000Z", items=20)
    assert told(message("picture", later), message("picture", cell()))["corridor_service_items"] == {(): 20.0}
    same = cell(items=11)
    assert told(message("picture", cell()), message("picture", same))["corridor_service_items"] == {(): 11.0}


def test_a_stream_shows_the_day_that_has_begun_and_a_run_the_one_that_is_busy():
    """A clock that runs ahead, or garbage that is dated 2099, makes no day of its own."""
    cells = [cell(items=1), cell(day="2026-11-23", items=2), cell(day="2099-01-01", items=3)]
    messages = [message("picture", one) for one in cells]
    assert told(*messages)["corridor_service_items"] == {(): 1.0}
    simulated = told(*messages[1:])
    assert simulated["corridor_service_items"] == {(): 3.0}
    busy = message("picture", cell(day="2026-11-23", items=2, declarations=400))
    assert told(messages[0], busy, messages[2], clock=None)["corridor_service_items"] == {(): 2.0}


def test_days_are_bounded():
    state = read()
    for n in range(60):
        state.take([message("picture", cell(day=f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}"))])
    assert len(state.days.days) == 40


def test_cells_and_partitions_are_bounded(monkeypatch):
    monkeypatch.setattr("corridor.console.exporter.day.MOST_CELLS", 3)
    monkeypatch.setattr("corridor.console.exporter.told._MOST_TOLD", 3)
    state = read()
    state.take([message("picture", cell("office", str(n))) for n in range(9)])
    state.take([message("picture", cell("office", "1", items=77)), message("picture", cell("office", "x"))])
    state.take([message("conservation", conservation(n)) for n in (0, 1, 2, 3, 2)])
    (cells,) = state.days.days.values()
    assert [value for _, value in cells] == ["0", "1", "2"]
    assert cells["office", "1"].items == 77
    assert state.unreadable[TOPICS["conservation"]] == 1


def test_offices_beyond_the_bound_are_other_and_known_ones_stay_at_0():
    offices = Offices(most=2)
    cells = [cell("office", name) for name in ("1", "2", "3", "4")]
    table = told(*(message("picture", one) for one in cells), offices=offices)
    by_office = {
        office: n
        for (office, corridor), n in table["corridor_office_declarations"].items()
        if corridor == "green"
    }
    assert by_office == {"1": 4, "2": 4, OTHER: 8}
    assert table["corridor_office_payments"] == {("1",): 25.25, ("2",): 25.25, (OTHER,): 50.5}
    table = told(message("picture", cell("office", "1")), offices=Offices(["1", "9"]))
    assert table["corridor_office_declarations"]["9", "green"] == 0.0


def test_two_hundred_offices_stay_below_two_thousand_series():
    messages = [
        message("picture", cell("office", f"{10000 + n}", decide_seconds={"p50": 1, "p95": 2, "p99": 3}))
        for n in range(400)
    ]
    others = [
        ("service", "all"),
        ("direction", "import"),
        *(("transport_mode", str(n)) for n in range(1, 10)),
    ]
    messages += [message("picture", cell(*one)) for one in others]
    messages += [message("anomalies", anomaly(f"hostile.{n}", office=f"{n}")) for n in range(3000)]
    messages += [message("decisions", decision(rulebook=f"v{n}")) for n in range(50)]
    messages += [message("conservation", conservation(n)) for n in range(8)]
    messages += [message("rejects", b"x", corridor_error_code=f"c{n}") for n in range(100)]
    state = read()
    state.take(messages)
    assert 1_500 < len(samples(exposition(Parts(state, clock=lambda: NOON)))) < 2_000
    assert len(state.offices.known) == MOST


HOSTILE = ['a"b', "a\nb", "a\\", "{}", 'x"} 1\ncorridor_evil 1', "\u202e", "", "other", "a" * 99, "Ж", "\x00"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_make_no_series(name):
    messages = [message("picture", cell()), message("picture", cell("office", name or "x"))]
    messages += [
        message("anomalies", anomaly(name, office=name)),
        message("decisions", decision(rulebook=name)),
    ]
    messages += [message("rejects", b"", corridor_error_code=name)]
    state = read()
    state.take(messages)
    text = exposition(Parts(state, clock=lambda: NOON))
    found = samples(text)
    assert not [key for key in found if key[0].startswith("corridor_evil")]
    assert {dict(key[1:]).get("office") for key in found} <= {None, OTHER, "x"}
    assert {dict(key[1:]).get("kind") for key in found if key[0].startswith("corridor_anomalies")} >= {OTHER}
    assert found["corridor_rejects_total", ("code", OTHER)] == 1
    assert {dict(key[1:]).get("rulebook") for key in found} <= {None, OTHER}


@given(
    st.sampled_from(["picture", "anomalies", "decisions", "conservation", "rejects"]), st.binary(max_size=200)
)
def test_garbage_is_counted_and_changes_nothing(name, value):
    state = read()
    state.take([message("picture", cell()), message(name, value), message(name, None)])
    table = Exporter(Parts(state, clock=lambda: NOON)).table()
    assert table["corridor_service_items"] == {(): 9.0}
    expected = 0 if name == "rejects" else 1
    assert state.unreadable[TOPICS[name]] == expected


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 5000,
        cell(window_start="yesterday"),
        cell(window_end="2026-11-21T00:00:00.000Z"),
        cell(declarations="4"),
        cell(declarations=10**400),
        cell(green=-(10**40)),
        cell("hour", "soon"),
        cell("hour", "2026-11-22T25"),
        b"null",
    ],
)
def test_what_is_no_cell_is_counted(value):
    assert told(message("picture", value))["corridor_source_unreadable_total"][(TOPICS["picture"],)] == 1


def test_a_message_of_another_version_is_counted_and_passed_over():
    newer = message("picture", cell(items=77))._replace(headers=(("ce_type", b"customs.picture.v2"),))
    table = told(newer, message("picture", cell()))
    assert table["corridor_source_unreadable_total"][(TOPICS["picture"],)] == 1
    assert table["corridor_service_items"] == {(): 9.0}


def test_an_episode_is_open_until_it_is_closed_and_counts_once():
    def episode(state: str, severity: str = "warning", name: str = "e", office: str = "1"):
        at = {"id": name, "state": state, "opened_at": "2026-11-22T08:00:00.000Z"}
        return message("anomalies", anomaly(episode=at, severity=severity, office=office))

    story = [message("picture", cell("office", "1")), episode("opened"), episode("worsened", "critical")]
    table = told(*story)
    assert table["corridor_anomalies_open"]["picture.silence", "critical"] == 1
    assert table["corridor_anomalies_open"]["picture.silence", "warning"] == 0
    assert table["corridor_anomalies_total"]["picture.silence", "warning"] == 1
    assert table["corridor_anomalies_total"]["picture.silence", "critical"] == 0
    assert table["corridor_office_anomalies_open"] == table["corridor_office_silent"] == {("1",): 1.0}
    table = told(*story, episode("closed"))
    assert sum(table["corridor_anomalies_open"].values()) == 0
    assert table["corridor_office_silent"] == {("1",): 0.0}
    assert told(episode("closed"))["corridor_anomalies_total"]["picture.silence", "warning"] == 1
    assert told(message("anomalies", anomaly()))["corridor_anomalies_open"]["picture.silence", "warning"] == 0


def test_episodes_are_bounded(monkeypatch):
    monkeypatch.setattr("corridor.console.exporter.told.MOST_EPISODES", 3)
    state = read()
    for n in range(9):
        at = {"id": f"e{n}", "state": "opened", "opened_at": "2026-11-22T08:00:00.000Z"}
        state.take([message("anomalies", anomaly(episode=at))])
    assert list(state.anomalies.open) == ["e6", "e7", "e8"]
    assert state.anomalies.total["picture.silence", "warning"] == 9


def test_decisions_say_what_rulebooks_do():
    shadow = {"rulebook": "c", "corridor": "red"}
    messages = [decision(), decision("red", basis="random", selected_at_random=True, reasons=[{"group": "random"}]),
                decision(rulebook="8", shadow=shadow), decision(decided_at="2026-11-29T08:00:00.000Z")]  # fmt: skip
    state = read()
    state.take([message("decisions", one) for one in messages])
    table = Exporter(Parts(state)).table()
    assert table["corridor_decisions_total"]["7", "green"] == 2
    assert table["corridor_decisions_total"]["8", "green"] == 1
    assert table["corridor_decisions_by_basis_total"][("random",)] == 1
    assert table["corridor_reasons_total"][("random",)] == 1
    assert table["corridor_random_control_total"] == {(): 1.0}
    assert table["corridor_shadow_decisions_total"] == {("green", "red"): 1.0}
    found = samples(exposition(Parts(state)))
    assert found["corridor_decide_duration_seconds_bucket", ("le", "1.5")] == 0
    assert found["corridor_decide_duration_seconds_bucket", ("le", "2.0")] == 3
    assert found["corridor_decide_duration_seconds_count",] == 3
    assert found["corridor_decide_duration_seconds_sum",] == 6.0
    assert len([key for key in found if key[0].endswith("_bucket")]) == len(BUCKETS) + 1


def test_of_many_rulebooks_the_newest_four_are_named_and_the_series_of_others_end():
    table = told(*(message("decisions", decision(rulebook=f"v{n}")) for n in range(9)))
    found = {
        version: n
        for (version, corridor), n in table["corridor_decisions_total"].items()
        if corridor == "green"
    }
    assert found == {OTHER: 0, "v5": 1, "v6": 1, "v7": 1, "v8": 1}


def test_conservation_and_the_brokers_offsets():
    offsets = Offsets(Settings("localhost:1"))
    offsets.ends = {
        (TOPICS["declarations"], 0): 15,
        (TOPICS["declarations"], 1): 4,
        (TOPICS["decisions"], 0): 99,
    }
    offsets.stuck = {TOPICS["decisions"]: (3, 12.5)}
    messages = [conservation(), conservation(waiting=2, read=12), conservation(70), conservation(71)]
    table = told(*(message("conservation", one) for one in messages), offsets=offsets)
    assert table["corridor_partition_read_total"] == {("0",): 12.0, (OTHER,): 20.0}
    assert table["corridor_partition_waiting"] == {("0",): 2.0, (OTHER,): 0.0}
    assert table["corridor_partition_lag"] == {("0",): 5.0, ("1",): 4.0}
    assert table["corridor_records_total"][("decided",)] == 24
    assert table["corridor_uncommitted_seconds"] == {(TOPICS["decisions"],): 12.5}


def test_of_a_run_its_summary_says_what_became_of_the_records(tmp_path):
    for text, expected in (
        ("{", {}),
        ('{"decided": 7, "rejected": "x", "duplicates": 1}', {("decided",): 7.0, ("duplicate",): 1.0}),
    ):
        (tmp_path / "summary.json").write_text(text)
        assert told(run=tmp_path).get("corridor_records_total", {}) == expected


def test_a_transaction_that_does_not_end_is_timed_and_one_that_does_is_not(monkeypatch):
    offsets, place = Offsets(Settings("localhost:1")), ("t", 0)
    clock = iter([0.0, 10.0, 25.0, 30.0])
    monkeypatch.setattr("corridor.console.exporter.offsets.time.monotonic", lambda: next(clock))
    told_of = [
        offsets._standing({place: end}, {place: stable})["t"]
        for end, stable in ((5, 3), (8, 3), (9, 3), (12, 9))
    ]
    assert told_of == [(2, 0.0), (5, 10.0), (6, 25.0), (3, 0.0)]


def test_a_broker_that_does_not_answer_leaves_no_figure(monkeypatch):
    monkeypatch.setattr("corridor.kafka.connect.TIMEOUT", 0.3)
    offsets = Offsets(Settings("127.0.0.1:1"))
    offsets.ends = {("t", 0): 1}
    with pytest.raises(KafkaError, match="does not answer"):
        offsets.look()
    assert (offsets.ends, offsets.stuck) == ({}, {})


@contextmanager
def answering(parts: Parts, *work):
    """The exporter served on a free port; the answer to a path, with its status."""
    port, up, stop = free_port(), threading.Event(), threading.Event()

    def served() -> None:
        with suppress(SystemExit):
            serve(parts, "127.0.0.1", port, [*work, lambda _: stop.wait()], up.set)

    def ask(path: str) -> tuple[int, bytes]:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10)
        return answer.status_code, answer.content

    threading.Thread(target=served, daemon=True).start()
    assert up.wait(10)
    assert ask("/-/ready")[0] == 503
    yield ask
    stop.set()


def test_until_all_was_read_it_is_not_ready_and_tells_only_that_it_reads():
    """A counter that is told while the topic is being read rises by what is old, and alerts fire at each start."""
    state, gate = State(Offices()), threading.Event()
    rulebook = Rulebooks(sample_path())

    def source():
        picture, anomalies = TOPICS["picture"], TOPICS["anomalies"]
        yield Batch(
            [message("picture", cell()), message("decisions", decision())],
            behind=frozenset({picture, anomalies}),
        )
        yield Batch([message("anomalies", anomaly())], behind=frozenset({anomalies}))
        gate.wait(20)
        yield Batch([message("anomalies", b"{"), message("anomalies", anomaly())])
        while True:
            time.sleep(0.01)
            yield Batch()

    with answering(Parts(state, rulebooks=rulebook, clock=lambda: NOON), Feed(state, source).run) as ask:
        until(lambda: state.messages[TOPICS["anomalies"]] == 1)
        assert ask("/-/ready")[0] == 503
        assert ask("/-/healthy")[0] == 200
        told = {key[0] for key in samples(ask("/metrics")[1]) if key[0].startswith("corridor")}
        assert told == {"corridor_source_up", "corridor_source_ready", "corridor_exporter_silent_seconds",
                        "corridor_exporter_errors_total"}  # fmt: skip
        gate.set()
        until(lambda: ask("/-/ready")[0] == 200)
        found = samples(ask("/metrics")[1])
        assert found["corridor_source_ready",] == found["corridor_source_up",] == 1
        assert found["corridor_anomalies_total", ("kind", "picture.silence"), ("severity", "warning")] == 2
        assert found["corridor_source_unreadable_total", ("topic", TOPICS["anomalies"])] == 1


def test_a_topic_that_comes_later_is_told_once_it_was_read():
    state = State(Offices())
    rejects = TOPICS["rejects"]
    table = Exporter(Parts(state, clock=lambda: NOON)).table
    state.heard(Batch(missing={rejects: "does not exist"}))
    assert table()["corridor_source_up"] == {(): 0.0}
    assert "corridor_decisions_total" in table()
    assert "corridor_rejects_total" not in table()
    state.take([message("rejects", b"x", corridor_error_code="utf8")])
    state.heard(Batch(behind=frozenset({rejects})))
    assert "corridor_rejects_total" not in table()
    state.heard(Batch())
    assert table()["corridor_rejects_total"][("utf8",)] == 1
    state.heard(Batch(there=False))
    assert table()["corridor_source_up"] == {(): 0.0}
    assert table()["corridor_rejects_total"][("utf8",)] == 1


def test_a_run_that_is_written_anew_counts_once(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    (tmp_path / "decisions").mkdir()
    part = tmp_path / "decisions" / "part-0000.ndjson"
    part.write_bytes(decision() + b"\n" + decision("red") + b"\n")
    state, stop = State(Offices()), threading.Event()
    feed = threading.Thread(
        target=Feed(state, partial(sources.of_run, tmp_path, sources.FILES, True)).run, args=(stop,)
    )
    feed.start()
    try:
        until(lambda: state.ready and state.messages.total() == 2)
        part.write_bytes(b"".join(decision() + b"\n" for _ in range(5)))
        until(lambda: state.ready and state.decisions.by_rulebook["7"]["green"] == 5)
        assert state.decisions.by_rulebook["7"] == {"green": 5}
    finally:
        stop.set()
        feed.join(5)


def test_a_fault_that_comes_back_after_a_while_is_logged_again(monkeypatch, caplog):
    monkeypatch.setattr(feed, "AGAIN", 0.001)
    monkeypatch.setattr(feed, "WELL", 0.1)
    stop, rounds = threading.Event(), iter([0.0, 0.0, 0.2, 0.0, None])

    def run(stop: threading.Event) -> None:
        if (lasts := next(rounds)) is None:
            return
        time.sleep(lasts)
        raise KafkaError("the broker is away")

    feed.lasting(run, lambda why: None, stop)
    assert [one.message.partition(";")[0] for one in caplog.records] == 2 * ["the broker is away"]


def test_cells_that_come_while_the_norms_are_asked_for_break_nothing(monkeypatch):
    state = read(message("picture", cell()), message("picture", cell("hour", "2026-11-22T07")))

    def meanwhile(cell_):
        state.take([message("picture", cell("office", "new"))])
        return hour_start(cell_)

    monkeypatch.setattr("corridor.console.exporter.collector.hour_start", meanwhile)
    table = Exporter(Parts(state, clock=lambda: NOON)).table()
    assert table["corridor_service_hour_declarations"] == {("observed",): 4.0}


def test_a_reader_that_fails_is_counted_and_goes_on_and_one_that_died_is_seen(monkeypatch, caplog):
    monkeypatch.setattr(feed, "AGAIN", 0.01)
    state, stop, rounds = State(Offices()), threading.Event(), iter(range(9))
    assert not state.up

    def source():
        yield Batch([message("decisions", decision())])
        if next(rounds) < 3:
            raise ZeroDivisionError("of ours")
        while True:
            time.sleep(0.01)
            yield Batch()

    thread = threading.Thread(target=feed.Feed(state, source).run, args=(stop,))
    thread.start()
    until(lambda: state.errors["reader"] == 3 and state.up)
    assert state.decisions.by_rulebook["7"]["green"] == 1
    assert len(caplog.records) == 1
    stop.set()
    thread.join(5)
    assert state.up
    monkeypatch.setattr("corridor.console.exporter.state.DEAD", 0.01)
    time.sleep(0.02)
    table = Exporter(Parts(state)).table()
    assert table["corridor_source_up"] == {(): 0.0}
    assert table["corridor_exporter_errors_total"] == {("reader",): 3.0}
    assert table["corridor_exporter_silent_seconds"]["reader",] > 0.01


def test_offsets_that_cannot_be_had_are_counted(monkeypatch):
    monkeypatch.setattr(feed, "AGAIN", 0.01)
    state, stop, offsets = State(Offices()), threading.Event(), Offsets(Settings("127.0.0.1:1"))
    monkeypatch.setattr(offsets, "_places", lambda client: 1 // 0)
    offsets._client = object()
    thread = threading.Thread(target=feed.lasting, args=(offsets.run, partial(state.failed, "offsets"), stop))
    thread.start()
    until(lambda: state.errors["offsets"] > 1)
    stop.set()
    thread.join(5)


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_has_ended_is_told_until_it_is_renewed_or_removed(tmp_path):
    now = moment("2026-11-22T12:00:00Z").microseconds
    day = 86_400_000_000

    def key(name: str, since: int, until: int, *roles: str) -> PublicKey:
        return PublicKey(name, roles, now + since * day, now + until * day, name.encode().ljust(32))

    old, other = key("old", -400, -35, "author"), key("other", -300, 65, "author", "approver")
    ends = lambda *keys: keys_end(keys)  # noqa: E731
    assert ends(old) == old.valid_until
    assert ends(old, key("elder", -500, 10, "author")) == old.valid_until
    assert ends(old, key("approver", -10, 300, "approver")) == old.valid_until
    assert ends(old, other) == other.valid_until
    assert ends(other) == other.valid_until
    soon, renewed = key("soon", -355, 10, "author"), key("renewed", -1, 375, "author")
    assert ends(soon, renewed, other) == other.valid_until
    assert ends(soon, key("yet", -1, 375, "approver")) == soon.valid_until
    assert ends() is None


def test_norms_that_could_not_be_read_are_tried_again(monkeypatch):
    book = Rulebooks(sample_path())
    monkeypatch.setattr("corridor.console.books.AGAIN", 0.0)
    load = PictureNorms.load
    monkeypatch.setattr(PictureNorms, "load", lambda folder: broken())
    assert book.band(int(NOON * 1e6)) is None
    monkeypatch.setattr(PictureNorms, "load", load)
    book.band(int(NOON * 1e6))
    assert book._norms.problem is None


def broken():
    raise RulebookError("the disk is away")


def test_the_rulebook_in_force_and_when_its_parts_end():
    table = told(message("picture", cell()), message("picture", cell("hour", "2026-11-22T07")),
                 rulebooks=Rulebooks(sample_path()))  # fmt: skip
    assert [labels[0] for labels in table["corridor_rulebook_info"]] == ["in_force"]
    assert table["corridor_service_hour_declarations"] == {("observed",): 4.0}
    ends = table["corridor_rulebook_expiry_timestamp_seconds"]
    assert all(end > NOON - 86_400 for end in ends.values())


def test_the_exposition_is_what_promtool_expects():
    plan = {"payments": 101.0, "share": 0.25, "forecast": 90.0}
    values = [cell(plan=plan, rejected=1), cell("office", "1"), cell("direction", "import")]
    state = read()
    state.take(
        [message("picture", one) for one in values]
        + [message("decisions", decision()), message("conservation", conservation())]
    )
    done = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=exposition(Parts(state, clock=lambda: NOON)),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_families_are_named_by_the_conventions():
    for family in FAMILIES:
        assert family.name.startswith("corridor_")
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name
        if family.unit in {"seconds", "grams", "ratio"}:
            assert family.name.endswith(f"_{family.unit}"), family.name
        assert family.help.endswith(".")
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "0 offices"),
        ("code\n", "0 offices"),
        ('"a b"\n', "no office"),
        ("other\n", "no office"),
        ("1\n2\n3\n", "3 offices"),
    ],
)
def test_a_list_of_offices_that_cannot_be_used_is_refused(tmp_path, text, problem):
    (tmp_path / "o.csv").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_offices(tmp_path / "o.csv", 2)
    with pytest.raises(InputError, match="No such file"):
        read_offices(tmp_path / "no.csv")


def test_a_list_of_offices_is_a_rulebooks_own(tmp_path):
    (tmp_path / "o.csv").write_text("code,reason\n10131010,x\n10131020,y\n10131010,z\n")
    assert read_offices(tmp_path / "o.csv") == ["10131010", "10131020"]
