"""From a history to a model: features, two fits in time, the better set of features, calibration."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ruamel.yaml import YAML

from corridor.features import Columns, assess_quality
from corridor.history import History
from corridor.messages.columns import Array
from corridor.rulebook.book import Rulebook
from corridor.rulebook.encodings import Encodings
from corridor.rulebook.model import Model
from corridor.study.encode import CODES, RATES, Labelled, encodings, rates_in_time
from corridor.study.material import DAY_US, Material
from corridor.study.train import (
    Examples,
    average_precision,
    calibrate,
    misses_kept,
    summary,
    train,
    varying,
)

END: Final = int(np.iinfo(np.int64).max) // 2
FILES: Final = ("encodings.parquet", "model.txt", "model.yaml")


@dataclass(frozen=True)
class Sheet:
    """The labelled items of a history with every feature that needs no encoding: float64[k, len(numbers)]."""

    numbers: tuple[str, ...]
    rows: Array
    labelled: Labelled
    recovered: Array
    groups: dict[str, str]

    @cached_property
    def rates(self) -> dict[str, Array]:
        """By feature of RATES: float64[k], from what was known before the day of each item."""
        return {name: rates_in_time(field, self.labelled) for name, field in RATES.items()}

    def first(self, cut: int) -> Array:
        """bool[k]: registered and known before `cut`."""
        return (self.labelled.registered_at < cut) & (self.labelled.known_at < cut)


class Tables:
    """The tables of encodings, and how the stream will apply them."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "encodings.parquet")
            pq.write_table(table, path)
            self._loaded = Encodings.load(path)

    def only(self, features: Sequence[str]) -> pa.Table:
        """Rows of these features."""
        return self.table.filter(
            pc.is_in(self.table["feature"], pa.array(features, self.table["feature"].type))
        )

    def apply(self, sheet: Sheet, features: Sequence[str], where: Array) -> list[Array]:
        """Columns of float64 for the labelled items `where`."""
        fields = CODES | RATES
        return [self._loaded.apply(name, sheet.labelled.codes[fields[name]][where]) for name in features]


@dataclass(frozen=True)
class Fitted:
    """A model ready to be written: trees, features in order, encodings, calibration."""

    booster: lightgbm.Booster
    features: tuple[str, ...]
    groups: dict[str, str]
    table: pa.Table
    calibration: tuple[float, float]

    def write(self, folder: Path) -> None:
        """Write FILES into a rulebook folder."""
        pq.write_table(self.table, folder / "encodings.parquet", compression="zstd")
        (folder / "model.txt").write_text(self.booster.model_to_string(), encoding="utf-8")
        a, b = self.calibration
        sheet = {
            "features": [{"name": name, "group": self.groups[name]} for name in self.features],
            "calibration": {"a": a, "b": b},
        }
        with (folder / "model.yaml").open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(sheet, file)

    def loaded(self) -> tuple[Model, Encodings]:
        """The same as the stream will load it."""
        with tempfile.TemporaryDirectory() as folder:
            self.write(Path(folder))
            text, sheet = Path(folder, "model.txt"), Path(folder, "model.yaml")
            return Model.load(text, sheet), Encodings.load(Path(folder, "encodings.parquet"))


@dataclass(frozen=True)
class Trial:
    """What the held-out last part of the time said: the model of the first part, and its figures."""

    fitted: Fitted
    figures: list[dict[str, float]]
    average_precision: float
    features: str
    held_out: int


def sheet(material: Material, history: History, rulebook: Rulebook, groups: dict[str, str]) -> Sheet:
    """Compute the features of the labelled items with `rulebook`, as `judge` would."""
    results, batch = material.results, material.batch
    columns, inside = labelled_columns(material, history, rulebook)
    numbers = tuple(name for name in groups if name not in CODES and name not in RATES)
    rows = columns.matrix(numbers)[inside]
    kept = varying(rows)
    labelled = Labelled(
        {field: columns.code(field)[inside] for field in CODES.values()},
        batch.heads["registered_at"][material.declaration[results.item]],
        results.at,
        results.hit,
    )
    names = tuple(name for name, keep in zip(numbers, kept, strict=True) if keep)
    return Sheet(names, np.ascontiguousarray(rows[:, kept]), labelled, results.recovered, groups)


