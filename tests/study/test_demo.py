import json
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from rich.console import Console

from corridor.commands.demo import MARK, demo, photograph, prepare
from corridor.console import screenshots
from corridor.errors import InputError
from corridor.messages.picture import PictureRow, encode
from corridor.picture.hourly import HOUR
from corridor.picture.norms import PictureNorms
from corridor.study.day import Output, day
from corridor.study.demo import figures
from corridor.study.planted import Ranking, Truth, clean_corridors, planted
from corridor.study.report import charts
from corridor.study.report.content import Report
from corridor.study.report.page import render
from corridor.study.report.terminal import show
from tests.console.material import made, rulebook, written
from tests.study.page_material import DAY, HOSTILE, report

WHEN = date(2026, 11, 24)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [(tag, k, v) for k, v in attributes if k in ("src", "href", "data", "action", "srcset")]


def decision(name, corridor="green", probability=0.1, loss=10.0, hour=9, **rest):
    return {
        "declaration_id": name, "version": 1, "function": "original", "importer": "77", "basis": "score",
        "registered_at": f"2026-11-24T{hour:02d}:20:00.123Z", "office": "A", "corridor": corridor,
        "probability": probability, "expected_loss": loss, "duty": 1.25, "vat": 2.5, "unknown": {"x": [1]},
        "reasons": [{"group": "weight", "item_no": 1, "contribution": 0.5}] if corridor != "green" else [],
        "items": [{"item_no": 1, "hs_chapter": "84", "origin_country": None}],
    } | rest  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name in ("decisions", "picture", "anomalies", "rejects"):
        (tmp_path / name).mkdir()
    decisions = [
        decision("1"),
        decision("2", "red", hour=10),
        decision("3", office="B", function="amendment"),
    ]
    cells = [("service", "all", 3), ("office", "A", 2), ("office", "B", 1)]
    old = [PictureRow(DAY, DAY + 9 * HOUR, "day", "service", "all", 1, 1, 0, 0, 0, 0, (1, 0, 0, 0))]
    new = [
        PictureRow(DAY, DAY + 23 * HOUR, "day", d, v, n, 9, 70_050, 0, 125, 250, (n, 0, 0, 0))
        for d, v, n in cells
    ]
    week = [PictureRow(DAY, DAY + 24 * HOUR, "week", "service", "all", 99, 1, 0, 0, 0, 0, (1, 0, 0, 0))]
    lines = {
        "decisions": [json.dumps(d).encode() for d in decisions],
        "picture": [encode(row) for row in (*new, *old, *week)],
        "rejects": [
            b'{"code":"type","pointer":"/items"}',
            b'{"code":"json","pointer":""}',
            b'{"code":"type"}',
        ],
        "anomalies": [json.dumps(alert("picture.drop", "office", "A")).encode()],
    }
    for name, rows in lines.items():
        (tmp_path / name / "part-0000.ndjson").write_bytes(b"\n".join(rows) + b"\n")
    (tmp_path / "summary.json").write_text(
        json.dumps({"read": 6, "decided": 3, "rulebook": "r1", "seconds": 1.5})
    )
    return tmp_path


def alert(kind, subject, name, start="2026-11-24T09:00:00.000Z", stop="2026-11-24T12:00:00.000Z"):
    return {
        "kind": kind, "severity": "warning", "subject": {"type": subject, "id": name}, "office": name,
        "event_time": stop, "observed": 1, "expected": 9, "low": 3, "high": 15,
        "text": {"en": "words", "ru": "слова"},
        "evidence": {"start": start, "stop": stop},
    }  # fmt: skip


