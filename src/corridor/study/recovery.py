"""What a finding brings in: the share of an item's duty and VAT that is recovered on top, from findings of the past.

Boosted trees with a gamma deviance (Tweedie family; McCullagh & Nelder 1989, chapter 8) on the findings alone: what is
recovered is positive, skewed and some multiple of what was declared to be paid. Small trees and much shrinkage, since
findings are few. They become `recovery.txt` of a rulebook, and with it part of each decision's expected loss, where the last
part of the time bears out that a ranking by them brings in more.
"""

from collections.abc import Sequence
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from corridor.features import money
from corridor.messages.columns import Array, Declarations
from corridor.rulebook.recovery import MOST
from corridor.study.encode import CODES, encodings
from corridor.study.material import Material
from corridor.study.model import END, Fitted, Sheet, Tables

TREES: Final = 150
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "gamma",
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 40,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
    "num_threads": 1,
}
LEAST_FINDINGS: Final = 200
BORNE_OUT: Final = (0.01, 0.02, 0.05)
"""The shares inspected at which a ranking by expected recovery must bring in more."""


def stakes(batch: Declarations, items: Array) -> NDArray[np.float64]:
    """float64[k]: duty and VAT of items int64[k] as declared, in national currency; 0 where none was."""
    goods = batch.items[items]
    paid = np.nan_to_num(money(goods["duty"])) + np.nan_to_num(money(goods["vat"]))
    return np.asarray(np.maximum(paid, 0.0), np.float64)


def expected_shares(past: Material, first: Sheet, held: Sheet) -> NDArray[np.float64] | None:
    """float64[k]: of each item of `held` the share of its payments that a finding would bring in, learned from `past`.

    first: the sheet of `past`. None where it has too few findings that brought money in. Features are those of the
    model but for rates of findings.
    """
    tables = Tables(encodings(past, first.labelled, tuple(CODES), END))
    codes = tuple(name for name in CODES if name in set(tables.table["feature"].to_pylist()))
    rows, asked = (np.column_stack([one.rows, *tables.apply(one, codes)]) for one in (first, held))
    booster = _trained(past, first, rows, (*first.numbers, *codes))
    if booster is None:
        return None
    return np.minimum(np.asarray(booster.predict(asked, num_threads=1), np.float64), MOST)


def final(material: Material, whole: Sheet, fitted: Fitted) -> lightgbm.Booster | None:
    """Train on all findings, over the very features and encodings of `fitted`, the rulebook's model.

    whole: the sheet of `material`. Rates of findings stand among the features and are not looked at: how often says
    nothing about how much. None where there are too few findings.
    """
    tables, places = Tables(fitted.table), {name: j for j, name in enumerate(whole.numbers)}
    encoded = dict(zip(codes := fitted.codes, tables.apply(whole, codes), strict=True))
    unseen = np.zeros(len(whole.rows))
    rows = [
        whole.rows[:, places[name]] if name in places else encoded.get(name, unseen)
        for name in fitted.features
    ]
    return _trained(material, whole, np.column_stack(rows), fitted.features)


def _trained(material: Material, known: Sheet, rows: Array, names: Sequence[str]) -> lightgbm.Booster | None:
    """Trees over the rows float64[k, F] of a sheet, for what a finding brings in on average: some bring in nothing."""
    stake, recovered = stakes(material.batch, material.results.item), material.results.recovered
    found = known.labelled.hit & (stake > 0)
    paying = found & (recovered > 0)
    if paying.sum() < LEAST_FINDINGS:
        return None
    share = np.minimum(recovered[paying] / stake[paying], MOST) * (paying.sum() / found.sum())
    return lightgbm.train(PARAMETERS, lightgbm.Dataset(rows[paying], share, feature_name=list(names)), TREES)
