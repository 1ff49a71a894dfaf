"""The demo's report, put together from the folders that its steps left."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from corridor.picture.norms import PictureNorms
from corridor.study.day import Output, day
from corridor.study.planted import Ranking, Truth, clean_corridors, planted
from corridor.study.report.content import Report, Step
from corridor.study.report.page import render


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo keeps what: all below its output folder."""

    root: Path

    @property
    def history(self) -> Path:
        """Declarations, results and truth of the days before."""
        return self.root / "history"

    @property
    def today(self) -> Path:
        """Declarations and truth of the day that is shown."""
        return self.root / "day"

    @property
    def rulebook(self) -> Path:
        """The rulebook that was fitted on the history."""
        return self.root / "rulebook"

    @property
    def output(self) -> Path:
        """What the jobs wrote."""
        return self.root / "output"

    @property
    def page(self) -> Path:
        """The page of the day."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """The same figures as JSON."""
        return self.root / "report.json"


def assemble(places: Places, when: date, steps: list[Step], rate: float, notes: list[str]) -> Report:
    """Read back what was written and measure it against the truth."""
    output = Output.read(places.output)
    truth = Truth.read(places.today / "truth")
    ranking = Ranking.of(output.decisions.filter(pl.col("function") == "original"))
    return Report(
        title="Corridor demo",
        day=day(output, PictureNorms.load(places.rulebook), when),
        planted=planted(truth, ranking, output.anomalies),
        clean=clean_corridors(truth, output.decisions),
        both_lists=ranking.both_lists(),
        steps=steps,
        rate=rate,
        places=[
            ("This page", str(places.page)),
            ("Its figures", str(places.figures)),
            ("Decisions, anomalies, picture, rejects", str(places.output)),
            ("Rulebook (restricted)", str(places.rulebook)),
            ("The day's declarations and their truth", str(places.today)),
            ("History and results", str(places.history)),
        ],
        notes=notes,
    )


def write(report: Report, places: Places) -> None:
    """Write the page and its figures."""
    places.page.write_text(render(report), encoding="utf-8")
    places.figures.write_text(json.dumps(figures(report), indent=2) + "\n", encoding="utf-8")


def figures(report: Report) -> dict[str, Any]:
    """The report's figures as JSON values."""
    total = max(sum(report.day.corridors), 1)
    clean = max(sum(report.clean), 1)
    kinds: dict[str, int] = {}
    for alert in report.day.alerts:
        kinds[alert.kind] = kinds.get(alert.kind, 0) + 1
    found = [
        asdict(p) | {"inspected": {f"{share:.2f}": part for share, part in p.inspected.items()}}
        for p in report.planted
    ]
    return {
        "date": report.day.date,
        "rulebook": report.day.rulebook,
        "counts": report.day.counts,
        "corridors": [round(n / total, 4) for n in report.day.corridors],
        "clean_corridors": [round(n / clean, 4) for n in report.clean],
        "planted": found,
        "both_lists": round(report.both_lists, 4),
        "anomalies": kinds,
        "declarations_per_second": round(report.rate, 1) if report.rate == report.rate else None,
        "steps": [asdict(step) for step in report.steps],
        "seconds": round(sum(step.seconds for step in report.steps), 2),
    }
