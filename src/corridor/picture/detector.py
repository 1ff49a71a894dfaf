"""The batch detector of the picture: which series left their norms, one anomaly an episode.

It looks at hourly totals of all series at once, at the end of a run over files. Kinds: picture.silence,
picture.drop, picture.spike, picture.share_shift, participant.burst, participant.newcomer.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.anomaly import Anomaly
from corridor.picture.bursts import bursts
from corridor.picture.finding import Day
from corridor.picture.hourly import PAIRS, Hourly
from corridor.picture.levels import levels
from corridor.picture.mixes import automatic, mix
from corridor.picture.newcomers import newcomers
from corridor.picture.norms import PictureNorms
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

EXPLAINED: Final = 0.7
"""A burst explains an office's change if so much of it falls into its hours, and it is not much smaller."""


def detect(
    totals: Hourly, norms: PictureNorms, participants: ParticipantTable, rulebook: str | None = None
) -> list[Anomaly]:
    """Everything out of its norm in the days that the totals hold, by time, kind and subject.

    rulebook: the version that the norms belong to. What a participant's burst does to an office's counts
    and shares is told with the burst, as evidence, and not once more; so with two shifts of one mix.
    """
    day = Day.of(totals, norms)
    if not len(day.clock):
        return []
    told = bursts(day, participants)
    bursting = {anomaly.subject for anomaly in told}
    shifts = sorted((a for pair in PAIRS for a in mix(day, pair)), key=lambda a: -(a.score or 0.0))
    for anomaly in [*levels(day), *automatic(day), *shifts]:
        cause = next((i for i, other in enumerate(told) if _explains(day, other, anomaly)), None)
        if cause is None:
            told.append(anomaly)
        else:
            told[cause] = _with_effect(told[cause], anomaly)
    told += [a for a in newcomers(day, participants) if a.subject not in bursting]
    told = [replace(anomaly, rulebook=rulebook) for anomaly in told]
    return sorted(told, key=lambda a: (a.event_time, a.kind, a.subject, a.key))


def _explains(day: Day, burst: Anomaly, anomaly: Anomaly) -> bool:
    """Whether an office's rise lies mostly in the hours of a participant's burst of that size.

    So is a shift of chapters with one of origins at the same office and time: the stronger one tells.
    """
    both = {(a.kind, a.office) for a in (burst, anomaly)}
    if both == {("picture.share_shift", anomaly.office)}:
        return bool((_hours(day, burst) & _hours(day, anomaly)).any())
    excess = _excess(day, anomaly)
    if burst.kind != "participant.burst" or excess is None:
        return False
    within = float(excess[_hours(day, burst)].sum())
    whole = float(excess[_hours(day, anomaly)].sum())
    size = (burst.observed or 0.0) - (burst.expected or 0.0)
    return within >= EXPLAINED * whole > 0 and size >= EXPLAINED * whole


def _excess(day: Day, anomaly: Anomaly) -> Array | None:
    """float64[t]: declarations above the norm by hour, of an office or of a category there."""
    office, value = anomaly.office or "", anomaly.evidence.get("value")
    if anomaly.kind == "picture.spike" and office in day.offices:
        usual = np.nan_to_num(day.norms.count("office", office, day.clock)[0])
        return np.asarray(day.offices[office] - usual)
    pair = f"office/{anomaly.evidence.get('dimension')}"
    if anomaly.kind != "picture.share_shift" or pair not in PAIRS:
        return None
    names, hits = day.mixes[pair][office]
    share = day.norms.share(pair, office, str(value)).expected
    return np.asarray(hits[names.index(str(value))] - share * day.offices[office])


def _hours(day: Day, anomaly: Anomaly) -> Array:
    return np.asarray((day.clock >= (anomaly.start or 0)) & (day.clock < (anomaly.stop or 0)))


def _with_effect(cause: Anomaly, effect: Anomaly) -> Anomaly:
    what = {"kind": effect.kind, "office": effect.office, "observed": effect.observed}
    what |= {name: effect.evidence[name] for name in ("dimension", "value") if name in effect.evidence}
    return replace(cause, evidence=cause.evidence | {"effects": [*cause.evidence.get("effects", []), what]})
