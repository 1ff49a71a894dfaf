"""A whole rulebook from a history: norms, shares, participants, model, thresholds, picture, lists.

The last part of the time is held out first: everything that learns from results is fitted on what was known
before it, judged on it, and only then fitted again on all. So calibration and thresholds come from
declarations that the model had not seen, as it will be in the stream.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from corridor.history import History
from corridor.judge import judge
from corridor.messages.columns import CORRIDORS
from corridor.picture import norms as picture
from corridor.rulebook.book import Rulebook
from corridor.rulebook.groups import RESPONSES
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.participants import ParticipantTable
from corridor.rulebook.policy import Row
from corridor.rulebook.shares import ShareTable
from corridor.study import folder as rulebook_folder
from corridor.study import model
from corridor.study.features import candidates
from corridor.study.history import histories
from corridor.study.material import Material, gather
from corridor.study.norms import norms
from corridor.study.participants import participants
from corridor.study.shares import shares
from corridor.study.thresholds import CorridorShares, Judged, thresholds
from corridor.study.weights import fitted_weights

HELD_OUT: Final = 0.2
MOST_JUDGED: Final = 40_000
"""Declarations judged for the thresholds: more would move a share by less than 0.2 % of all."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FitOptions:
    """How to fit. version: the day of effective_from unless given; effective_from: the end of the history.

    keep_weights: leave the rules' weights as they are; rates: a CSV of exchange rates beside the history's
    (currency, date, rate), for the days on which the rulebook will serve.
    """

    version: str | None = None
    effective_from: datetime | None = None
    shares: CorridorShares = field(default_factory=CorridorShares)
    lists: rulebook_folder.Lists = field(default_factory=rulebook_folder.Lists)
    sampling_key: Path | None = None
    keep_weights: bool = False
    rates: Path | None = None


@dataclass
class FitReport:
    """What was fitted on what, what the held-out part said, and how long each step took (seconds)."""

    version: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    corridors: dict[str, float] = field(default_factory=dict)
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
    policy = load(source).policy
    with rulebook_folder.staged(output) as stage:
        with report.step("read"):
            material = gather(declarations, results)
            lived = histories(material.batch, policy.histories, material.lines)
        with report.step("norms"):
            rulebook_folder.copy_source(source, stage, [declarations.parent / "rates.csv", options.rates])
            rulebook_folder.write_key(source, stage, options.sampling_key)
            options.lists.write(material, stage)
            cells = norms(material, min(policy.n_min, 30))
            pq.write_table(cells, stage / "norms.parquet", compression="zstd")
        _learn(material, lived, stage, options, report)
        with report.step("picture"):
            originals = material.batch.take(np.flatnonzero(material.original))
            picture.save(picture.fit(picture.hourly(originals)), stage)
        start = options.effective_from or EPOCH + timedelta(microseconds=material.span[1])
        report.version = options.version or f"{start:%Y.%m.%d}"
        write_manifest(stage, report.version, start)
        with report.step("check"):
            load(stage)
    return report


def _learn(material: Material, lived: History, stage: Path, options: FitOptions, report: FitReport) -> None:
    """Everything that learns from results or from who was seen before."""
    batch, end = material.batch, material.span[1]
    with report.step("features"):
        _write_people(material, stage, end)
        write_manifest(stage, "unfinished", EPOCH)
        book = load(stage)
        groups = candidates(book.policy.histories)
        sheet = model.sheet(material, lived, book, groups)
        at = model.cut(sheet.labelled, HELD_OUT) or material.midnight(1.0 - HELD_OUT)
    with report.step("model"):
        best = model.trial(material, sheet, at)
    with report.step("thresholds and final model"), ThreadPoolExecutor(1) as beside:
        last = None if best is None else beside.submit(model.final, material, sheet, best)
        earlier = _earlier(material, book, stage, at, best)
        if best is not None and not options.keep_weights:
            earlier = _with_fitted_weights(material, lived, earlier, at)
            rulebook_folder.write_weights(stage, earlier.rules)
        rows = np.flatnonzero(material.original & (batch.heads["registered_at"] >= at))
        rows = rows[:: max(1, len(rows) // MOST_JUDGED)]
        judged = _judged(material, lived, earlier, rows)
        found = thresholds(judged, options.shares)
        rulebook_folder.write_thresholds(stage, found)
        _write_people(material, stage, end)
        if last is not None:
            last.result().write(stage)
    report.counts = _counts(material, sheet)
    report.model = _model_report(best)
    report.corridors = _shares_reached(judged, found)


def _write_people(material: Material, stage: Path, until: int) -> None:
    """participants.parquet and shares.parquet as known at `until` (microseconds)."""
    pq.write_table(participants(material, until), stage / "participants.parquet", compression="zstd")
    pq.write_table(shares(material, 30, until), stage / "shares.parquet", compression="zstd")


def _earlier(material: Material, book: Rulebook, stage: Path, at: int, best: model.Trial | None) -> Rulebook:
    """The rulebook as it would have been fitted at `at`; norms alone are those of the whole history."""
    _write_people(material, stage, at)
    book = replace(
        book,
        participants=ParticipantTable.load(stage / "participants.parquet"),
        shares=ShareTable.load(stage / "shares.parquet"),
    )
    if best is None:
        return book
    trees, encodings = best.fitted.loaded()
    return replace(book, model=trees, encodings=encodings)


def _with_fitted_weights(material: Material, lived: History, book: Rulebook, at: int) -> Rulebook:
    """Lower the weights of scored rules to what the results of items registered from `at` on bear out."""
    columns, inside = model.labelled_columns(material, lived, book)
    trees, rules = book.model, book.rules
    assert trees is not None  # asked for with a model only
    columns.model_probability[:] = trees.probability(trees.raw(columns.matrix(trees.features)))
    after = material.batch.heads["registered_at"][material.declaration[material.results.item]] >= at
    numbers = np.array([columns.number(name) for name in rules.numbers]).reshape(len(rules.numbers), -1)
    codes = np.array([columns.code(name) for name in rules.codes], np.int64).reshape(len(rules.codes), -1)
    scored = np.flatnonzero(rules.response == RESPONSES.index("score"))
    hits = rules.run(numbers, codes)[scored][:, inside[after]] != 0
    probability = columns.model_probability[inside[after]]
    weights = fitted_weights(probability, hits, material.results.hit[after], rules.weight[scored])
    lowered = list(rules.rules)
    for row, weight in zip(scored, weights.tolist(), strict=True):
        lowered[row] = replace(lowered[row], weight=weight)
    return replace(book, rules=replace(rules, rules=tuple(lowered)))


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


def _counts(material: Material, sheet: model.Sheet) -> dict[str, int]:
    return {
        "declarations": len(material.batch),
        "items": len(material.batch.items),
        "rejected": material.reading.rejected,
        "duplicates": int(material.lines.duplicate.sum()),
        "conflicts": int(material.lines.conflict.sum()),
        "results": len(material.results),
        "results_unmatched": material.results.unmatched,
        "findings": int(sheet.labelled.hit.sum()),
    }


def _model_report(best: model.Trial | None) -> dict[str, Any]:
    if best is None:
        return {}
    return {
        "features": len(best.fitted.features),
        "chosen": best.features,
        "held_out_items": best.held_out,
        "average_precision": best.average_precision,
        "calibration": {"a": best.fitted.calibration[0], "b": best.fitted.calibration[1]},
        "held_out": best.figures,
    }
