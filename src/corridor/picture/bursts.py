"""Participants far over their own norm: counts of an importer against its daily mean.

The mean comes from the rulebook's participants (a newcomer's from the first days of others in history), its
hours from the service's, its scatter from the fitted histories.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.tokens import token
from corridor.picture.episodes import Limits, Series, find, joined
from corridor.picture.finding import Day, Finding, count_finding
from corridor.picture.hourly import SERVICE, Hourly
from corridor.picture.norms import PictureNorms
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

LIMITS: Final = Limits(surprise=8.0, low=0.0, high=3.0, excess=8.0)
LEAST_DAILY: Final = 0.05
"""No known importer is expected to come less often than once in twenty days."""


def bursts(day: Day, participants: ParticipantTable) -> list[Finding]:
    """Find importers with far more declarations than they usually lodge (needs norms of the service)."""
    usual, _ = day.norms.count("service", SERVICE, day.clock)
    week = day.norms.counts.get(("service", SERVICE))
    candidates = _candidates(day.totals)
    if week is None or not len(candidates):
        return []
    totals, t = day.totals, len(day.clock)
    kept = totals.where((totals.dimension == "importer") & np.isin(totals.value, candidates))
    names, (observed,) = kept.grid("importer", int(day.clock[0]), t)
    daily, by_day, by_hour = _own_norms(names, day.norms, participants)
    mean = daily[:, None] * np.nan_to_num(usual) / np.nanmean(week[0]) / 24.0
    spread = {w: np.repeat(d[:, None], t, 1) for w, d in (((1, 3), by_hour), ((8, 24), by_day))}
    found = [e for w, d in spread.items() for e in find(Series(observed, mean, d), 1, LIMITS, w)]
    series = Series(observed, mean, spread[8, 24])
    return [
        count_finding("participant.burst", ("importer", names[e.series]), series, e, day.clock, {})
        for e in joined(found)
    ]


def _candidates(totals: Hourly) -> Array:
    """Name importers with enough declarations in all to exceed the least excess."""
    rows = totals.dimension == "importer"
    names, index = np.unique(totals.value[rows].astype(str), return_inverse=True)
    count = np.bincount(index, totals.declarations[rows], len(names))
    return np.asarray(names[count >= LIMITS.excess].astype(object))


def _own_norms(
    names: list[str], norms: PictureNorms, participants: ParticipantTable
) -> tuple[Array, Array, Array]:
    """Mean a day, dispersion of days and of hours, float64[v] each."""
    rows = participants.lookup("importer", np.array([token(name) for name in names], np.int64))
    newcomer, scatter = norms.importers.get("newcomer", (1.0, 1.0))
    known = np.asarray(rows.known) & np.isfinite(rows.daily)
    daily = np.where(known, np.maximum(rows.daily, LEAST_DAILY), newcomer)
    seen = np.where(known, np.maximum(rows.declarations, 1), np.inf)
    day, hour = (np.where(known, norms.importers.get(n, (1.0, 1.0))[1], scatter) for n in ("day", "hour"))
    return daily, day + 1.0 / seen, hour + 1.0 / seen
