"""A run over files at its end: the totals of whole days folded bin by bin."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.anomaly import Anomaly
from corridor.picture.changes import cell_name
from corridor.picture.detector import Bin, Detector, Folds, newest
from corridor.picture.hourly import BIN, COUNTS, HOUR, SERVICE, Hourly
from corridor.picture.norms import PictureNorms
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable

Array = NDArray[Any]

DAY: Final = 24 * HOUR
LEAST_DAY: Final = 0.02


def detect(
    totals: Hourly, norms: PictureNorms, participants: ParticipantTable, rulebook: str | None = None
) -> list[Anomaly]:
    """The newest anomaly of every episode in the days that the totals (by bin) hold, by time, kind and subject.

    rulebook: the version that the norms belong to.
    """
    runs = (bins(totals, stretch) for stretch in stretches(totals, norms))
    return folded(runs, Detector(norms, participants, rulebook))


def folded(runs: Iterable[Iterable[Bin]], detector: Folds) -> list[Anomaly]:
    """The newest anomaly of every episode in runs of bins, each run a time of its own."""
    told: list[Anomaly] = []
    for run in runs:
        state = State()
        for found in run:
            told += detector.fold(state, found)
        told += detector.standing(state)
    return newest(told)


def bins(totals: Hourly, stretch: tuple[int, int]) -> list[Bin]:
    """The bins from the first to the last of a stretch; empty ones between are left to the fold, the ends are there."""
    at = totals.hour // BIN
    rows = np.flatnonzero((at >= stretch[0]) & (at <= stretch[1]))
    names = np.array(
        [cell_name(d, v) for d, v in zip(totals.dimension[rows], totals.value[rows], strict=True)], object
    )
    counts = np.stack([getattr(totals, name)[rows] for name in COUNTS], axis=1)
    order = np.lexsort((names, at[rows])) if len(rows) else rows
    edges = np.flatnonzero(np.diff(at[rows][order], prepend=-1, append=np.iinfo(np.int64).max))
    found = [
        Bin(int(at[rows[order[a]]]), names[order[a:b]].tolist(), counts[order[a:b]])
        for a, b in pairwise(edges)
    ]
    return [*_edge(found, stretch, 0), *found, *_edge(found, stretch, 1)]


def _edge(found: list[Bin], stretch: tuple[int, int], side: int) -> list[Bin]:
    """An empty bin where a stretch begins or ends with none."""
    there = bool(found) and found[-side].at == stretch[side]
    return [] if there else [Bin(stretch[side], [], np.zeros((0, len(COUNTS)), np.int64))]


def stretches(totals: Hourly, norms: PictureNorms) -> list[tuple[int, int]]:
    """First and last bin of each run of days that are there, the hours of the first and last day that are cut left out.

    A few late or wrongly dated records do not make a day: it needs LEAST_DAY of what its norm expects. What lies before
    the first and after the last busy hour of a run is not looked at.
    """
    rows = totals.dimension == "service"
    hour, at = np.unique(totals.hour[rows] // HOUR, return_inverse=True)
    count = np.bincount(at, totals.declarations[rows], len(hour))
    day, index = np.unique(hour // 24, return_inverse=True)
    usual = np.nan_to_num(
        norms.count("service", SERVICE, (day[:, None] * 24 + np.arange(24)).ravel() * HOUR)[0]
    )
    usual = usual.reshape(-1, 24)
    there = np.bincount(index, count, len(day)) >= np.maximum(LEAST_DAY * usual.sum(1), 1.0)
    busy = there[index] & (count >= LEAST_DAY * usual[index, hour % 24]) & (usual.sum(1)[index] > 0)
    if not busy.any():
        return []
    runs = np.split(hour[busy], np.flatnonzero(np.diff(hour[busy] // 24) > 1) + 1)
    return [(int(run[0]) * 12, int(run[-1]) * 12 + 11) for run in runs]
