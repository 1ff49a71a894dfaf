"""Participants far over their own norm: counts of an importer against its daily mean.

The mean comes from the rulebook's participants (a newcomer's from the first days of others in history), its
hours from the service's, its scatter from the fitted histories.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.messages.anomaly import Anomaly
from corridor.messages.tokens import token
from corridor.picture.episodes import Limits, Series, find, joined
from corridor.picture.finding import Day, count_anomaly
from corridor.picture.hourly import SERVICE, Hourly
from corridor.picture.norms import PictureNorms
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

LIMITS: Final = Limits(surprise=6.0, low=0.0, high=3.0, excess=5.0)
WORKING_HOURS: Final = 8.0
"""An importer may lodge all of a day's declarations in these, whatever the hours of the service are."""
LEAST_DAILY: Final = 0.05
"""No known importer is expected to come less often than once in twenty days."""


def bursts(day: Day, participants: ParticipantTable) -> list[Anomaly]:
    """Find importers with far more declarations than they usually lodge (needs norms of the service)."""
    usual, _ = day.norms.count("service", SERVICE, day.clock)
    week = day.norms.counts.get(("service", SERVICE))
    candidates = _candidates(day.totals)
    if week is None or not len(candidates) or not len(participants.roles["importer"].numbers):
        return []  # without a table of participants nobody's norm is known
    totals, t = day.totals, len(day.clock)
    names, (observed,) = totals.pick("importer", candidates).grid("importer", int(day.clock[0]), t)
    daily, by_day, by_hour = _own_norms(names, day.norms, participants)
    mean = daily[:, None] * np.nan_to_num(usual) / np.nanmean(week[0]) / 24.0
    mean = np.maximum(mean, np.where(np.isfinite(usual), daily[:, None] / WORKING_HOURS, 0.0))
    by_hour, by_day = (np.repeat(d[:, None], t, 1) for d in (by_hour, by_day))
    found = find(Series(observed, mean, by_hour), 1, LIMITS, (1, 3))
    found += find(Series(observed, mean, by_day), 1, LIMITS, (8,))
    series = Series(observed, mean, by_day)
    return [
        count_anomaly("participant.burst", ("importer", names[e.series]), series, e, day.clock, {})
        for e in joined(found)
    ]


def _candidates(totals: Hourly) -> Array:
    """Name importers with enough declarations in all to exceed the least excess."""
    rows = totals.dimension == "importer"
    index, names = pd.factorize(totals.value[rows], sort=True)
    count = np.bincount(index, totals.declarations[rows], len(names))
    return np.asarray(names[count >= LIMITS.excess], object)


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
