"""What could be fitted at an earlier moment, and what came after: the only base of figures that are shown.

The history is cut at a midnight. Norms, lists, shares, participants and models are fitted on the declarations
registered and the results known before it, by the code that fits the whole, so nothing of the rest can reach
them. The rest is parted again: its first half calibrates and lowers weights, its second half is measured.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from corridor.history import History
from corridor.judge import active_hits
from corridor.messages.columns import Array
from corridor.rulebook.book import Rulebook
from corridor.rulebook.groups import RESPONSES
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.study import folder as rulebook_folder
from corridor.study import model
from corridor.study.features import candidates
from corridor.study.material import Material
from corridor.study.norms import norms
from corridor.study.participants import participants
from corridor.study.recovery import expected_shares
from corridor.study.shares import shares
from corridor.study.validation import Validation, scores, validation
from corridor.study.weights import fitted_weights

HELD_OUT: Final = 0.2
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Base:
    """What a rulebook is built on beside the history: rules and policy of `source`, rates, lists, the sampling key."""

    source: Path
    rates: list[Path | None]
    lists: rulebook_folder.Lists
    key: Path | None
    n_min: int

    def tables(self, material: Material, until: int, folder: Path) -> Rulebook:
        """Write the rulebook without a model that `material` gives into `folder` (empty), and load it.

        until: microseconds since 1970; participants' results count as they were known and as old as they were then.
        """
        rulebook_folder.copy_source(self.source, folder, self.rates)
        rulebook_folder.write_key(self.source, folder, self.key)
        self.lists.write(material, folder)
        for name, table in (
            ("norms", norms(material, min(self.n_min, 30))),
            ("participants", participants(material, until)),
            ("shares", shares(material, 30, until)),
        ):
            pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        write_manifest(folder, "unfinished", EPOCH)
        return load(folder)


@dataclass(frozen=True)
class Earlier:
    """What could be fitted before the last part of the time, and that part.

    book: norms, lists, shares and participants of what was there before `at`, rules with their authors'
    weights; held: int64[k], places among the results of what came after; trials: models of the first part,
    with their scores of `held`; shares: float64[k], what a finding in each of `held` would bring in by its payments,
    None where too few findings tell.
    """

    book: Rulebook
    at: int
    held: Array
    trials: model.Trials
    shares: Array | None = None


def earlier(material: Material, lived: History, base: Base, at: int | None = None) -> Earlier:
    """Fit on what was known before `at`, by default the last HELD_OUT of the results; nothing later has a part in it."""
    registered = model.registered_at(material)
    at = at or model.cut(registered, HELD_OUT) or material.midnight(1.0 - HELD_OUT)
    past, known = material.before(at), lived.take(material.registered_before(at))
    with TemporaryDirectory() as folder:
        book = base.tables(past, at, Path(folder))
    groups = candidates(book.policy.histories)
    first = model.sheet(past, *model.labelled_columns(past, known, book), groups)
    held = np.flatnonzero((registered >= at) & (material.results.at >= at))
    columns, inside = model.labelled_columns(material, lived, book, held)
    later = model.sheet(material, columns, inside, groups, held)
    return Earlier(book, at, held, model.trials(past, first, later), expected_shares(past, first, later))


def validated(material: Material, lived: History, before: Earlier, keep_weights: bool) -> Validation:
    """Calibrate on the first half of what was held out, as known by then; measure on the second half."""
    registered, known = model.registered_at(material)[before.held], material.results.at[before.held]
    middle = model.halfway(registered)
    first, second = (registered < middle) & (known < middle), (registered >= middle) & (known >= middle)
    best = before.trials.best(middle)
    book = tuned(material, lived, before, best, before.held[first], keep_weights)
    shares = before.shares[second] if before.shares is not None and best is not None else None
    found = scores(material, lived, book, before.book.rules, before.held[second], shares)
    return validation(found, middle)


def tuned(
    material: Material,
    lived: History,
    before: Earlier,
    best: model.Fitted | None,
    which: Array,
    keep_weights: bool,
) -> Rulebook:
    """The earlier rulebook with its calibrated model, its rules' weights lowered by the results `which`."""
    if best is None:
        return before.book
    trees, encodings = best.loaded()
    book = replace(before.book, model=trees, encodings=encodings)
    return book if keep_weights else _with_fitted_weights(material, lived, book, which)


def _with_fitted_weights(material: Material, lived: History, book: Rulebook, which: Array) -> Rulebook:
    """Lower the weights of scored rules to what the results `which` bear out."""
    columns, inside = model.labelled_columns(material, lived, book, which)
    trees, rules = book.model, book.rules
    assert trees is not None  # asked for with a model only
    columns.model_probability[:] = trees.probability(trees.raw(columns.matrix(trees.features)))
    scored = np.flatnonzero(rules.response == RESPONSES.index("score"))
    hits = active_hits(columns)[scored][:, inside] != 0
    probability = columns.model_probability[inside]
    weights = fitted_weights(probability, hits, material.results.hit[which], rules.weight[scored])
    lowered = list(rules.rules)
    for row, weight in zip(scored, weights.tolist(), strict=True):
        lowered[row] = replace(lowered[row], weight=weight)
    return replace(book, rules=replace(rules, rules=tuple(lowered)))
