"""Who knows of an episode its kind, series, start and size, for bench/detector.py: what can be seen in 15 minutes at all."""

import math

import numpy as np
from detector_days import Goods

from corridor.kernels.bands import count_tails, share_tails
from corridor.picture.hourly import BIN
from corridor.picture.norms import PictureNorms
from corridor.picture.series import (
    AUTOMATIC,
    AUTOMATIC_PAIR,
    COUNTED,
    DECIDED,
    MISFIT,
    MIXED,
    PARTS,
    PRICED,
    SILENT,
    rows,
)

SOON = 3 * BIN
"""Fifteen minutes."""
LOOKS = 672
"""Times a week at which fifteen minutes end."""


class Watcher:
    """Looks at one series only, for one change only, at the fifteen minutes that begin with the episode.

    For a change of known kind and size the likelihood ratio grows with the count, so its test is a tail of the norm's
    own distribution (Neyman and Pearson 1933). It may be wrong as often a week as the detector at that series. An
    episode is visible if what really came in its first fifteen minutes is beyond that limit.
    """

    def __init__(self, norms: PictureNorms, names: list[str]) -> None:
        """names: of the detector's rows, by which its false alarms are shared out."""
        self.norms = norms
        of = rows(names, norms)
        offices = max(int(of.kinds.office.sum()), 1)
        alarms = norms.alarms * np.array(PARTS)
        series = np.array([(of.kinds.rule == rule).sum() / offices for rule in range(len(PARTS))])
        self.limit = np.log10(LOOKS * np.maximum(series, 1.0) / alarms) + np.array(MISFIT)

    def office(self, kind: str, day: Goods, office: str, begin: int, origin: str) -> bool:
        """Whether an episode at an office is seen."""
        heads = day.heads
        soon = heads[(heads["office"] == office) & (heads["at"] >= begin) & (heads["at"] < begin + SOON)]
        if kind.startswith("automatic"):
            norm = self.norms.share(AUTOMATIC_PAIR, office, AUTOMATIC)
            return (
                self._share(len(soon) - int(soon["automatic"].sum()), len(soon), 1 - norm.expected, norm.rho)
                >= (self.limit[DECIDED])
            )
        if kind.startswith("origin"):
            norm = self.norms.share("office/origin_country", office, origin)
            own = day.items[day.items["row"].isin(soon.index) & (day.items["origin_country"] == origin)]
            hits = own["row"].nunique()
            return self._share(hits, len(soon), norm.expected, norm.rho) >= self.limit[MIXED]
        side = 1 if kind.startswith("spike") else 0
        return self._count("office", office, begin, len(soon), side) >= self.limit[COUNTED]

    def importer(self, name: str, begin: int) -> bool:
        """Whether an importer's silence is seen."""
        return self._count("regular", name, begin, 0, 0) >= self.limit[SILENT]

    def price(self, day: Goods, name: str, begin: int) -> bool:
        """Whether a fall of a price is seen."""
        at = day.heads["at"].reindex(day.items["row"]).to_numpy()
        cell = (day.items["hs_chapter"] + "/" + day.items["origin_country"]).to_numpy()
        own = day.items[(cell == name) & (at >= begin) & (at < begin + SOON)]
        logs, norm = own.groupby("row")["log"].mean(), self.norms.prices[name]
        if not len(logs):
            return False
        z = (norm.expected - logs.mean()) / math.sqrt(norm.between**2 + norm.within**2 / len(logs))
        return -math.log10(max(0.5 * math.erfc(z / math.sqrt(2)), 1e-300)) >= float(self.limit[PRICED])

    def _count(self, dimension: str, value: str, begin: int, seen: int, side: int) -> float:
        bins = begin // BIN + np.arange(4)
        part = np.array([1 - begin % BIN / BIN, 1.0, 1.0, begin % BIN / BIN])
        mean, dispersion = self.norms.bins(dimension, value, bins)
        expected = float((np.nan_to_num(mean) * part).sum())
        return -float(count_tails(seen, max(expected, 1e-6), float(np.nan_to_num(dispersion[0])))[side][0])

    def _share(self, hits: int, n: int, usual: float, rho: float) -> float:
        return -float(share_tails(hits, n, usual, rho)[1][0]) if n else 0.0
