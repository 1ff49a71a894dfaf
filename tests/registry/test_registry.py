"""Publication by two persons; whatever is not as they signed it is refused."""

import json
import shutil
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.errors import InputError, RulebookError
from corridor.messages.moment_text import rfc3339
from corridor.registry import publication
from corridor.registry.audit import Record
from corridor.registry.content import loaded
from corridor.registry.keys import Trust
from corridor.registry.publication import Publication, Signature
from corridor.registry.refusal import RefusedError
from corridor.registry.registry import Registry, find
from corridor.registry.store import Store, StoreError
from corridor.registry.verification import problems
from corridor.rulebook.load import load
from tests.registry.material import (
    ANNA,
    BORIS,
    BOTH,
    EVE,
    HOUR,
    NOW,
    TRUST,
    Place,
    hand,
    moment,
    person,
    place,
    publish,
    rulebook,
)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Place:
    """Three versions; tests copy it before they change it."""
    made = place(tmp_path_factory.mktemp("published"))
    for n in (1, 2, 3):
        made.publish(n)
    return made


@pytest.fixture
def changed(published, tmp_path) -> Place:
    return published.copy(tmp_path / "registry")


def refused(call, reason: str, told: str | None = None) -> None:
    with pytest.raises(RefusedError, match=told) as error:
        call()
    assert error.value.reason == reason


def test_what_two_persons_signed_is_there_as_it_was(published, tmp_path):
    found = published.registry.publications(TRUST)
    assert [one.statement.version for one in found] == ["v1", "v2", "v3"]
    for n, one in enumerate(found, 1):
        folder = published.registry.fetch(one, tmp_path / one.statement.version)
        assert loaded(folder, one).effective_from == NOW + n * HOUR
        for path in (published.work / f"v{n}").iterdir():
            assert (folder / path.name).read_bytes() == path.read_bytes()
    told = problems(str(published.path), published.trusted)
    assert (told.publications, told.problems) == (3, ())


def test_a_proposal_is_not_in_force_until_another_person_approves(tmp_path):
    made = place(tmp_path)
    proposal = made.registry.propose(rulebook(tmp_path / "b", "v1", NOW + HOUR), hand(BOTH))
    assert made.registry.publications(TRUST) == []
    assert made.registry.proposals() == ["v1"]
    refused(lambda: made.registry.approve("v1", hand(BOTH)), "unsigned", "two persons")
    refused(lambda: made.registry.approve("v1", hand(ANNA)), "unsigned", "trusted as author")
    assert made.registry.publications(TRUST) == []
    done = made.registry.approve("v1", hand(BORIS))
    assert done.statement == proposal.statement
    assert made.registry.publications(TRUST) == [done]
    assert made.registry.proposals() == []


def test_strangers_and_expired_keys_publish_nothing(tmp_path):
    made, book = place(tmp_path), rulebook(tmp_path / "b", "v1", NOW + HOUR)
    refused(lambda: made.registry.propose(book, hand(EVE)), "unsigned", "not among the trusted")
    old = person("old", "author", "approver", until=NOW - 1)
    trust = Trust(TRUST.keys | {"old": old.owner})
    expired = hand(old)
    refused(lambda: made.registry.propose(book, type(expired)(old, trust, clock=lambda: NOW)), "expired")
    assert made.registry.proposals() == []
    made.registry.propose(book, hand(ANNA))
    refused(lambda: made.registry.approve("v1", type(expired)(old, trust, clock=lambda: NOW)), "expired")
    assert made.registry.publications(TRUST) == []


def test_a_key_that_expired_later_keeps_what_it_signed(published):
    later = {
        name: type(key)(name, key.roles, key.valid_from, NOW + 1, key.raw) for name, key in TRUST.keys.items()
    }
    assert len(published.registry.publications(Trust(later))) == 3
    revoked = {
        name: type(key)(name, key.roles, key.valid_from, NOW, key.raw) for name, key in TRUST.keys.items()
    }
    refused(lambda: published.registry.publications(Trust(revoked)), "expired")


