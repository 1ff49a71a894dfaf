"""Snoozes: a rule that says nothing of one party for a time, with reason and owner (snoozes.csv).

    rule,subject,code,valid_from,valid_until,reason,owner
    VAL-06,importer,7712345678,2026-11-01,2026-12-15,freight is in the price: case 17/26,valuation-unit

They count at the time of registration. Every one has an end, at most MAX_DAYS after its beginning. What is mandatory
(at_least, document) is snoozed only where its rule says `may_be_snoozed: true`; an exemption never is.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import lookup
from corridor.kernels.snoozes import Snoozed, silence
from corridor.messages.columns import Declarations
from corridor.messages.skeleton import odd_letter, skeleton, tokens_of
from corridor.rulebook.documents import Problems
from corridor.rulebook.lists import end_of_day, start_of_day
from corridor.rulebook.rules import Rule

FILE: Final = "snoozes.csv"
COLUMNS: Final = ("rule", "subject", "code", "valid_from", "valid_until", "reason", "owner")
SUBJECTS: Final = ("importer", "declarant", "exporter", "office")
MAX_DAYS: Final = 366
MAX_SNOOZES: Final = 100_000
MAX_BYTES: Final = 32 << 20
MOST_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Snooze:
    """One rule, silent for one subject from `since` until `until` (µs since 1970, exclusive). Restricted."""

    rule: str
    subject: str
    code: str
    since: int
    until: int
    reason: str
    owner: str
    line: int


@dataclass(frozen=True)
class Snoozes:
    """The snoozes of a rulebook, and its rules' ids in the order of the hits that they take back."""

    entries: tuple[Snooze, ...] = ()
    rules: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)

    @cached_property
    def _of_rules(self) -> tuple[Snooze, ...]:
        known = set(self.rules)
        return tuple(entry for entry in self.entries if entry.rule in known)

    @cached_property
    def _kinds(self) -> dict[str, tuple[Snoozed, NDArray[np.int64]]]:
        """For each kind of subject that has any: its table, and which entry each of its snoozes is."""
        place = {rule: r for r, rule in enumerate(self.rules)}
        made = {}
        for subject in SUBJECTS:
            mine = np.array(
                [e for e, entry in enumerate(self._of_rules) if entry.subject == subject], np.int64
            )
            if not len(mine):
                continue
            entries = [self._of_rules[e] for e in mine.tolist()]
            codes, party = np.unique(tokens_of([entry.code for entry in entries]), return_inverse=True)
            order = np.argsort(party.ravel(), kind="stable")
            numbers = np.array([(place[one.rule], one.since, one.until) for one in entries], np.int64)[order]
            starts = np.searchsorted(party.ravel()[order], np.arange(len(codes) + 1))
            columns = (np.ascontiguousarray(column) for column in numbers.T)
            made[subject] = Snoozed(lookup.build(codes)[0], starts.astype(np.int64), *columns), mine[order]
        return made

    def silence(self, hits: NDArray[np.uint8], batch: Declarations) -> None:
        """Take back what snoozed rules said of a batch; hits: uint8[R, m], changed in place."""
        for subject, (snoozed, _) in self._kinds.items():
            silence(hits, batch.offsets, batch.heads[subject], batch.heads["registered_at"], snoozed)

    def of(self, rule: int, batch: Declarations, d: int) -> Snooze | None:
        """The snooze that silences rule number `rule` for declaration d, the one that lasts longest; None if none does."""
        head, found = batch.heads[d], []
        for subject, (snoozed, entries) in self._kinds.items():
            party = int(lookup.probe(snoozed.table, [head[subject]])[0])
            if party < 0:
                continue
            for e in range(snoozed.starts[party], snoozed.starts[party + 1]):
                if snoozed.rules[e] == rule and snoozed.since[e] <= head["registered_at"] < snoozed.until[e]:
                    found.append(self._of_rules[entries[e]])
        return max(found, key=lambda snooze: snooze.until, default=None)


