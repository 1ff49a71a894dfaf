"""What a finding brings in: trees that foretell the share of an item's payments that is recovered on top."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.kernels import ranked, trees
from corridor.rulebook import lightgbm
from corridor.rulebook.model import Model
from corridor.rulebook.ranking import rank

FILE: Final = "recovery.txt"
MOST: Final = 20.0
"""A share beyond it says that next to nothing was declared, and no more."""
_LOGARITHMIC: Final = ("gamma", "tweedie", "poisson")
"""LightGBM's objectives whose trees add up to the logarithm of what they foretell."""


@dataclass(frozen=True)
class Recovery:
    """F features, those of the rulebook's model in its order, and the trees: share = min(exp(sum of the trees), MOST)."""

    features: tuple[str, ...]
    ranked: ranked.RankedForest

    @classmethod
    def load(cls, text: Path) -> "Recovery":
        """Read recovery.txt; raises RulebookError naming the file and what is wrong."""
        with np.errstate(over="ignore", invalid="ignore"):
            names, forest = lightgbm.read(text, _LOGARITHMIC)
            most = np.abs(forest.value).sum()
        if not np.isfinite(most):
            raise RulebookError(f"{text}: its leaf values add up to infinity; fit the model again")
        try:
            return cls(names, rank(forest))
        except ValueError as error:
            raise RulebookError(f"{text}: {error}; train a smaller model") from error

    def fits(self, model: Model | None) -> str:
        """What keeps it from being used beside `model`; "" where nothing does."""
        if model is None:
            return "there is no model beside it; add model.txt and model.yaml, or leave it out"
        if self.features == model.features:
            return ""
        pairs = zip(self.features, model.features, strict=False)
        odd = next((pair for pair in pairs if pair[0] != pair[1]), None)
        what = f"{odd[0]} stands where model.txt has {odd[1]}" if odd else "their numbers differ"
        return f"features are not those of model.txt, in its order: {what}; fit both together"

    def share(self, rows: Any) -> NDArray[np.float64]:
        """float64[m] in [0, MOST]: of each of the rows float64[m, F] the share of payments that a finding brings in."""
        return trees.share(ranked.raw(self.ranked, rows), MOST)