@pytest.mark.parametrize(("seconds", "lead"), [(599, 600), (0, 600), (-86_400, 600), (59, 60)])
def test_too_near_to_reach_every_worker_is_refused(tmp_path, seconds, lead):
    made, book = place(tmp_path), rulebook(tmp_path / "b", "v1", NOW + seconds * 1_000_000)
    refused(lambda: made.registry.propose(book, hand(ANNA, lead=lead)), "chain", f"workers need {lead} s")


def test_the_lead_is_asked_again_at_approval(tmp_path):
    made = place(tmp_path)
    made.registry.propose(rulebook(tmp_path / "b", "v1", NOW + HOUR), hand(ANNA))
    refused(lambda: made.registry.approve("v1", hand(BORIS, NOW + HOUR - 1)), "chain", "workers need")
    assert made.registry.approve("v1", hand(BORIS, NOW + HOUR - 600_000_000)).statement.number == 1


def test_versions_go_on_only(changed, tmp_path):
    registry = changed.registry
    again = rulebook(tmp_path / "a", "v2", NOW + 9 * HOUR)
    refused(lambda: registry.propose(again, hand(ANNA)), "chain", "never changes")
    for n, starts in enumerate((NOW + 3 * HOUR, NOW + 2 * HOUR)):
        book = rulebook(tmp_path / f"b{n}", f"w{n}", starts)
        refused(lambda book=book: registry.propose(book, hand(ANNA)), "chain", "not after v3")


def test_a_proposal_made_before_another_was_approved_is_made_again(changed, tmp_path):
    registry = changed.registry
    registry.propose(rulebook(tmp_path / "a", "a", NOW + 5 * HOUR), hand(ANNA))
    registry.propose(rulebook(tmp_path / "b", "b", NOW + 6 * HOUR), hand(ANNA))
    registry.approve("a", hand(BORIS))
    refused(lambda: registry.approve("b", hand(BORIS)), "chain", "does not follow")
    registry.propose(tmp_path / "b", hand(ANNA))
    assert registry.approve("b", hand(BORIS)).statement.number == 5


def test_of_two_who_approve_at_once_one_succeeds(changed, tmp_path):
    registry = changed.registry
    for name in ("a", "b"):
        registry.propose(rulebook(tmp_path / name, name, NOW + 5 * HOUR), hand(ANNA))
    done, gone = [], []

    def approve(version: str) -> None:
        try:
            done.append(registry.approve(version, hand(BORIS)))
        except RefusedError:
            gone.append(version)

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(gone)) == (1, 1)
    assert [one.statement.version for one in registry.publications(TRUST)] == [
        "v1",
        "v2",
        "v3",
        done[0].statement.version,
    ]
    told = problems(str(changed.path), changed.trusted)
    assert told.problems == ()


def test_an_unfit_or_changed_rulebook_is_not_proposed(tmp_path):
    made, book = place(tmp_path), rulebook(tmp_path / "b", "v1", NOW + HOUR)
    (book / "rules.yaml").write_text((book / "rules.yaml").read_text() + "\n")
    with pytest.raises(RulebookError, match="not fit to judge by"):
        made.registry.propose(book, hand(ANNA))
    with pytest.raises(RulebookError, match="no such folder"):
        made.registry.propose(tmp_path / "nowhere", hand(ANNA))
    assert not made.path.exists()


def test_other_histories_must_be_foreseen(changed, tmp_path):
    book = rulebook(tmp_path / "h", "h", NOW + 5 * HOUR, histories="importer/day")
    refused(lambda: changed.registry.propose(book, hand(ANNA)), "histories", "jobs that run since then")
    assert publish(changed.registry, book, foreseen=True).statement.histories == ("importer/day",)
    later = rulebook(tmp_path / "i", "i", NOW + 6 * HOUR, histories="importer/day")
    refused(
        lambda: changed.registry.propose(later, hand(ANNA)), "histories", "not every version before it did"
    )


