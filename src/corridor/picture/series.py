"""The series that the detector watches: one row each, its norm bin by bin, and when it is told.

Rows are named like cells: `service:all`, `office:…`, `regular:…` (importers who are never silent), `automatic:…` and
`controls:…` (released and stopped at an office), `office/origin_country:…/CN`, `office/hs_chapter:…/87`, `price:87/CN`,
`service/origin_country:all/CN`.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import readonly
from corridor.kernels.watch_layout import COUNT, CUSUM_SLACK, LEVEL, SHARE, WINDOWS, Kinds, Limits
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.fitting import REGULAR
from corridor.picture.hourly import MIXES, ORIGINS, PAIRS, PRICE, SERVICE
from corridor.picture.norms import PictureNorms

Array = NDArray[Any]

AUTOMATIC: Final = "automatic"
CONTROLS: Final = "controls"
AUTOMATIC_PAIR: Final = "office/automatic"
COUNTED, SILENT, DECIDED, MIXED, PRICED = range(5)
"""Rows of the limits."""
RULES: Final = {"service": COUNTED, "office": COUNTED, REGULAR: SILENT, AUTOMATIC: DECIDED, CONTROLS: DECIDED,
                **dict.fromkeys(MIXES, MIXED), PRICE: PRICED}  # fmt: skip
KIND_OF: Final = (COUNT, COUNT, SHARE, SHARE, LEVEL)
TRIALS: Final = (2500.0, 800.0, 1500.0, 30_000.0, 2500.0)
"""A week is worth so many tests of chance, by rule: of an office, a regular importer, an office's automatic share, its
whole mix, a price. Far fewer than bins, windows and sides: windows overlap, counts are whole, nights cannot be told of."""
PARTS: Final = (0.4, 0.05, 0.2, 0.15, 0.15)
"""Of the false alarms asked for, by rule; the slow tracks have the rest."""
SLOW_PART: Final = 0.05
MISFIT: Final = (0.0, 0.0, 0.0, 0.0, 2.0)
"""What is added to each rule's limit (-log10) for days that stray further than their norm's form says."""
LEAST_HITS: Final = 3.5
"""A share has shifted from so many declarations on that are too many or too few."""
CRITICAL: Final = 12.0
"""From this surprise on (-log10 of the tail's probability) a count's anomaly is critical; a share's from twice that."""
GAP: Final = 24
"""Hits at most so many bins apart belong to one episode."""
QUIET: Final = 3.0
"""So do hits with fewer expected declarations between them: a night interrupts nothing."""
PRICE_CHANGE: Final = 0.25
"""A mean price has shifted from such a change of its logarithm on."""


@dataclass(frozen=True)
class Rows:
    """S rows and what the kernel is told of them.

    names: as cells; at: name -> row; kinds, limits: see `kernels.watch`; office: int64[S], the row of the office of a
    mix, -1 for others; share: float64[S], a share's norm or a price's mean logarithm; by_class: float64[2, S, 2], share
    and intra-class correlation on working and on free days, of which `share` and `kinds` hold those of one day; under:
    int64[S], the service's row of an office's origin, -1 for others: what is expected there is the sum of the offices'.
    """

    names: list[str]
    at: dict[str, int]
    kinds: Kinds
    limits: Limits
    office: Array
    share: Array
    by_class: Array
    under: Array

    def turn(self, free: bool) -> None:
        """Let the shares be those of a working day, or of a free one."""
        mixed = self.kinds.kind == SHARE
        self.share[mixed] = self.by_class[int(free), mixed, 0]
        self.kinds.parameter[mixed, 0] = self.by_class[int(free), mixed, 1]

    @property
    def counted(self) -> int:
        """The first rows, up to this, are counts."""
        return int((self.kinds.kind == COUNT).sum())


def known(norms: PictureNorms) -> list[str]:
    """Names of the rows that norms tell of: the service, offices, regular importers, shares, prices; none without norms."""
    if ("service", SERVICE) not in norms.counts:
        return []
    names = [cell_name("service", SERVICE)]
    for of in ("office", REGULAR):
        names += [cell_name(of, value) for dimension, value in sorted(norms.counts) if dimension == of]
    for pair, value in sorted(norms.shares):
        if pair == AUTOMATIC_PAIR:
            office = value.rpartition("/")[0]
            names += [cell_name(AUTOMATIC, office), cell_name(CONTROLS, office)]
        elif not value.endswith("/*"):
            names.append(cell_name(pair, value))
    return names + [cell_name(PRICE, value) for value in sorted(norms.prices)]


def rows(names: list[str], norms: PictureNorms) -> Rows:
    """What the kernel is told of rows with these names, counts first; those without a norm never speak."""
    at = {name: i for i, name in enumerate(names)}
    n = len(names)
    kind, rule = np.zeros(n, np.int8), np.zeros(n, np.int64)
    parameter, share, by_class = np.zeros((n, 2)), np.full(n, np.nan), np.full((2, n, 2), np.nan)
    office, offices, under = np.full(n, -1), np.zeros(n, np.bool_), np.full(n, -1)
    for i, name in enumerate(names):
        dimension, value = cell_of(name)
        rule[i] = RULES[dimension]
        kind[i], offices[i] = KIND_OF[rule[i]], dimension == "office"
        if kind[i] == SHARE:
            at_office, by_class[:, i] = _share(norms, dimension, value)
            if dimension in MIXES:
                home = "service" if dimension == ORIGINS else "office"
                office[i] = at.get(cell_name(home, at_office), -1)
            if dimension == PAIRS[0]:
                category = value.rpartition("/")[2]
                under[i] = at.get(cell_name(ORIGINS, f"{SERVICE}/{category}"), -1)
        elif kind[i] == LEVEL and value in norms.prices:
            price = norms.prices[value]
            share[i], parameter[i] = price.expected, (price.between, price.within)
    slow = np.isin(rule, (COUNTED, DECIDED, PRICED))
    slow &= np.array([not name.startswith(f"{CONTROLS}:") for name in names], np.bool_)
    kinds = Kinds(
        readonly(kind, np.int8), readonly(offices, np.bool_), readonly(rule, np.int64), readonly(slow, np.bool_),
        parameter, np.full((n, 2), np.nan),
    )  # fmt: skip
    made = Rows(
        names, at, kinds, limits(norms.alarms, rule, int(offices.sum())), office, share, by_class, under
    )
    made.turn(free=False)
    return made


def _share(norms: PictureNorms, dimension: str, value: str) -> tuple[str, Array]:
    """Office, and float64[2, 2] by class of day: norm and intra-class correlation; less is known where fewer were seen."""
    at_office, category = value, AUTOMATIC
    if dimension in MIXES:
        at_office, _, category = value.rpartition("/")
    told = [
        norms.share(dimension if dimension in MIXES else AUTOMATIC_PAIR, at_office, category, free)
        for free in (False, True)
    ]
    share = np.array([[one.expected, one.rho + 1.0 / (one.n + 10.0)] for one in told])
    if dimension == CONTROLS:
        share[:, 0] = 1.0 - share[:, 0]
    return at_office, share


def limits(alarms: float, rule: Array, offices: int) -> Limits:
    """The limits that give `alarms` false alarms an office and week in all, one set for all series."""
    each = [max(float((rule == of).sum()) / max(offices, 1), 1.0) for of in (SILENT, PRICED)]
    many = np.array([1.0, each[0], 1.0, 1.0, each[1]])
    windows = np.ones((5, len(WINDOWS)), np.bool_)
    windows[COUNTED, -1] = windows[SILENT] = (
        False  # a day is the slow tracks'; who is never silent may lodge more or less
    )
    slow = [cusum_limit(alarms * SLOW_PART / n) for n in many]
    return Limits(
        surprise=np.log10(np.array(TRIALS) * many / (alarms * np.array(PARTS))) + np.array(MISFIT),
        ratio=np.tile([0.5, 1.7], (5, 1)),
        excess=np.array(
            [[5.0, 0.0], [5.0, 0.0], [0.08, LEAST_HITS], [0.08, LEAST_HITS], [PRICE_CHANGE, 12.0]]
        ),
        windows=windows,
        critical=CRITICAL * np.array([1.0, 1.0, 2.0, 2.0, 2.0]),
        slow=np.array(slow),
        gap=GAP,
        quiet=QUIET,
    )


def cusum_limit(alarms_a_week: float) -> float:
    """Limit at which a two-sided CUSUM of a day's deviations gives so many false alarms (Siegmund 1985, eq. 2.56)."""
    length, k = 14.0 / alarms_a_week, CUSUM_SLACK
    low, high = 0.0, 60.0
    for _ in range(60):
        b = (low + high) / 2 + 1.166
        low, high = (
            (low, b - 1.166)
            if (math.expm1(2 * k * b) - 2 * k * b) / (2 * k * k) > length
            else (b - 1.166, high)
        )
    return high
