"""What the page and the terminal show of a day, in plain types: filled by `study.day`, drawn by `page`."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

AIM: Final = (0.77, 0.03, 0.16, 0.04)
"""Corridors near which the clean part of a simulated day should lie: a service's published shares."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Hours of a series against its norm, float64[t] each; a norm that is missing is NaN.

    clock: microseconds since 1970 of each hour's start.
    """

    clock: Array
    observed: Array
    expected: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True)
class Office:
    """One office's day: counts by corridor (green, blue, yellow, red), money in national currency."""

    code: str
    declarations: int
    corridors: tuple[int, int, int, int]
    customs_value: float
    payments: float
    curve: Curve
    alerts: int

    @property
    def expected(self) -> float:
        """Declarations that its norm expects of this day; NaN without a norm."""
        expected = self.curve.expected
        return float(np.nansum(expected)) if np.isfinite(expected).any() else float("nan")

    @property
    def automatic(self) -> float:
        """Share of green and blue."""
        return sum(self.corridors[:2]) / max(sum(self.corridors), 1)


@dataclass(frozen=True, slots=True)
class Alert:
    """An anomaly as the monitoring centre is told it; observed and its band are numbers or None."""

    kind: str
    severity: str
    subject: str
    office: str | None
    time: str
    text: str
    observed: float | None
    expected: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Planted:
    """How one kind of planted case was found.

    cases: how many there were. All else are parts of them, 0-1. inspected: found when the share of all
    declarations that is the key is inspected, half by probability and half by expected loss; by_probability,
    by_loss: found among the 10 % that are highest by that; by_anomaly: told by an anomaly; found: by any of
    these three. None where it cannot be.
    """

    kind: str
    cases: int
    declarations: int
    inspected: dict[float, float]
    by_probability: float | None
    by_loss: float | None
    by_anomaly: float | None
    found: float


@dataclass(frozen=True, slots=True)
class Day:
    """A day in full: totals, curve, offices, mix, alerts."""

    date: str
    rulebook: str
    declarations: int
    items: int
    customs_value: float
    duty: float
    vat: float
    corridors: tuple[int, int, int, int]
    curve: Curve
    by_corridor: Array  # float64[4, t]: declarations by hour
    payments: Array  # float64[2, t]: duty and VAT by hour
    offices: list[Office]
    origins: list[str]
    chapters: list[str]
    mix: Array  # float64[origins, chapters]: goods items
    reasons: dict[str, int]
    alerts: list[Alert]
    counts: dict[str, int]  # read, decided, rejected, duplicates, cancelled, late
    rejects: dict[str, int]

    @property
    def automatic(self) -> float:
        """Share of declarations released without a person: green and blue."""
        return sum(self.corridors[:2]) / max(sum(self.corridors), 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the run: its name, seconds, and what it did."""

    name: str
    seconds: float
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """The day and how it came about. `places`: what lies where; `clean`: corridors of the clean part.

    both_lists: the share of declarations that are among the 10 % by probability or by expected loss.
    """

    title: str
    day: Day
    planted: list[Planted] = field(default_factory=list)
    clean: tuple[int, int, int, int] = (0, 0, 0, 0)
    both_lists: float = float("nan")
    steps: list[Step] = field(default_factory=list)
    rate: float = float("nan")
    places: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
