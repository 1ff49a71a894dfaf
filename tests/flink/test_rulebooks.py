"""A worker whose rulebooks come from a registry, called as functions: which version judges, and what it tells of."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pytest
from click.testing import CliRunner

import corridor.judge
from corridor.cli import cli
from corridor.flink.embedded import asked_histories, trial_of
from corridor.flink.judging import Judge, Judging
from corridor.flink.published import judged_by
from corridor.flink.summary import _named
from corridor.flink.trial import Trial
from corridor.registry.origin import Origin
from corridor.registry.store import StoreError
from corridor.rulebook.lists import microseconds
from corridor.rulebook.load import Shelf
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Service, blocks
from corridor.verdicts import Shadow
from tests.flink.test_accounts import Context
from tests.flink.test_worker import decoded
from tests.registry.material import HOUR, Place, moment, place, publish

DAY = date(2025, 3, 4)
"""Long ago: what was in force then is history to every worker."""
BEGINS = microseconds(datetime(2025, 3, 4, tzinfo=UTC))


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return b"".join(blocks(Service(5), DAY, 200)).splitlines()


@pytest.fixture(scope="module")
def rows(lines) -> pd.DataFrame:
    return decoded(lines)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Place:
    """The sample as versions v0 to v4, each in force four hours of that day from six o'clock on, and as v5 since April."""
    found = place(tmp_path_factory.mktemp("published"))
    for n in range(6):
        starts = BEGINS + (6 + 4 * n) * HOUR if n < 5 else BEGINS + 30 * 24 * HOUR
        book = found.work / f"v{n}"
        shutil.copytree(sample_path(), book)
        write_manifest(book, book.name, moment(starts))
        publish(found.registry, book, BEGINS - (10 - n) * HOUR, foreseen=True)
    return found


