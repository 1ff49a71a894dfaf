"""The log: every change of a bit, omission and other order is found; appends of many processes are one row."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.registry.audit import AuditError, FileLog, Head, Record, StoreLog, read_head, verify
from corridor.registry.keys import Trust, make
from corridor.registry.store import Store
from tests.registry.material import ANNA, BORIS, NOW, SERVICE, TRUST

EVENTS = [
    ("publication", ANNA),
    ("approval", BORIS),
    ("switch", SERVICE),
    ("refusal", SERVICE),
    ("explanation", SERVICE),
]


def record(event: str, n: int) -> Record:
    return Record.of(event, "somebody", f"v{n}", {"n": str(n)}, NOW + n)


def fill(log, count: int = 10) -> Head:
    heads = [log.append(record(EVENTS[n % 5][0], n), EVENTS[n % 5][1]) for n in range(count)]
    return heads[-1]


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> list[bytes]:
    log = FileLog(tmp_path_factory.mktemp("log") / "audit.ndjson")
    fill(log)
    return list(log.lines())


@pytest.mark.parametrize("kind", ["file", "folder", "memory"])
def test_a_log_is_as_it_was_written(tmp_path, kind):
    places = {"folder": str(tmp_path / "r"), "memory": f"memory://audit-{tmp_path.name}"}
    log = (
        FileLog(tmp_path / "deep" / "audit.ndjson") if kind == "file" else StoreLog(Store.open(places[kind]))
    )
    if kind == "folder":
        (tmp_path / "r").mkdir()
    head = fill(log)
    assert head.number == 10
    assert verify(log.lines(), TRUST) == head
    assert verify(log.lines(), TRUST, read_head(str(head))) == head
    more = log.append(record("switch", 11), SERVICE)
    assert verify(log.lines(), TRUST, head) == more


def test_no_bit_may_differ(lines):
    """Each byte of the first, one in the middle, and the newest entry, which no successor covers."""
    for n in (0, 4, 9):
        for i in range(len(lines[n])):
            other = lines[n][:i] + bytes([lines[n][i] ^ 1]) + lines[n][i + 1 :]
            with pytest.raises(AuditError, match=rf"^entry ({n + 1}|{n + 2}):"):
                verify([*lines[:n], other, *lines[n + 1 :]], TRUST)


@given(order=st.permutations(range(10)))
def test_no_other_order_passes(lines, order):
    if order != sorted(order):
        with pytest.raises(AuditError, match="does not follow"):
            verify([lines[i] for i in order], TRUST)


@given(kept=st.lists(st.booleans(), min_size=10, max_size=10))
def test_no_omission_passes_but_of_the_newest(lines, kept):
    left = [line for line, keep in zip(lines, kept, strict=True) if keep]
    whole = verify(lines, TRUST)
    if left == lines[: len(left)]:
        assert verify(left, TRUST).number == len(left)
        if len(left) < 10:
            with pytest.raises(AuditError, match="gone from its end"):
                verify(left, TRUST, whole)
    else:
        with pytest.raises(AuditError, match="does not follow"):
            verify(left, TRUST)


def test_an_entry_twice_or_added_is_found(lines):
    for other in ([*lines[:3], lines[2], *lines[3:]], [*lines, lines[9]], [*lines, b"{}"], [*lines, b""]):
        with pytest.raises(AuditError):
            verify(other, TRUST)


def test_a_chain_made_anew_needs_the_keys(tmp_path, lines):
    """Whoever can write the file but has no key cannot make a whole chain; nor one with a key for something else."""
    told = json.loads(lines[9])
    log = FileLog(tmp_path / "forged")
    for line in lines[:9]:
        log.path.open("ab").write(line + b"\n")
    log.append(Record(**{**told["record"], "subject": "other"}), ANNA)
    with pytest.raises(AuditError, match="entry 10: signed by 'anna' as officer"):
        verify(log.lines(), TRUST)
    with pytest.raises(AuditError, match="entry 1: signed by 'anna', whose key is not among"):
        verify(lines, Trust({"boris": BORIS.owner}))


def test_a_record_cut_short_by_a_loss_of_power_is_not_kept(tmp_path):
    log = FileLog(tmp_path / "audit.ndjson")
    fill(log, 3)
    with log.path.open("ab") as file:
        file.write(b'{"number":4,"rec')
    with pytest.raises(AuditError, match="entry 4"):
        verify(log.lines(), TRUST)
    assert log.append(record("switch", 4), SERVICE).number == 4
    assert verify(log.lines(), TRUST).number == 4


def test_behind_a_broken_entry_nothing_is_written(tmp_path):
    log = FileLog(tmp_path / "audit.ndjson")
    log.path.write_bytes(b"no entry\n")
    with pytest.raises(AuditError, match="the last entry is broken"):
        fill(log, 1)
    log.path.write_bytes(b"x" * 300_000)
    with pytest.raises(AuditError, match="the last entry is broken"):
        fill(log, 1)
    assert log.path.stat().st_size == 300_000


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="must be writable"):
        fill(FileLog(tmp_path / "file" / "audit.ndjson"), 1)
    with pytest.raises(InputError, match="give the file of an audit log"):
        list(FileLog(tmp_path / "nowhere").lines())


def test_odd_texts_are_kept_as_data(tmp_path):
    log = FileLog(tmp_path / "audit.ndjson")
    odd = ["\n", "\x1b[31m", "\udcff", "x" * 10_000, '"}', "=cmd()", "Ё"]
    for text in odd:
        log.append(Record.of("explanation", text, text, {"told": text}, NOW), SERVICE)
    assert verify(log.lines(), TRUST).number == len(odd)
    assert log.path.read_bytes().count(b"\n") == len(odd)


APPEND = """
import sys
from pathlib import Path
from corridor.registry.audit import FileLog, Record
from corridor.registry.keys import Trust, open_private
folder, who = Path(sys.argv[1]), sys.argv[2]
signer = open_private(folder / "own" / "svc.key", "correct horse battery", Trust.load(folder / "trusted"))
for n in range(40):
    FileLog(folder / "audit.ndjson").append(Record.of("switch", who, str(n), {}, signer.owner.valid_from), signer)
"""


def test_many_processes_append_in_one_row(tmp_path):
    _, public = make("svc", ("service",), tmp_path / "own", "correct horse battery")
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "svc.toml").write_bytes(public.read_bytes())
    command = [sys.executable, "-c", APPEND, str(tmp_path)]
    running = [subprocess.Popen([*command, str(i)]) for i in range(4)]
    assert [process.wait(120) for process in running] == [0] * 4
    found = list(FileLog(tmp_path / "audit.ndjson").lines())
    assert verify(found, Trust.load(tmp_path / "trusted")).number == 160
    by = [json.loads(line)["record"] for line in found]
    for i in range(4):
        assert [one["subject"] for one in by if one["actor"] == str(i)] == [str(n) for n in range(40)]


@pytest.mark.parametrize(
    "text", ["", "7", "7:", "x:" + "0" * 64, "7:" + "0" * 63, "7:" + "G" * 64, "-1:" + "0" * 64]
)
def test_a_bad_head_is_told(text):
    with pytest.raises(InputError, match="NUMBER:HASH"):
        read_head(text)


def test_the_log_of_a_file_is_not_world_readable(tmp_path):
    log = FileLog(tmp_path / "audit.ndjson")
    fill(log, 1)
    assert Path(log.path).stat().st_mode & 0o007 == 0
