"""The lists of a rulebook: lists/<name>.csv with a column `code`, and how rules see them.

A list whose name begins with `hs_` holds HS codes of any length (prefixes); every other list
holds codes and names as texts. An entry may have `valid_until`, the last day (UTC) on which it counts.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.tokens import hs_token, token

COLUMNS: Final = ("code", "valid_until", "reason", "owner")
MAX_ENTRIES: Final = 1_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CodeList:
    """One list: its codes by the moment (µs since 1970, exclusive) they end; None = without end."""

    name: str
    entries: Mapping[int | None, tuple[str, ...]]

    @property
    def is_hs(self) -> bool:
        """Whether its codes are HS codes (its name begins with hs_)."""
        return self.name.startswith("hs_")

    def codes(self) -> tuple[str, ...]:
        """All codes, with those that have ended."""
        return tuple(code for group in self.entries.values() for code in group)

    def tokens(self, at: int) -> NDArray[np.int64]:
        """int64[k], sorted: the tokens (hs_tokens for an HS list) of what is valid at `at` (µs)."""
        make = hs_token if self.is_hs else token
        valid = [c for until, group in self.entries.items() if until is None or until > at for c in group]
        return np.array(sorted({make(code) for code in valid}), np.int64)


def microseconds(moment: datetime) -> int:
    """µs since 1970-01-01T00:00Z, exactly; a time without offset is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def end_of_day(day: date) -> int:
    """µs of the midnight (UTC) that ends `day`."""
    return microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC)) + 86_400_000_000


def read_list(path: Path) -> tuple[CodeList, list[tuple[int, str]]]:
    """A list file and the problems in it as (line, text); problematic rows are left out."""
    problems: list[tuple[int, str]] = []
    entries: dict[int | None, list[str]] = {}
    seen: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        header = rows.fieldnames or []
        if "code" not in header:
            found = ", ".join(header) or "an empty file"
            return CodeList(path.stem, {}), [(1, f"the header needs a column code; found {found}")]
        unknown = [name for name in header if name not in (*COLUMNS, "name")]
        if unknown:
            problems.append((1, f"unknown column {unknown[0]!r}; columns are {', '.join(COLUMNS)}, name"))
        for row in rows:
            problem = _take(row, path.stem, entries, seen, rows.line_num)
            if problem:
                problems.append((rows.line_num, problem))
    if len(seen) > MAX_ENTRIES:
        problems.append((1, f"{len(seen)} entries; at most {MAX_ENTRIES}"))
    return CodeList(path.stem, {until: tuple(codes) for until, codes in entries.items()}), problems


def _take(
    row: dict[str | Any, str | Any],
    name: str,
    entries: dict[int | None, list[str]],
    seen: dict[str, int],
    line: int,
) -> str | None:
    """Add a row to `entries`, or say what is wrong with it."""
    code = (row["code"] or "").strip()
    if not code:
        return "the code is empty; fill it in or take the row out"
    if name.startswith("hs_") and not (code.isascii() and code.isdigit() and 2 <= len(code) <= 10):
        return f"{code!r} is no HS code: write 2 to 10 digits (lists named hs_ hold HS codes)"
    if code in seen:
        return f"{code!r} stands in line {seen[code]} already; take one out"
    seen[code] = line
    until: int | None = None
    text = (row.get("valid_until") or "").strip()
    if text:
        try:
            until = end_of_day(date.fromisoformat(text))
        except ValueError:
            return f"valid_until is {text!r}; write a day as 2026-12-31"
    entries.setdefault(until, []).append(code)
    return None