def test_a_day_is_read_back_with_the_newest_totals_of_each_cell(folder):
    found = day(Output.read(folder), PictureNorms.empty(), WHEN)
    assert (found.declarations, found.customs_value, found.duty, found.vat) == (3, 700.5, 1.25, 2.5)
    assert found.curve.observed[9:11].tolist() == [1, 1], "originals by hour"
    assert found.payments[:, 9].tolist() == [1.25, 2.5]
    assert found.rejects == {"type": 2, "json": 1}
    assert [(o.code, o.declarations, o.alerts) for o in found.offices] == [("A", 2, 1), ("B", 1, 0)]
    assert (found.origins, found.chapters, found.mix.tolist()) == (["unknown"], ["84"], [[2.0]])
    assert found.reasons == {"weight": 1}
    assert found.alerts[0].time == "09:00 to 12:00"
    assert found.counts == {"read": 6, "decided": 3}


def test_a_folder_that_is_no_output_and_a_day_without_a_picture_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="picture of 2026-11-25"):
        day(Output.read(folder), PictureNorms.empty(), date(2026, 11, 25))
    (folder / "summary.json").unlink()
    with pytest.raises(InputError, match="corridor run decide"):
        Output.read(folder)


def table(n=100):
    """Probabilities fall with the number, losses rise with it."""
    rows = [decision(str(i), probability=1 - i / n, loss=float(i)) for i in range(n)]
    schema = {"declaration_id": pl.String, "probability": pl.Float64, "expected_loss": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def test_inspections_take_half_from_probability_and_half_from_loss():
    ranking = Ranking.of(table())
    place = ranking.joint
    assert ranking.both_lists() == pytest.approx(0.2)
    assert (ranking.probability["0"], ranking.loss["0"]) == (0.0, 0.99)
    first = sorted(place, key=place.__getitem__)[:10]
    assert sorted(map(int, first)) == [0, 1, 2, 3, 4, 95, 96, 97, 98, 99]
    assert sorted(place.values()) == [i / 100 for i in range(100)]


def line(kind, **rest):
    return {
        "kind": kind,
        "declaration_id": None,
        "subject": None,
        "declarations": None,
        "window": None,
    } | rest


def test_planted_cases_are_found_by_inspection_or_by_their_own_anomaly():
    window = ["2026-11-24T10:00:00.000Z", "2026-11-24T11:00:00.000Z"]
    importer, office = {"type": "importer", "id": "5"}, {"type": "office", "id": "A"}
    truth = Truth(
        [
            line("undervaluation", declaration_id="0"),
            line("undervaluation", declaration_id="50"),
            line("importer_burst", subject=importer, declarations=["50", "51"], window=window),
            line("splitting", subject=importer, declarations=["99", "51"], window=window),
            line("office_silent", subject=office, declarations=[], window=window),
            line("share_jump", subject=office, declarations=["0"], window=window),
        ],
        set(),
    )
    anomalies = [alert("picture.silence", "office", "A"), alert("participant.newcomer", "importer", "5")]
    found = {p.kind: p for p in planted(truth, Ranking.of(table()), anomalies)}
    assert found["undervaluation"].inspected == {0.05: 0.5, 0.1: 0.5}
    assert (found["importer_burst"].found, found["importer_burst"].by_anomaly) == (0.0, 0.0)
    assert found["splitting"].found == 1.0, "half of its declarations are inspected"
    assert (found["office_silent"].found, found["office_silent"].inspected) == (1.0, {})
    assert found["share_jump"].found == 0.0, "another kind of anomaly does not answer"
    late = [alert("picture.silence", "office", "A", "2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z")]
    assert {p.kind: p.found for p in planted(truth, Ranking.of(table()), late)}["office_silent"] == 0.0


def test_the_clean_part_leaves_out_what_was_planted_or_spoiled():
    rows = [
        decision("1"),
        decision("2", "red"),
        decision("3", "yellow"),
        decision("4"),
        decision("5", "blue"),
    ]
    frame = pl.DataFrame([{k: r[k] for k in ("declaration_id", "function", "corridor")} for r in rows])
    truth = Truth([line("splitting", declarations=["2"]), line("undervaluation", declaration_id="3")], {"4"})
    assert clean_corridors(truth, frame) == (1, 1, 0, 0)


def test_the_page_loads_nothing_runs_nothing_and_escapes_everything():
    page = render(report())
    parser = Tags()
    parser.feed(page)
    assert not set(parser.tags) & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert parser.links == []
    assert "<script" not in page
    assert HOSTILE not in page
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert page.count("<svg") > 20


def test_a_day_without_norms_anomalies_or_items_is_drawn_too(folder):
    found = day(Output.read(folder), PictureNorms.empty(), WHEN)
    (folder / "anomalies" / "part-0000.ndjson").unlink()
    counts = {"read": 3, "decided": 3, "rejected": 0, "duplicates": 0}
    page = render(
        Report(
            "Empty", replace(found, counts=counts, alerts=[], origins=[], chapters=[], mix=np.zeros((0, 0)))
        )
    )
    assert "Nothing left its norm" in page
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S).lower().replace("finance", "")