def test_a_rollback_that_is_none_is_refused(changed):
    """The author writes another content under the name of an old one: the second person would be misled."""
    registry = changed.registry
    earlier = registry.publications(TRUST)
    statement = registry.roll_back("v1", "v1-again", moment(NOW + 5 * HOUR), hand(ANNA)).statement
    other = {**statement.files, "rules.yaml": "0" * 64}
    for changes in ({"files": other}, {"rollback_of": "v2"}, {"rollback_of": "nosuch"}):
        forged = publication.propose(msgspec.structs.replace(statement, **changes), ANNA, rfc3339(NOW))
        signed = publication.approve(forged, BORIS, rfc3339(NOW))
        refused(
            lambda signed=signed: publication.check(signed, earlier, TRUST), "content", "its files are others"
        )


def test_a_key_that_is_no_longer_valid_cannot_sign_for_the_past(changed):
    """A revoked key proposes under an old date; another person approves it today."""
    registry = changed.registry
    book = rulebook(changed.path / "late", "late", NOW + 9 * HOUR)
    proposal = registry.propose(book, hand(ANNA, NOW - HOUR))
    until = TRUST.keys["anna"]
    revoked = Trust(
        TRUST.keys | {"anna": type(until)("anna", until.roles, until.valid_from, NOW - 1, until.raw)}
    )
    signed = publication.approve(proposal, BORIS, rfc3339(NOW))
    publication.check(signed, registry.publications(TRUST), TRUST)
    refused(
        lambda: publication.check(signed, registry.publications(TRUST), revoked),
        "expired",
        "was not valid when it was approved",
    )


def test_only_an_approval_by_its_approver_counts_in_the_log(changed):
    """Another entry that names the record, by one who may write such entries, is none."""
    log = changed.path / "audit"
    lines = [path.read_bytes() for path in sorted(log.rglob("*")) if path.is_file()]
    assert lines
    shutil.rmtree(log)
    made = changed.registry.publications(TRUST)[0]
    record = Record.of("refusal", "boris", "v1", {"record": made.digest}, NOW)
    changed.registry.log.append(record, BORIS)
    told = problems(str(changed.path), changed.trusted).problems
    assert "publication 1: the log tells of no approval by the one who signed it" in told


def test_rollback_is_earlier_content_as_a_new_version(changed, tmp_path):
    registry = changed.registry
    registry.roll_back("v1", "v1-again", moment(NOW + 5 * HOUR), hand(ANNA))
    made = registry.approve("v1-again", hand(BORIS))
    assert (made.statement.number, made.statement.rollback_of) == (4, "v1")
    first = registry.publications(TRUST)[0].statement
    same = {name for name, digest in made.statement.files.items() if digest == first.files[name]}
    assert same == first.files.keys() - {"manifest.yaml"}
    book = load(registry.fetch(made, tmp_path / "again"))
    assert (book.version, book.effective_from) == ("v1-again", NOW + 5 * HOUR)
    with pytest.raises(InputError, match="no version 'v9' is published; there are v1, v2, v3, v1-again"):
        registry.roll_back("v9", "x", moment(NOW + 9 * HOUR), hand(ANNA))


def bits(data: bytes):
    return [
        bytes([*data[:i], data[i] ^ (1 << bit), *data[i + 1 :]]) for i in range(len(data)) for bit in (0, 7)
    ]


def test_no_bit_of_the_newest_record_may_differ(published):
    """Of the newest, since no hash of a successor covers it: signatures alone must find every change."""
    earlier, raw = published.registry.publications(TRUST)[:2], published.record(3).read_bytes()
    publication.check(publication.read(raw), earlier, TRUST)
    for other in bits(raw):
        with pytest.raises(RefusedError):
            publication.check(publication.read(other), earlier, TRUST)


