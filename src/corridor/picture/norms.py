"""Norms of the aggregates: what an hour, an office's mix of goods, an importer's day usually look like.

Counts of a series by hour of the week: the robust mean of its (weekday or weekend, hour) cell,
times a factor of the weekday, drawn towards the own mean of the hour of week as weeks accrue. Their
spread is a negative binomial whose dispersion holds what the series really varies by and how
little its mean is known. Shares are beta-binomial, drawn towards those of the whole service where
an office has little data. All of it is kept in a rulebook's `picture.parquet`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corridor.errors import InputError, RulebookError
from corridor.kernels.bands import count_bands
from corridor.picture import fitting, mixes, rhythms
from corridor.picture.calendar import HOLIDAY, MONTH_END, check_country, day_classes, free_days
from corridor.picture.hourly import BIN, HOUR, Hourly, hourly, merge
from corridor.rulebook.manifest import PICTURE as FILE
from corridor.rulebook.parquet import Columns

__all__ = [
    "ALARMS",
    "BAND_TAIL",
    "FILE",
    "PictureNorms",
    "Share",
    "check_country",
    "fit",
    "hour_of_week",
    "hourly",
    "merge",
    "save",
]

Array = NDArray[Any]

BAND_TAIL: Final = 0.005
"""The band that is kept and drawn leaves out this share of hours on each side."""
ALARMS: Final = 0.5
"""False alarms an office and week that the detector may give in all: the one setting of its sensitivity."""
FORM: Final = "2"
"""Of the file; norms of another one are fitted again. 2: shares by class of day, alarms of all forms together."""
NAMES: Final = ("dimension", "value", "measure", "slot", "n", "expected", "dispersion", "low", "high")
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
AHEAD: Final = 8.0
"""Growth is believed for so many weeks after the history's end."""


@dataclass(frozen=True, slots=True)
class Share:
    """The norm of a share: its mean, intra-class correlation, and the declarations it rests on."""

    expected: float
    rho: float
    n: float


