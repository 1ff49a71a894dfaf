"""A whole rulebook from a history: norms, shares, participants, model, thresholds, picture, lists.

The last part of the time is held out first (`study.earlier`): a rulebook is fitted on what was known before it, judged
on it, and only then everything is fitted again on all. So calibration and thresholds come from declarations that
the model had not seen, as it will be in the stream.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from corridor.history import History
from corridor.judge import judge
from corridor.messages.columns import CORRIDORS
from corridor.picture import norms as picture
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.policy import Row
from corridor.rulebook.recovery import FILE as RECOVERY
from corridor.study import folder as rulebook_folder
from corridor.study import model, recovery
from corridor.study.drift import NAME as FEATURES
from corridor.study.drift import Drift, Population, read_spread
from corridor.study.earlier import EPOCH, Base, earlier, tuned, validated
from corridor.study.features import candidates
from corridor.study.history import histories
from corridor.study.importance import Coefficients, Importance, coefficients, features_of, importance
from corridor.study.material import Material, gather
from corridor.study.norm_moves import NormMoves, norm_moves
from corridor.study.thresholds import CorridorShares, Judged, thresholds
from corridor.study.validation import FORETOLD, Validation, borne_out

MOST_JUDGED: Final = 40_000
"""Declarations judged for the thresholds: more would move a share by less than 0.2 % of all."""


@dataclass(frozen=True)
class FitOptions:
    """How to fit. version: the day of effective_from unless given; effective_from: the end of the history.

    keep_weights: leave the rules' weights as they are; rates: a CSV of exchange rates beside the history's
    (currency, date, rate), for the days on which the rulebook will serve; country, alarms: of the picture's norms.
    """

    version: str | None = None
    effective_from: datetime | None = None
    shares: CorridorShares = field(default_factory=CorridorShares)
    lists: rulebook_folder.Lists = field(default_factory=rulebook_folder.Lists)
    sampling_key: Path | None = None
    keep_weights: bool = False
    rates: Path | None = None
    country: str = ""
    alarms: float = picture.ALARMS


@dataclass
class FitReport:
    """What was fitted on what, what the last part of the time said, and how long each step took (seconds).

    model: its features, which encodings were chosen, calibration, whether there is a recovery model beside it; empty
    without one. corridors: shares that
    the thresholds give on so many `judged` declarations. previous: the version of the rulebook whose rules
    were taken over. at: the moments (microseconds) where the history begins and ends and before which all lay
    that the trial learned from. importance, participants, drift (None without earlier figures) and norm_moves
    (None without earlier norms): see `study.importance`, `drift`, `norm_moves`.
    """

    version: str = ""
    previous: str = ""
    at: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    validation: Validation | None = None
    importance: list[Importance] = field(default_factory=list)
    participants: list[Coefficients] = field(default_factory=list)
    drift: list[Drift] | None = None
    norm_moves: NormMoves | None = None
    corridors: dict[str, float] = field(default_factory=dict)
    judged: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda step: None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step and tell that it begins."""
        self.tell(name)
        start = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - start, 2)


def fit(
    declarations: Path,
    results: Path,
    output: Path,
    source: Path,
    options: FitOptions | None = None,
    tell: Callable[[str], None] | None = None,
) -> FitReport:
    """Fit a rulebook folder `output` (new or empty) on a history; rules and policy come from `source`.

    `tell` hears the name of each step as it begins. Nothing is left behind if a step fails.
    Raises InputError for folders that cannot be used, RulebookError for a `source` that is wrong.
    """
    options = options or FitOptions()
    report = FitReport(tell=tell or (lambda step: None))
    rulebook_folder.check_output(output)
    old = load(source)
    report.previous, then = old.version, read_spread(source)
    rates = [declarations.parent / "rates.csv", options.rates]
    base = Base(source, rates, options.lists, options.sampling_key, old.policy.n_min)
    with rulebook_folder.staged(output) as stage:
        with report.step("read"):
            material = gather(declarations, results)
            lived = histories(material.batch, old.policy.histories, material.lines)
        _learn(material, lived, base, stage, options, report)
        with report.step("picture"):
            originals = material.batch.take(np.flatnonzero(material.original))
            norms = picture.fit(picture.hourly(originals), options.country, options.alarms)
            picture.save(norms, stage)
        with report.step("figures"):
            _describe(material, lived, stage, then, report)
            report.norm_moves = norm_moves(source, stage)
        start = options.effective_from or EPOCH + timedelta(microseconds=material.span[1])
        report.version = options.version or f"{start:%Y.%m.%d}"
        write_manifest(stage, report.version, start)
        with report.step("check"):
            load(stage)
    return report


