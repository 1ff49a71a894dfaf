import contextlib
import os
import subprocess
import sys

import fsspec
import pytest

from corridor.errors import InputError
from corridor.flink.state import open_state, plan_kept
from corridor.registry.store import Store


@pytest.mark.parametrize("given", ["s3://bucket/corridor", "s3://bucket/corridor/", "hdfs:/corridor"])
def test_a_uri_of_elsewhere_is_left_to_the_cluster(given):
    state = open_state(given, "decide")
    assert state.folder is None
    assert state.latest() is None
    assert state.checkpoints == given.rstrip("/") + "/checkpoints"


def test_a_folder_and_its_uri_are_one_place(tmp_path):
    place = tmp_path / "a place"
    by_path, by_uri = open_state(place, "decide"), open_state(place.as_uri(), "decide")
    assert by_path == by_uri
    assert by_path.savepoints == f"{place.as_uri()}/savepoints"
    assert [path.name for path in place.iterdir()] == ["job"]


def test_it_goes_on_from_the_newest_whole_checkpoint_or_savepoint(tmp_path):
    """A savepoint counts: what was committed with it would be written twice from an older checkpoint."""
    state = open_state(tmp_path, "decide")
    assert state.latest() is None
    for age, name in enumerate(("checkpoints/j/chk-9", "savepoints/savepoint-1", "checkpoints/k/chk-2")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "_metadata").touch()
        os.utime(tmp_path / name / "_metadata", (1000 - age, 1000 - age))
    (tmp_path / "checkpoints" / "k" / "chk-3").mkdir()
    assert state.latest() == (tmp_path / "checkpoints/j/chk-9").as_uri()
    os.utime(tmp_path / "savepoints/savepoint-1" / "_metadata", (2000, 2000))
    assert state.latest() == (tmp_path / "savepoints/savepoint-1").as_uri()
    (tmp_path / "stopped/savepoint-2").mkdir(parents=True)
    (tmp_path / "stopped/savepoint-2" / "_metadata").touch()
    assert state.latest() == f"{state.stopped}/savepoint-2", "what Ctrl-C left"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    for given in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="give a folder for checkpoints that can be written"):
            open_state(given, "decide")


def test_the_state_of_another_job_is_refused(tmp_path):
    open_state(tmp_path, "decide")
    with pytest.raises(InputError, match="holds the state of the job 'decide'"):
        open_state(tmp_path, "picture")
    assert open_state(tmp_path, "decide").latest() is None


def test_a_state_in_use_is_refused(tmp_path):
    """Two runs from one checkpoint would decide the same declarations, each by its own transactions."""
    program = (
        "import sys, time; from corridor.flink.state import open_state; "
        "open_state(sys.argv[1], 'decide', alone=True); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another run uses this state"):
            open_state(tmp_path, "decide", alone=True)
        other.kill()
    assert open_state(tmp_path, "decide", alone=True).latest() is None
    assert open_state(tmp_path, "decide", alone=True).latest() is None, "its own holder may open it again"


def test_an_owner_that_was_not_written_whole_is_written_anew(tmp_path):
    (tmp_path / "job").touch()
    open_state(tmp_path, "decide")
    assert (tmp_path / "job").read_text() == "decide\n\n"


def test_a_state_of_other_parts_is_refused(tmp_path):
    """Flink goes by the numbers of operators: it would give what fits to others and forget the rest."""
    open_state(tmp_path, "decide", plan="histories importer/day and the picture")
    assert not open_state(tmp_path, "decide", plan="the picture").latest(), (
        "without a checkpoint nothing is lost"
    )
    (tmp_path / "checkpoints/j/chk-1").mkdir(parents=True)
    (tmp_path / "checkpoints/j/chk-1/_metadata").touch()
    assert open_state(tmp_path, "decide", plan="the picture").latest()
    with pytest.raises(InputError, match="its state is of a run with the picture, this one has nothing else"):
        open_state(tmp_path, "decide")


def test_what_a_state_keeps_is_told_where_a_run_would_go_on_from_it(tmp_path):
    assert plan_kept(tmp_path / "none") == ""
    assert plan_kept("s3://bucket/state") == ""
    open_state(tmp_path, "decide", plan="histories importer/day, declarant/hour and the picture")
    assert plan_kept(tmp_path) == ""
    (tmp_path / "checkpoints/j/chk-1").mkdir(parents=True)
    (tmp_path / "checkpoints/j/chk-1/_metadata").touch()
    for place in (tmp_path, tmp_path.as_uri()):
        assert plan_kept(place) == "histories importer/day, declarant/hour and the picture"


@pytest.fixture
def bucket():
    """A place of fsspec that is no folder, empty again afterwards."""
    place = "memory://state-of-a-test"
    store = Store.open(place)
    yield place, store
    with contextlib.suppress(FileNotFoundError):
        fsspec.filesystem("memory").rm("/state-of-a-test", recursive=True)


def test_what_a_state_elsewhere_keeps_is_told_too(bucket):
    place, store = bucket
    plan = "histories importer/day, declarant/hour and the picture"
    assert plan_kept(place) == ""
    state = open_state(f"{place}/", "decide", plan=plan)
    assert (state.uri, state.folder, state.latest()) == (place, None, None), "from where, the cluster is told"
    assert plan_kept(place) == "", "nothing to go on from"
    store.write("checkpoints/j/chk-3/half", b"")
    assert plan_kept(place) == ""
    store.write("checkpoints/j/chk-3/_metadata", b"")
    assert plan_kept(place) == plan_kept(f"{place}/") == plan
    store.remove("checkpoints/j/chk-3/_metadata")
    store.write("savepoints/savepoint-1/_metadata", b"")
    assert plan_kept(place) == plan
    store.remove("savepoints/savepoint-1/_metadata")
    store.write("stopped/savepoint-2/_metadata", b"")
    assert plan_kept(place) == plan


def test_a_state_elsewhere_is_one_job_s_and_of_one_plan(bucket):
    place, store = bucket
    open_state(place, "decide", plan="the picture")
    open_state(place, "decide", plan="")
    with pytest.raises(InputError, match="holds the state of the job 'decide'; give 'picture'"):
        open_state(place, "picture")
    store.write("checkpoints/j/chk-3/_metadata", b"")
    with pytest.raises(InputError, match="its state is of a run with nothing else, this one has the picture"):
        open_state(place, "decide", plan="the picture")
    assert store.read("job", 100) == b"decide\n\n", "what is refused changes nothing"
    open_state(place, "decide", plan="")


def test_a_state_elsewhere_that_does_not_answer_stops_nothing(bucket, monkeypatch, caplog):
    place, _ = bucket

    def fail(*_: object, **__: object) -> None:
        raise PermissionError("403")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", fail)
    assert open_state(place, "decide", plan="the picture").uri == place
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "ls", fail)
    assert plan_kept(place) == ""
    assert caplog.text.count("PermissionError: 403") == 2
