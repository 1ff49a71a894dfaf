"""The way of two persons through the commands, and what they are told when something is wrong."""

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corridor.cli import cli
from corridor.errors import CorridorError
from corridor.picture import norms
from corridor.registry.keys import PASSPHRASE
from corridor.rulebook.load import Shelf
from corridor.rulebook.sample import sample_path
from tests.picture.material import MONDAY, World

WORDS = "correct horse battery"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tmp_path):
    monkeypatch.setenv(PASSPHRASE, WORDS)
    for name in ("REGISTRY", "TRUSTED_KEYS", "AUDIT", "AUDIT_KEY"):
        monkeypatch.delenv(f"CORRIDOR_STREAM_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def good(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def bad(*arguments: object) -> str:
    """The one line that a person is told."""
    result = run(*arguments)
    assert isinstance(result.exception, CorridorError), (result.output, result.exception)
    assert "\n" not in str(result.exception)
    return str(result.exception)


def later(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture
def people(tmp_path) -> Path:
    """Own keys in own/, public halves in trusted/."""
    roles = {"anna": ["author"], "boris": ["approver"], "both": ["author", "approver"], "svc": ["service"]}
    for name, given in roles.items():
        told = good("keys", "make", name, "--output", "own", *[x for role in given for x in ("--role", role)])
        assert f"own/{name}.key: private" in told
    (tmp_path / "trusted").mkdir()
    for public in (tmp_path / "own").glob("*.toml"):
        public.rename(tmp_path / "trusted" / public.name)
    return tmp_path


def by(name: str) -> list[str]:
    return ["--registry", "reg", "--trusted", "trusted", "--key", f"own/{name}.key"]


SEEN = ("--registry", "reg", "--trusted", "trusted")


@pytest.fixture
def published(people) -> Path:
    """v1 and v2 of the sample, by Anna and Boris."""
    for n in (1, 2):
        shutil.copytree(sample_path(), f"book{n}")
        good("rulebook", "seal", f"book{n}", "--version", f"v{n}", "--effective-from", later(n))
        good("rulebook", "publish", f"book{n}", *by("anna"))
        good("rulebook", "approve", f"v{n}", *by("boris"))
    return people


def test_from_a_folder_to_what_is_in_force(people):
    shutil.copytree(sample_path(), "book")
    told = good("rulebook", "seal", "book", "--version", "v1", "--effective-from", later(1))
    assert "sealed as v1" in told
    told = good("rulebook", "publish", "book", *by("anna"))
    assert "proposed as publication 1" in told
    assert "corridor rulebook approve v1" in told
    assert "waits for approval" in good("rulebook", "list", *SEEN)
    assert "a proposal, not in force" in good("rulebook", "fetch", "v1", *SEEN, "--output", "look")
    told = good("rulebook", "approve", "v1", *by("boris"))
    assert "publication 1, in force from" in told
    head = re.search(r"head (1:[0-9a-f]{64})", told)
    assert head
    assert re.search(r"1 +v1 .* anna +boris", good("rulebook", "list", *SEEN))
    told = good("rulebook", "verify", *SEEN, "--head", head[1])
    assert "1 published, all as they were signed" in told
    good("rulebook", "fetch", *SEEN, "--output", "all")
    assert [book.version for book in Shelf.load(Path("all")).rulebooks] == ["v1"]
    assert "2 entries, all as they were written" in good("audit", "verify", "reg", "--trusted", "trusted")


def test_rollback(published):
    told = good("rulebook", "rollback", "v1", "--version", "v3", "--effective-from", later(3), *by("anna"))
    assert "v3: proposed as publication 3" in told
    good("rulebook", "approve", "v3", *by("boris"))
    assert "that of v1" in good("rulebook", "list", *SEEN)
    good("rulebook", "verify", *SEEN)


def test_the_same_person_and_a_moment_too_near_are_refused(people):
    shutil.copytree(sample_path(), "book")
    good("rulebook", "seal", "book", "--version", "v1", "--effective-from", later(0.01))
    assert "workers need 600 s" in bad("rulebook", "publish", "book", *by("both"))
    good("rulebook", "publish", "book", *by("both"), "--lead", 5)
    assert "two persons must sign" in bad("rulebook", "approve", "v1", *by("both"), "--lead", 5)
    assert "workers need 600 s" in bad("rulebook", "approve", "v1", *by("boris"))
    good("rulebook", "approve", "v1", *by("boris"), "--lead", 5)


def test_a_replay_of_the_past_is_published_as_of_then(people):
    shutil.copytree(sample_path(), "book")
    good("rulebook", "seal", "book", "--version", "v1", "--effective-from", "2026-01-02T00:00:00Z")
    then = ["--clock", "2026-01-01"]
    assert "when the key was not valid" in bad("rulebook", "publish", "book", *by("anna"), *then)
    for path in Path("trusted").iterdir():
        path.write_text(re.sub("valid_from = .*", "valid_from = 2025-01-01T00:00:00Z", path.read_text()))
    good("rulebook", "publish", "book", *by("anna"), *then)
    good("rulebook", "approve", "v1", *by("boris"), *then)


def test_what_cannot_be_done_is_told_in_a_line(published):
    shutil.copytree(sample_path(), "book")
    Path("empty").mkdir()
    cases = [
        (("publish", "nowhere", *by("anna")), "no such folder"),
        (("publish", "empty", *by("anna")), "no manifest.yaml"),
        (("publish", "book", *by("nobody")), "own/nobody.key: there is no such file"),
        (
            ("publish", "book", "--registry", "reg", "--trusted", "nowhere", "--key", "own/anna.key"),
            "no such folder",
        ),
        (("approve", "v9", *by("boris")), "no proposal 'v9'; there wait none"),
        (("approve", "../v9", *by("boris")), "write letters"),
        (
            ("rollback", "v9", "--version", "v", "--effective-from", "2030-01-01", *by("anna")),
            "no version 'v9'",
        ),
        (("rollback", "v1", "--version", "v", "--effective-from", "soon", *by("anna")), "give a time as"),
        (
            ("rollback", "v1", "--version", "v 1", "--effective-from", "2030-01-01", *by("anna")),
            "write letters",
        ),
        (("fetch", "v9", *SEEN, "--output", "new"), "no version 'v9' is published; there are v1, v2"),
        (("fetch", *SEEN, "--output", "book1"), "holds something"),
        (("list", "--registry", "nowhere", "--trusted", "trusted"), "No such file"),
        (("list", "--registry", "odd://x", "--trusted", "trusted"), "give a folder or a URL"),
        (("verify", *SEEN, "--head", "x"), "NUMBER:HASH"),
        (("seal", "empty", "--version", "v", "--effective-from", "2030-01-01"), "no rules.yaml"),
    ]
    for arguments, told in cases:
        assert told in bad("rulebook", *arguments), arguments


def test_verify_tells_what_is_broken_with_code_1(published):
    record = Path("reg/versions/000002.json")
    record.write_bytes(record.read_bytes().replace(b"v2", b"v3"))
    result = run("rulebook", "verify", *SEEN)
    assert result.exit_code == 1
    assert "publication 2" in result.output
    assert "unsigned" in result.output
    entry = Path("reg/audit/00000002.json")
    entry.write_bytes(entry.read_bytes().replace(b"boris", b"bosis", 1))
    result = run("audit", "verify", "reg", "--trusted", "trusted")
    assert result.exit_code == 1
    assert "entry 2" in result.output


def test_the_audit_of_explanations_is_asked_for_by_the_settings(published, monkeypatch):
    config = Path("corridor.toml")
    config.write_text('[stream]\naudit = "audit.ndjson"\n')
    asked = ("rulebook", "explain", "x/1", "--kafka", "nonsense", "--config", config)
    assert "give --audit-key" in bad(*asked)
    config.write_text(
        '[stream]\naudit = "audit.ndjson"\naudit_key = "own/svc.key"\ntrusted_keys = "trusted"\n'
    )
    assert "nonsense" in bad(*asked), "logged, then the broker does not answer"
    result = run("audit", "verify", "audit.ndjson", "--trusted", "trusted", "--show")
    assert result.exit_code == 0
    told = json.loads(result.output.splitlines()[0])["record"]
    assert (told["event"], told["subject"], told["details"]) == ("explanation", "x/1", {"version": "newest"})
    Path("audit.ndjson").write_bytes(b"broken\n")
    assert "the last entry is broken" in bad(*asked), "what cannot be logged is not shown"


def test_a_restricted_topic_is_shown_to_those_who_say_they_may(published):
    result = run("tail", "customs.traces.restricted.v1", "--kafka", "nonsense")
    assert result.exit_code == 2
    assert "say --restricted" in result.output
    shown = (
        "tail",
        "customs.traces.restricted.v1",
        "--restricted",
        "--kafka",
        "nonsense",
        "--trusted",
        "trusted",
    )
    assert "nonsense" in bad(*shown, "--audit", "a.ndjson", "--audit-key", "own/svc.key")
    told = json.loads(Path("a.ndjson").read_text())["record"]
    assert (told["event"], told["subject"]) == ("reading", "customs.traces.restricted.v1")


def test_norms_of_the_picture_that_cannot_be_used_are_not_proposed(people):
    shutil.copytree(sample_path(), "book")
    norms.save(norms.fit(World(2).draw(MONDAY, 7, 5)).replace_schema_metadata({}), Path("book"))
    good("rulebook", "seal", "book", "--version", "v1", "--effective-from", later(1))
    assert "fit the picture's norms again" in bad("rulebook", "publish", "book", *by("anna"))
    assert not Path("reg").exists()


def test_the_passphrase_may_be_typed(people, monkeypatch):
    monkeypatch.delenv(PASSPHRASE)
    shutil.copytree(sample_path(), "book")
    good("rulebook", "seal", "book", "--version", "v1", "--effective-from", later(1))
    arguments = ["rulebook", "publish", "book", *by("anna")]
    typed = CliRunner().invoke(cli, arguments, input="wrong\n")
    assert "another passphrase" in str(typed.exception)
    assert CliRunner().invoke(cli, arguments, input=f"{WORDS}\n").exit_code == 0
