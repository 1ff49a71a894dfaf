"""Small models over real fields, put into a rulebook folder: what they foretell follows from the fields, no more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import lightgbm
import numpy as np
from numpy.typing import NDArray

from corridor.features import matrix
from corridor.history import History
from corridor.messages.declaration import decode
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.simulate import declarations

FEATURES = ("item.customs_value", "item.net_mass_kg", "item.duty", "declaration.hour", "item.value_share")
SETTINGS = {"num_threads": 1, "verbose": -1, "seed": 1, "num_leaves": 7}


def add_model(folder: Path) -> Path:
    """Write model.txt and model.yaml over FEATURES."""
    book = load(folder)
    rows = _rows(book, FEATURES)
    hit = np.nan_to_num(rows[:, 0]) % 7 < 2
    data = lightgbm.Dataset(rows, hit, feature_name=list(FEATURES))
    lightgbm.train(SETTINGS | {"objective": "binary"}, data, 20).save_model(folder / "model.txt")
    listed = [f"  - {{name: {name}, group: model}}" for name in FEATURES]
    (folder / "model.yaml").write_text("\n".join(["features:", *listed, "calibration: {a: 1.0, b: 0.0}", ""]))
    return _sealed(folder, book)


def add_recovery(folder: Path) -> Path:
    """Write recovery.txt over the features of the model that is there; shares from nearly 0 to beyond 20."""
    book = load(folder)
    assert book.model is not None
    rows = _rows(book, book.model.features)
    share = np.exp(np.nan_to_num(rows).sum(axis=1) % 9 - 4)
    data = lightgbm.Dataset(rows, share, feature_name=list(book.model.features))
    booster = lightgbm.train(SETTINGS | {"objective": "gamma", "learning_rate": 0.5}, data, 20)
    booster.save_model(folder / "recovery.txt")
    return _sealed(folder, book)


def _rows(book: Rulebook, features: tuple[str, ...]) -> NDArray[np.float64]:
    batch = decode(declarations(600, 8), 0).declarations
    return matrix(batch, History.none(len(batch)), book, features)


def _sealed(folder: Path, book: Rulebook) -> Path:
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=book.effective_from)
    write_manifest(folder, book.version, start)
    return folder
