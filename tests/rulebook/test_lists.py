"""Lists are read whole, matched by one form on both sides, and refused with the line that is wrong."""

import json
import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from corridor.history import History
from corridor.judge import judgement
from corridor.messages.columns import Declarations
from corridor.messages.declaration import decode
from corridor.messages.quality import HEAD_BITS, names
from corridor.messages.tokens import token
from corridor.rulebook.check import examine
from corridor.rulebook.lists import FOREVER, MAX_ENTRIES, end_of_day, read_list, start_of_day
from corridor.rulebook.load import load
from corridor.simulate import declarations
from tests.rulebook.rule_material import problems_of, rule, seal

CYRILLIC = "АСМЕ-ТОР"  # every letter but the sign between them is Cyrillic
LATIN = "ACME-TOP"


def listed(folder, text: str, name: str = "some"):
    path = folder / "lists" / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return read_list(path)


def at(moment: str, **changes: object) -> bytes:
    document = json.loads(next(iter(declarations(1, 3))))
    document |= {"registered_at": moment, **changes}
    return json.dumps(document, ensure_ascii=False).encode()


def batch_of(*documents: bytes) -> Declarations:
    decoded = decode(documents, 0)
    assert not len(decoded.rejects.rows), decoded.rejects
    return decoded.declarations


def spoke(book, batch: Declarations) -> list[bool]:
    """Whether the first rule spoke of each declaration's first item."""
    hits = judgement(batch, History.none(len(batch)), book).hits[0]
    return hits[batch.offsets[:-1]].astype(bool).tolist()


def test_an_entry_counts_by_the_time_of_registration_while_the_rulebook_is_in_force(folder):
    """The rulebook takes effect in 2020; the entry begins and ends years later, to the microsecond."""
    listed(folder, "code,valid_from,valid_until\nZZ-1,2026-11-01,2026-11-30\nZZ-1,2027-02-01,2027-02-28\n")
    (folder / "rules.yaml").write_text(rule(when="declaration.importer in lists.some"))
    moments = {
        "2026-10-31T23:59:59.999999Z": False,
        "2026-11-01T00:00:00Z": True,
        "2026-11-30T23:59:59.999999Z": True,
        "2026-12-01T00:00:00Z": False,
        "2027-02-28T12:00:00+03:00": True,
        "2027-03-01T00:00:00Z": False,
    }
    book = load(seal(folder))
    assert spoke(book, batch_of(*(at(moment, importer="ZZ-1") for moment in moments))) == list(
        moments.values()
    )


def test_offices_and_codes_are_unknown_from_the_day_they_end(folder):
    listed(folder, "code,valid_until\n10131010,2026-11-30\n", "offices")
    listed(folder, "code,valid_from\nCN,2026-12-01\nDE,\n", "countries")
    given = {"office": "10131010", "dispatch_country": "CN"}
    batch = batch_of(at("2026-11-30T23:59:59Z", **given), at("2026-12-01T00:00:00Z", **given))
    found = judgement(batch, History.none(2), load(seal(folder))).verdicts.quality
    flags = [set(names(int(bits), HEAD_BITS)) & {"office_unknown", "dispatch_unknown"} for bits in found]
    assert flags == [{"dispatch_unknown"}, {"office_unknown"}]


@pytest.mark.parametrize(
    ("written", "declared"), [(CYRILLIC, LATIN), (LATIN, CYRILLIC), (CYRILLIC, CYRILLIC)]
)
def test_look_alikes_match_on_both_sides(folder, written, declared):
    listed(folder, f"code\n{written}\n")
    conditions = ("declaration.exporter in lists.some", f"declaration.exporter == \"{written}\"",
                  f"declaration.exporter in ['{written}', 'other']")  # fmt: skip
    batch = batch_of(
        at("2026-11-30T10:00:00Z", exporter=declared), at("2026-11-30T10:00:00Z", exporter="OTHER")
    )
    for condition in conditions:
        (folder / "rules.yaml").write_text(rule(when=f"|\n      {condition}"), encoding="utf-8")
        assert spoke(load(seal(folder)), batch) == [True, False], condition


