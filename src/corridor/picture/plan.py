"""The plan of payments: what an office, or the whole service, is to collect on a day; a CSV file of the service's own.

Columns office, date, payments: one row an office and day, a row without an office for the whole service. Days that
stand nowhere have no plan, which is not a plan of 0.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.skeleton import tokens_of
from corridor.output import reason
from corridor.rulebook.lists import CodeList

Array = NDArray[Any]

COLUMNS: Final = ("office", "date", "payments")
SERVICE: Final = ""
"""The office of a row for the whole service."""
MOST_ROWS: Final = 500_000
"""A thousand offices for more than a year: the plan goes to every worker."""
_MOST_BYTES: Final = 64 << 20
_AMOUNT: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,2}))?")
_LONGEST: Final = 64
_EPOCH: Final = date(1970, 1, 1).toordinal()
_SHAPE: Final = "give a CSV file, UTF-8 and separated by commas, whose first line is office,date,payments"


@dataclass(frozen=True, slots=True)
class PaymentPlan:
    """Payments planned, row by row.

    office: texts, SERVICE for the whole service; day: int32[n], days since 1970; payments: int64[n], minor units.
    """

    office: tuple[str, ...]
    day: Array
    payments: Array

    @classmethod
    def load(cls, path: Path) -> "PaymentPlan":
        """Read the file, checked whole. InputError names the line and what stands there."""
        rows: dict[tuple[str, int], tuple[int, int]] = {}
        for line, (office, day, payments) in _rows(path):
            if (office, day) in rows:
                whose, when = office or "the whole service", date.fromordinal(day + _EPOCH)
                raise InputError(
                    f"{path}:{line}: {whose} on {when} stands in line {rows[office, day][1]} already; keep one of them"
                )
            if len(rows) == MOST_ROWS:
                raise InputError(f"{path}: more than {MOST_ROWS:,} rows; give the plan of a year or less")
            rows[office, day] = payments, line
        if not rows:
            raise InputError(f"{path}: no row below the first line; {_SHAPE}")
        return cls(
            tuple(office for office, _ in rows),
            np.array([day for _, day in rows], np.int32),
            np.array([payments for payments, _ in rows.values()], np.int64),
        )

    def check(self, offices: CodeList, path: Path) -> None:
        """InputError for an office that the rulebook's list does not hold on the day; path: as it is named."""
        tokens = tokens_of(list(self.office))
        strange = ~offices.holds(tokens, self.day * 86_400.0) & (tokens != 0)
        if strange.any():
            first = int(np.flatnonzero(strange)[0])
            others = len({self.office[i] for i in np.flatnonzero(strange).tolist()}) - 1
            more = f" (and {others} other offices)" * bool(others)
            when = date.fromordinal(int(self.day[first]) + _EPOCH)
            raise InputError(
                f"{path}: {self.office[first]!r}{more} is no office of the rulebook's list on {when}; correct the plan "
                "or the list `offices`"
            )

    def by_day(self) -> dict[tuple[str, int], int]:
        """Payments in minor units by office and day since 1970."""
        return dict(
            zip(zip(self.office, self.day.tolist(), strict=True), self.payments.tolist(), strict=True)
        )


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, int, int]]]:
    """Lines and what they say, checked one by one."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path}: larger than {_MOST_BYTES >> 20} MB; give the plan of a year or less")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            head = [name.strip() for name in next(reader, [])]
            if sorted(head) != sorted(COLUMNS):
                raise InputError(f"{path}:1: the columns are {','.join(head)[:80]!r}; {_SHAPE}")
            places = [head.index(name) for name in COLUMNS]
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, _row(f"{path}:{reader.line_num}", cells, places)
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}; {_SHAPE}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: {error}; {_SHAPE}") from None


def _row(where: str, cells: list[str], places: list[int]) -> tuple[str, int, int]:
    if len(cells) != len(COLUMNS):
        raise InputError(f"{where}: {len(cells)} values where there are {len(COLUMNS)} columns; {_SHAPE}")
    office, day, payments = (cells[place].strip() for place in places)
    if len(office) > _LONGEST:
        raise InputError(f"{where}: the office {office[:20]!r}… has more than {_LONGEST} characters")
    return office, _day(where, day), _minor(where, payments)


def _day(where: str, text: str) -> int:
    try:
        if len(text) != len("2026-11-22"):
            raise ValueError
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        raise InputError(f"{where}: {text[:40]!r} is no date; write it as 2026-11-22") from None


def _minor(where: str, text: str) -> int:
    advice = "write the payments planned as a decimal number from 0 on, as 1250000.50, or leave the row out"
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise InputError(f"{where}: {text[:40]!r} is no amount; {advice}")
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