def _learn(
    material: Material, lived: History, base: Base, stage: Path, options: FitOptions, report: FitReport
) -> None:
    """Everything that is learned: first on what was known before the last part of the time, then on all."""
    with report.step("norms"):
        book = base.tables(material, material.span[1], stage)
    with report.step("the same as known before"):
        before = earlier(material, lived, base)
    best, keep = before.trials.best(), options.keep_weights
    with report.step("thresholds and final model"), ThreadPoolExecutor(1) as beside:
        groups = candidates(book.policy.histories)
        whole = model.sheet(material, *model.labelled_columns(material, lived, book), groups)
        last = None if best is None else beside.submit(model.final, material, whole, best)
        report.validation = told = validated(material, lived, before, keep)
        judging = tuned(material, lived, before, best, before.held, keep)
        if best is not None and not keep:
            rulebook_folder.write_weights(stage, judging.rules)
        rows = np.flatnonzero(material.original & (material.batch.heads["registered_at"] >= before.at))
        rows = rows[:: max(1, len(rows) // MOST_JUDGED)]
        judged = _judged(material, lived, judging, rows)
        found = thresholds(judged, options.shares)
        rulebook_folder.write_thresholds(stage, found)
        written = last is not None and _write_model(material, whole, last.result(), told, stage)
    report.at = {"begin": material.span[0], "learned": before.at, "end": material.span[1]}
    report.counts = _counts(material)
    report.model = _model_report(best, written)
    report.corridors, report.judged = _shares_reached(judged, found), len(judged.direction)


def _write_model(
    material: Material, whole: model.Sheet, fitted: model.Fitted, told: Validation, stage: Path
) -> bool:
    """Write the model; whether what a finding brings in is foretold beside it, as the last part of the time bears out."""
    fitted.write(stage)
    booster = None
    if borne_out(told, FORETOLD, recovery.BORNE_OUT):
        booster = recovery.final(material, whole, fitted)
    if booster is not None:
        (stage / RECOVERY).write_text(booster.model_to_string(), encoding="utf-8")
    return booster is not None


def _describe(
    material: Material, lived: History, stage: Path, then: pl.DataFrame | None, report: FitReport
) -> None:
    """Write features.parquet; tell importance, coefficients and how far the features moved from `then`."""
    write_manifest(stage, "unfinished", EPOCH)
    book = load(stage)
    population = Population.of(material, lived, book, tuple(features_of(book)))
    pq.write_table(population.spread().to_arrow(), stage / FEATURES, compression="zstd")
    report.drift = None if then is None else population.drift(then)
    report.participants = coefficients(stage)
    if book.model is not None:
        report.importance = importance(book.model, stage / "model.txt", population.columns)


def _judged(material: Material, lived: History, book: Rulebook, rows: Any) -> Judged:
    """Judge without the random control group: the shares asked for are those of rules and scores."""
    batch, known = material.batch.take(rows), lived.take(rows)

    def with_thresholds(value: float) -> Rulebook:
        row = Row(None, None, None, (value,) * 3)
        return replace(book, policy=replace(book.policy.without_random(), thresholds=(row,)))

    strict, lenient = (judge(batch, known, with_thresholds(value)) for value in (0.0, 1.0))
    return Judged(batch.heads["direction"], strict, lenient)


def _shares_reached(judged: Judged, rows: list[dict[str, float | str]]) -> dict[str, float]:
    """Shares of the corridors that the thresholds give on the declarations they were fitted on."""
    level = judged.levels(rows)
    n = max(len(level), 1)
    return {name: float((level == i).sum()) / n for i, name in enumerate(CORRIDORS)}


def _counts(material: Material) -> dict[str, int]:
    return {
        "declarations": len(material.batch),
        "items": len(material.batch.items),
        "rejected": material.reading.rejected,
        "duplicates": int(material.lines.duplicate.sum()),
        "conflicts": int(material.lines.conflict.sum()),
        "results": len(material.results),
        "results_unmatched": material.results.unmatched,
        "findings": int(material.results.hit.sum()),
    }


def _model_report(best: model.Fitted | None, foretold: bool) -> dict[str, Any]:
    if best is None:
        return {}
    a, b, ceiling = best.calibration
    told = {"a": a, "b": b, "ceiling": ceiling}
    features = len(best.features)
    return {"features": features, "chosen": best.chosen, "calibration": told, "recovery": foretold}
