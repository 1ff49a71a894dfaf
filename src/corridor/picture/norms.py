"""Norms of the aggregates: what an hour, an office's mix of goods, an importer's day usually look like.

Counts of a series by hour of the week: the robust mean of its (weekday or weekend, hour) cell,
times a factor of the weekday, drawn towards the own mean of the hour of week as weeks accrue. Their
spread is a negative binomial whose dispersion holds what the series really varies by and how
little its mean is known. Shares are beta-binomial, drawn towards those of the whole service where
an office has little data. All of it is kept in a rulebook's `picture.parquet`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.kernels.bands import count_bands
from corridor.picture import fitting
from corridor.picture.hourly import HOUR, Hourly, hourly, merge
from corridor.rulebook.parquet import Columns

__all__ = ["BAND_TAIL", "FILE", "PictureNorms", "Share", "fit", "hour_of_week", "hourly", "merge", "save"]

Array = NDArray[Any]

FILE: Final = "picture.parquet"
BAND_TAIL: Final = 0.005
"""The band that is kept and drawn leaves out this share of hours on each side."""
NAMES: Final = ("dimension", "value", "measure", "slot", "n", "expected", "dispersion", "low", "high")


@dataclass(frozen=True, slots=True)
class Share:
    """The norm of a share: its mean, intra-class correlation, and the declarations it rests on."""

    expected: float
    rho: float
    n: float


@dataclass(frozen=True, slots=True)
class PictureNorms:
    """Norms by series. `counts`: expected and dispersion float64[2, 168] by hour of the week."""

    counts: dict[tuple[str, str], Array] = field(default_factory=dict)
    shares: dict[tuple[str, str], Share] = field(default_factory=dict)
    importers: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def empty(cls) -> "PictureNorms":
        """No norms: the detector has nothing to compare with and finds nothing."""
        return cls()

    @classmethod
    def load(cls, path: Path) -> "PictureNorms":
        """Read a rulebook folder's picture.parquet, or the file itself; without one, no norms.

        Raises RulebookError for a file that cannot be read, lacks a column or holds what is no norm.
        """
        file = path / FILE if path.is_dir() else path
        if not file.exists():
            return cls.empty()
        columns = Columns(file, NAMES)
        texts = {name: columns.texts(name) for name in ("dimension", "value", "measure")}
        slot = columns.integers("slot")
        counts = (texts["measure"] != "share") & (texts["dimension"] != "importer")
        columns.refuse(counts & ((slot < 0) | (slot > 167)), "slot is no hour of the week, 0 to 167")
        numbers = {name: columns.numbers(name) for name in ("n", "expected", "dispersion")}
        for name, values in numbers.items():
            columns.refuse(np.isinf(values) | (values < 0), f"{name} is below 0 or not finite")
        return cls.of(pa.table(texts | {"slot": slot} | numbers))

    @classmethod
    def of(cls, table: pa.Table) -> "PictureNorms":
        """Norms from the table that `fit` makes."""
        norms = cls()
        columns = [table.column(name).to_pylist() for name in NAMES[:7]]
        for dimension, value, measure, slot, n, expected, dispersion in zip(*columns, strict=True):
            key = dimension, value
            if measure == "share":
                norms.shares[key] = Share(expected, dispersion, n)
            elif dimension == "importer":
                norms.importers[value] = expected, dispersion
            else:
                norms.counts.setdefault(key, np.full((2, 168), np.nan))[:, slot] = expected, dispersion
        return norms

    def count(self, dimension: str, value: str, hours: Array) -> tuple[Array, Array]:
        """Give expected count and dispersion for hours (int64[t], microseconds); NaN without a norm."""
        table = self.counts.get((dimension, value))
        if table is None:
            return np.full(len(hours), np.nan), np.full(len(hours), np.nan)
        slots = hour_of_week(hours)
        return table[0, slots], table[1, slots]

    def band(self, dimension: str, value: str, hours: Array) -> tuple[Array, Array, Array]:
        """Give expected, low and high for hours, the band leaving out BAND_TAIL on each side."""
        expected, dispersion = self.count(dimension, value, hours)
        return expected, *count_bands(expected, dispersion, BAND_TAIL)

    def share(self, pair: str, office: str, category: str) -> Share:
        """Norm of a category's share at an office; one never seen there has its service-wide share."""
        found = self.shares.get((pair, f"{office}/{category}"))
        rest = self.shares.get((pair, f"{office}/*"), Share(1e-4, 0.05, 0.0))
        return found or Share(rest.expected, rest.rho, rest.n)


def hour_of_week(hours: Array) -> Array:
    """int64[t]: 0 is Monday 00:00 UTC (1970-01-01 was a Thursday)."""
    return (np.asarray(hours, np.int64) // HOUR + 72) % 168


def save(table: pa.Table, folder: Path) -> Path:
    """Write the norms into a rulebook folder."""
    path = folder / FILE
    pq.write_table(table, path, compression="zstd")
    return path


def fit(totals: Hourly) -> pa.Table:
    """Learn the norms from the hourly totals of whole days; at least a week, better four.

    Raises RulebookError when there is not one whole day of totals.
    """
    if not len(totals.hour):
        raise RulebookError("no declarations to learn the picture's norms from; give at least one day")
    first = int(totals.hour.min()) // (24 * HOUR) * 24 * HOUR
    days = (int(totals.hour.max()) - first) // (24 * HOUR) + 1
    rows = fitting.counts(totals, first, days) + fitting.shares(totals, first, days)
    rows += fitting.importers(totals, first, days)
    table = dict(zip(NAMES[:7], zip(*rows, strict=True), strict=True))
    low, high = count_bands(table["expected"], table["dispersion"], BAND_TAIL)
    share = np.array(table["measure"]) != "declarations"
    low[share] = high[share] = np.nan
    return pa.table(
        {
            **{name: pa.array(table[name], pa.string()) for name in ("dimension", "value", "measure")},
            "slot": pa.array(table["slot"], pa.int16()),
            **{name: pa.array(table[name], pa.float64()) for name in ("n", "expected", "dispersion")},
            "low": pa.array(low, pa.float64()),
            "high": pa.array(high, pa.float64()),
        }
    )