@pytest.mark.parametrize("hidden", ["AC\u200bME-TOP", "\u202eACME-TOP", "ＡＣＭＥ－ＴＯＰ"])
def test_what_cannot_be_seen_and_wide_letters_do_not_hide_a_code(folder, hidden):
    listed(folder, f"code\n{hidden}\n")
    (folder / "rules.yaml").write_text(rule(when="declaration.exporter in lists.some"))
    assert spoke(load(seal(folder)), batch_of(at("2026-11-30T10:00:00Z", exporter=LATIN))) == [True]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "needs a column code; found an empty file"),
        ("name\nx\n", 1, "needs a column code; found name"),
        ("code,colour\nx,red\n", 1, "unknown column 'colour'"),
        ("code,code\nx,y\n", 1, "a column stands twice"),
        ("code\nA\n\nA\n", 4, "'A' stands in line 2 already"),
        ("code,valid_until\nA,2026-01-31\nA,2026-02-31\n", 3, "valid_until is '2026-02-31'; write a day"),
        ("code,valid_until\nA,31.01.2026\n", 2, "write a day as 2026-12-31"),
        ("code,valid_until\nA,2026-W01-1\n", 2, "write a day as 2026-12-31"),
        ("code,valid_from,valid_until\nA,2026-02-01,2026-01-31\n", 2, "valid_until lies before valid_from"),
        ("code,valid_from,valid_until\nA,,2026-01-31\nA,2026-01-31,\n", 3, "'A' stands in line 2 already"),
        ("code,reason\nA,smuggling, twice\n", 2, "3 cells under 2 columns"),
        ("code\n \n", 2, "the code is empty"),
        ("code\n\u200b\n", 2, "no sign that can be seen"),
        ('code\n"two\nlines"\nB\nB\n', 5, "'B' stands in line 4 already"),
    ],
)
def test_a_wrong_line_is_told(folder, text, line, said):
    found = listed(folder, text)[1]
    assert any(at == line and said in told for at, told in found), found


def test_a_code_may_stand_again_for_another_time(folder):
    found, problems = listed(folder, "code,valid_from,valid_until\nA,,2026-01-31\nA,2026-02-01,\n")
    assert (len(found), problems) == (2, [])
    assert found.until.tolist() == [end_of_day(date(2026, 1, 31)), FOREVER]


def test_a_million_repeats_are_one_line_and_take_seconds(folder):
    start = time.process_time()
    found = listed(folder, "code\n" + "7712345678\n" * 1_000_000)[1]
    assert found == [
        (3, "'7712345678' stands in line 2 already; take one out; 999,998 more lines repeat a code")
    ]
    assert time.process_time() - start < 20


def test_of_many_wrong_lines_the_first_are_told_and_the_rest_counted(folder):
    found = listed(folder, "code\n" + "85x\n" * 100_000, "hs_some")[1]
    assert len(found) == 21
    assert found[-1][1] == "and 99,980 more rows are wrong"


def test_a_list_of_too_many_entries_is_refused(folder):
    found = listed(folder, "code\n" + "".join(f"{n:07}\n" for n in range(MAX_ENTRIES + 2)))[1]
    assert found == [(MAX_ENTRIES + 2, "more than 1,000,000 entries; part the list in two")]


def test_a_file_too_large_is_not_read(folder):
    path = folder / "lists" / "some.csv"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    start = time.process_time()
    assert "a list has at most 268,435,456" in read_list(path)[1][0][1]
    assert time.process_time() - start < 1


def test_no_list_is_taken_for_what_it_is_not(folder):
    (folder / "lists" / "bytes.csv").write_bytes(b"code\n\xff\xfe\n")
    (folder / "lists" / "quote.csv").write_text('code\n"' + "a" * 200_000 + "\n")
    found = problems_of(folder)
    assert any("lists/bytes.csv: not UTF-8 at byte" in text for text in found)
    assert any("lists/quote.csv: cannot be read: field larger" in text for text in found)


def test_entries_of_a_day_are_those_of_its_midnights():
    day = date(2026, 3, 1)
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    assert start_of_day(day) == int(begin.timestamp()) * 1_000_000
    assert end_of_day(day) == int((begin + timedelta(days=1)).timestamp()) * 1_000_000
    assert start_of_day(date(1, 1, 1)) < 0


def test_a_rulebook_with_an_ended_list_still_judges_what_was_registered_before(folder):
    """Replay: whatever the day of the run, the answer is that of the day of registration."""
    listed(folder, "code,valid_until\nZZ-1,2019-12-31\n")
    (folder / "rules.yaml").write_text(
        rule(when="declaration.importer in lists.some", valid_from="2019-01-01")
    )
    book, problems = examine(seal(folder))
    assert not problems
    assert token("ZZ-1") in book.lists["some"].tokens
    batch = batch_of(at("2019-06-01T00:00:00Z", importer="ZZ-1"), at("2020-01-01T00:00:00Z", importer="ZZ-1"))
    assert spoke(book, batch) == [True, False]
    order = np.array([1, 0])
    assert spoke(book, batch.take(order)) == [False, True]
