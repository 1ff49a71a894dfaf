"""What a finding brings in: the share of an item's duty and VAT that is recovered on top, from findings of the past.

Boosted trees with a gamma deviance (Tweedie family; McCullagh & Nelder 1989, chapter 8) on the findings alone: what is
recovered is positive, skewed and some multiple of what was declared to be paid. Small trees and much shrinkage, since
findings are few. It is measured beside the ranking by expected loss and used by nothing else: a decision's expected
loss is probability x payments at stake.
"""

from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from corridor.features import money
from corridor.messages.columns import Array, Declarations
from corridor.study.encode import CODES, encodings
from corridor.study.material import Material
from corridor.study.model import END, Sheet, Tables

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
MOST: Final = 20.0
"""A share beyond it says that next to nothing was declared, and no more."""


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
    stake, recovered = stakes(past.batch, past.results.item), past.results.recovered
    of = first.labelled.hit & (recovered > 0) & (stake > 0)
    if of.sum() < LEAST_FINDINGS:
        return None
    tables = Tables(encodings(past, first.labelled, tuple(CODES), END))
    codes = tuple(name for name in CODES if name in set(tables.table["feature"].to_pylist()))
    rows, asked = (np.column_stack([one.rows, *tables.apply(one, codes)]) for one in (first, held))
    share = np.minimum(recovered[of] / stake[of], MOST)
    booster = lightgbm.train(PARAMETERS, lightgbm.Dataset(rows[of], share), TREES)
    return np.asarray(booster.predict(asked, num_threads=1), np.float64)
