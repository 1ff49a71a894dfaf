"""The model of a rulebook: LightGBM's trees, each feature's reason group, and the calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.kernels import ranked, trees
from corridor.rulebook import lightgbm
from corridor.rulebook.documents import Entry, Located, Problems, read_yaml
from corridor.rulebook.encodings import Encoding, Encodings
from corridor.rulebook.groups import GROUPS
from corridor.rulebook.ranking import paths, rank

__all__ = ["Encoding", "Encodings", "Model"]

_LARGEST: Final = 1e6
"""A slope or shift beyond it is no calibration."""


@dataclass(frozen=True)
class Model:
    """F features, int8[F] their groups (index into GROUPS), the trees, and p = ceiling * sigmoid(a raw + b).

    The trees stand here twice: as walked for contributions, and ranked for scores. mean: the score of
    the average row the model was trained on.
    """

    features: tuple[str, ...]
    groups: NDArray[np.int8]
    forest: trees.Forest
    ranked: ranked.RankedForest
    paths: NDArray[np.float64]
    calibration: tuple[float, float, float]
    mean: float

    @classmethod
    def load(cls, text: Path, sheet: Path) -> "Model":
        """Read model.txt and model.yaml; raises RulebookError naming the file and what is wrong."""
        names, forest = lightgbm.read(text)
        features, calibration = _sheet(sheet)
        if tuple(features) != names:
            odd = next((pair for pair in zip(features, names, strict=False) if pair[0] != pair[1]), None)
            what = f"{odd[0]} stands where {text.name} has {odd[1]}" if odd else "their numbers differ"
            raise RulebookError(f"{sheet}: features are not those of {text.name}, in its order: {what}")
        groups = np.array([GROUPS.index(group) for group in features.values()], np.int8)
        try:
            scorer = rank(forest)
        except ValueError as error:
            raise RulebookError(f"{text}: {error}; train a smaller model") from error
        return cls(names, groups, forest, scorer, paths(forest, groups), calibration, trees.mean(forest))

    def _rows(self, rows: Any) -> NDArray[np.float64]:
        table = np.asarray(rows, np.float64)
        if table.ndim != 2 or table.shape[1] != len(self.features):
            shape = "×".join(map(str, table.shape))
            raise RulebookError(f"the model takes rows of {len(self.features)} features; {shape} came")
        return table

    def raw(self, rows: Any) -> NDArray[np.float64]:
        """float64[m]: the score of rows float64[m, F], bit-equal to `Booster.predict(raw_score=True)`."""
        return ranked.raw(self.ranked, self._rows(rows))

    def probability(self, raw: Any) -> NDArray[np.float64]:
        """float64[m] in [0, 1]: scores float64[m] calibrated."""
        return trees.probability(raw, *self.calibration)

    def contributions(self, rows: Any) -> NDArray[np.float64]:
        """float64[m, F]: what each feature moved the score from `mean`, in log-odds before calibration."""
        return trees.contributions(self.forest, self._rows(rows))

    def group_contributions(self, rows: Any) -> NDArray[np.float64]:
        """float64[m, G]: `contributions` summed by reason group; much quicker."""
        used = np.unique(self.groups)
        moved = ranked.contributions(self.ranked, self.paths, self._rows(rows))
        out = np.zeros((len(moved), len(GROUPS)))
        out[:, used] = moved[:, : len(used)]
        return out


def _sheet(path: Path) -> tuple[dict[str, str], tuple[float, float, float]]:
    """Feature names with their groups, and the calibration: a, b, ceiling."""
    problems = Problems()
    document = read_yaml(path, path.name, problems)
    features: dict[str, str] = {}
    calibration = 0.0, 0.0, 1.0
    if document is not None:
        top = Entry(document, path.name, problems, path.name)
        listed, fitted = top.get("features", required=True), top.get("calibration", required=True)
        if listed is not None and not isinstance(listed.value, list):
            top.fail("features must be a list of {name, group}", listed)
        elif listed is not None:
            features = _features(listed, path.name, problems)
        if fitted is not None:
            entry = Entry(fitted, path.name, problems, "calibration")
            a, b = (entry.number(key, -_LARGEST, _LARGEST, required=True) for key in ("a", "b"))
            ceiling = entry.number("ceiling", 0.0, 1.0)
            calibration = a or 0.0, b or 0.0, 1.0 if ceiling is None else ceiling
    problems.refuse(path.parent)
    return features, calibration


def _features(listed: Located, file: str, problems: Problems) -> dict[str, str]:
    features: dict[str, str] = {}
    for place in listed.value:
        entry = Entry(place, file, problems, "a feature")
        name, group = entry.text("name", required=True), entry.choice("group", GROUPS, required=True)
        if name in features:
            entry.fail(f"feature {name[:60]!r} stands twice", place)
        features[name] = group
    return features
