"""The series that the detector watches: one row each, its norm bin by bin, and when it is told.

Rows are named like cells: `service:all`, `office:…`, `regular:…` (importers who are never silent), `automatic:…` and
`controls:…` (released and stopped at an office), `office/origin_country:…/CN`, `office/hs_chapter:…/87`, `price:87/CN`.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import watch as kernel
from corridor.kernels._jit import readonly
from corridor.kernels.watch import COUNT, LEVEL, SHARE, WINDOWS, Kinds, Limits
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.fitting import REGULAR
from corridor.picture.hourly import PAIRS, PRICE, SERVICE
from corridor.picture.norms import PictureNorms

Array = NDArray[Any]

AUTOMATIC: Final = "automatic"
CONTROLS: Final = "controls"
AUTOMATIC_PAIR: Final = "office/automatic"
COUNTED, SILENT, DECIDED, MIXED, PRICED = range(5)
"""Rows of the limits."""
RULES: Final = {"service": COUNTED, "office": COUNTED, REGULAR: SILENT, AUTOMATIC: DECIDED, CONTROLS: DECIDED,
                **dict.fromkeys(PAIRS, MIXED), PRICE: PRICED}  # fmt: skip
KIND_OF: Final = (COUNT, COUNT, SHARE, SHARE, LEVEL)
WEEK_BINS: Final = 2016
CATEGORIES: Final = 100.0
"""An office's mix has so many origins and chapters, each of which could give a false alarm."""
MISFIT: Final = (0.0, 0.0, 1.5, 0.0, 2.0)
"""What is added to each rule's limit (-log10) for days that stray further than their norm's form says."""
SLOWLY: Final = 10.0
"""The slow tracks take this part of the false alarms: a norm is never quite right, and they add up its error."""
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
    mix, -1 for others; share: float64[S], a share's norm or a price's mean logarithm.
    """

    names: list[str]
    at: dict[str, int]
    kinds: Kinds
    limits: Limits
    office: Array
    share: Array

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
    parameter, share = np.zeros((n, 2)), np.full(n, np.nan)
    office, offices = np.full(n, -1), np.zeros(n, np.bool_)
    for i, name in enumerate(names):
        dimension, value = cell_of(name)
        rule[i] = RULES[dimension]
        kind[i], offices[i] = KIND_OF[rule[i]], dimension == "office"
        if kind[i] == SHARE:
            at_office, share[i], parameter[i, 0] = _share(norms, dimension, value)
            if dimension in PAIRS:
                office[i] = at.get(cell_name("office", at_office), -1)
        elif kind[i] == LEVEL and value in norms.prices:
            price = norms.prices[value]
            share[i], parameter[i] = price.expected, (price.between, price.within)
    slow = np.isin(rule, (COUNTED, DECIDED, PRICED))
    slow &= np.array([not name.startswith(f"{CONTROLS}:") for name in names], np.bool_)
    kinds = Kinds(
        readonly(kind, np.int8), readonly(offices, np.bool_), readonly(rule, np.int64), readonly(slow, np.bool_),
        readonly(parameter, np.float64), np.full((n, 2), np.nan),
    )  # fmt: skip
    return Rows(names, at, kinds, limits(norms.alarms, rule, int(offices.sum())), office, share)


def _share(norms: PictureNorms, dimension: str, value: str) -> tuple[str, float, float]:
    """Office, norm and intra-class correlation of a share's row; less is known where fewer were seen."""
    if dimension in (AUTOMATIC, CONTROLS):
        told = norms.share(AUTOMATIC_PAIR, value, AUTOMATIC)
        expected = told.expected if dimension == AUTOMATIC else 1.0 - told.expected
        return value, expected, told.rho + 1.0 / (told.n + 10.0)
    at_office, _, category = value.rpartition("/")
    told = norms.share(dimension, at_office, category)
    return at_office, told.expected, told.rho + 1.0 / (told.n + 10.0)


def limits(alarms: float, rule: Array, offices: int) -> Limits:
    """The limits that give `alarms` false alarms an office and week, one set for all series."""
    base = math.log10(2 * len(WINDOWS) * WEEK_BINS / alarms)
    many = np.array([1.0, 1.0, 1.0, CATEGORIES, max((rule == PRICED).sum() / max(offices, 1), 1.0)])
    windows = np.ones((5, len(WINDOWS)), np.bool_)
    windows[COUNTED, -1] = windows[SILENT] = (
        False  # a day is the slow tracks'; who is never silent may lodge more or less
    )
    slow = [cusum_limit(alarms / SLOWLY / n) for n in many]
    return Limits(
        surprise=base + np.log10(many) + np.array(MISFIT),
        ratio=np.tile([0.5, 1.7], (5, 1)),
        excess=np.array([[5.0, 0.0], [5.0, 0.0], [0.08, 12.0], [0.08, 12.0], [PRICE_CHANGE, 12.0]]),
        windows=windows,
        critical=CRITICAL * np.array([1.0, 1.0, 2.0, 2.0, 2.0]),
        slow=np.array(slow),
        gap=GAP,
        quiet=QUIET,
    )


def cusum_limit(alarms_a_week: float) -> float:
    """Limit at which a two-sided CUSUM of a day's deviations gives so many false alarms (Siegmund 1985, eq. 2.56)."""
    length, k = 14.0 / alarms_a_week, kernel.CUSUM_SLACK
    low, high = 0.0, 60.0
    for _ in range(60):
        b = (low + high) / 2 + 1.166
        low, high = (
            (low, b - 1.166)
            if (math.expm1(2 * k * b) - 2 * k * b) / (2 * k * k) > length
            else (b - 1.166, high)
        )
    return high