def test_the_terminal_obeys_no_control_sign_of_a_message():
    console = Console(record=True, width=120, file=None, force_terminal=False)
    with console.capture() as capture:
        show(report("\x1b[31mred\x07[bold]x[/bold]"), console)
    text = capture.get()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]x[/bold]" in text
    assert "25,400 read = 25,000 decided + 250 rejected + 150 duplicates" in text


def test_figures_are_plain_json():
    told = json.loads(json.dumps(figures(report())))
    assert told["counts"]["read"] == 25_400
    assert sum(told["corridors"]) == pytest.approx(1, abs=1e-3)
    assert told["planted"][0]["inspected"] == {"0.05": 0.7, "0.10": 0.9}


def test_axes_and_figures_read_well():
    assert charts.ticks(2_180) == [0, 1000, 2000, 3000] or charts.ticks(2_180)[-1] >= 2_180
    assert charts.ticks(0) == [0.0, 1.0]
    assert [charts.short(x) for x in (0, 7, 3.25, 9_999, 25_300, 1.46e11)] == [
        "0",
        "7",
        "3.2",
        "9,999",
        "25.3 k",
        "146 bn",
    ]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    other = tmp_path / "precious.txt"
    other.write_text("x")
    for overwrite in (False, True):
        with pytest.raises(InputError, match="no demo's"):
            prepare(tmp_path, overwrite)
    assert other.read_text() == "x"
    (tmp_path / MARK).touch()
    with pytest.raises(InputError, match="--overwrite"):
        prepare(tmp_path, False)
    prepare(tmp_path, True)
    assert [p.name for p in tmp_path.iterdir()] == [MARK]
    with pytest.raises(InputError, match="is a file"):
        prepare(tmp_path / MARK, True)


def test_help_says_where_the_page_lies():
    told = CliRunner().invoke(demo, ["--help"])
    assert told.exit_code == 0
    assert "report.html" in told.output


def test_without_a_browser_the_demo_says_what_to_install(tmp_path, monkeypatch):
    material = made(3, 50)
    written(tmp_path / "demo" / "output", material, step=1440)
    rulebook(tmp_path / "demo" / "rulebook", material)
    monkeypatch.setattr(screenshots, "BROWSERS", ("no-such-browser",))
    assert "apt-get install chromium" in photograph(tmp_path / "demo")


def test_an_earlier_demo_is_replayed_and_not_made_again(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(
        "corridor.commands.demo._make", lambda output, overwrite, scenario: told.append(("made", overwrite))
    )
    monkeypatch.setattr(
        "corridor.commands.demo.replay", lambda output, speed, port, opens: told.append(("live", speed))
    )
    runner, output = CliRunner(), ["--output", str(tmp_path / "demo")]
    assert runner.invoke(demo, [*output, "--live"]).exit_code == 0
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / MARK).touch()
    (tmp_path / "demo" / "report.json").touch()
    runner.invoke(demo, [*output, "--live", "--speed", "60"])
    runner.invoke(demo, [*output, "--live", "--overwrite"])
    runner.invoke(demo, output)
    assert told == [
        ("made", False), ("live", 600.0), ("live", 60.0), ("made", True), ("live", 600.0), ("made", False),
    ]  # fmt: skip
