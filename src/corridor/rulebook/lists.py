"""The lists of a rulebook: lists/<name>.csv with a column `code`, and how rules see them.

A list whose name begins with `hs_` holds HS codes of any length (prefixes); every other list
holds codes and names as texts, matched by their skeleton (messages/skeleton), as the stream's are. An entry may
have `valid_from` and `valid_until`, the first and the last day (UTC) on which it counts: at the time of
registration of what is judged, whenever the rulebook took effect. One code may stand several times for times apart.
"""

import csv
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import membership
from corridor.messages.skeleton import tokens_of
from corridor.rulebook.membership import Lookup

COLUMNS: Final = ("code", "valid_from", "valid_until", "reason", "owner")
MAX_ENTRIES: Final = 1_000_000
MAX_BYTES: Final = 256 << 20
MOST_PROBLEMS: Final = 20
"""Told of one list; the rest are counted."""
ALWAYS: Final = -(1 << 62)
FOREVER: Final = 1 << 62
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY: Final = 86_400_000_000
_SECOND: Final = 1_000_000

Int64s = NDArray[np.int64]
Fault = tuple[int, str]
"""A line and what is wrong in it."""


@dataclass(frozen=True, eq=False)
class CodeList:
    """One list of k entries; it is equal to itself only, so that rules that read it share its table.

    tokens: int64[k] (hs_tokens for an HS list); since, until: int64[k], µs since 1970, until exclusive;
    ALWAYS and FOREVER where an entry has no bound.
    """

    name: str
    tokens: Int64s
    since: Int64s
    until: Int64s

    @classmethod
    def of(cls, name: str, entries: Iterable[tuple[str, int, int]]) -> "CodeList":
        """A list from (code, since, until), times in µs."""
        rows = list(entries)
        codes = tokens_of([code for code, _, _ in rows], hs=name.startswith("hs_"))
        bounds = np.array([row[1:] for row in rows], np.int64).reshape(-1, 2)
        return cls(name, codes, bounds[:, 0].copy(), bounds[:, 1].copy())

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def is_hs(self) -> bool:
        """Whether its codes are HS codes (its name begins with hs_)."""
        return self.name.startswith("hs_")

    @cached_property
    def _bounded(self) -> NDArray[np.bool_]:
        return np.asarray((self.since != ALWAYS) | (self.until != FOREVER), np.bool_)

    @cached_property
    def dated(self) -> bool:
        """Whether an entry has a first or a last day."""
        return bool(self._bounded.any())

    @cached_property
    def undated(self) -> Int64s:
        """int64, sorted: the tokens of the entries without bounds."""
        return np.asarray(np.unique(self.tokens[~self._bounded]), np.int64)

    @cached_property
    def table(self) -> Lookup:
        """What kernels look its codes up in: dated (of an HS list the dated entries alone) where `dated`, else plain."""
        if not self.dated:
            return Lookup(membership.build(self.tokens))
        kept = self._bounded if self.is_hs else np.ones(len(self), np.bool_)
        lengths = int(np.bitwise_or.reduce(1 << (self.tokens[kept] & 15))) if self.is_hs else 0
        first, end = self.since[kept] // _SECOND, self.until[kept] // _SECOND
        return Lookup(membership.build_dated(self.tokens[kept], first, end, lengths))

    def valid_at(self, moment: int) -> Int64s:
        """int64, sorted: the tokens of what counts at a moment, µs since 1970."""
        return np.asarray(np.unique(self.tokens[(self.since <= moment) & (moment < self.until)]), np.int64)

    def holds(self, codes: Int64s, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
        """bool[n]: which of codes int64[n] stand in it, whole, at their moments, float64[n] seconds since 1970."""
        if not self.dated:
            return membership.holds(codes, self.table.array)
        found = membership.holds_dated(codes, seconds, self.table.array)
        return found | membership.holds(codes, self._undated_table) if self.is_hs else found

    @cached_property
    def _undated_table(self) -> Int64s:
        return membership.build(self.undated)


def microseconds(moment: datetime) -> int:
    """µs since 1970-01-01T00:00Z, exactly; a time without offset is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)


def start_of_day(day: date) -> int:
    """µs of the midnight (UTC) that begins `day`."""
    return (day.toordinal() - EPOCH.toordinal()) * DAY


def end_of_day(day: date) -> int:
    """µs of the midnight (UTC) that ends `day`."""
    return start_of_day(day) + DAY


@dataclass(slots=True)
class Entries:
    """What stands in a list file, row by row: codes as written, bounds in µs, lines; and what is wrong with it."""

    codes: list[str] = field(default_factory=list)
    since: "array[int]" = field(default_factory=lambda: array("q"))
    until: "array[int]" = field(default_factory=lambda: array("q"))
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    faults: list[Fault] = field(default_factory=list)
    untold: int = 0

    def fault(self, line: int, text: str) -> None:
        """Note a fault; of many, the first and their number."""
        if len(self.faults) < MOST_PROBLEMS:
            self.faults.append((line, text))
        else:
            self.untold += 1

    def rows(self) -> Iterator[tuple[str, int, int]]:
        """(code, since, until) of each entry."""
        return zip(self.codes, self.since, self.until, strict=True)


def read_list(path: Path) -> tuple[CodeList, list[Fault]]:
    """A list file and the problems in it as (line, text); problematic rows are left out."""
    found = read_entries(path)
    tokens = tokens_of(found.codes, hs=path.stem.startswith("hs_"))
    since, until = np.array(found.since, np.int64), np.array(found.until, np.int64)
    made = CodeList(path.stem, tokens, since, until)
    unseen = [
        (found.lines[i], "the code has no sign that can be seen") for i in np.flatnonzero(tokens == 0)[:1]
    ]
    faults = [*found.faults, *unseen, *_repeats(found, made)]
    if found.untold:
        faults.append((found.faults[-1][0], f"and {found.untold:,} more rows are wrong"))
    return made, faults


def read_entries(path: Path) -> Entries:
    """The rows of a list file, but for the problematic ones."""
    found = Entries()
    size = path.stat().st_size
    if size > MAX_BYTES:
        found.fault(1, f"{size:,} bytes; a list has at most {MAX_BYTES:,}")
        return found
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        if "code" not in header:
            found.fault(
                1, f"the header needs a column code; found {', '.join(header)[:200] or 'an empty file'}"
            )
            return found
        unknown = [name for name in header if name not in (*COLUMNS, "name")]
        if unknown:
            found.fault(1, f"unknown column {unknown[0]!r}; columns are {', '.join(COLUMNS)}, name")
        if len(set(header)) < len(header):
            found.fault(1, "a column stands twice; take one out")
        _take_all(rows, header, path.stem.startswith("hs_"), found)
    return found


def _take_all(rows: Any, header: list[str], is_hs: bool, found: Entries) -> None:
    """Take every row; it is written for a million of them."""
    place, width = header.index("code"), len(header)
    first, last = (header.index(n) if n in header else width for n in ("valid_from", "valid_until"))
    days: dict[str, int | None] = {}
    for cells in rows:
        if not cells:
            continue
        line, count = rows.line_num, len(cells)
        code = cells[place].strip() if place < count else ""
        if not code:
            found.fault(line, "the code is empty; fill it in or take the row out")
            continue
        if count > width:
            found.fault(line, f"{count} cells under {width} columns; put a text that holds a comma in quotes")
            continue
        if is_hs and not (code.isascii() and code.isdigit() and 2 <= len(code) <= 10):
            found.fault(
                line, f"{code[:60]!r} is no HS code: write 2 to 10 digits (lists named hs_ hold HS codes)"
            )
            continue
        since, until = ALWAYS, FOREVER
        if first < count and cells[first]:
            since = _day("valid_from", cells[first], days, line, found)
        if last < count and cells[last]:
            until = _day("valid_until", cells[last], days, line, found)
            until = until + DAY if until != FOREVER else until
        if since >= until:
            found.fault(line, "valid_until lies before valid_from")
            continue
        if len(found.codes) >= MAX_ENTRIES:
            found.fault(line, f"more than {MAX_ENTRIES:,} entries; part the list in two")
            return
        found.codes.append(code)
        found.since.append(since)
        found.until.append(until)
        found.lines.append(line)


def _day(column: str, text: str, days: dict[str, int | None], line: int, found: Entries) -> int:
    """Where a day begins; without bound, and a fault, where the text is none."""
    written = text.strip()
    if written not in days:
        try:
            plain = len(written) == 10 and written[7] == "-"  # not 2026-W01-1
            days[written] = start_of_day(date.fromisoformat(written)) if plain else None
        except ValueError:
            days[written] = None
    none = ALWAYS if column == "valid_from" else FOREVER
    known = days[written] if written else none
    if known is None:
        found.fault(line, f"{column} is {written[:40]!r}; write a day as 2026-12-31")
        return none
    return known


def _repeats(found: Entries, made: CodeList) -> Iterator[Fault]:
    """One fault for all rows that repeat a code for a time that another row has said already."""
    order = np.lexsort((made.since, made.tokens))
    after, before = order[1:], order[:-1]
    overlap = (made.tokens[after] == made.tokens[before]) & (made.until[before] > made.since[after])
    rows = [
        (found.lines[max(a, b)], found.lines[min(a, b)], found.codes[a])
        for a, b in zip(after[overlap].tolist(), before[overlap].tolist(), strict=True)
        if found.codes[a] == found.codes[b]
    ]
    if rows:
        line, first, code = min(rows)
        more = f"; {len(rows) - 1:,} more lines repeat a code" if len(rows) > 1 else ""
        yield line, f"{code[:60]!r} stands in line {first} already; take one out{more}"
