"""What a run over topics is told, by file, environment and options."""

import re
import shutil
import tomllib
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import InputError, RulebookError
from corridor.flink import streaming
from corridor.flink.topics import TABLE, Source, Topics, default, load
from corridor.kafka.client import Settings
from corridor.kafka.client import load as load_kafka
from corridor.kafka.secret import Secret
from corridor.picture.norms import fit, save
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from tests.conftest import ROOT
from tests.picture.material import MONDAY, World

KAFKA = Settings("localhost:9092")
SAMPLE = ROOT / "deploy" / "corridor.toml"


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch):
    for name in ("CORRIDOR_KAFKA_BOOTSTRAP", "CORRIDOR_KAFKA_PASSWORD", "CORRIDOR_STREAM_STATE"):
        monkeypatch.delenv(name, raising=False)


def write(tmp_path, text):
    path = tmp_path / "corridor.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_one_file_holds_a_whole_run(tmp_path):
    file = write(
        tmp_path,
        '[kafka]\nbootstrap = "localhost:1"\n[stream]\nstate = "s3://bucket/state"\ntopic = "t"\nbound_ms = 500\n'
        'idle_ms = 300\nrulebook = "r"\nshadow = "c"\nshadow_percent = 5\nparallelism = 4\npicture = false\n'
        "histories = false\ncheckpoint_ms = 1000\n"
        'bundle_ms = 20\nttl_days = 7\nbackend = "rocksdb"\nfrom_beginning = true\nbounded = true\n',
    )
    settings = load_kafka(file=file, environment={})
    assert load(settings, file, {}, {}) == Topics(
        settings, "s3://bucket/state", Source("t", 500, 300, True, True), Path("r"), Path("c"), 5, 4, False, False, 1000, 20,
        7, "rocksdb"
    )  # fmt: skip


