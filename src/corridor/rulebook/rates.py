"""Exchange rates by day: rates.parquet or rates.csv with currency, date and rate.

A rate is in national currency for one unit. The last one on or before the day of registration (UTC)
serves, up to 7 days old (design: bad-input 11).
"""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.messages.tokens import token
from corridor.rulebook.parquet import Columns

MAX_AGE_DAYS: Final = 7
DAY_US: Final = 86_400_000_000
_SHIFT: Final = 32  # a currency's number and a day in one sortable int64
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date(9999, 12, 31).toordinal() - _EPOCH


@dataclass(frozen=True)
class RateTable:
    """The k rates of c currencies.

    currencies: int64[c], sorted tokens; keys: int64[k], sorted (number of the currency, day);
    rates: float64[k].
    """

    currencies: NDArray[np.int64]
    keys: NDArray[np.int64]
    rates: NDArray[np.float64]

    @classmethod
    def empty(cls) -> "RateTable":
        """A table without rates: no currency is known."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))

    @classmethod
    def of(cls, currency: Any, day: Any, rate: Any) -> "RateTable":
        """From int64[k] tokens, int64[k] days since 1970 and float64[k] rates, in any order."""
        known = np.unique(np.asarray(currency, np.int64))
        keys = (np.searchsorted(known, currency).astype(np.int64) << _SHIFT) + np.asarray(day, np.int64)
        order = np.argsort(keys, kind="stable")
        return cls(known, keys[order], np.asarray(rate, np.float64)[order])

    @classmethod
    def load(cls, path: Path) -> "RateTable":
        """Read rates.parquet or rates.csv; raises RulebookError naming file and row."""
        try:
            currency, day, rate = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
        except (UnicodeDecodeError, csv.Error) as error:
            raise RulebookError(f"{path}: no CSV in UTF-8 ({error}); save it as such") from error
        far = (day < 0) | (day > _LAST_DAY)
        if far.any():
            raise RulebookError(f"{path}: row {int(far.argmax()) + 1}: date is not between 1970 and 9999")
        bad = ~(np.isfinite(rate) & (rate > 0)) | (currency == 0)
        if bad.any():
            row = int(bad.argmax())
            raise RulebookError(
                f"{path}: row {row + 1}: needs a currency and a rate above 0, found {rate[row]}"
            )
        table = cls.of(currency, day, rate)
        twice = np.flatnonzero(np.diff(table.keys) == 0)
        if len(twice):
            when = date.fromordinal(int(table.keys[twice[0]] & 0xFFFFFFFF) + _EPOCH)
            raise RulebookError(f"{path}: two rates of one currency on {when}; keep one")
        return table

    def __len__(self) -> int:
        return len(self.keys)

    def rate(self, currency: Any, registered_at: Any) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        """The rates in force.

        currency: int64[m] tokens; registered_at: int64[m] µs since 1970.
        Returns (rate float64[m], age int32[m] in days): age -1 for an unknown currency; the rate is NaN then,
        when older than 7 days, and before the currency's first.
        """
        m = len(currency)
        if not len(self.keys) or not m:
            return np.full(m, np.nan), np.full(m, -1, np.int32)
        number = np.minimum(np.searchsorted(self.currencies, currency), len(self.currencies) - 1)
        known = self.currencies[number] == currency
        wanted = (number.astype(np.int64) << _SHIFT) + np.clip(
            np.asarray(registered_at) // DAY_US, 0, 0xFFFFFFFF
        )
        place = np.searchsorted(self.keys, wanted, side="right") - 1
        found = self.keys[np.maximum(place, 0)]
        none = (place < 0) | (found >> _SHIFT != number)
        age = np.where(none, MAX_AGE_DAYS + 1, np.minimum(wanted - found, 1 << 30))
        fresh = known & (age <= MAX_AGE_DAYS)
        rate = np.where(fresh, self.rates[np.maximum(place, 0)], np.nan)
        return rate, np.where(known, age, -1).astype(np.int32)


Read = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def _read_parquet(path: Path) -> Read:
    columns = Columns(path, ("currency", "date", "rate"))
    return columns.tokens("currency"), columns.times("date") // DAY_US, columns.numbers("rate")


def _read_csv(path: Path) -> Read:
    tokens, days, rates = [], [], []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"currency", "date", "rate"} <= set(rows.fieldnames or ()):
            raise RulebookError(f"{path}: the header must be currency,date,rate")
        for row in rows:
            try:
                days.append(date.fromisoformat(row["date"]).toordinal() - _EPOCH)
                rates.append(float(row["rate"]))
                tokens.append(token(row["currency"].strip()))
            except (ValueError, TypeError, AttributeError) as error:
                raise RulebookError(
                    f"{path}: line {rows.line_num}: {error}; a row is USD,2026-01-31,92.50"
                ) from error
    return np.array(tokens, np.int64), np.array(days, np.int64), np.array(rates, np.float64)
