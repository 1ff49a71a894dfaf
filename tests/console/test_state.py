import json
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from corridor.console import cells, feed
from corridor.console.cells import UnreadableError
from corridor.console.snapshot import View, snapshot
from corridor.console.state import State
from corridor.console.windows import ASTRAY, KEPT
from corridor.kafka.connect import KafkaError
from corridor.kafka.follow import Batch
from corridor.kafka.topics import TOPICS
from tests.console.material import DAY, Material, anomaly, at, encoded, made, rejected, text
from tests.console.messages import as_messages

MICROS = int(DAY.timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def material() -> Material:
    return made(offices=6, many=400)


def state_of(*lines: bytes, upsert: bool = False) -> State:
    state = State("here", upsert=upsert, keep=True)
    state.take(as_messages("picture", lines))
    return state


def cell(**more) -> bytes:
    row = dict.fromkeys(
        ("items", "customs_value", "net_mass_kg", "duty", "vat", "green", "blue", "yellow", "red"), 0
    )
    head = {
        "window_start": text(DAY),
        "window_end": text(at(60)),
        "period": "day",
        "dimension": "service",
        "value": "all",
    }
    return encoded(head | row | {"declarations": 1} | more)


def test_the_day_equals_its_truth(material):
    shown = snapshot(state_of(*material.lines(at(1440))), View(), 0)
    truth, glance = material.decisions, shown["glance"]
    assert glance["declarations"] == len(truth)
    assert glance["items"] == sum(one["item_count"] for one in truth)
    assert glance["customs_value"] == round(sum(one["customs_value"] for one in truth), 2)
    assert glance["duty"] + glance["vat"] == pytest.approx(sum(one["payments"] for one in truth), abs=0.01)
    assert [glance[name] for name in ("green", "blue", "yellow", "red")] == [
        Counter(one["corridor"] for one in truth)[name] for name in ("green", "blue", "yellow", "red")
    ]
    hours = Counter(one["registered_at"][:13] for one in truth)
    assert {hour: row[0] for hour, row in shown["curve"].items() if row[0]} == dict(hours)
    offices = Counter(one["office"] for one in truth)
    assert {office: row["declarations"] for office, row in shown["offices"].items()} == dict(offices)
    assert {office: sum(filter(None, row["hours"])) for office, row in shown["offices"].items()} == dict(
        offices
    )
    pairs = Counter(
        f"{item['origin_country']}/{item['hs_chapter']}" for one in truth for item in one["items"]
    )
    assert {pair: row[1] for pair, row in shown["mix"].items()} == dict(pairs)


def test_hours_come_from_how_totals_grew_where_no_hour_is_told(material):
    lines = [line for hour in range(1, 25) for line in material.lines(at(60 * hour)) if b'hour"' not in line]
    told = snapshot(state_of(*lines), View(), 0)["curve"]
    hours = Counter(one["registered_at"][:13] for one in material.decisions)
    assert [row[0] for row in told.values()] == [hours[hour] for hour in told]


def test_a_past_moment_is_shown_as_it_was(material):
    lines = [line for quarter in range(1, 97) for line in material.lines(at(15 * quarter))]
    state = state_of(*lines)
    for minutes in (15, 540, 615, 1440):
        shown = snapshot(state, View("day", MICROS, MICROS + minutes * 60_000_000), 0)
        before = [one for one in material.decisions if one["registered_at"] < text(at(minutes))]
        assert shown["glance"].get("declarations", 0) == len(before)
        assert sum(row[0] or 0 for row in shown["curve"].values()) == len(before)
        assert shown["meta"]["replayed"]


def test_the_order_of_files_is_of_no_matter(material):
    lines = [line for hour in range(1, 25) for line in material.lines(at(60 * hour))]
    shown = [
        snapshot(state_of(*some), View("day", MICROS, MICROS + 600 * 60_000_000), 0)
        for some in (lines, lines[::-1])
    ]
    for one in shown:
        del one["status"]
    assert shown[0] == shown[1]


def test_the_newest_message_of_a_topic_counts_and_a_clock_that_runs_back_is_told():
    state = state_of(
        cell(window_end=text(at(120)), declarations=9),
        cell(window_end=text(at(60)), declarations=7),
        upsert=True,
    )
    shown = snapshot(state, View(), 0)
    assert shown["glance"]["declarations"] == 7
    assert shown["status"]["backwards"] == [text(at(120)), text(at(60))]


def test_of_an_hour_the_latest_end_counts():
    rows = [
        cell(dimension="hour", value="2026-11-24T00", window_end=text(at(60 * n)), declarations=n)
        for n in (1, 3, 2)
    ]
    assert snapshot(state_of(*rows, cell()), View(), 0)["curve"]["2026-11-24T00"][0] == 3
    assert snapshot(state_of(*rows, cell(), upsert=True), View(), 0)["curve"]["2026-11-24T00"][0] == 2


def test_of_files_the_latest_end_counts():
    state = state_of(
        cell(window_end=text(at(120)), declarations=9), cell(window_end=text(at(60)), declarations=7)
    )
    assert snapshot(state, View(), 0)["glance"]["declarations"] == 9


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "unreadable"),
        (b"\xff", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (cell(declarations=-1), "unreadable"),
        (cell(declarations="1"), "unreadable"),
        (cell(customs_value=1e300), "unreadable"),
        (cell(dimension="moon_phase"), "dimension"),
        (cell(period="century"), "dimension"),
        (cell(window_start=text(at(7))), "window"),
        (cell(window_end=text(DAY)), "window"),
        (cell(window_end=text(at(1441))), "window"),
        (cell(window_end="9999-12-31T00:00:00Z"), "window"),
        (cell(value="x" * 101), "value"),
        (cell(value=""), "value"),
        (cell(dimension="hour", value="2026-11-23T08"), "value"),
        (cell(dimension="hour", value="noon"), "value"),
    ],
)
def test_what_is_no_picture_is_counted_and_passed_over(line, why):
    state = state_of(line, cell())
    assert state.ignored == {f"picture {why}": 1}
    assert snapshot(state, View(), 0)["glance"]["declarations"] == 1


