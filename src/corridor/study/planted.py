"""What was found of the planted cases, at what share of inspections, or by an anomaly.

Inspections go half to the highest probabilities and half to the highest expected losses: a declaration's
place is the better of its two ranks. Cases of goods items are found with their declaration; a
participant's case when at least half of its declarations are inspected or an anomaly names the participant
while it lasts; a case of an office by an anomaly of its kind there while it lasts.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS
from corridor.study.report.content import Planted

SHARES: Final = (0.02, 0.05, 0.10)
ENOUGH: Final = 0.5
"""The part of a participant's declarations that must be inspected for its case to be seen."""
ANSWERS: Final = {
    "importer_burst": ("participant.burst",),
    "new_importer_high_value": ("participant.newcomer", "participant.burst"),
    "splitting": ("participant.burst",),
    "office_silent": ("picture.silence", "picture.drop"),
    "share_jump": ("picture.share_shift",),
}
"""Kinds of anomalies that find a kind of case."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Lines of the simulation's truth: planted cases, and records that are garbage."""

    planted: list[dict[str, Any]]
    spoiled: set[str]

    @classmethod
    def read(cls, folder: Path) -> "Truth":
        """Read a simulation's `truth` folder; raises InputError where there is none."""
        if not (folder / "planted.ndjson").is_file():
            raise InputError(f"{folder} has no planted.ndjson: give the truth folder of `corridor simulate`")
        planted, garbage = (_lines(folder / f"{name}.ndjson") for name in ("planted", "garbage"))
        return cls(planted, {str(line["declaration_id"]) for line in garbage if line.get("declaration_id")})

    def touched(self) -> set[str]:
        """Every declaration that is planted or spoiled: the others are the clean part."""
        named = {str(line["declaration_id"]) for line in self.planted if line["declaration_id"]}
        return named | {d for line in self.planted for d in line["declarations"] or ()} | self.spoiled


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines() if line] if path.is_file() else []


def places(decisions: pl.DataFrame) -> dict[str, float]:
    """Place of each declaration among all, 0 (first) to 1, by the better of its two ranks."""
    table = decisions.with_columns(
        rank=pl.min_horizontal(
            pl.col("probability").rank("ordinal", descending=True),
            pl.col("expected_loss").rank("ordinal", descending=True),
        )
    ).sort(["rank", "probability"], descending=[False, True])
    ids = table["declaration_id"].to_list()
    found: dict[str, float] = {}
    for i, name in enumerate(ids):
        found.setdefault(name, i / len(ids))
    return found


def planted(truth: Truth, decisions: pl.DataFrame, anomalies: list[dict[str, Any]]) -> list[Planted]:
    """How each planted kind was found, in the order of the kinds' names."""
    place = places(decisions)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for line in truth.planted:
        kinds.setdefault(str(line["kind"]), []).append(line)
    return [_kind(kind, lines, place, anomalies) for kind, lines in sorted(kinds.items())]


def _kind(
    kind: str, lines: list[dict[str, Any]], place: dict[str, float], anomalies: list[dict[str, Any]]
) -> Planted:
    answers = ANSWERS.get(kind, ())
    told = np.array([any(_names(a, line, answers) for a in anomalies) for line in lines])
    seen = {share: np.array([_inspected(line, place, share) for line in lines]) for share in SHARES}
    names = {d for line in lines for d in _declarations(line)}
    by_office = lines[0]["subject"] is not None and lines[0]["subject"]["type"] == "office"
    return Planted(
        kind=kind,
        cases=len(lines),
        declarations=len(names),
        inspected={} if by_office else {share: float(hit.mean()) for share, hit in seen.items()},
        by_anomaly=float(told.mean()) if answers else None,
        found=float((told if by_office else told | seen[max(SHARES)]).mean()),
    )


def _declarations(line: dict[str, Any]) -> list[str]:
    return [line["declaration_id"]] if line["declaration_id"] else list(line["declarations"] or ())


def _inspected(line: dict[str, Any], place: dict[str, float], share: float) -> bool:
    names = _declarations(line)
    hits = sum(place.get(name, 1.0) < share for name in names)
    return hits >= max(ENOUGH * len(names), 1)


def _names(anomaly: dict[str, Any], line: dict[str, Any], answers: tuple[str, ...]) -> bool:
    """Whether an anomaly of the right kind is about the case's subject while it lasts."""
    if anomaly["kind"] not in answers or line["subject"] is None or anomaly["subject"] != line["subject"]:
        return False
    evidence = anomaly["evidence"]
    start, stop = (_time(moment) for moment in line["window"])
    return _time(evidence["start"]) < stop and _time(evidence["stop"]) > start


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def clean_corridors(truth: Truth, decisions: pl.DataFrame) -> tuple[int, int, int, int]:
    """Corridors of the originals that are neither planted nor spoiled."""
    touched = pl.Series(sorted(truth.touched()), dtype=pl.String)
    clean = decisions.filter((pl.col("function") == "original") & ~pl.col("declaration_id").is_in(touched.implode()))
    counts = dict(clean["corridor"].value_counts().iter_rows())
    green, blue, yellow, red = (int(counts.get(name, 0)) for name in CORRIDORS)
    return green, blue, yellow, red