def test_options_come_before_the_environment_and_that_before_the_file(tmp_path):
    file = write(tmp_path, '[stream]\nstate = "file"\ncheckpoint_ms = 1000\nbound_ms = 1000\nttl_days = 1\n')
    environment = {"CORRIDOR_STREAM_CHECKPOINT_MS": "2000", "CORRIDOR_STREAM_BOUND_MS": "2500"}
    found = load(KAFKA, file, {"checkpoint_ms": 3000, "bound_ms": None, "ttl_days": None}, environment)
    assert (found.checkpoint_ms, found.source.bound_ms, found.ttl_days) == (3000, 2500, 1)
    assert (found.bundle_ms, found.state) == (default("bundle_ms"), "file")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[stream]\nstat = "s"\n', r"stream\.stat is not known; did you mean state\?"),
        ('[stream]\ndecided_at = 1\nstate = "s"\n', r"stream\.decided_at is not known"),
        ('[stream]\nsettings = "x"\nstate = "s"\n', r"stream\.settings is not known"),
        ("[stream]\n", r"no place for state is named: give --state DIR, or state in the table \[stream\]"),
        ('[stream]\nstate = ""\n', r"state is empty"),
        ('[stream]\nstate = "s"\ntopic = ""\n', r"topic is empty"),
        ('[stream]\nstate = "s"\nbackend = "disk"\n', r"backend 'disk': give one of rocksdb, hashmap"),
        ('[stream]\nstate = "s"\nregistry = "r"\n', r"registry needs trusted_keys"),
        ('[stream]\nstate = "s"\nregistry = "r"\nrulebook = "b"\n', r"rulebook and registry: give one"),
        ('[stream]\nstate = "s"\naudit = "a"\n', r"audit needs audit_key"),
        ('[stream]\nstate = "s"\nregistry_poll_s = 0\n', r"registry_poll_s 0: give seconds from 1"),
        (
            '[stream]\nstate = "s"\ncheckpoint_ms = 99\n',
            r"checkpoint_ms 99: give milliseconds from 100 to 600000",
        ),
        ('[stream]\nstate = "s"\nbound_ms = -1\n', r"bound_ms -1: give milliseconds from 0 to"),
        ('[stream]\nstate = "s"\nidle_ms = 1\n', r"idle_ms 1: give milliseconds from 50"),
        ('[stream]\nstate = "s"\nparallelism = 0\n', r"parallelism 0: give subtasks from 1 to 64"),
        (
            '[stream]\nstate = "s"\nshadow_percent = 0\n',
            r"shadow_percent 0: give percent of the declarations from 1 to 100",
        ),
        ('[stream]\nstate = "s"\nbundle_ms = 0\n', r"bundle_ms 0: give milliseconds from 1"),
        ('[stream]\nstate = "s"\nttl_days = 4000\n', r"ttl_days 4000: give days from 1 to 3650"),
        ('[stream]\nstate = "s"\ncheckpoint_ms = 600000\n', r"the broker would end transactions before"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        load(KAFKA, write(tmp_path, text), {}, {})


def test_no_secret_is_printed_with_a_run():
    settings = Settings("k.example:1", "SASL_SSL", username="a", password=Secret("sesame"))
    assert "sesame" not in repr(Topics(settings, "s"))


def test_the_sample_file_shows_every_key_with_its_default():
    text = SAMPLE.read_text()
    whole = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    tables = tomllib.loads(whole)
    assert tables["stream"].keys() == TABLE.kinds.keys()
    assert tables["kafka"].keys() | {"password", "key_password"} == {one.name for one in fields(Settings)}
    shown = {key: value for key, value in tables["stream"].items() if re.search(rf"^# {key} = ", text, re.M)}
    exceptions = dict.fromkeys(
        ("rulebook", "shadow", "parallelism", "registry", "trusted_keys", "audit", "audit_key", "plan"), None
    )
    assert {key: exceptions.get(key, value) for key, value in shown.items()} == {
        key: default(key) for key in shown
    }
    assert shown.keys() == TABLE.kinds.keys() - {"state"}
    kafka = {key: value for key, value in tables["kafka"].items() if re.search(rf"^# {key} = ", text, re.M)}
    defaults = {one.name: one.default for one in fields(Settings)}
    assert kafka == {key: defaults[key] for key in kafka}
    secret = {"CORRIDOR_KAFKA_PASSWORD": "x"}
    assert (
        load(load_kafka(file=SAMPLE, environment=secret), SAMPLE, {}, {}).state == "/var/lib/corridor/state"
    )


def test_the_low_latency_profile_is_one_of_a_whole_file():
    found = load(KAFKA, ROOT / "deploy" / "low-latency.toml", {"state": "s"}, {})
    assert found.checkpoint_ms < default("checkpoint_ms")
    assert found.source.bound_ms < default("bound_ms")


@pytest.fixture
def asked(monkeypatch):
    """The runs that the command asks for; none is made."""
    found = []
    monkeypatch.setattr(streaming, "run_decide", lambda topics, report: found.append(topics) or {})
    return found


def decide(*arguments, **environment):
    return CliRunner(env=environment).invoke(cli, ["run", "decide", *map(str, arguments)])


def test_the_command_takes_a_run_from_its_file(tmp_path, asked):
    file = write(tmp_path, '[kafka]\nbootstrap = "localhost:1"\n[stream]\nstate = "s"\nbound_ms = 700\n')
    done = decide("--config", file, "--checkpoint", 900, "--no-picture", "--from-beginning")
    assert done.exit_code == 0, done.output
    settings = Settings("localhost:1")
    assert asked == [
        Topics(settings, "s", Source(bound_ms=700, from_beginning=True), checkpoint_ms=900, picture=False)
    ]


def test_the_command_takes_a_run_from_the_environment_alone(asked):
    done = decide(
        CORRIDOR_KAFKA_BOOTSTRAP="localhost:1", CORRIDOR_STREAM_STATE="s", CORRIDOR_STREAM_PICTURE="false"
    )
    assert done.exit_code == 0, done.output
    assert asked == [Topics(Settings("localhost:1"), "s", picture=False)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give --input and --output to run over files, or --kafka and --state over topics"),
        (("--kafka", "localhost:1"), "no place for state is named"),
        (("--state", "s"), "no Kafka broker is named"),
        (("--kafka", "localhost:1", "--state", "s", "--checkpoint", 5), "checkpoint_ms 5: give milliseconds"),
        (("--input", "i", "--output", "o", "--bound", 5), "give --input and --output to run over files, or"),
        (("--input", "i", "--kafka", "localhost:1"), "give --input and --output to run over files, or"),
    ],
)
def test_what_does_not_go_together_is_told(asked, arguments, told):
    done = decide(*arguments)
    assert isinstance(done.exception, InputError)
    assert told in str(done.exception)
    assert asked == []