def read_snoozes(path: Path, rules: Sequence[Rule], problems: Problems) -> tuple[Snooze, ...]:
    """The snoozes in a file; what is wrong goes to `problems`, with line and column."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        problems.add(FILE, f"{size:,} bytes; at most {MAX_BYTES:,}")
        return ()
    found: list[Snooze] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            _take_all(csv.reader(file), {rule.id: rule for rule in rules}, found, problems)
    except UnicodeDecodeError as error:
        problems.add(FILE, f"not UTF-8 at byte {error.start}; save it as UTF-8")
    except (OSError, csv.Error) as error:
        problems.add(FILE, f"cannot be read: {error}")
    for snooze, text in _repeated(found):
        problems.add(FILE, text, snooze.line, 1)
    return tuple(found)


def _take_all(rows: Any, rules: Mapping[str, Rule], found: list[Snooze], problems: Problems) -> None:
    if tuple(name.strip() for name in next(rows, [])) != COLUMNS:
        problems.add(FILE, f"the header must be {','.join(COLUMNS)}", 1, 1)
        return
    bad = 0
    for cells in filter(None, rows):
        fault = _fault(cells, rules)
        if fault is None:
            found.append(_snooze(cells, rows.line_num))
        elif (bad := bad + 1) <= MOST_PROBLEMS:
            problems.add(FILE, fault[1], rows.line_num, _column(cells, fault[0]))
        if len(found) > MAX_SNOOZES:
            problems.add(FILE, f"more than {MAX_SNOOZES:,} snoozes", rows.line_num, 1)
            return
    if bad > MOST_PROBLEMS:
        problems.add(FILE, f"and {bad - MOST_PROBLEMS:,} more rows are wrong")


def _snooze(cells: list[str], line: int) -> Snooze:
    rule, subject, code, first, last, reason, owner = (cell.strip() for cell in cells)
    since, until = start_of_day(date.fromisoformat(first)), end_of_day(date.fromisoformat(last))
    return Snooze(rule, subject, code, since, until, reason, owner, line)


def _fault(cells: list[str], rules: Mapping[str, Rule]) -> tuple[int, str] | None:
    """The first cell that is wrong, and why."""
    if len(cells) != len(COLUMNS):
        return 0, f"{len(cells)} cells, not {len(COLUMNS)}; put a text that holds a comma in quotes"
    told = [cell.strip() for cell in cells]
    for place, name in enumerate(COLUMNS):
        if not told[place]:
            return place, f"{name} is empty; a snooze needs it"
    return next(chain(_who(told, rules), _when(told)), None)


def _who(told: list[str], rules: Mapping[str, Rule]) -> Iterator[tuple[int, str]]:
    rule = rules.get(told[0])
    if rule is None:
        yield 0, f"there is no rule {told[0][:60]!r}{_near(told[0], list(rules))}"
    if told[1] not in SUBJECTS:
        near = _near(told[1], SUBJECTS) or f"; subjects are {', '.join(SUBJECTS)}"
        yield 1, f"subject is {told[1][:60]!r}{near}"
    if not skeleton(told[2]):
        yield 2, "code has no sign that can be seen"
    if rule is not None and not rule.may_be_snoozed:
        yield 0, _refused(rule)


def _when(told: list[str]) -> Iterator[tuple[int, str]]:
    first, last = _day(told[3]), _day(told[4])
    for place, day in ((3, first), (4, last)):
        if day is None:
            yield place, f"{COLUMNS[place]} is {told[place][:40]!r}; write a day as 2026-12-31"
    if first is None or last is None:
        return
    days = (last - first).days + 1
    if days < 1:
        yield 4, "valid_until lies before valid_from"
    if days > MAX_DAYS:
        yield 4, f"{days} days; a snooze lasts at most {MAX_DAYS}: look at it again then, or mend the rule"


def _refused(rule: Rule) -> str:
    if rule.response == "exempt":
        return f"rule {rule.id} is an exemption, which is not snoozed: end it by its valid_until"
    if rule.response in ("at_least", "document"):
        return f"rule {rule.id} is mandatory ({rule.response}); it may be snoozed only where it says may_be_snoozed: true"
    return f"rule {rule.id} says may_be_snoozed: false"


def _near(word: str, among: Sequence[str]) -> str:
    near = get_close_matches(word, among, 1, 0.4)
    return "".join(
        f"; {text}" for text in (f"did you mean {near[0]}?" if near else "", odd_letter(word)) if text
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 and text[7] == "-" else None
    except ValueError:
        return None


def _column(cells: list[str], place: int) -> int:
    """Where a cell begins in its line, from 1, as far as no cell before it stands in quotes."""
    return 1 + sum(len(cell) + 1 for cell in cells[:place])


def _repeated(found: list[Snooze]) -> Iterator[tuple[Snooze, str]]:
    """The first snooze that says what another one says at the same time."""
    ordered = sorted(found, key=lambda one: (one.rule, one.subject, one.code, one.since))
    repeats = [
        (later, earlier)
        for earlier, later in pairwise(ordered)
        if (earlier.rule, earlier.subject, earlier.code) == (later.rule, later.subject, later.code)
        and earlier.until > later.since
    ]
    for later, earlier in repeats[:1]:
        more = f"; {len(repeats) - 1:,} more do" if len(repeats) > 1 else ""
        yield (
            later,
            f"line {earlier.line} snoozes {later.rule} for {later.code[:60]!r} at that time too; keep one{more}",
        )