@dataclass(frozen=True, slots=True)
class Price:
    """The norm of a price: its mean logarithm (minor units a gram), and deviations.

    between: of blocks of hours; within: of one declaration.
    """

    expected: float = 0.0
    between: float = 1e9
    within: float = 1e9


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What lies on the week of a series: level at `at` (microseconds), growth a week, ratios on odd days.

    holiday: to the same hour of a Sunday; month_end: to the same hour of the weekday.
    """

    level: float = 1.0
    growth: float = 1.0
    at: float = 0.0
    holiday: float = 1.0
    month_end: float = 1.0


@dataclass(frozen=True, slots=True)
class PictureNorms:
    """Norms by series. `counts`: expected and dispersion float64[2, 168] by hour of the week.

    shares: of working days, and of weekends and holidays; within: float64[2, 288], share of each bin in its hour, on
    weekdays and on weekends; country: whose holidays count; alarms: see ALARMS.
    """

    counts: dict[tuple[str, str], Array] = field(default_factory=dict)
    shares: dict[tuple[str, str], tuple[Share, Share]] = field(default_factory=dict)
    importers: dict[str, tuple[float, float]] = field(default_factory=dict)
    within: dict[tuple[str, str], Array] = field(default_factory=dict)
    rhythms: dict[tuple[str, str], Rhythm] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    country: str = ""
    alarms: float = ALARMS

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
        counts = (texts["measure"] == "declarations") & (texts["dimension"] != "importer")
        columns.refuse(counts & ((slot < 0) | (slot > 167)), "slot is no hour of the week, 0 to 167")
        within = texts["measure"] == "within"
        columns.refuse(
            within & ((slot < 0) | (slot > 575)), "slot is no bin of a weekday or weekend, 0 to 575"
        )
        columns.refuse(
            (texts["measure"] == "share") & ((slot < 0) | (slot > 1)), "slot is no class of days, 0 or 1"
        )
        numbers = {name: columns.numbers(name) for name in ("n", "expected", "dispersion")}
        for name, values in numbers.items():
            columns.refuse(np.isinf(values) | (values < 0), f"{name} is below 0 or not finite")
        told = pq.read_schema(file).metadata or {}
        return cls.of(pa.table(texts | {"slot": slot} | numbers).replace_schema_metadata(told), file)

    @classmethod
    def of(cls, table: pa.Table, file: Path | str = FILE) -> "PictureNorms":
        """Norms from the table that `fit` makes. RulebookError, which names `file`, for settings that are none."""
        norms = replace(cls(), **_settings(table.schema.metadata or {}, file))
        columns = [table.column(name).to_pylist() for name in NAMES[:7]]
        for dimension, value, measure, *told in zip(*columns, strict=True):
            norms._take(dimension, value, "importer" if dimension == "importer" else measure, *told)
        return norms

    def _take(
        self,
        dimension: str,
        value: str,
        measure: str,
        slot: int,
        n: float,
        expected: float,
        dispersion: float,
    ) -> None:
        """One row of the table."""
        key = dimension, value
        match measure:
            case "declarations":
                self.counts.setdefault(key, np.full((2, 168), np.nan))[:, slot] = expected, dispersion
            case "share":
                own = Share(expected, dispersion, n)
                other = self.shares.get(key, (own, own))
                self.shares[key] = (other[0], own) if slot else (own, other[1])
            case "importer":
                self.importers[value] = expected, dispersion
            case "within":
                self.within.setdefault(key, np.full((2, 288), 1 / 12)).flat[slot] = expected
            case "level":
                old = self.rhythms.get(key, Rhythm())
                self.rhythms[key] = replace(old, level=expected, growth=dispersion, at=n)
            case "holiday" | "month_end":
                self.rhythms[key] = replace(self.rhythms.get(key, Rhythm()), **{measure: expected})
            case "log_price":
                log = float(np.log(max(expected, 1e-300)))
                self.prices[value] = replace(
                    self.prices.get(value, Price()), expected=log, between=dispersion**0.5
                )
            case "log_price_item":
                self.prices[value] = replace(self.prices.get(value, Price()), within=dispersion**0.5)

    def count(self, dimension: str, value: str, hours: Array) -> tuple[Array, Array]:
        """Give expected count and dispersion for hours (int64[t], microseconds); NaN without a norm."""
        table = self.counts.get((dimension, value))
        if table is None:
            return np.full(len(hours), np.nan), np.full(len(hours), np.nan)
        hours = np.asarray(hours, np.int64)
        rhythm, classes = (
            self.rhythms.get((dimension, value), Rhythm()),
            day_classes(hours // DAY, self.country),
        )
        slots, factor = hour_of_week(hours), np.full(len(hours), rhythm.level)
        sunday = 144 + slots % 24
        free = (classes == HOLIDAY) & np.isfinite(table[0, sunday])
        slots = np.where(free, sunday, slots)
        factor *= rhythm.growth ** np.clip((hours - rhythm.at) / WEEK, 0.0, AHEAD)
        factor *= np.where(
            classes == HOLIDAY, rhythm.holiday, np.where(classes == MONTH_END, rhythm.month_end, 1.0)
        )
        return table[0, slots] * factor, table[1, slots]

    def bins(self, dimension: str, value: str, bins: Array) -> tuple[Array, Array]:
        """Give expected count and dispersion for bins (int64[t], number of BIN since 1970); NaN without a norm."""
        bins = np.asarray(bins, np.int64)
        expected, dispersion = self.count(dimension, value, bins * BIN // HOUR * HOUR)
        share = self.within.get((dimension, value))
        if share is None:
            return expected / 12, dispersion
        free = free_days(bins // 288, self.country)
        return expected * share[free.astype(np.int64), bins % 288], dispersion

    def band(self, dimension: str, value: str, hours: Array) -> tuple[Array, Array, Array]:
        """Give expected, low and high for hours, the band leaving out BAND_TAIL on each side."""
        expected, dispersion = self.count(dimension, value, hours)
        return expected, *count_bands(expected, dispersion, BAND_TAIL)

    def share(self, pair: str, office: str, category: str, free: bool = False) -> Share:
        """Norm of a category's share at an office; one never seen there has its service-wide share.

        free: on a weekend or holiday, not a working day.
        """
        found = self.shares.get((pair, f"{office}/{category}"))
        rest = self.shares.get((pair, f"{office}/*"))
        return (found or rest or (Share(1e-4, 0.05, 0.0),) * 2)[int(free)]


def hour_of_week(hours: Array) -> Array:
    """int64[t]: 0 is Monday 00:00 UTC (1970-01-01 was a Thursday)."""
    return (np.asarray(hours, np.int64) // HOUR + 72) % 168


def save(table: pa.Table, folder: Path) -> Path:
    """Write the norms into a rulebook folder."""
    path = folder / FILE
    pq.write_table(table, path, compression="zstd")
    return path


def fit(totals: Hourly, country: str = "", alarms: float = ALARMS) -> pa.Table:
    """Learn the norms from the totals of whole days; at least a week, better four.

    country: whose public holidays count (ISO 3166-1 alpha-2), "" for none; alarms: false alarms an office and week
    that the detector may give in all, kept with the norms. Raises RulebookError when there is not one whole day of
    totals, InputError for a country without a calendar or alarms that are none.
    """
    check_country(country)
    if not 1e-6 <= alarms <= 10.0:
        raise InputError(f"alarms {alarms}: give false alarms an office and week, from 0.000001 to 10")
    if not len(totals.hour):
        raise RulebookError("no declarations to learn the picture's norms from; give at least one day")
    first = int(totals.hour.min()) // DAY * DAY
    days = (int(totals.hour.max()) - first) // DAY + 1
    rows = fitting.counts(totals, first, days, country) + mixes.shares(totals, first, days, country)
    rows += fitting.importers(totals, first, days) + rhythms.within(totals, first, days)
    rows += rhythms.prices(totals, first, days)
    table = dict(zip(NAMES[:7], zip(*rows, strict=True), strict=True))
    low, high = count_bands(table["expected"], table["dispersion"], BAND_TAIL)
    other = np.array(table["measure"]) != "declarations"
    low[other] = high[other] = np.nan
    made = pa.table(
        {
            **{name: pa.array(table[name], pa.string()) for name in ("dimension", "value", "measure")},
            "slot": pa.array(table["slot"], pa.int16()),
            **{name: pa.array(table[name], pa.float64()) for name in ("n", "expected", "dispersion")},
            "low": pa.array(low, pa.float64()),
            "high": pa.array(high, pa.float64()),
        }
    )
    return made.replace_schema_metadata({"form": FORM, "country": country, "alarms": repr(alarms)})


def _settings(told: dict[bytes, bytes], file: Path | str) -> dict[str, Any]:
    """The norms' own settings, from the file's metadata."""
    text = {key.decode(errors="replace"): value.decode(errors="replace") for key, value in told.items()}
    if text.get("form") != FORM:
        raise RulebookError(f"{file}: of another version of Corridor; fit the picture's norms again")
    try:
        alarms = float(text.get("alarms", ALARMS))
        if not 1e-6 <= alarms <= 10.0:
            raise InputError(f"alarms {alarms} is not from 0.000001 to 10")
        return {"country": check_country(text.get("country", "")), "alarms": alarms}
    except (ValueError, InputError) as error:
        raise RulebookError(f"{file}: {error}; fit the picture's norms again") from None
