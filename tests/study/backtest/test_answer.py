"""The report whole, from folders and from decisions, in the page, in JSON and on the command line."""

import dataclasses
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from corridor.cli import main
from corridor.errors import InputError
from corridor.messages import result
from corridor.rulebook.load import Shelf
from corridor.study.backtest import compared
from corridor.study.backtest.answer import backtest
from corridor.study.backtest.capacity import read_capacity
from corridor.study.backtest.compared import fitted_later
from corridor.study.backtest.decided import read_decisions, verdicts_by_row
from corridor.study.backtest.figures import results
from corridor.study.backtest.question import Question
from corridor.study.backtest.run import Plan, decisions, judge_all
from corridor.study.report.backtest_page import render
from tests.study.backtest.material import RULES, write_rulebook


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    rules = {name: rule for name, rule in RULES.items() if name != "vehicles"}
    rules["heavy"] = ("weight", "item.net_mass_kg > 500", "response: score, weight: 0.3")
    return write_rulebook(tmp_path_factory.mktemp("rulebook") / "new", rules)


@pytest.fixture(scope="module")
def report(service, rulebook, other):
    asked = Question(service / "declarations", other, against=rulebook, results=service / "results")
    return backtest(asked)


@pytest.fixture(scope="module")
def run(known, shelf, tmp_path_factory):
    """What the job would have written."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "decisions").mkdir()
    (folder / "decisions" / "part-0000.ndjson").write_bytes(
        b"\n".join(decisions(Plan(known, shelf), 0)) + b"\n"
    )
    return folder


def test_all_sums_agree(report, known):
    n = int(known.inside.sum())
    assert report.span.declarations == n == sum(report.corridors_now) == sum(report.corridors_then)
    matrix = np.array(report.matrix)
    assert matrix.sum(axis=1).tolist() == list(report.corridors_then)
    assert matrix.sum(axis=0).tolist() == list(report.corridors_now)
    assert sum(move.declarations for move in report.moves) == matrix.sum() - np.trace(matrix) > 0
    assert sum(office.declarations for office in report.offices) == n
    assert sum(office.now.controls for office in report.offices) == sum(report.corridors_now[2:])
    assert sum(office.then.controls for office in report.offices) == sum(report.corridors_then[2:])
    assert sum(row.declarations for row in report.results.by_corridor) == known.newest.sum()
    assert sum(row.inspected for row in report.results.by_corridor) == report.results.declarations


def test_results_are_counted_as_a_plain_reading_counts_them(report, service, known):
    found = result.read(service / "results")
    ids = set(known.ids.gather(np.flatnonzero(known.newest)).to_list())
    of = [(d, f) for d, f in zip(found.declaration_id, found.finding, strict=True) if d in ids]
    assert report.results.declarations == len({d for d, _ in of})
    assert report.results.hits == len({d for d, f in of if f > 0})
    assert report.results.unmatched == len(found) - len(of)


def test_the_report_from_decisions_is_the_same_but_for_rules(service, rulebook, run):
    judged = backtest(Question(service / "declarations", rulebook, results=service / "results"))
    read = backtest(Question(decisions=run, results=service / "results"))
    assert read.corridors_now == judged.corridors_now
    assert repr(read.offices) == repr(judged.offices)  # NaN is not equal to itself
    for name in ("items", "declarations", "hits", "unmatched", "by_corridor", "ranking"):
        assert repr(getattr(read.results, name)) == repr(getattr(judged.results, name)), name
    assert read.results.unbiased.violations == judged.results.unbiased.violations
    assert any("worst item" in note for note in read.notes)
    assert read.rules is None
    assert any("reasons by group only" in note for note in read.notes)
    assert (read.span.amendments, read.span.cancellations) == (
        judged.span.amendments,
        judged.span.cancellations,
    )


def test_against_a_run_it_is_as_against_its_rulebook(service, rulebook, other, report, run):
    found = backtest(Question(service / "declarations", other, against=run, results=service / "results"))
    assert found.matrix == report.matrix
    assert repr(found.results.now) == repr(report.results.now)
    assert repr(found.results.unbiased.now) == repr(report.results.unbiased.now)
    assert [move.groups for move in found.moves] == [move.groups for move in report.moves]
    assert all(move.enough is None for move in found.moves)
    assert found.span.unmatched == 0
    again = backtest(Question(service / "declarations", rulebook, against=run))
    assert again.moves == []


def test_of_those_drawn_a_run_tells_the_least_they_would_have_been(known, shelf, run):
    decided, _ = read_decisions(run)
    rows = np.flatnonzero(known.inside)
    identity = pl.DataFrame(
        {
            "declaration_id": known.ids.gather(rows),
            "version": known.decoded.heads.heads["version"][rows].copy(),
            "row": rows,
        }
    )
    told, strange = verdicts_by_row(decided, identity, len(known.decoded))
    judged = np.concatenate([outcome.now for outcome in judge_all(Plan(known, shelf))])
    told = told[rows]
    assert strange == 0
    for name in ("corridor", "basis", "at_random", "inclusion", "probability", "expected_loss"):
        assert np.array_equal(told[name], judged[name]), name
    drawn = judged["basis"] == 2
    assert drawn.any()
    assert np.array_equal(told["targeted"][~drawn], judged["targeted"][~drawn])
    assert (told["targeted"][drawn] <= judged["targeted"][drawn]).all()
    assert (judged["targeted"][drawn] < judged["corridor"][drawn]).all()


def test_two_runs_are_compared(known, other, report, run, tmp_path):
    (tmp_path / "decisions").mkdir()
    lines = list(decisions(Plan(known, Shelf.load(other)), 0))
    (tmp_path / "decisions" / "a.ndjson").write_bytes(b"\n".join(lines[1:]) + b"\n")
    found = backtest(Question(decisions=tmp_path, against=run))
    assert abs(np.array(found.matrix) - np.array(report.matrix)).sum() == 1
    assert found.span.unmatched == 1
    assert sum(move.declarations for move in found.moves) == np.array(found.matrix).sum() - np.trace(
        found.matrix
    )


def test_only_the_days_asked_for_are_told_of(service, rulebook, run):
    since = int(datetime(2026, 11, 25, tzinfo=UTC).timestamp()) * 1_000_000
    judged = backtest(Question(service / "declarations", rulebook, since=since))
    read = backtest(Question(decisions=run, since=since))
    assert judged.corridors_now == read.corridors_now
    assert judged.span.first >= "2026-11-25"


def test_the_random_control_group_speaks_for_all():
    """Everybody drawn was inspected, of the others only who looked odd: one estimate is near the truth, one is not."""
    rng = np.random.default_rng(5)
    n = 40_000
    inclusion = np.where(np.arange(n) % 2, 0.05, 0.02)
    drawn, hit = rng.random(n) < inclusion, rng.random(n) < 0.06
    control = rng.random(n) < np.where(hit, 0.5, 0.15)
    frame = pl.DataFrame(
        {
            "newest": np.ones(n, np.bool_),
            "inspected": drawn | (hit & (rng.random(n) < 0.5)),
            "hit": hit,
            "recovered": np.where(hit, 10.0, 0.0),
            "corridor": np.where(control | drawn, 3, 0).astype(np.int8),
            "targeted": np.where(control, 3, 0).astype(np.int8),
            "at_random": drawn,
            "inclusion": inclusion,
            "expected_loss": rng.random(n),
        }
    )
    found = results(frame, n, 0, False)
    truth = {"precision": hit[control].mean(), "recall": control[hit].mean(), "revenue": control[hit].mean()}
    for name, value in truth.items():
        estimate = getattr(found.unbiased.now, name)
        assert estimate.low <= value <= estimate.high, name
    assert found.unbiased.violations.low <= 0.06 <= found.unbiased.violations.high
    assert found.unbiased.coverage == found.unbiased.reach == 1.0
    assert found.now.precision.low > 2 * truth["precision"]  # what was inspected by choice says far too much


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_stands_alone_and_is_marked(report):
    html = render(report)
    page = Page()
    page.feed(html)
    names = {tag for tag, _ in page.tags}
    assert {"svg", "table"} <= names
    assert not names & {"script", "link", "img", "iframe"}
    assert not any("src" in attributes or "href" in attributes for _, attributes in page.tags)
    assert "://" not in html
    assert html.count("RESTRICTED") == 2
    assert "nan" not in " ".join(page.text).split()
    for line in report.rules.lines:
        assert line.id in html


def test_texts_of_messages_are_escaped(report):
    evil = "<script>alert(1)</script>"
    offices = [dataclasses.replace(report.offices[0], code=evil), *report.offices[1:]]
    moves = [dataclasses.replace(report.moves[0], examples=[evil]), *report.moves[1:]]
    assert "<script" not in render(dataclasses.replace(report, offices=offices, moves=moves, now=evil))


def test_capacity_counts_hours_beyond_it(service, rulebook, tmp_path):
    whole = backtest(Question(service / "declarations", rulebook))
    office = whole.offices[0]
    table = tmp_path / "capacity.csv"
    table.write_text(f"office,hour,controls\n{office.code},,{office.now.busiest}\n")
    enough = backtest(Question(service / "declarations", rulebook, capacity=table)).offices[0]
    assert (enough.now.over, enough.now.beyond) == (0, 0)
    assert enough.hours > 5
    table.write_text(f"office,controls\n{office.code},0\nnobody,3\n")
    found = backtest(Question(service / "declarations", rulebook, capacity=table))
    assert found.offices[0].now.beyond == office.now.controls
    assert any("nobody" in note for note in found.notes)
    assert all(other.capacity is None for other in found.offices[1:])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "columns office and controls"),
        ("office,controls\n", "columns office and controls"),
        ("office,controls\nx,many\n", "line 2"),
        ("office,controls\nx,-1\n", "line 2"),
        ("office,controls\nx,nan\n", "line 2"),
        ("office,hour,controls\nx,24,1\n", "line 2"),
        ("office,hour,controls\nx,3,1\nx,3,2\n", "line 3"),
    ],
)
def test_a_wrong_capacity_is_refused_with_its_line(tmp_path, text, told):
    path = tmp_path / "c.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read_capacity(path)


def test_hours_of_their_own_come_before_the_general_one(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("office,hour,controls\nx,,2\nx,3,7\ny,4,1\n")
    found = read_capacity(path)
    assert found.of("x")[3] == 7
    assert found.of("x")[4] == 2
    assert np.isnan(found.of("y")[3])
    assert np.isnan(found.of("z")).all()


def answered(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(["backtest", *map(str, arguments)])
    return stop.value.code, capsys.readouterr()


def test_the_command_writes_json_page_and_tables(service, rulebook, other, tmp_path, capsys):
    page = tmp_path / "page.html"
    given = ("--rulebook", other, "--against", rulebook, "--history", service)
    code, told = answered(capsys, *given, "--report", page, "--json")
    assert code == 0
    document = json.loads(told.out)
    assert document["restricted"] is True
    assert document["rules"]["lines"]
    assert page.read_text().startswith("<!doctype html>")
    code, told = answered(capsys, *given)
    assert code == 0
    assert "RESTRICTED" in told.out
    assert re.search(r"red\s+[\d,]+", told.out)


def test_bad_input_is_one_line(service, rulebook, run, tmp_path, capsys):
    garbage = tmp_path / "garbage" / "decisions"
    garbage.mkdir(parents=True)
    (garbage / "a.ndjson").write_bytes(b"{}\n")
    empty = tmp_path / "empty"
    (empty / "decisions").mkdir(parents=True)
    page = tmp_path / "there.html"
    page.touch()
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "x.ndjson").write_bytes(b"nothing\n\xff\n")
    strange = tmp_path / "strange" / "decisions"
    strange.mkdir(parents=True)
    lines = (
        (run / "decisions" / "part-0000.ndjson")
        .read_text()
        .replace('"declaration_id":"', '"declaration_id":"x')
    )
    (strange / "a.ndjson").write_text(lines)
    judged = ("--rulebook", rulebook, "--history", service)
    cases = {
        "none was judged on both sides": (*judged, "--against", strange.parent),
        "no decision is left": ("--decisions", run, "--against", strange.parent),
        "nowhere": ("--rulebook", rulebook, "--declarations", tmp_path / "nowhere"),
        "not.a.rulebook": ("--rulebook", tmp_path / "not.a.rulebook", "--history", service),
        "there.html": (*judged, "--report", page),
        "no usable declaration": ("--rulebook", rulebook, "--declarations", bad),
        "no decision.v1": ("--decisions", tmp_path / "garbage"),
        "holds no decision": ("--decisions", empty),
        "no folder decisions": ("--decisions", service),
        "must be a run": ("--decisions", run, "--against", rulebook),
        "time asked for": (*judged, "--since", "2031-01-01"),
        "no.results": (*judged, "--results", tmp_path / "no.results"),
    }
    for words, arguments in cases.items():
        code, told = answered(capsys, *arguments)
        assert code == 2, words
        assert told.err.startswith("corridor: "), (words, told.err)
        assert told.err.count("\n") == 1, (words, told.err)
        assert words in told.err, (words, told.err)
        assert not told.out


def test_who_was_drawn_tells_of_those_that_were_chosen(service, rulebook, known, shelf, tmp_path):
    """What is true of every declaration is known here, results of those drawn only; all of them are red, being drawn."""
    now = np.concatenate([outcome.now for outcome in judge_all(Plan(known, shelf))])
    rows = np.flatnonzero(known.inside)
    newest = known.newest[rows]
    control = now["targeted"] >= 2
    hit = np.random.default_rng(3).random(len(rows)) < np.where(control, 0.6, 0.1)
    drawn = now["at_random"] & newest
    assert (now["corridor"][drawn] == 3).all()
    assert not control[drawn].all()
    ids = known.ids.gather(rows).to_list()
    lines = [
        {"declaration_id": ids[i], "item_no": None, "at": "2026-11-30T00:00:00Z",
         "finding": "violation" if hit[i] else "none", "recovered": 10.0}
        for i in np.flatnonzero(drawn)
    ]  # fmt: skip
    (tmp_path / "r.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = backtest(Question(service / "declarations", rulebook, results=tmp_path)).results.unbiased
    assert found.coverage == 1.0
    truth = hit[newest & control].mean(), control[newest & hit].mean(), hit[newest].mean()
    for estimate, value in zip((found.now.precision, found.now.recall, found.violations), truth, strict=True):
        assert estimate.low <= value <= estimate.high
    assert found.now.precision.low > found.violations.high


def test_a_rulebook_that_learned_later_is_told_of(shelf, service, rulebook, monkeypatch):
    monkeypatch.setattr(compared, "fitted_later", lambda told, *shelves: True)
    found = backtest(Question(service / "declarations", rulebook, results=service / "results"))
    assert any("--since" in note for note in found.notes)
    monkeypatch.undo()
    book = shelf.rulebooks[0]
    frame = pl.DataFrame({"registered_at": np.arange(1_000) + 10**15})
    learned = dataclasses.replace(book, model=object())
    assert not fitted_later(frame, Shelf.of(dataclasses.replace(book, effective_from=10**15 + 500)))
    assert fitted_later(frame, Shelf.of(dataclasses.replace(learned, effective_from=10**15 + 500)))
    assert not fitted_later(frame, Shelf.of(dataclasses.replace(learned, effective_from=10**15)))