@given(cut=st.integers(min_value=0), more=st.binary(max_size=3))
def test_a_record_cut_short_or_grown_is_refused(published, cut, more):
    raw = published.record(3).read_bytes()
    other = raw[: cut % len(raw)] + more
    if other != raw:
        refused(lambda: publication.read(other), "unreadable")


def test_no_bit_of_a_file_may_differ(changed):
    """Each byte of each file of the newest version in turn; what it shares with others they miss too."""
    registry, newest = changed.registry, changed.registry.publications(TRUST)[2]
    count = 0
    for name, digest in newest.statement.files.items():
        path = changed.path / "objects" / digest[:2] / digest
        right = path.read_bytes()
        for i in range(0, len(right), 7):
            path.write_bytes(right[:i] + bytes([right[i] ^ 1]) + right[i + 1 :])
            with pytest.raises(RefusedError, match=name) as error, registry.fetched(newest):
                pass
            assert error.value.reason == "content"
            count += 1
        path.write_bytes(right)
    assert count > 80
    with registry.fetched(newest) as folder:
        assert loaded(folder, newest).version == "v3"


@pytest.mark.parametrize("how", ["cut", "gone", "grown"])
def test_a_half_copied_file_is_refused(changed, how):
    newest = changed.registry.publications(TRUST)[2]
    digest = newest.statement.files["rules.yaml"]
    path = changed.path / "objects" / digest[:2] / digest
    right = path.read_bytes()
    path.write_bytes(right[:-1] if how == "cut" else right + b"\n")
    if how == "gone":
        path.unlink()
    told = problems(str(changed.path), changed.trusted).problems
    assert len(told) == 1
    assert "publication 3 (content): v3: rules.yaml" in told[0]


def test_dropped_swapped_and_repeated_versions_are_found(changed):
    records = {n: changed.record(n).read_bytes() for n in (1, 2, 3)}

    def stand(**placed: bytes | None) -> None:
        for n in (1, 2, 3):
            raw = placed.get(f"n{n}", records[n])
            changed.record(n).unlink(missing_ok=True)
            if raw is not None:
                changed.record(n).write_bytes(raw)
        refused(lambda: changed.registry.publications(TRUST), "chain")
        assert problems(str(changed.path), changed.trusted).problems

    stand(n1=None)
    stand(n2=None)
    stand(n1=records[2], n2=records[1])
    stand(n2=records[1])
    stand(n3=records[2])
    stand(n2=records[3])


def test_a_dropped_newest_version_is_found_by_a_head_known_elsewhere(changed):
    head = str(problems(str(changed.path), changed.trusted).head)
    assert head.startswith("3:")
    changed.record(3).unlink()
    told = problems(str(changed.path), changed.trusted, head).problems
    assert any("something is gone" in one for one in told)


def other_approval(made: Publication, approver: Signature | None) -> bytes:
    return Publication(made.statement, made.author, approver).record


def test_an_unsigned_or_twice_signed_record_is_refused(published):
    chain = published.registry.publications(TRUST)
    made, earlier = chain[2], chain[:2]
    by_author = Signature(made.author.name, made.author.at, made.author.value)
    twice = publication.approve(
        publication.propose(made.statement, BOTH, made.author.at), BOTH, made.author.at
    )
    eve = publication.approve(publication.propose(made.statement, ANNA, made.author.at), EVE, made.author.at)
    swapped = Publication(made.statement, made.approver, made.author)
    for raw in (
        other_approval(made, None),
        other_approval(made, by_author),
        twice.record,
        eve.record,
        swapped.record,
    ):
        refused(lambda raw=raw: publication.check(publication.read(raw), earlier, TRUST), "unsigned")


def test_signatures_of_another_version_do_not_fit(published):
    chain = published.registry.publications(TRUST)
    mixed = Publication(chain[2].statement, chain[1].author, chain[1].approver)
    refused(lambda: publication.check(publication.read(mixed.record), chain[:2], TRUST), "unsigned")


