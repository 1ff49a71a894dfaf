"""Small LightGBM models of every kind that the tree kernels support, and rows that try their edges."""

from functools import cache
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

EDGES = (
    np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, 1e-35, float(np.float32(1e-35)),
    -float(np.float32(1e-35)), 1e-34, -1e-34, 5e-324, -0.5, -1.0, 0.999, 1.5, 31.0, 32.0, 40.0, 1e9,
    2147483647.0, 2147483648.0, -2147483649.0, 1e300, -1e300,
)  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "nan": {},
    "zero": {"zero_as_missing": True},
    "none": {"use_missing": False},
    "deep": {"num_leaves": 200, "min_data_in_leaf": 1},
    "bins": {"max_bin": 1000, "num_leaves": 60, "min_data_in_leaf": 1},
    "stumps": {"num_leaves": 2},
    "many leaves": {"num_leaves": 400, "min_data_in_leaf": 1},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "regression": {"objective": "regression"},
    "gamma": {"objective": "gamma"},
}
FEATURES = 6


def rows(count: int, seed: int) -> NDArray[np.float64]:
    """Numbers with ties, zeros and gaps; column 1 is a category, column 4 has no gaps."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(count, FEATURES))
    table[:, 1] = random.integers(0, 70, count)
    table[:, 2] = np.where(random.random(count) < 0.4, 0, table[:, 2])
    table[:, 3] = random.integers(-3, 4, count)
    table[random.random(table.shape) < 0.1] = np.nan
    table[:, 4] = np.nan_to_num(table[:, 4])
    return table


def odd_rows(count: int, seed: int) -> NDArray[np.float64]:
    """Rows as above, half of whose cells come from EDGES."""
    random = np.random.default_rng(seed)
    table = rows(count, seed)
    odd = random.random(table.shape) < 0.5
    table[odd] = random.choice(EDGES, odd.sum())
    return table


@cache
def booster(kind: str, trees: int = 12, seed: int = 0, categorical: bool = True) -> lightgbm.Booster:
    """Train a model of one of KINDS on 1,500 rows."""
    table = rows(1500, seed)
    random = np.random.default_rng(seed + 1)
    truth = np.nan_to_num(table[:, 0]) + (table[:, 1] % 3 == 1) + 0.5 * (table[:, 2] == 0) - table[:, 4] ** 2
    label = (truth + random.normal(size=len(table)) > 0).astype(float) + (kind == "gamma") * 0.5
    settings = {"objective": "binary", "num_leaves": 31, "num_threads": 1, "verbose": -1, "seed": seed}
    data = lightgbm.Dataset(table, label, categorical_feature=[1] if categorical else [])
    return lightgbm.train(settings | KINDS[kind], data, trees)