@pytest.fixture
def made(published, tmp_path, monkeypatch) -> Place:
    """A registry to be spoilt, on a machine that has nothing of it yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return published.copy(tmp_path / "registry")


@contextmanager
def worker(made: Place, context: Context | None = None, **more) -> Iterator[Judge]:
    judge = Judge(Judging("", (), 0, None, origin=Origin(str(made.path), str(made.trusted), 0), **more))
    judge.open(context)
    yield judge
    judge.close()


def judged(judge: Judge, rows: pd.DataFrame) -> pd.DataFrame:
    none, standing = pd.Series([None] * len(rows)), pd.Series([0] * len(rows))
    return judge.eval(rows["packed"].reset_index(drop=True), standing, False, none, none, 0)


def test_each_is_judged_by_its_version_whatever_was_loaded_before(made, rows):
    """A worker that starts long after holds the newest version only, and takes up those that the rows ask for."""
    context = Context()
    with worker(made, context) as judge:
        assert judge._rulebooks.now().versions == ("v5",)
        told = [json.loads(line) for line in judged(judge, rows)["decision"]]
        loaded = {key[2]: read() for key, read in context.kept.items() if key[-1] == "rulebook"}
    shelf = Shelf.load(made.work)
    times = pd.to_datetime([one["registered_at"] for one in told]).as_unit("us").asi8
    expected = [shelf.versions[i] for i in shelf.at(times)]
    assert [one["rulebook"] for one in told] == expected
    assert set(expected) == {"v0", "v1", "v2", "v3", "v4"}
    assert loaded == {f"v{n}": 1 for n in range(6)}


def test_without_the_version_that_is_asked_for_nothing_is_judged_and_nothing_rejected(made, rows):
    with worker(made) as judge:
        made.path.rename(made.path.with_name("away"))
        with pytest.raises(StoreError, match="nor its record is there"):
            judged(judge, rows)
        made.path.with_name("away").rename(made.path)
        assert judged(judge, rows)["decision"].notna().all()


def test_a_start_without_the_registry_is_an_anomaly(made, rows):
    """Once; the decisions are those of the versions that the machine has."""
    with worker(made) as judge:
        expected = judged(judge, rows)["decision"].tolist()
    made.path.rename(made.path.with_name("away"))
    with worker(made) as judge:
        first, second = judged(judge, rows), judged(judge, rows)
    kinds = [
        json.loads(one)["kind"]
        for frame in (first, second)
        for told in frame["anomalies"].dropna()
        for one in told
    ]
    assert kinds.count("circuit.registry_silent") == 1
    assert first["decision"].tolist() == expected


def test_a_plan_over_many_versions_knows_all_and_loads_the_newest(made):
    folder, origin, shelf = judged_by(None, str(made.path), made.trusted)
    assert origin is not None
    assert [book.version for book in shelf.rulebooks] == ["v5"]
    assert shelf.versions == tuple(f"v{n}" for n in range(6))
    assert asked_histories(shelf) == asked_histories(Shelf.load(folder))
    assert _named(shelf.versions) == "v0, v1, v2, v3, v4, v5"
    assert _named(tuple(f"v{n}" for n in range(1000))) == "v0 to v999, 1000 versions"


def test_what_is_tried_is_fixed_for_a_run(made, tmp_path):
    """A candidate that is on the shelf is tried with its shadow rules; one that gets there while the run lasts is not."""
    _, _, shelf = judged_by(None, str(made.path), made.trusted)
    on_it, other = made.work / "v1", tmp_path / "v6"
    shutil.copytree(sample_path(), other)
    write_manifest(other, "v6", moment(BEGINS + 60 * 24 * HOUR))
    tried = [trial_of(folder, 100, shelf) for folder in (on_it, other)]
    assert [trial.own_rules for trial in tried] == [True, False]
    publish(made.registry, other, BEGINS, foreseen=True)
    _, _, later = judged_by(None, str(made.path), made.trusted)
    assert "v6" in later.versions
    assert [trial.load(later).rulebook.version for trial in tried] == ["v1+shadow", "v6"]
    assert trial_of(None, 100, shelf) is None


def test_what_a_candidate_fails_on_is_counted(made, rows, monkeypatch):
    true = corridor.judge.beside

    def failing(found, candidate) -> Shadow:
        said = true(found, candidate)
        said.corridor[:2] = -1
        return replace(said, failed=2)

    monkeypatch.setattr(corridor.judge, "beside", failing)
    context = Context()
    with worker(made, context, trial=Trial(str(sample_path()), 100)) as judge:
        answer = judged(judge, rows)
    assert answer["decision"].notna().all(), "its fault is its own"
    versions = len({json.loads(line)["rulebook"] for line in answer["decision"]})
    assert context.kept["corridor", "shadow_failed"] == [2 * versions]
    assert context.kept["corridor", "shadow_left_out"] == [2 * versions]


def test_a_trial_with_its_own_shadow_rules_is_explained_by_them(made, lines, rows, tmp_path):
    """What a candidate is tried for stands in the decision: by that it is asked again."""
    trial = Trial(str(made.work / "v1"), 100, own_rules=True)
    with worker(made, trial=trial) as judge:
        answer = judged(judge, rows)
    for name, column in (("decisions", "decision"), ("traces", "trace")):
        (tmp_path / "run" / name).mkdir(parents=True)
        (tmp_path / "run" / name / "1.ndjson").write_bytes(b"\n".join(answer[column]) + b"\n")
    (tmp_path / "day.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    of = json.loads(answer["decision"].iloc[0])
    assert of["shadow"]["rulebook"] == "v1+shadow"
    command = ["rulebook", "explain", of["declaration_id"], "--rulebook", str(made.work), "--json"]
    command += ["--run", str(tmp_path / "run"), "--input", str(tmp_path / "day.ndjson")]
    done = CliRunner().invoke(cli, [*command, "--shadow", str(made.work / "v1")])
    assert done.exit_code == 0, done.output
    assert "v1+shadow" in done.output
    other = tmp_path / "other"
    shutil.copytree(sample_path(), other)
    policy = (other / "corridors.yaml").read_text()
    (other / "corridors.yaml").write_text(policy.replace("rate: 0.005", "rate: 0.9"))
    write_manifest(other, "v1", moment(BEGINS + 10 * HOUR))
    done = CliRunner().invoke(cli, [*command, "--shadow", str(other)])
    assert done.exit_code == 1, "another candidate of that name says something else"