def test_an_approval_is_never_older_than_its_predecessor(changed, tmp_path):
    changed.registry.propose(rulebook(tmp_path / "a", "a", NOW + 5 * HOUR), hand(ANNA, NOW - 2 * HOUR))
    refused(lambda: changed.registry.approve("a", hand(BORIS, NOW - HOUR)), "chain", "before its predecessor")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "a//b", ".hidden", "a/b/c/d", "lists/\x00", ""]
)
def test_a_name_that_leads_elsewhere_is_refused(published, name):
    made = published.registry.publications(TRUST)[2]
    told = json.loads(made.record)
    told["statement"]["files"][name] = "0" * 64
    raw = json.dumps(told, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    refused(lambda: publication.read(raw), "unreadable")


def test_what_lies_beside_the_records_is_of_no_matter(changed):
    (changed.path / "versions" / ".000004.json.part").write_text("{")
    (changed.path / "versions" / "000004.json.copy").write_text("{")
    assert len(changed.registry.publications(TRUST)) == 3


def test_a_published_record_is_never_written_again(changed):
    made = changed.registry.publications(TRUST)[2]
    before = changed.record(3).read_bytes()
    assert not changed.registry.write(made)
    assert changed.record(3).read_bytes() == before


def test_a_file_cut_short_by_a_former_try_is_made_whole(changed, tmp_path):
    book = rulebook(tmp_path / "a", "a", NOW + 5 * HOUR, weight="0.77")
    made = changed.registry.propose(book, hand(ANNA))
    digest = made.statement.files["rules.yaml"]
    (changed.path / "objects" / digest[:2] / digest).write_bytes(b"rul")
    refused(lambda: changed.registry.approve("a", hand(BORIS)), "content")
    changed.registry.propose(book, hand(ANNA))
    assert changed.registry.approve("a", hand(BORIS)).statement.number == 4


def test_any_file_system_of_fsspec_will_do(tmp_path):
    registry = Registry.open(f"memory://registry-{tmp_path.name}")
    for n in (1, 2):
        publish(registry, rulebook(tmp_path / f"v{n}", f"v{n}", NOW + n * HOUR))
    found = registry.publications(TRUST)
    assert [one.statement.version for one in found] == ["v1", "v2"]
    assert not registry.write(found[1])
    with registry.fetched(find(found, "v2")) as folder:
        assert loaded(folder, found[1]).version == "v2"
    assert registry.proposals() == []


def test_a_place_that_is_none_is_told(tmp_path):
    with pytest.raises(InputError, match="give a folder or a URL"):
        Store.open("nonsense://x")
    with pytest.raises(StoreError, match="No such file or directory"):
        Registry.open(str(tmp_path / "nowhere")).numbers()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        Registry.open(str(tmp_path / "file")).numbers()


def test_every_step_is_in_the_log(changed, tmp_path):
    registry = changed.registry
    refused(lambda: registry.propose(rulebook(tmp_path / "n", "n", NOW), hand(ANNA)), "chain")
    registry.roll_back("v1", "r", moment(NOW + 5 * HOUR), hand(ANNA))
    registry.approve("r", hand(BORIS))
    told = [json.loads(line) for line in registry.log.lines()]
    steps = [(one["record"]["event"], one["signer"], one["record"]["subject"]) for one in told]
    assert steps[:2] == [("publication", "anna", "v1"), ("approval", "boris", "v1")]
    assert steps[-3:] == [("refusal", "anna", "n"), ("rollback", "anna", "r"), ("approval", "boris", "r")]
    assert told[-3]["record"]["details"]["reason"] == "chain"


def test_a_publication_without_its_approval_in_the_log_is_found(changed):
    shutil.rmtree(changed.path / "audit")
    assert (
        len([one for one in problems(str(changed.path), changed.trusted).problems if "no approval" in one])
        == 3
    )


def test_no_private_part_is_in_a_registry(published):
    names = {path.name for path in Path(published.path).rglob("*") if path.is_file()}
    assert not [name for name in names if name.startswith(".")]
