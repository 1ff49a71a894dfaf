"""What a fitted model leans on, and how participants' coefficients are spread."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightgbm
import numpy as np
import polars as pl

from corridor.features import Columns
from corridor.rulebook.book import Rulebook
from corridor.rulebook.groups import GROUPS
from corridor.rulebook.model import Model
from corridor.study.encode import RATES
from corridor.study.features import candidates

ROWS: Final = 4_000
"""Goods items over which contributions are averaged."""
STEPS: Final = 20
"""Bars of the coefficients' histogram, over -1 to 1."""


@dataclass(frozen=True, slots=True)
class Importance:
    """A feature's share of the trees' gain, and its mean absolute contribution to the score (log-odds)."""

    feature: str
    group: str
    gain: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Participants of one role: how many, how many of them were inspected, and these by coefficient, -1 to 1.

    quantiles: 5, 25, 50, 75 and 95 % of the inspected; NaN without any.
    """

    role: str
    known: int
    inspected: int
    histogram: tuple[int, ...]
    quantiles: tuple[float, ...]


def features_of(book: Rulebook) -> dict[str, str]:
    """Feature -> group: all that a model may look at, and of the rates of findings those that this one does."""
    found = candidates(book.policy.histories)
    return {
        name: group for name, group in found.items() if name not in RATES or name in book.encodings.fields
    }


def importance(model: Model, text: Path, columns: Columns) -> list[Importance]:
    """Each feature that the trees in `text` split by, the most gainful first; contributions over `columns`."""
    booster = lightgbm.Booster(model_file=str(text))
    gain = np.asarray(booster.feature_importance("gain"), np.float64)
    rows = columns.matrix([*model.features])
    some = np.ascontiguousarray(rows[:: max(1, len(rows) // ROWS)])
    moved = np.abs(model.contributions(some)).mean(axis=0) if len(some) else np.zeros(len(gain))
    total = gain.sum() or 1.0
    found = [
        Importance(name, GROUPS[model.groups[i]], float(gain[i] / total), float(moved[i]))
        for i, name in enumerate(model.features)
        if gain[i] > 0
    ]
    return sorted(found, key=lambda one: (-one.gain, one.feature))


def coefficients(folder: Path) -> list[Coefficients]:
    """The spread of the coefficients in a rulebook's participants.parquet, by role."""
    table = pl.read_parquet(folder / "participants.parquet")
    out = []
    for (role,), part in table.group_by("role", maintain_order=True):
        known = part.filter(pl.col("inspected") > 0)["coefficient"].to_numpy()
        counts, _ = np.histogram(known, np.linspace(-1.0, 1.0, STEPS + 1))
        quantiles = np.quantile(known, (0.05, 0.25, 0.5, 0.75, 0.95)) if len(known) else np.full(5, np.nan)
        out.append(
            Coefficients(
                str(role), part.height, len(known), tuple(counts.tolist()), tuple(quantiles.tolist())
            )
        )
    return out