def labelled_columns(material: Material, history: History, rulebook: Rulebook) -> tuple[Columns, Array]:
    """Fields of the declarations with results, and int64[k]: the row of each labelled item among them."""
    batch, items = material.batch, material.results.item
    wanted = np.zeros(len(batch), np.bool_)
    wanted[material.declaration[items]] = True
    owners = np.flatnonzero(wanted)
    inside = (np.cumsum(wanted[material.declaration]) - 1)[items]
    columns = Columns(batch.take(owners), history.take(owners), rulebook)
    assess_quality(columns)
    return columns, inside


def cut(labelled: Labelled, held_out: float) -> int:
    """Microseconds: the midnight (UTC) before which all but about the last `held_out` of the items lie."""
    times = np.sort(labelled.registered_at)
    at = int(times[int(len(times) * (1.0 - held_out))]) if len(times) else 0
    midnight = at // DAY_US * DAY_US
    return midnight if len(times) and midnight > times[len(times) // 2] else at


def trial(material: Material, sheet: Sheet, at: int) -> Trial | None:
    """Train on what was known before `at` with and without rates of findings; keep the better features.

    Better: the higher average precision on what was registered from `at` on. None where either part
    has too few results.
    """
    before, after = sheet.first(at), sheet.labelled.registered_at >= at
    hit = sheet.labelled.hit
    if not (Examples(sheet.rows[before], hit[before]).enough() and hit[after].any() and not hit[after].all()):
        return None
    named = set(encodings(material, sheet.labelled, tuple(CODES), at)["feature"].unique().to_pylist())
    codes = tuple(name for name in CODES if name in named and _varies(sheet, CODES[name], before))
    rates = tuple(name for name in RATES if name.replace("rate.", "code.") in codes)
    tables = Tables(encodings(material, sheet.labelled, codes + rates, at))
    assert sheet.rates.keys() == RATES.keys()  # computed here, before two threads ask for it
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda features: _tried(sheet, at, tables, features), (codes, codes + rates)))
    return max(found, key=lambda each: each.average_precision)


def final(material: Material, sheet: Sheet, best: Trial) -> Fitted:
    """Train once more on all results, with the features and the calibration of the trial."""
    encoded = tuple(name for name in best.fitted.features if name in CODES or name in RATES)
    tables = Tables(encodings(material, sheet.labelled, encoded, END))
    every = np.ones(len(sheet.rows), np.bool_)
    booster = train(
        _examples(sheet, tables, encoded, every), best.fitted.features, misses_kept(sheet.labelled.hit)
    )
    return Fitted(booster, best.fitted.features, best.fitted.groups, tables.table, best.fitted.calibration)


def _varies(sheet: Sheet, field: str, where: Array) -> bool:
    codes = sheet.labelled.codes[field][where]
    return bool((codes != codes[0]).any())


def _tried(sheet: Sheet, at: int, tables: Tables, encoded: tuple[str, ...]) -> Trial:
    names = sheet.numbers + encoded
    before, after = sheet.first(at), sheet.labelled.registered_at >= at
    booster = train(_examples(sheet, tables, encoded, before), names, misses_kept(sheet.labelled.hit))
    rows = np.column_stack([sheet.rows[after], *tables.apply(sheet, encoded, after)])
    raw = np.asarray(booster.predict(rows, raw_score=True, num_threads=1))
    hit = sheet.labelled.hit[after]
    fitted = Fitted(
        booster,
        names,
        {name: sheet.groups[name] for name in names},
        tables.only(encoded),
        calibrate(raw, hit),
    )
    return Trial(
        fitted,
        summary(raw, hit, sheet.recovered[after]),
        average_precision(raw, hit),
        "codes and rates" if any(name in RATES for name in encoded) else "codes",
        int(after.sum()),
    )


def _examples(sheet: Sheet, tables: Tables, encoded: Sequence[str], where: Array) -> Examples:
    """Training rows: codes by the table, rates by what was known before each item's day."""
    codes = [name for name in encoded if name in CODES]
    columns = [sheet.rows[where], *tables.apply(sheet, codes, where)]
    columns += [sheet.rates[name][where] for name in encoded if name in RATES]
    return Examples(np.column_stack(columns), sheet.labelled.hit[where])
