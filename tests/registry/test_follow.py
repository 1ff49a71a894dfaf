"""A worker's rulebooks: what is new is taken over before it counts; what is broken never is, and is told of once."""

import json
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from corridor.errors import InputError, RulebookError
from corridor.registry.audit import FileLog, verify
from corridor.registry.follow import Follower
from corridor.registry.keys import PASSPHRASE, Trust, make
from corridor.registry.origin import Origin
from corridor.registry.refusal import RefusedError
from corridor.registry.registry import Registry
from corridor.registry.shared import follow, leave
from corridor.registry.store import StoreError
from tests.registry.material import EVE, HOUR, NOW, TRUST, Place, place, trusted_folder


@pytest.fixture
def made(tmp_path) -> Place:
    found = place(tmp_path)
    found.publish(1)
    return found


def follower(made: Place, **more) -> Follower:
    origin = Origin(str(made.path), str(made.trusted), 0, **more)
    return Follower(origin, cache=made.work.parent / "cache", clock=lambda: NOW)


def versions(found: Follower) -> list[str]:
    return [book.version for book in found.shelf.rulebooks]


def at(found: Follower, *hours: float) -> list[str]:
    index = found.shelf.at(np.array([NOW + round(hour * HOUR) for hour in hours], np.int64))
    return [versions(found)[i] for i in index]


def refusals(found: Follower) -> list[tuple[str | None, str | None]]:
    return [(notice.version, notice.reason) for notice in found.notices()]


def test_a_new_version_is_taken_over_between_two_batches_and_counts_by_event_time(made):
    found = follower(made)
    shelf = found.shelf
    made.publish(2)
    assert found.shelf is shelf
    found.look()
    assert versions(found) == ["v1", "v2"]
    assert len(shelf.rulebooks) == 1, "the one that a batch holds is as it was"
    assert at(found, 0, 1, 2 - 1e-9, 2, 3) == ["v1", "v1", "v1", "v2", "v2"]
    assert refusals(found) == []
    found.look()
    assert found.shelf.folders["v2"].is_dir()


def test_all_that_is_published_is_loaded_before_the_first_is_judged(made):
    for n in (2, 3, 4):
        made.publish(n)
    assert versions(follower(made)) == ["v1", "v2", "v3", "v4"]