def test_unknown_fields_and_null_ones_are_no_fault():
    state = state_of(cell(novelty={"a": 1}, decide_seconds=None, plan=None, rejected=None, flagged=None))
    glance = snapshot(state, View(), 0)["glance"]
    assert [glance[name] for name in ("rejected", "flagged", "p50", "planned")] == [None] * 4


def test_nothing_at_all_is_shown_as_nothing():
    shown = snapshot(State("here", upsert=True, keep=True), View(), 0)
    assert shown.keys() == {"meta", "status", "books"}
    assert shown["meta"]["start"] is None


def test_no_topic_can_fill_the_memory():
    state = state_of(*(cell(dimension="corridor", value=f"c{n}") for n in range(500)), cell())
    assert len(state.windows.get("day", MICROS).cells["corridor"]) == cells.MOST["corridor"]
    assert state.ignored == {"picture values": 500 - cells.MOST["corridor"]}
    days = (
        cell(window_start=f"{year}-01-01T00:00:00Z", window_end=f"{year}-01-01T01:00:00Z")
        for year in range(1980, 2150)
    )
    state.take(as_messages("picture", days))
    assert len(state.windows.starts("day")) == KEPT["day"]
    state.take(as_messages("anomalies", (encoded(anomaly("1", n, None)) for n in range(5_000))))
    assert len(list(state.episodes.within(0, 1 << 62))) == 3_000


def test_a_day_of_one_message_in_another_year_is_not_what_is_shown():
    other = cell(window_start="2035-01-01T00:00:00Z", window_end="2035-01-01T01:00:00Z")
    state = state_of(cell(declarations=5_000), other)
    meta = snapshot(state, View(), 0)["meta"]
    assert meta["start"] == text(DAY)
    assert meta["days"] == ["2026-11-24", "2035-01-01"]


def days(*starts: str, **more) -> list[bytes]:
    """A cell of the service for each day, as of its first hour."""
    return [cell(window_start=f"{day}T00:00:00Z", window_end=f"{day}T01:00:00Z", **more) for day in starts]


@pytest.mark.parametrize("upsert", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_of_many_days_in_several_files_the_newest_are_kept_whole_and_right(upsert, backwards):
    """Each file holds some cells of every day: a day that was let go must not come back with the rest of its cells."""
    names = [f"2026-11-{n:02d}" for n in range(1, 25)]
    files = [
        days(*names, declarations=100),
        days(*names, dimension="office", value="1", declarations=60),
        days(*names, dimension="office", value="2", declarations=40),
    ]
    if backwards:
        files = [file[::-1] for file in files]
    state = state_of(*files[0], *files[1], *files[2], upsert=upsert)
    assert snapshot(state, View(), 0)["meta"]["days"] == names[-KEPT["day"] :]
    for day in names[-KEPT["day"] :]:
        start = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp()) * 1_000_000
        shown = snapshot(state, View("day", start), 0)
        assert shown["glance"]["declarations"] == 100
        assert {office: row["declarations"] for office, row in shown["offices"].items()} == {"1": 60, "2": 40}
    first = int(datetime.fromisoformat(f"{names[0]}T00:00:00+00:00").timestamp()) * 1_000_000
    assert state.windows.total("day", first)[0] == 100


