"""What was found of the planted cases, at what share of inspections, or by an anomaly.

A goods item is found with its declaration; a participant's case when at least half of its declarations
are, or an anomaly names the participant while it lasts; a case of an office by an anomaly of its kind there
while it lasts. Declarations are ranked by probability and by expected loss; the joint list takes half of
its places from each: a declaration's place is the better of its two ranks.
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

SHARES: Final = (0.05, 0.10)
LISTED: Final = 0.10
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


@dataclass(frozen=True, slots=True)
class Ranking:
    """Places of declarations among all, 0 (first) to 1: by probability, by expected loss, jointly."""

    probability: dict[str, float]
    loss: dict[str, float]
    joint: dict[str, float]

    @classmethod
    def of(cls, decisions: pl.DataFrame) -> "Ranking":
        """Rank decisions by their columns declaration_id, probability and expected_loss."""
        table = decisions.unique("declaration_id", keep="first", maintain_order=True)
        probability, loss = (
            table[name].rank("ordinal", descending=True).cast(pl.Int64)
            for name in ("probability", "expected_loss")
        )
        better = table.select("declaration_id", rank=pl.min_horizontal(probability, loss), second=probability)
        joint = better.sort("rank", "second")["declaration_id"].to_list()
        names, n = table["declaration_id"].to_list(), max(len(table), 1)
        return cls(
            {name: (rank - 1) / n for name, rank in zip(names, probability, strict=True)},
            {name: (rank - 1) / n for name, rank in zip(names, loss, strict=True)},
            {name: i / n for i, name in enumerate(joint)},
        )

    def both_lists(self) -> float:
        """Share of declarations that are on either list of the first 10 %."""
        listed = sum(p < LISTED or self.loss[name] < LISTED for name, p in self.probability.items())
        return listed / max(len(self.probability), 1)


def planted(truth: Truth, ranking: Ranking, anomalies: list[dict[str, Any]]) -> list[Planted]:
    """Measure how each planted kind was found, in the order of the kinds' names."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for line in truth.planted:
        kinds.setdefault(str(line["kind"]), []).append(line)
    return [_kind(kind, lines, ranking, anomalies) for kind, lines in sorted(kinds.items())]


def _kind(
    kind: str, lines: list[dict[str, Any]], ranking: Ranking, anomalies: list[dict[str, Any]]
) -> Planted:
    answers = ANSWERS.get(kind, ())
    told = np.array([any(_names(a, line, answers) for a in anomalies) for line in lines])
    names = {d for line in lines for d in _declarations(line)}
    if lines[0]["subject"] is not None and lines[0]["subject"]["type"] == "office":
        return Planted(kind, len(lines), len(names), {}, None, None, float(told.mean()), float(told.mean()))
    probability, loss = (
        np.array([_inspected(line, place, LISTED) for line in lines])
        for place in (ranking.probability, ranking.loss)
    )
    return Planted(
        kind=kind,
        cases=len(lines),
        declarations=len(names),
        inspected={s: float(np.mean([_inspected(line, ranking.joint, s) for line in lines])) for s in SHARES},
        by_probability=float(probability.mean()),
        by_loss=float(loss.mean()),
        by_anomaly=float(told.mean()) if answers else None,
        found=float((probability | loss | told).mean()),
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
    clean = decisions.filter(
        (pl.col("function") == "original") & ~pl.col("declaration_id").is_in(touched.implode())
    )
    counts = dict(clean["corridor"].value_counts().iter_rows())
    green, blue, yellow, red = (int(counts.get(name, 0)) for name in CORRIDORS)
    return green, blue, yellow, red