def broken(made: Place, how: str) -> None:
    record, content = made.record(2), made.registry.publications(TRUST)[1].statement.files["rules.yaml"]
    path = made.path / "objects" / content[:2] / content
    raw = record.read_bytes()
    told = json.loads(raw)
    if how == "record cut":
        record.write_bytes(raw[: len(raw) // 2])
    elif how == "signature":
        told["approver"]["value"] = "0" * 128
    elif how == "one signature":
        told["approver"] = None
    elif how == "other moment":
        told["statement"]["effective_from"] = "2026-12-01T13:30:00.000Z"
    elif how == "file":
        path.write_bytes(path.read_bytes().replace(b"0.3", b"0.9"))
    elif how == "no file":
        path.unlink()
    if json.loads(raw) != told:
        record.write_bytes(json.dumps(told, separators=(",", ":"), sort_keys=True).encode() + b"\n")


@pytest.mark.parametrize(
    ("how", "version", "reason"),
    [
        ("record cut", None, "unreadable"),
        ("signature", None, "unsigned"),
        ("one signature", None, "unsigned"),
        ("other moment", None, "unsigned"),
        ("file", "v2", "content"),
        ("no file", "v2", "content"),
    ],
)
def test_a_broken_version_is_refused_once_and_the_last_good_one_goes_on(made, how, version, reason):
    found = follower(made)
    whole = made.publish(2)
    kept = made.copy(made.work.parent / "kept")
    broken(made, how)
    for _ in range(3):
        found.look()
    assert versions(found) == ["v1"]
    assert at(found, 5) == ["v1"]
    assert refusals(found) == [(version, reason)]
    anew = follower(made)
    assert refusals(anew) == [(version, reason)], "a new worker refuses it as well"
    shutil.rmtree(made.path)
    kept.copy(made.path)
    found.look()
    assert at(found, 5) == ["v2"], "once it is whole it counts"
    assert refusals(found) == []
    assert whole.statement.version == "v2"


def test_with_the_newest_broken_a_later_one_still_counts(made):
    found = follower(made)
    made.publish(2)
    made.publish(3)
    broken(made, "no file")
    found.look()
    assert versions(found) == ["v1", "v3"]
    assert refusals(found) == [("v2", "content")]


def test_nothing_follows_a_record_that_is_not_as_it_was_signed(made):
    found = follower(made)
    made.publish(2)
    made.publish(3)
    broken(made, "signature")
    found.look()
    assert versions(found) == ["v1"]
    assert refusals(found) == [(None, "unsigned")]


def test_a_rulebook_that_is_signed_but_unfit_is_refused_and_not_loaded_again(made, monkeypatch):
    found = follower(made)
    made.publish(2)
    asked = []

    def refuse(folder: Path, *_: object) -> None:
        asked.append(folder)
        raise RefusedError("rulebook", "rules.yaml:1:1: no")

    monkeypatch.setattr("corridor.registry.copies.loaded", refuse)
    for _ in range(3):
        found.look()
    assert len(asked) == 1
    assert refusals(found) == [("v2", "rulebook")]


def test_other_histories_than_the_jobs_are_refused(made):
    found = follower(made, histories=("importer/day",))
    made.publish(2, histories="importer/day")
    made.publish(3, histories="importer/day, exporter/day")
    made.publish(4, histories="")
    found.look()
    assert versions(found) == ["v1", "v2", "v4"]
    assert refusals(found) == [("v3", "histories")]
    assert versions(follower(made)) == ["v1", "v2", "v3", "v4"]


def test_what_was_known_and_is_gone_is_told_and_stays(made):
    made.publish(2)
    found = follower(made)
    made.record(2).unlink()
    found.look()
    assert versions(found) == ["v1", "v2"]
    assert refusals(found) == [(None, "chain")]
    anew = follower(made)
    assert versions(anew) == ["v1", "v2"], "a worker that starts anew knows it from this machine"
    assert refusals(anew) == [(None, "chain")]


def test_another_history_at_the_same_place_is_told(made, tmp_path):
    made.publish(2)
    follower(made)
    other = place(tmp_path / "other")
    other.publish(1)
    other.publish(3)
    shutil.rmtree(made.path)
    other.copy(made.path)
    assert refusals(follower(made)) == [(None, "chain")]


def test_a_registry_that_is_away_changes_nothing(made):
    found = follower(made)
    before = found.looked_at
    made.path.rename(made.path.with_name("away"))
    found.look()
    assert (versions(found), found.looked_at) == (["v1"], before)
    assert versions(follower(made)) == ["v1"], "a worker starts from what this machine has"
    made.path.with_name("away").rename(made.path)
    made.publish(2)
    found.look()
    assert versions(found) == ["v1", "v2"]
    assert found.looked_at > before


def told(found: Follower) -> list[tuple[str, int]]:
    return [(notice.what, notice.at) for notice in found.notices()]


def test_silence_is_told_when_it_lasts_and_when_it_is_over(made, monkeypatch):
    """Once for ten looks' time without an answer, once for the answer: one silence."""
    clock, wall = [1000.0], [NOW]
    monkeypatch.setattr("corridor.registry.follow.time.monotonic", lambda: clock[0])
    origin = Origin(str(made.path), str(made.trusted), 10)
    found = Follower(origin, cache=made.work.parent / "cache", clock=lambda: wall[0])
    away = made.path.with_name("away")

    def look(seconds: int) -> list[tuple[str, int]]:
        clock[0], wall[0] = 1000 + seconds, NOW + seconds * 1_000_000
        found.look()
        return told(found)

    assert look(10) == []
    made.path.rename(away)
    assert [look(seconds) for seconds in (20, 60, 110)] == [[], [], []]
    since = NOW + 10_000_000
    assert look(120) == [("silent", since)]
    assert look(1000) == []
    away.rename(made.path)
    assert look(1010) == [("answers", NOW + 1_010_000_000)]
    assert look(1020) == []
    made.path.rename(away)
    assert look(1131) == [("silent", NOW + 1_020_000_000)], "another silence is told of too"


def test_a_start_without_an_answer_is_told_at_once(made):
    follower(made)
    made.path.rename(made.path.with_name("away"))
    found = follower(made)
    assert told(found) == [("silent", NOW)]
    made.path.with_name("away").rename(made.path)
    found.look()
    assert told(found) == [("answers", NOW)]


class Machine:
    """Workers of one machine that look every ten seconds, by a clock that is set."""

    def __init__(self, made: Place, monkeypatch) -> None:
        self.made, self.seconds, self.away = made, 0, made.path.with_name("away")
        monkeypatch.setattr("corridor.registry.follow.time.monotonic", lambda: 1000.0 + self.seconds)

    def worker(self) -> Follower:
        origin = Origin(str(self.made.path), str(self.made.trusted), 10)
        cache = self.made.work.parent / "cache"
        return Follower(origin, cache=cache, clock=lambda: NOW + self.seconds * 1_000_000)

    def look(self, found: Follower, seconds: int) -> list[tuple[str, str, int]]:
        self.seconds = seconds
        found.look()
        return [(notice.what, notice.key, notice.at) for notice in found.notices()]


def test_workers_of_a_machine_tell_of_one_silence_and_a_restart_ends_it(made, monkeypatch):
    """Two notice it half a minute apart, a third starts in it; none of them is there when it is over."""
    machine = Machine(made, monkeypatch)
    one, two = machine.worker(), machine.worker()
    assert machine.look(one, 10) == []
    assert machine.look(two, 40) == []
    made.path.rename(machine.away)
    since = NOW + 10_000_000
    silent = [("silent", str(since), since)]
    assert machine.look(one, 120) == silent
    assert machine.look(two, 150) == silent
    third = machine.worker()
    assert machine.look(third, 160) == silent
    assert machine.look(third, 170) == []
    machine.away.rename(made.path)
    answers = [("answers", str(since), NOW + 200_000_000)]
    machine.seconds = 200
    fourth = machine.worker()
    assert machine.look(fourth, 210) == answers, "who was not there when it began ends it"
    assert machine.look(one, 220) == answers, "another tells the same"
    assert machine.look(one, 230) == machine.look(fourth, 240) == []
    machine.seconds = 300
    assert machine.look(machine.worker(), 310) == answers, (
        "the one before may have been stopped before it could tell"
    )
    machine.seconds = 86_000
    assert machine.look(machine.worker(), 86_010) == answers, "it may have been stopped for the most of a day"
    machine.seconds = 86_700
    assert machine.look(machine.worker(), 86_710) == []


def test_a_plan_ends_and_begins_no_silence_of_the_workers(made, monkeypatch):
    machine = Machine(made, monkeypatch)
    found = machine.worker()
    made.path.rename(machine.away)
    assert [what for what, *_ in machine.look(found, 150)] == ["silent"]
    follower(made)
    machine.away.rename(made.path)
    follower(made)
    machine.seconds = 160
    assert machine.look(machine.worker(), 160) == [("answers", str(NOW), NOW)], (
        "the plan's clock stands still"
    )
    made.path.rename(machine.away)
    follower(made)
    machine.away.rename(made.path)
    assert machine.look(machine.worker(), 170) == [("answers", str(NOW), NOW)], (
        "no other, that nobody told of"
    )


def test_a_start_needs_the_version_in_force_only(made, caplog):
    """Those to come are asked for again: the place may be away when their files are wanted."""
    made.publish(2)
    made.publish(3)
    objects = made.path / "objects"
    keep = made.registry.publications(TRUST)[0].statement.files
    aside = made.path.with_name("aside")
    for path in [one for one in objects.glob("*/*") if one.name not in set(keep.values())]:
        (aside / path.parent.name).mkdir(parents=True, exist_ok=True)
        path.rename(aside / path.parent.name / path.name)
        path.mkdir()  # it is there and cannot be read, as in a place that fails
    found = Follower(Origin(str(made.path), str(made.trusted), 0), cache=made.work.parent / "cache",
                     clock=lambda: NOW + HOUR)  # fmt: skip
    assert versions(found) == ["v1"]
    assert "what is in force is there" in caplog.text
    for path in aside.glob("*/*"):
        (objects / path.parent.name / path.name).rmdir()
        path.rename(objects / path.parent.name / path.name)
    found.look()
    assert versions(found) == ["v1", "v2", "v3"]


def test_a_start_does_not_wait_for_a_registry_that_hangs(made, monkeypatch):
    follower(made)
    hangs, answering = threading.Event(), Registry.numbers

    def numbers(registry: Registry) -> list[int]:
        if registry.store.url == str(made.path):
            hangs.wait(60)
        return answering(registry)

    monkeypatch.setattr("corridor.registry.follow.START_S", 0.2)
    monkeypatch.setattr(Registry, "numbers", numbers)
    begun = time.monotonic()
    found = follower(made)
    assert time.monotonic() - begun < 10
    hangs.set()
    assert (versions(found), told(found)) == (["v1"], [("silent", NOW)])


def test_a_copy_that_was_broken_is_mended_while_the_registry_is_there(made):
    for n in (2, 3):
        made.publish(n)
    copies = follower(made).shelf.folders["v1"].parent / "versions"
    broken = sorted(copies.iterdir())[1]
    broken.write_bytes(broken.read_bytes()[:50])
    assert versions(follower(made)) == ["v1", "v2", "v3"]
    made.path.rename(made.path.with_name("away"))
    assert versions(follower(made)) == ["v1", "v2", "v3"]


def test_without_registry_and_without_copies_nothing_is_judged(made):
    away = made.path.rename(made.path.with_name("away"))
    with pytest.raises(StoreError, match="No such file"):
        follower(made)
    away.rename(made.path)
    shutil.rmtree(made.path / "versions")
    with pytest.raises(RulebookError, match="nothing is published there"):
        follower(made)


def test_nothing_of_the_copies_is_believed_unchecked(made):
    found = follower(made)
    folder = found.shelf.folders["v1"]
    (folder / "rules.yaml").write_text("rules: []\n")
    assert len(follower(made).shelf.rulebooks[0].rules) == 1
    assert "R1" in (folder / "rules.yaml").read_text(), "copied anew"
    for path in folder.parent.glob("versions/*"):
        path.write_bytes(path.read_bytes().replace(b"v1", b"v9"))
    assert versions(follower(made)) == ["v1"]


def test_keys_that_are_no_longer_trusted_count_no_more_at_the_next_start(made):
    shutil.rmtree(made.trusted)
    trusted_folder(made.trusted, EVE)
    with pytest.raises(RulebookError, match=r"publication 1 was refused \(unsigned\)"):
        follower(made)


def test_one_that_came_after_its_moment_counts_and_is_told(made):
    found = follower(made)
    found.judged("v1", NOW + 3 * HOUR)
    made.publish(2)
    made.publish(4)
    found.look()
    assert versions(found) == ["v1", "v2", "v4"]
    assert [(notice.what, notice.version) for notice in found.notices()] == [("late", "v2")]


def test_workers_of_one_process_share_what_they_follow(made, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    origin = Origin(str(made.path), str(made.trusted), 0.05)
    one, two = follow(origin), follow(origin)
    assert one is two
    threads = [thread for thread in threading.enumerate() if thread.name == "rulebooks"]
    assert len(threads) == 1
    made.publish(2)
    end = time.time() + 20
    while len(one.shelf.rulebooks) < 2 and time.time() < end:
        time.sleep(0.02)
    assert versions(one) == ["v1", "v2"]
    leave(two)
    assert threads[0].is_alive()
    leave(one)
    assert not threads[0].is_alive()
    assert follow(origin) is not one
    leave(follow(origin))


def test_switches_and_refusals_are_in_the_log(made, monkeypatch, tmp_path):
    words = "correct horse battery"
    private, public = make("svc", ("service",), tmp_path / "own", words)
    (made.trusted / "svc.toml").write_bytes(public.read_bytes())
    monkeypatch.setenv(PASSPHRASE, words)
    origin = {"audit": str(tmp_path / "audit.ndjson"), "audit_key": str(private)}
    found = Follower(Origin(str(made.path), str(made.trusted), 0, **origin), words, tmp_path / "cache")
    made.publish(2)
    broken(made, "no file")
    found.look()
    for version in ("v1", "v2", "v1", "v2"):
        found.judged(version, NOW + 2 * HOUR)
    found.stop()
    log = FileLog(tmp_path / "audit.ndjson")
    assert verify(log.lines(), Trust.load(made.trusted)).number == 3
    told = [json.loads(line)["record"] for line in log.lines()]
    assert [(one["event"], one["subject"], one["details"].get("from", "")) for one in told] == [
        ("refusal", "v2", ""),
        ("switch", "v1", ""),
        ("switch", "v2", "v1"),
    ]
    assert told[0]["details"]["reason"] == "content"
    with pytest.raises(InputError, match="another passphrase"):
        Follower(Origin(str(made.path), str(made.trusted), 0, **origin), "wrong words", tmp_path / "cache")


def test_no_open_log_names_a_rule(made, caplog, monkeypatch):
    """Why a rulebook is unfit may name rules: the worker's own log and its anomalies tell the reason's name only."""
    found = follower(made)
    made.publish(2)

    def refuse(folder: Path, *_: object) -> None:
        raise RefusedError("rulebook", "rules.yaml:3:1: rule CANARY-7: weight is missing")

    monkeypatch.setattr("corridor.registry.copies.loaded", refuse)
    found.look()
    notices = found.notices()
    assert [notice.reason for notice in notices] == ["rulebook"]
    assert "CANARY" not in caplog.text + repr(notices)
    assert "publication 2 was refused (rulebook)" in caplog.text


def test_copies_are_for_the_workers_user_alone(made, tmp_path):
    folder = follower(made).shelf.folders["v1"].parent
    assert folder.stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="XDG_CACHE_HOME"):
        Follower(Origin(str(made.path), str(made.trusted), 0), cache=tmp_path / "file")