@pytest.mark.parametrize("norms", [True, False])
@pytest.mark.parametrize("watched", [True, False])
def test_norms_that_are_published_later_stop_no_restart(tmp_path, norms, watched):
    class Published:
        def holds(self, name):
            return norms

    topics = Topics(KAFKA, tmp_path)
    assert streaming._watched(topics, Published(), published=True) is norms, "nothing to go on from"
    (tmp_path / "job").write_text(f"decide\n{streaming._made_of((), True, bins=watched)}\n")
    (tmp_path / "checkpoints/j/chk-1").mkdir(parents=True)
    (tmp_path / "checkpoints/j/chk-1/_metadata").touch()
    assert streaming._watched(topics, Published(), published=True) is watched
    assert streaming._watched(topics, Published(), published=False) is norms, "a folder is the operator's own"


def test_norms_of_the_picture_that_cannot_be_used_are_told_before_a_run_begins(tmp_path):
    book = tmp_path / "book"
    shutil.copytree(sample_path(), book)
    save(fit(World(2).draw(MONDAY, 7, 5)).replace_schema_metadata({}), book)
    write_manifest(book, "v1", datetime(2025, 3, 4, tzinfo=UTC))
    topics = Topics(KAFKA, tmp_path / "state", rulebook=book)
    for run in (streaming.run_decide, streaming.run_picture):
        with pytest.raises(RulebookError, match="fit the picture's norms again"):
            run(topics)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("bound_ms", "checkpoint_ms", "waits"),
    [(2_000, 5_000, 60_000), (90_000, 5_000, 90_000), (2_000, 45_000, 90_000)],
)
def test_the_detector_of_a_picture_waits_until_decisions_are_readable(
    tmp_path, bound_ms, checkpoint_ms, waits
):
    topics = Topics(KAFKA, tmp_path, Source(bound_ms=bound_ms), checkpoint_ms=checkpoint_ms)
    assert streaming._readable_ms(topics) == waits


def test_a_run_goes_on_with_the_histories_of_its_state(tmp_path):
    """A version of other histories may be published already: the job that refuses it must still be able to start again."""
    asked, kept = (("importer", "day"), ("declarant", "day")), (("importer", "day"), ("exporter", "week"))
    topics = Topics(KAFKA, tmp_path)
    assert streaming._kept(topics, asked, ()) == asked
    for picture in (True, False):
        (tmp_path / "job").write_text(f"decide\n{streaming._made_of(kept, picture, bins=picture)}\n")
        assert streaming._kept(topics, asked, ()) == asked, "nothing to go on from"
        (tmp_path / "checkpoints/j/chk-1").mkdir(parents=True, exist_ok=True)
        (tmp_path / "checkpoints/j/chk-1/_metadata").touch()
        assert streaming._kept(topics, asked, ()) == kept
        assert streaming._kept(topics, asked, (("declarant", "day"),)) == asked, (
            "a trial asks for more: refused"
        )
        (tmp_path / "checkpoints/j/chk-1/_metadata").unlink()
