"""The report of a fit: whole without anything else, restricted, its figures plain JSON."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from corridor.errors import InputError
from corridor.study.drift import Drift
from corridor.study.fit import FitReport
from corridor.study.importance import Coefficients, Importance
from corridor.study.norm_moves import NormMove, NormMoves
from corridor.study.report.fit_page import check_place, default_place, figures, render, write
from corridor.study.validation import BOTH, LOSS, MODEL, RULES, Scores, validation

HOSTILE = '<script>alert(1)</script> "quoted" & \u202e\x00=cmd()'
DAY = 1_795_478_400_000_000


def report(text: str = HOSTILE, n: int = 900) -> FitReport:
    rng = np.random.default_rng(1)
    risk = rng.beta(1, 8, n)
    hit = rng.uniform(size=n) < risk
    by = {
        MODEL: risk,
        RULES: np.round(rng.beta(1, 20, n), 1),
        BOTH: risk * 1.05,
        LOSS: risk * rng.lognormal(9, 1, n),
    }
    told = validation(Scores(by, hit, np.where(hit, 1e4, 0.0), np.arange(n) // 2), DAY + 3_600_000_000)
    counts = {"declarations": 9_000, "items": 20_000, "rejected": 3, "duplicates": 2, "conflicts": 0}
    return FitReport(
        version="2026.11.24",
        previous=text,
        at={"begin": DAY - 10**12, "learned": DAY, "end": DAY + 10**12},
        counts=counts | {"results": 3_000, "results_unmatched": 1, "findings": 300},
        model={"features": 3, "chosen": "codes", "calibration": {"a": 1.0, "b": 0.0, "ceiling": 0.9}},
        validation=told,
        importance=[Importance(text, "data_quality", 0.7, 0.5)]
        + [Importance(f"f{i}", "weight", 0.01, 0.1) for i in range(30)],
        participants=[
            Coefficients("importer", 10, 0, (0,) * 20, (float("nan"),) * 5),
            Coefficients("exporter", 9, 4, (1,) * 20, (-0.2, 0, 0, 0.1, 0.9)),
        ],
        drift=[Drift("code.hs4", 0.31, ((text, 0.5, 0.9), ("missing", 0.5, 0.1))), Drift("x", 0.0, ())],
        norm_moves=NormMoves(5, 1, 2, 1, (NormMove(f"value_per_kg {text}", 1.4, 5.0, (50, 60)),)),
        corridors={"green": 0.8, "blue": 0.02, "yellow": 0.15, "red": 0.03},
        judged=1_000,
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]


def test_the_page_loads_nothing_and_runs_nothing_of_its_data() -> None:
    page = render(report())
    parser = Tags()
    parser.feed(page)
    assert not set(parser.tags) & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert parser.links == []
    assert HOSTILE not in page
    assert "<script" not in page
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in page
    assert page.count("RESTRICTED") == 1
    assert page.count("<svg") > 15
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)


@pytest.mark.parametrize(
    "without",
    [
        {"validation": None},
        {"importance": [], "model": {}},
        {"drift": None, "norm_moves": None},
        {"participants": [], "drift": []},
        {
            "validation": validation(
                Scores({RULES: np.zeros(4), LOSS: np.zeros(4)}, np.zeros(4, bool), np.zeros(4), np.arange(4)),
                DAY,
            )
        },
    ],
)
def test_what_is_not_known_is_left_out_or_told(without) -> None:
    page = render(replace(report("before"), **without))
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    assert ("No earlier figures" in page) == (without.get("drift", ()) is None)
    told = without.get("validation", report().validation)
    assert ("Too few results" in page) == (not (told and told.findings))


def test_figures_are_strict_json() -> None:
    told = json.loads(json.dumps(figures(report()), allow_nan=False))
    assert told["restricted"] is True
    assert told["validation"]["rankings"][BOTH][3]["share"] == 0.1
    assert told["validation"]["since"] == "2026-11-24 01:00"
    assert told["participants"][0]["quantiles"] == [None] * 5
    assert told["drift"][0]["bins"][0] == [HOSTILE, 0.5, 0.9]
    assert sum(told["corridors"][name] for name in ("green", "blue", "yellow", "red")) == pytest.approx(1)


def test_it_is_written_beside_the_rulebook_and_never_into_it(tmp_path: Path) -> None:
    book = tmp_path / "book"
    page = default_place(book)
    assert page == tmp_path / "book.report.html"
    check_place(page, book)
    write(report(), page)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.report.html", "book.report.json"]
    assert default_place(Path("book")) == Path("book.report.html")
    assert default_place(Path()) == Path.cwd().parent / f"{Path.cwd().name}.report.html"
    for place, why in (
        (book / "report.html", "seals"),
        (book / "deep" / "report.html", "seals"),
        (tmp_path / "rules.yaml", "ends with .html"),
        (tmp_path / "nowhere" / "r.html", "does not exist"),
    ):
        with pytest.raises(InputError, match=why):
            check_place(place, book)
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_place(tmp_path / "taken.html", book)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the rulebook is written, its report is not"):
        write(report(), tmp_path / "gone" / "r.html")
