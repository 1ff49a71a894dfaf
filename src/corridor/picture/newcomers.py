"""Newcomers of high value: an importer unknown to the rulebook whose first day is unlike other first days.

Most newcomers lodge one declaration. How unlikely so many are (negative binomial) and how unlikely so
large a value of each is (lognormal) are joined by Fisher's method (Fisher 1932, section 21.1).
"""

import math
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from corridor.kernels.bands import count_tails
from corridor.messages.anomaly import Anomaly
from corridor.messages.tokens import token
from corridor.picture.finding import DAY, Day
from corridor.picture.hourly import HOUR
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

SURPRISE: Final = 1.3
"""-log10 of the joint probability: about one newcomer in twenty is told."""
LEAST: Final = 2
"""One declaration alone is the business of `judge`."""


def newcomers(day: Day, participants: ParticipantTable) -> list[Anomaly]:
    """Tell of unknown importers with several declarations of high value on one day."""
    norm, count = day.norms.importers.get("newcomer_value"), day.norms.importers.get("newcomer")
    if norm is None or count is None or not len(participants.roles["importer"].numbers):
        return []
    found = _unknown(day, participants)
    n, value = found["n"].to_numpy(np.float64), found["value"].to_numpy(np.float64)
    z = (np.log(value / n) - math.log(norm[0])) / norm[1]
    many = -count_tails(n - 1.0, max(count[0] - 1.0, 0.01), count[1])[1] * math.log(10.0)
    joint = many + np.array([-math.log(max(0.5 * math.erfc(x / math.sqrt(2.0)), 1e-300)) for x in z])
    score = (joint - np.log1p(joint)) / math.log(10.0)
    told = np.flatnonzero((score >= SURPRISE) & (value > norm[0]))
    return [_anomaly(found.iloc[int(i)], float(score[i]), norm[0]) for i in told]


def _unknown(day: Day, participants: ParticipantTable) -> pd.DataFrame:
    """Importer, day, declarations, value (minor units), first and last hour, of those nobody knows."""
    totals = day.totals
    rows = np.flatnonzero((totals.dimension == "importer") & np.isin(totals.hour, day.clock[day.judged]))
    frame = pd.DataFrame(
        {
            "importer": totals.value[rows],
            "day": totals.hour[rows] // DAY,
            "n": totals.declarations[rows],
            "value": totals.customs_value[rows],
            "start": totals.hour[rows],
            "stop": totals.hour[rows] + HOUR,
        }
    )
    sums = {"n": "sum", "value": "sum", "start": "min", "stop": "max"}
    whole = frame.groupby(["importer", "day"], sort=True).agg(sums).reset_index()
    whole = whole[(whole["n"] >= LEAST) & (whole["value"] > 0)]
    names = whole["importer"].to_numpy(object)
    known = participants.lookup("importer", np.array([token(name) for name in names], np.int64)).known
    return whole[~np.asarray(known, bool)]


def _anomaly(row: "pd.Series[Any]", score: float, usual: float) -> Anomaly:
    return Anomaly(
        kind="participant.newcomer",
        severity="info",
        subject=("importer", str(row["importer"])),
        office=None,
        event_time=int(row["stop"]),
        observed=float(row["value"]) / 100,
        expected=round(usual / 100, 2),
        score=round(score, 2),
        start=int(row["start"]),
        stop=int(row["stop"]),
        evidence={"declarations": int(row["n"])},
    )