def test_wrong_dates_drive_out_no_real_day():
    wrong = days(*(f"{year}-06-01" for year in range(2030, 2070)))
    state = state_of(*days("2026-11-23", "2026-11-24", declarations=900), *wrong)
    meta = snapshot(state, View(), 0)["meta"]
    assert meta["days"][:2] == ["2026-11-23", "2026-11-24"]
    assert meta["start"] == text(DAY)


@pytest.mark.parametrize("period", ["day", "week"])
def test_wrong_dates_that_lie_close_together_drive_out_no_real_day(period):
    """The same days of the next year, one declaration each: neighbours of each other, and astray all the same."""
    step = {"day": 1, "week": 7}[period]
    for real, wrong in (
        (date(2026, 11, 2), date(2027, 11, 1)),
        (date(2026, 11, 2), date(2026, 11, 2) + 20 * timedelta(step)),
    ):
        lines = []
        for n in range(20):
            for day, many in ((real, 900), (wrong, 1)):
                start = f"{day + n * timedelta(step)}T00:00:00Z"
                lines.append(
                    cell(
                        window_start=start,
                        window_end=start.replace("T00", "T01"),
                        period=period,
                        declarations=many,
                    )
                )
        state = state_of(*lines)
        kept = [text(datetime.fromtimestamp(one / 1e6, UTC))[:10] for one in state.windows.starts(period)]
        lasting = [str(real + n * timedelta(step)) for n in range(20)]
        assert set(lasting[ASTRAY + 1 - KEPT[period] :]) <= set(kept)
        assert snapshot(state, View(period), 0)["meta"]["start"] == f"{lasting[-1]}T00:00:00.000Z"


@pytest.mark.parametrize("wrong", ["2026-11-25", "2031-01-01"])
@pytest.mark.parametrize("period", ["day", "week"])
def test_a_declaration_of_a_day_to_come_does_not_end_today(wrong, period):
    lines = [cell(declarations=300), *days(wrong, declarations=1)]
    if period == "week":
        week = {"period": "week", "window_start": "2026-11-23T00:00:00Z"}
        later = {
            "period": "week",
            "window_start": "2031-01-06T00:00:00Z",
            "window_end": "2031-01-06T01:00:00Z",
        }
        lines = [cell(**week, declarations=300), cell(**later)]
    state = state_of(*lines)
    for condition in (Batch(clock=MICROS + 3_600_000_000), Batch()):
        state.heard(condition)
        assert snapshot(state, View(period), MICROS + 3_600_000_000)["meta"]["as_of"] == text(at(60))
    state.end()
    assert snapshot(state, View(period), 0)["meta"]["as_of"] == text(at(60))
    if period == "day":
        state.take(as_messages("picture", days("2026-11-25", declarations=200)))
        assert snapshot(state, View("day", MICROS), 0)["meta"]["as_of"] == text(at(1440))


def test_a_page_whose_broker_is_gone_is_lost_whatever_topic_is_missing_too():
    state = State("here", upsert=True, keep=False)
    missing = {TOPICS["rejects"]: "does not exist"}
    told = [(Batch(behind=frozenset({TOPICS["picture"]})), "loading"), (Batch(missing=missing), "live"),
            (Batch(there=False, missing=missing), "lost"), (Batch(there=False, missing=missing), "lost"),
            (Batch(missing=missing), "live"), (Batch(behind=frozenset({TOPICS["rejects"]})), "live")]  # fmt: skip
    for batch, condition in told:
        state.heard(batch)
        assert state.link.condition == condition
    assert snapshot(state, View(), 0)["status"]["missing"] == {}
    version = state.version
    state.heard(Batch())
    assert state.version == version


def test_what_was_read_stands_until_a_source_that_failed_answers_again(monkeypatch):
    monkeypatch.setattr(feed, "AGAIN", 0.01)
    state, rounds, seen = State("here", upsert=True, keep=False), iter(range(9)), []

    def source():
        if (turn := next(rounds)) == 1:
            seen.append(snapshot(state, View(), 0))
            raise KafkaError("no broker")
        yield Batch(as_messages("picture", [cell(declarations=turn + 1)]))
        if turn == 0:
            raise ZeroDivisionError

    feed.Feed(state, source).run(threading.Event())
    assert seen[0]["glance"]["declarations"] == 1
    assert seen[0]["status"]["condition"] == "lost"
    assert snapshot(state, View(), 0)["glance"]["declarations"] == 3
    assert state.link.condition == "finished"


def test_the_newest_message_of_an_episode_counts():
    state = State("here", upsert=True, keep=True)
    told = [
        anomaly("A", state="opened", severity="warning"),
        anomaly("A", state="worsened", event_time=text(at(630)), anomaly_id="a" * 32),
        anomaly("A", state="closed", event_time=text(at(700)), anomaly_id="b" * 32),
    ]
    state.take(as_messages("picture", [cell()]))
    state.take(as_messages("anomalies", map(encoded, [*told, told[0]])))
    (episode,) = snapshot(state, View("day", MICROS, MICROS + 1440 * 60_000_000), 0)["anomalies"].values()
    assert (episode["state"], episode["id"]) == ("closed", "episode-1")
    (then,) = snapshot(state, View("day", MICROS, MICROS + 640 * 60_000_000), 0)["anomalies"].values()
    assert then["state"] == "worsened"


