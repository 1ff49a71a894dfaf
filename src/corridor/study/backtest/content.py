"""What a back-test tells, in plain types: filled by `figures`, drawn by `report`. Restricted: it names rules."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from corridor.study.backtest.estimate import Estimate
from corridor.study.measure import Inspection

Counts = tuple[int, int, int, int]
"""Declarations by corridor: green, blue, yellow, red."""


@dataclass(frozen=True, slots=True)
class Move:
    """Declarations that were given one corridor and are given another.

    payments: duty and VAT at stake, national currency; enough: how many of them one part of the rulebook alone moves
    (see `moves.PARTS`; several may be enough for one); together: how many only several parts move; None where the parts
    are not known. groups: of the first reason, now where the corridor is higher, then where it is lower. rules: id,
    whether it speaks now (or spoke then) of what the other side's does not, of how many. examples: identities.
    """

    then: str
    now: str
    declarations: int
    payments: float
    enough: dict[str, int] | None
    together: int | None
    groups: dict[str, int]
    rules: list[tuple[str, bool, int]]
    examples: list[str]


@dataclass(frozen=True, slots=True)
class Load:
    """Controls (yellow and red) of one side at an office.

    busiest: most in one hour; hours: how many with a capacity; over: hours with more controls than that; beyond: the
    controls that these have too many.
    """

    controls: int
    busiest: int
    over: int
    beyond: int


@dataclass(frozen=True, slots=True)
class Office:
    """One office: its declarations, controls now and then, its capacity an hour (None: not given).

    hours: in how many hours with a capacity it registered something; clock: mean controls now in each hour of the day
    (UTC), of the days on which it registered something; limits: the capacity of each, NaN where none is given.
    """

    code: str
    declarations: int
    now: Load
    then: Load | None
    capacity: float | None
    hours: int
    clock: list[float]
    limits: list[float]


@dataclass(frozen=True, slots=True)
class Inspected:
    """Declarations of one corridor now that were inspected then: how many of how many, and what was found."""

    corridor: str
    declarations: int
    inspected: int
    hits: int
    share: Estimate
    recovered: float


@dataclass(frozen=True, slots=True)
class Side:
    """One side by the results of what was inspected then: of its controls, of all findings, of all recovered.

    Controls that were drawn at random are not among them: a rulebook is judged by those that it chose.
    """

    precision: Estimate
    recall: Estimate
    revenue: float
    seen: float  # share of its controls that have a result


@dataclass(frozen=True, slots=True)
class Unbiased:
    """The same by the random control group: its share with results, and what it speaks for.

    drawn: declarations; inspected: of these with results; reach: share of declarations that could be drawn at all.
    """

    drawn: int
    inspected: int
    reach: float
    violations: Estimate
    now: "SideEstimates"
    then: "SideEstimates | None"

    @property
    def coverage(self) -> float:
        """Share of those drawn that have a result; far from 1 the rest may differ, and nothing is unbiased."""
        return self.inspected / self.drawn if self.drawn else math.nan


@dataclass(frozen=True, slots=True)
class SideEstimates:
    """Precision and recall of the controls, and the share of revenue that they bring."""

    precision: Estimate
    recall: Estimate
    revenue: Estimate


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule: hits and unique hits among goods items, declarations hit, findings, what hangs on it.

    precision: hits among the items with results that it spoke of; unbiased: the same by the random control group;
    needed, spared: controls that would not be, and that would be, without it.
    """

    id: str
    title: str
    group: str
    response: str
    hits: int
    rate: float
    unique: int
    declarations: int
    precision: Estimate
    unbiased: Estimate
    needed: int
    spared: int


@dataclass(frozen=True, slots=True)
class Rules:
    """All active rules, and how far the commonest lie over one another: Jaccard's index of their items."""

    lines: list[RuleLine]
    names: list[str]
    jaccard: list[list[float]]


@dataclass(frozen=True, slots=True)
class Results:
    """What the results of inspections tell."""

    items: int
    declarations: int
    hits: int
    unmatched: int
    by_corridor: list[Inspected]
    now: Side
    then: Side | None
    ranking: list[Inspection]
    unbiased: Unbiased


@dataclass(frozen=True, slots=True)
class Span:
    """What was judged. first, last: RFC 3339; unmatched: of no use to compare, since the other side has not got them."""

    first: str
    last: str
    declarations: int
    items: int | None
    amendments: int
    cancellations: int
    rejected: int
    not_standing: int
    failed: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Report:
    """A back-test. then and what belongs to it are None where nothing was compared."""

    now: str
    then: str | None
    span: Span
    corridors_now: Counts
    corridors_then: Counts | None
    matrix: list[list[int]] | None
    moves: list[Move]
    offices: list[Office]
    results: Results | None
    rules: Rules | None
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON's types; what is not a number is null."""
        told: dict[str, Any] = _plain(dataclasses.asdict(self))
        return {"restricted": True, **told}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
