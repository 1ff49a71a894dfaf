"""The detector's operator, called as a function: which version's norms a bin goes by, and what is counted."""

import json
import shutil
from datetime import UTC, datetime

import pytest

from corridor.flink.watching import Watch
from corridor.picture import norms
from corridor.picture.hourly import BIN, COUNTS, HOUR
from corridor.picture.state import State
from corridor.registry.origin import Origin
from corridor.registry.store import StoreError
from corridor.rulebook.lists import microseconds
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from tests.flink.test_accounts import Context
from tests.picture.material import MONDAY, World
from tests.registry.material import Place, moment, place, publish

BEGINS = microseconds(datetime(2025, 3, 4, tzinfo=UTC))
"""Long ago: what was in force then is history to every worker."""
WORLD = World(5)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Place:
    """v0 to v2, each in force for six hours of that day, v2 without norms, and v3 since April."""
    found = place(tmp_path_factory.mktemp("watched"))
    table = norms.fit(WORLD.draw(MONDAY, 7, 5))
    for n in range(4):
        starts = BEGINS + 6 * n * HOUR if n < 3 else BEGINS + 30 * 24 * HOUR
        book = found.work / f"v{n}"
        shutil.copytree(sample_path(), book)
        if n != 2:
            norms.save(table, book)
        write_manifest(book, book.name, moment(starts))
        publish(found.registry, book, BEGINS - (10 - n) * HOUR, foreseen=True)
    return found


class Value:
    """Stands where Flink's state would be."""

    def __init__(self):
        self.kept = None

    def value(self):
        return self.kept

    def update(self, raw):
        self.kept = raw


class Runtime(Context):
    """A worker's context with state."""

    def __init__(self, value):
        super().__init__()
        self.state = value

    def get_state(self, descriptor):
        return self.state


@pytest.fixture
def made(published, tmp_path, monkeypatch) -> Place:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return published.copy(tmp_path / "registry")


def started(made: Place, value: Value) -> tuple[Watch, Runtime]:
    context = Runtime(value)
    watch = Watch("", Origin(str(made.path), str(made.trusted), 0))
    watch.open(context)
    return watch, context


def bin_ending(at: int, cells: str = "[]") -> tuple[int, bytes]:
    return at // 1_000_000, cells.encode()


def told(watch: Watch, at: int, cells: str = "[]") -> list[dict]:
    return [json.loads(row[0]) for row in watch.process_element(bin_ending(at, cells), None)]


def test_a_bin_goes_by_the_version_that_its_time_demands_whatever_is_loaded(made):
    """A worker that starts a month later has the newest only; the norms of a version hold until other norms are in force."""
    value = Value()
    watch, context = started(made, value)
    assert watch._rulebooks.now().versions == ("v3",)
    found = {}
    for hour in (1, 6, 7, 12, 13):
        told(watch, BEGINS + hour * HOUR)
        found[hour] = State.load(value.kept).version
    assert found == {1: "v0", 6: "v0", 7: "v1", 12: "v1", 13: "v1"}, (
        "the bin that ends at six is of the time before"
    )
    loaded = {key[2] for key, read in context.kept.items() if key[-1] == "rulebook" and read() == 1}
    assert loaded == {"v0", "v1", "v3"}, "what is loaded is told of here too"
    told(watch, BEGINS + 31 * 24 * HOUR)
    assert State.load(value.kept).version == "v3"
    watch.close()


def test_norms_that_cannot_be_used_are_counted_and_those_before_hold_on(tmp_path, monkeypatch, caplog):
    """v0 has norms of an older form, so has v2: a bin before v1 is passed over, one after v2 goes by v1."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = place(tmp_path / "old")
    table = norms.fit(WORLD.draw(MONDAY, 7, 5))
    old = table.replace_schema_metadata({"alarms": "0.5"})
    for n in range(3):
        shutil.copytree(sample_path(), found.work / f"v{n}")
        norms.save(table if n == 1 else old, found.work / f"v{n}")
        write_manifest(found.work / f"v{n}", f"v{n}", moment(BEGINS + 6 * n * HOUR))
        publish(found.registry, found.work / f"v{n}", BEGINS - (10 - n) * HOUR, foreseen=True)
    value = Value()
    watch, context = started(found, value)
    for hour in (1, 2):
        assert told(watch, BEGINS + hour * HOUR) == []
    assert value.kept is None
    for hour in (7, 13, 14):
        told(watch, BEGINS + hour * HOUR)
        assert State.load(value.kept).version == "v1"
    counts = {name: context.kept["corridor", name] for name in ("bins", "unwatched", "norms_refused")}
    assert counts == {"bins": [5], "unwatched": [2], "norms_refused": [2]}
    assert caplog.text.count("no fit norms") == 1
    assert caplog.text.count("fit the picture's norms again") == 2
    watch.close()


def test_a_version_that_cannot_be_had_now_stops_the_bin_and_changes_no_state(made):
    value = Value()
    watch, _ = started(made, value)
    made.path.rename(made.path.with_name("away"))
    with pytest.raises(StoreError):
        told(watch, BEGINS + HOUR)
    assert value.kept is None
    made.path.with_name("away").rename(made.path)
    told(watch, BEGINS + HOUR)
    assert State.load(value.kept).version == "v0"
    watch.close()


def test_an_episode_goes_on_over_a_switch_and_a_worker_that_starts_anew(made):
    """The service is silent from five to eight, over the switch at six; each worker folds an hour."""
    value, events = Value(), []
    zero = [0] * (len(COUNTS) - 1)
    busy = json.dumps([["service:all", 0, 60, *zero]])
    bins = range(1, 9 * 12 + 1)
    for n in bins:
        if n % 12 == 1:
            watch, _ = started(made, value)
        silent = 5 * 12 < n <= 8 * 12
        events += told(watch, BEGINS + n * BIN, "[]" if silent else busy)
        if n % 12 == 0:
            watch.close()
    silence = [one for one in events if one["kind"] == "picture.silence"]
    assert {one["episode"]["id"] for one in silence} == {silence[0]["episode"]["id"]}
    assert silence[0]["episode"]["state"] == "opened"
    assert silence[0]["rulebook"] in ("v0", "v1")
    assert State.load(value.kept).version == "v1"


def test_what_there_is_no_room_for_is_counted(made, monkeypatch):
    monkeypatch.setattr("corridor.picture.detector.MOST_FRESH", 3)
    value = Value()
    watch, context = started(made, value)
    ones = [1] * len(COUNTS)
    cells = [[f"office/origin_country:{WORLD.names[0]}/X{i}", 0, *ones] for i in range(10)]
    told(watch, BEGINS + HOUR, json.dumps(cells))
    assert context.kept["corridor", "what", "categories", "left_out"] == [7]
    assert context.kept["corridor", "bins"] == [1]
    watch.close()