def test_rejects_are_counted_by_code_and_nothing_else_of_them_is_kept():
    state = State("here", upsert=False, keep=False)
    state.take(as_messages("picture", [cell()]))
    codes = [("missing", at(5)), ("missing", at(9)), ("=cmd()", at(9)), ("type", None), ("utf8", at(-60))]
    state.take(as_messages("rejects", (encoded(rejected(*one)) for one in codes)))
    shown = snapshot(state, View("day", MICROS), 0)
    assert shown["rejects"] == {"missing": 2, "other": 1}
    assert shown["undated"] == {"rejects": 1}
    assert "secret" not in json.dumps(shown)


def test_growth_is_told_against_the_same_moment_a_week_before():
    state = state_of(
        cell(
            window_start="2026-11-17T00:00:00Z", window_end="2026-11-17T01:00:00Z", declarations=50, duty=10.0
        ),
        cell(
            window_start="2026-11-17T00:00:00Z",
            window_end="2026-11-17T20:00:00Z",
            declarations=900,
            duty=90.0,
        ),
        cell(declarations=60, duty=20.0),
    )
    assert snapshot(state, View("day", MICROS), 0)["glance"]["week_before"] == {
        "declarations": 0.2,
        "payments": 1.0,
    }
    assert snapshot(state, View("day", MICROS), 0)["glance"]["year_before"] is None


def test_decisions_are_kept_of_every_office(material):
    state = State("here", upsert=True, keep=True)
    state.take(as_messages("decisions", map(encoded, material.decisions)))
    assert len(state.recent) == len(material.decisions)
    assert {one.office for one in state.recent} == set(material.offices)
    assert state.judged_by.keys() == {"2026.11.24"}


def test_a_run_that_is_written_anew_was_judged_by_its_own_rulebook():
    state = State("here", upsert=False, keep=False)
    for by in ("10", "9", "9", None, "8", "9"):
        state.judged(by)
    assert snapshot(state, View(), 0)["books"]["in_force"] == {"version": "9", "starts": None}
    version = state.version
    state.judged("9")
    assert state.version == version


def test_every_measure_is_read():
    row = cells.read(
        cell(
            flagged=3, decide_seconds={"p50": 1.5, "p95": 2, "p99": 3}, plan={"payments": 10.5, "share": 0.1}
        )
    )
    told = cells.named(row.row)
    assert (told["flagged"], told["p50"], told["p99"], told["planned"], told["forecast"]) == (
        3,
        1.5,
        3.0,
        10.5,
        None,
    )
    with pytest.raises(UnreadableError):
        cells.read(b"null")


def test_growth_of_a_topic_is_told_by_its_hours():
    before = {"window_start": "2026-11-17T00:00:00Z", "window_end": "2026-11-18T00:00:00Z"}
    hours = (
        cell(**before, dimension="hour", value=f"2026-11-17T{hour:02d}", declarations=40)
        for hour in range(24)
    )
    state = state_of(
        cell(**before, declarations=960), *hours, cell(window_end=text(at(90)), declarations=90), upsert=True
    )
    assert snapshot(state, View("day", MICROS), 0)["glance"]["week_before"] == {"declarations": 0.5}


@pytest.mark.parametrize(
    ("kind", "evidence", "contributor"),
    [
        ("picture.share_shift", {"origin_country": [{"value": "ES", "observed": 0.14, "expected": 0.01}]},
         {"dimension": "origin_country", "value": "ES", "observed": 0.14, "expected": 0.01, "share": True}),
        ("picture.share_shift", {"contributors": [{"dimension": "office", "value": "84", "observed": 1, "expected": 0.4}]},
         {"dimension": "office", "value": "84", "observed": 1.0, "expected": 0.4, "share": False}),
        ("participant.burst",
         {"contributors": [], "effects": [{"kind": "picture.share_shift", "office": "A", "observed": 0.19, "value": "03"}]},
         {"dimension": "office", "value": "A", "observed": 0.19, "expected": None, "share": True}),
    ],
)  # fmt: skip
def test_what_contributed_is_told_in_its_unit(kind, evidence, contributor):
    state = State("here", upsert=True, keep=False)
    state.take(as_messages("anomalies", [encoded(anomaly("A", kind=kind, evidence=evidence))]))
    (told,) = state.episodes.within(0, 1 << 62)
    assert told["contributors"] == [contributor]
