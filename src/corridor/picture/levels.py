"""Counts out of their norm: silence, drop and spike of the service and of each office."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import count_tails
from corridor.messages.anomaly import Anomaly
from corridor.picture.episodes import Episode, Limits, Series, find, sums
from corridor.picture.finding import Day, count_anomaly, largest
from corridor.picture.hourly import PAIRS

Array = NDArray[Any]

LIMITS: Final = Limits(surprise=5.0, low=0.5, high=1.7, excess=5.0)
LEVEL_HOURS: Final = 3
OFFICES_FOR_LEVEL: Final = 5
"""With fewer offices the service's level is not taken from them."""


def levels(day: Day) -> list[Anomaly]:
    """Silence, drop and spike; the service's level may only excuse an office, never accuse it.

    The service is looked at without what its offices were found to lack or to have too much of.
    """
    names, series = day.series("office")
    level, out = _level(day), list[Anomaly]()
    explained = np.zeros(len(day.clock))
    for side, ease in ((-1, np.minimum(level, 1.0)), (1, np.maximum(level, 1.0))):
        eased = replace(series, mean=series.mean * np.maximum(ease, 1e-3))
        for episode in find(eased, side, LIMITS):
            row, part = episode.series, slice(episode.start, episode.stop + 1)
            explained[part] += (series.observed - np.nan_to_num(series.mean))[row, part]
            out.append(_anomaly(day, ("office", names[row]), eased, episode))
    names, series = day.series("service")
    rest = replace(series, observed=series.observed - explained)
    for side in (-1, 1):
        out += [_anomaly(day, ("service", names[e.series]), rest, e) for e in find(rest, side, LIMITS)]
    return out


def _anomaly(day: Day, subject: tuple[str, str], series: Series, episode: Episode) -> Anomaly:
    silent = _silence(series, episode) if episode.side < 0 and subject[0] == "office" else None
    kind = "picture.silence" if silent else "picture.drop" if episode.side < 0 else "picture.spike"
    evidence = _causes(day, subject, silent or episode)
    return count_anomaly(kind, subject, series, silent or episode, day.clock, evidence)


def _level(day: Day) -> Array:
    """Level of the whole service by hour: the weighted median of observed / expected over offices.

    On a holiday all offices are down; that is one finding of the service, not one an office.
    """
    names, series = day.series("office")
    level = np.ones(len(day.clock))
    if len(names) < OFFICES_FOR_LEVEL:
        return level
    usual = sums(series.mean, LEVEL_HOURS)
    ratio = sums(series.observed, LEVEL_HOURS) / np.maximum(usual, 1e-9)
    for t in range(len(level)):
        order = np.argsort(ratio[:, t])
        weight = np.cumsum(usual[order, t])
        if weight[-1] > 0:
            level[t] = ratio[order[int(np.searchsorted(weight, weight[-1] / 2))], t]
    return level


def _silence(series: Series, episode: Episode) -> Episode | None:
    """Find the longest run without a declaration inside an episode, if it alone is beyond the limit."""
    x, mean = series.observed[episode.series], np.nan_to_num(series.mean[episode.series])
    a = np.nan_to_num(series.dispersion[episode.series])
    zero = np.concatenate([[0], (x[episode.start : episode.stop + 1] == 0).astype(int), [0]])
    begins, ends = (np.flatnonzero(np.diff(zero) == step) + episode.start for step in (1, -1))
    best: Episode | None = None
    for begin, end in zip(begins, ends, strict=True):
        usual = np.cumsum(mean[begin:end])
        spread = (np.cumsum(mean[begin:end] * np.sqrt(a[begin:end])) / np.maximum(usual, 1e-9)) ** 2
        score = -np.nan_to_num(count_tails(0.0, np.maximum(usual, 1e-9), spread)[0])
        if score[-1] >= LIMITS.surprise and (best is None or score[-1] > best.score):
            told = int(begin + np.argmax(score >= LIMITS.surprise))
            best = Episode(episode.series, -1, int(begin), int(end) - 1, told, float(score[-1]))
    return best


def _causes(day: Day, subject: tuple[str, str], episode: Episode) -> dict[str, Any]:
    """Name the largest contributors: offices of the service, origins and chapters of an office."""
    part = slice(episode.start, episode.stop + 1)
    if subject[0] == "service":
        names, series = day.series("office")
        observed, usual = series.observed[:, part].sum(1), np.nansum(series.mean[:, part], 1)
        return {"office": largest(names, observed, usual, episode.side)}
    base = float(np.nansum(day.norms.count("office", subject[1], day.clock[part])[0]))
    evidence: dict[str, Any] = {}
    for pair in PAIRS:
        names, hits = day.mixes[pair].get(subject[1], ([], np.zeros((0, len(day.clock)))))
        share = np.array([day.norms.share(pair, subject[1], c).expected for c in names])
        evidence[pair.partition("/")[2]] = largest(names, hits[:, part].sum(1), share * base, episode.side)
    return evidence
