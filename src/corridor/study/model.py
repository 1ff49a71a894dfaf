"""From a history to a model: features, two fits on the first part of the time, the better set of features, calibration."""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
from corridor.study.train import Examples, average_precision, calibrate, misses_kept, train, varying

END: Final = int(np.iinfo(np.int64).max) // 2
FILES: Final = ("encodings.parquet", "model.txt", "model.yaml")


@dataclass(frozen=True)
class Sheet:
    """k labelled items of a history with every feature that needs no encoding: float64[k, len(numbers)]."""

    numbers: tuple[str, ...]
    rows: Array
    labelled: Labelled
    groups: dict[str, str]

    @cached_property
    def rates(self) -> dict[str, Array]:
        """By feature of RATES: float64[k], from what was known before the day of each item."""
        return {name: rates_in_time(field, self.labelled) for name, field in RATES.items()}


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

    def apply(self, sheet: Sheet, features: Sequence[str]) -> list[Array]:
        """Columns of float64 for the labelled items."""
        fields = CODES | RATES
        return [self._loaded.apply(name, sheet.labelled.codes[fields[name]]) for name in features]


@dataclass(frozen=True)
class Fitted:
    """A model ready to be written: trees, features in order, encodings, calibration; misses: the share trained on."""

    booster: lightgbm.Booster
    features: tuple[str, ...]
    groups: dict[str, str]
    table: pa.Table
    calibration: tuple[float, float, float]
    misses: float

    @property
    def encoded(self) -> tuple[str, ...]:
        """Those of its features that stand in the table of encodings."""
        return tuple(name for name in self.features if name in CODES or name in RATES)

    @property
    def codes(self) -> tuple[str, ...]:
        """Those of its features that are codes as numbers."""
        return tuple(name for name in self.features if name in CODES)

    @property
    def chosen(self) -> str:
        """Which encodings it has, in words."""
        return "codes and rates" if any(name in RATES for name in self.features) else "codes"

    def write(self, folder: Path) -> None:
        """Write FILES into a rulebook folder."""
        pq.write_table(self.table, folder / "encodings.parquet", compression="zstd")
        (folder / "model.txt").write_text(self.booster.model_to_string(), encoding="utf-8")
        a, b, ceiling = self.calibration
        sheet = {
            "features": [{"name": name, "group": self.groups[name]} for name in self.features],
            "calibration": {"a": a, "b": b, "ceiling": ceiling},
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
class Trials:
    """Models of the first part of the time with and without rates of findings, and what each says of k held-out items.

    fitted: uncalibrated; raw: float64[k] scores of each; held: the k items.
    """

    fitted: tuple[Fitted, ...]
    raw: tuple[Array, ...]
    held: Labelled

    def best(self, until: int = END) -> Fitted | None:
        """The model of the higher average precision on what was registered and known before `until`, calibrated on it.

        None where nothing could be trained, or where there are no hits or no misses to calibrate on.
        """
        of = (self.held.registered_at < until) & (self.held.known_at < until)
        hit = self.held.hit[of]
        if not self.fitted or not hit.any() or hit.all():
            return None
        scores = [raw[of] for raw in self.raw]
        best = max(range(len(scores)), key=lambda i: average_precision(scores[i], hit))
        return replace(self.fitted[best], calibration=calibrate(scores[best], hit))


def sheet(
    material: Material,
    columns: Columns,
    inside: Array,
    groups: dict[str, str],
    which: Array | None = None,
) -> Sheet:
    """The features of labelled items, from the `columns` and rows that `labelled_columns` gives for `which`."""
    results = material.results
    picked = np.arange(len(results)) if which is None else which
    numbers = tuple(name for name in groups if name not in CODES and name not in RATES)
    rows = columns.matrix(numbers)[inside]
    labelled = Labelled(
        {field: columns.code(field)[inside] for field in CODES.values()},
        registered_at(material)[picked],
        results.at[picked],
        results.hit[picked],
    )
    return Sheet(numbers, rows, labelled, groups)


def labelled_columns(
    material: Material, history: History, rulebook: Rulebook, which: Array | None = None
) -> tuple[Columns, Array]:
    """Fields of the declarations with results, and int64[k]: the row of each labelled item among them.

    which: int64[k], places among the results; None for all.
    """
    owners, inside = labelled_declarations(material, which)
    columns = Columns(material.batch.take(owners), history.take(owners), rulebook)
    assess_quality(columns)
    return columns, inside


def labelled_declarations(material: Material, which: Array | None = None) -> tuple[Array, Array]:
    """int64[d], the declarations of the results `which`; int64[k], each one's item among all items of those."""
    items = material.results.item if which is None else material.results.item[which]
    wanted = np.zeros(len(material.batch), np.bool_)
    wanted[material.declaration[items]] = True
    return np.flatnonzero(wanted), (np.cumsum(wanted[material.declaration]) - 1)[items]


def registered_at(material: Material) -> Array:
    """int64[k]: when the declaration of each result was registered."""
    at: Array = material.batch.heads["registered_at"][material.declaration[material.results.item]]
    return at


def cut(registered: Array, held_out: float) -> int:
    """Microseconds: the midnight (UTC) before which all but about the last `held_out` of the items lie."""
    times = np.sort(registered)
    at = int(times[int(len(times) * (1.0 - held_out))]) if len(times) else 0
    midnight = at // DAY_US * DAY_US
    return midnight if len(times) and midnight > times[len(times) // 2] else at


def halfway(registered: Array) -> int:
    """Microseconds: a midnight that parts the items in two halves, or the middle item's time if all are of a day."""
    times = np.sort(registered)
    at = int(times[len(times) // 2]) if len(times) else 0
    midnight = at // DAY_US * DAY_US
    return midnight if len(times) and midnight > times[0] else at


def trials(past: Material, first: Sheet, held: Sheet) -> Trials:
    """Train on `first`, the sheet of `past`, with and without rates of findings; score `held`, what came after.

    Nothing of `held` reaches the models. No models where there are too few results.
    """
    numbers = varying(first.rows)
    if not Examples(first.rows, first.labelled.hit).enough():
        return Trials((), (), held.labelled)
    named = set(encodings(past, first.labelled, tuple(CODES), END)["feature"].unique().to_pylist())
    codes = tuple(name for name in CODES if name in named and _varies(first, CODES[name]))
    rates = tuple(name for name in RATES if name.replace("rate.", "code.") in codes)
    tables = Tables(encodings(past, first.labelled, codes + rates, END))
    assert first.rates.keys() == RATES.keys()  # computed here, before two threads ask for it
    with ThreadPoolExecutor(2) as pool:
        fitted = tuple(
            pool.map(lambda encoded: _trained(first, tables, encoded, numbers), (codes, codes + rates))
        )
    raw = tuple(_scored(one, tables, held, numbers) for one in fitted)
    return Trials(fitted, raw, held.labelled)


def final(material: Material, whole: Sheet, best: Fitted) -> Fitted:
    """Train once more on all results, with the features, the share of misses and the calibration of `best`."""
    tables = Tables(encodings(material, whole.labelled, best.encoded, END))
    kept = np.array([name in best.features for name in whole.numbers])
    booster = train(_examples(whole, tables, best.encoded, kept), best.features, best.misses)
    return replace(best, booster=booster, table=tables.table)


def _varies(sheet: Sheet, field: str) -> bool:
    codes = sheet.labelled.codes[field]
    return bool((codes != codes[0]).any())


def _trained(first: Sheet, tables: Tables, encoded: tuple[str, ...], numbers: Array) -> Fitted:
    names = tuple(name for name, kept in zip(first.numbers, numbers, strict=True) if kept) + encoded
    misses = misses_kept(first.labelled.hit)
    booster = train(_examples(first, tables, encoded, numbers), names, misses)
    groups = {name: first.groups[name] for name in names}
    return Fitted(booster, names, groups, tables.only(encoded), (1.0, 0.0, 1.0), misses)


def _scored(fitted: Fitted, tables: Tables, held: Sheet, numbers: Array) -> Array:
    rows = np.column_stack([held.rows[:, numbers], *tables.apply(held, fitted.encoded)])
    return np.asarray(fitted.booster.predict(rows, raw_score=True, num_threads=1))


def _examples(sheet: Sheet, tables: Tables, encoded: Sequence[str], numbers: Array) -> Examples:
    """Training rows: codes by the table, rates by what was known before each item's day."""
    codes = [name for name in encoded if name in CODES]
    columns = [sheet.rows[:, numbers], *tables.apply(sheet, codes)]
    columns += [sheet.rates[name] for name in encoded if name in RATES]
    return Examples(np.column_stack(columns), sheet.labelled.hit)
