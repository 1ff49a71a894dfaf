"""The totals that the detector looks at, prepared once, and how an episode of counts becomes an anomaly."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import count_bands
from corridor.messages.anomaly import Anomaly
from corridor.picture.episodes import Episode, Series
from corridor.picture.hourly import HOUR, PAIRS, SERVICE, Hourly
from corridor.picture.norms import BAND_TAIL, PictureNorms

Array = NDArray[Any]

CRITICAL: Final = 12.0
"""From this surprise on (-log10 of the tail's probability) an anomaly is critical."""
CONTRIBUTORS: Final = 3
DAY: Final = 24 * HOUR
LEAST_DAY: Final = 0.02


@dataclass(frozen=True, slots=True)
class Day:
    """Hourly totals as tables of t hours in a row (of a day, or of as many as there are).

    clock: int64[t] microseconds; judged: bool[t], the others lie between days that are; offices: float64[t]
    declarations each; mixes: pair -> office -> (categories, their declarations float64[c, t]).
    """

    totals: Hourly
    norms: PictureNorms
    clock: Array
    judged: Array
    offices: dict[str, Array]
    mixes: dict[str, dict[str, tuple[list[str], Array]]]

    @classmethod
    def of(cls, totals: Hourly, norms: PictureNorms) -> "Day":
        """Prepare the hours to look at; none without norms of the service."""
        clock, judged = _clock(totals, norms)
        span = (int(clock[0]), len(clock)) if len(clock) else (0, 0)
        names, (table,) = totals.grid("office", *span)
        mixes = {pair: _mixes(totals, pair, span) for pair in PAIRS}
        return cls(totals, norms, clock, judged, dict(zip(names, table, strict=True)), mixes)

    def series(self, dimension: str) -> tuple[list[str], Series]:
        """Take the counts of every series that has a norm; those without a row are silent, not absent."""
        names, (rows,) = self.totals.grid(dimension, int(self.clock[0]), len(self.clock))
        seen = dict(zip(names, rows, strict=True))
        names = sorted(value for d, value in self.norms.counts if d == dimension)
        zero = np.zeros(len(self.clock))
        observed = np.array([seen.get(name, zero) for name in names]).reshape(-1, len(zero))
        norms = np.array([self.norms.count(dimension, name, self.clock) for name in names])
        norms = np.where(self.judged, norms.reshape(-1, 2, len(zero)), np.nan)
        return names, Series(observed, norms[:, 0], norms[:, 1])


def _clock(totals: Hourly, norms: PictureNorms) -> tuple[Array, Array]:
    """Hours from the first to the last of the days that are there, and which of them belong to such days.

    A few late or wrongly dated records do not make a day: it needs LEAST_DAY of what its norm expects. The
    first and the last day may be cut: what lies before the first and after the last busy hour is not judged.
    """
    rows = totals.dimension == "service"
    hour, count = totals.hour[rows], totals.declarations[rows]
    day, index = np.unique(hour // DAY, return_inverse=True)
    hours = day[:, None] * DAY + np.arange(24) * HOUR
    usual = np.nan_to_num(norms.count("service", SERVICE, hours.ravel())[0]).reshape(-1, 24)
    there = np.bincount(index, count, len(day)) >= np.maximum(LEAST_DAY * usual.sum(1), 1.0)
    busy = there[index] & (count >= LEAST_DAY * usual[index, hour % DAY // HOUR]) & (usual.sum(1)[index] > 0)
    if not busy.any():
        return np.zeros(0, np.int64), np.zeros(0, bool)
    clock = np.arange(hour[busy].min(), hour[busy].max() + 1, HOUR)
    return clock, np.isin(clock // DAY, day[there])


def _mixes(totals: Hourly, pair: str, span: tuple[int, int]) -> dict[str, tuple[list[str], Array]]:
    names, (hits,) = totals.grid(pair, *span)
    rows: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        rows.setdefault(name.rpartition("/")[0], []).append(i)
    return {office: ([names[i].rpartition("/")[2] for i in own], hits[own]) for office, own in rows.items()}


def count_anomaly(
    kind: str,
    subject: tuple[str, str],
    series: Series,
    episode: Episode,
    clock: Array,
    evidence: dict[str, Any],
) -> Anomaly:
    """State an episode of counts over its whole length."""
    part = slice(episode.start, episode.stop + 1)
    observed = float(series.observed[episode.series, part].sum())
    mean = np.nan_to_num(series.mean[episode.series, part])
    spread = np.nan_to_num(series.dispersion[episode.series, part])
    expected = float(mean.sum())
    among = (float((mean * np.sqrt(spread)).sum()) / max(expected, 1e-9)) ** 2
    low, high = count_bands(expected, among, BAND_TAIL)
    return Anomaly(
        kind=kind,
        severity="critical" if episode.score >= CRITICAL else "warning",
        subject=subject,
        office=subject[1] if subject[0] == "office" else None,
        start=int(clock[episode.start]),
        stop=int(clock[episode.stop]) + HOUR,
        event_time=int(clock[episode.first]) + HOUR,
        observed=observed,
        expected=round(expected, 3),
        low=float(low[0]),
        high=float(high[0]),
        score=round(episode.score, 2),
        evidence=evidence,
    )


def largest(names: list[str], observed: Array, usual: Array, side: int) -> list[dict[str, Any]]:
    """Name the values that contribute most to a change on one side, largest first."""
    change = (observed - usual) * side
    order = [int(i) for i in np.argsort(-change, kind="stable")[:CONTRIBUTORS] if change[i] > 0]
    return [
        {"value": names[i], "observed": float(observed[i]), "expected": round(float(usual[i]), 2)}
        for i in order
    ]
