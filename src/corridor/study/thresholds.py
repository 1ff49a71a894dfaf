"""Thresholds that bring the corridors' shares near those a service can work with."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from corridor.messages.columns import DIRECTIONS, Array
from corridor.verdicts import Verdicts

NEVER: Final = 1.0
"""A threshold that a score does not reach."""
LEAST: Final = 500
"""A direction with fewer judged declarations takes the thresholds of all."""


@dataclass(frozen=True)
class CorridorShares:
    """Shares of declarations that a service can take out of green; one service's own of 2018."""

    blue: float = 0.03
    yellow: float = 0.16
    red: float = 0.04


@dataclass(frozen=True)
class Judged:
    """n declarations judged with thresholds that no score reaches, and with ones that each reaches."""

    direction: Array  # int8[n], index into DIRECTIONS
    strict: Verdicts
    lenient: Verdicts

    def levels(self, rows: list[dict[str, float | str]]) -> Array:
        """int8[n]: the corridor that each declaration gets with `rows` of thresholds."""
        cuts = np.empty((len(self.direction), 3))
        for row in reversed(rows):
            named = row.get("direction")
            of = slice(None) if named is None else self.direction == DIRECTIONS.index(str(named))
            cuts[of] = [row["blue"], row["yellow"], row["red"]]
        scored = (self.lenient.probability[:, None] >= cuts).sum(axis=1)
        return np.maximum(np.where(self.strict.corridor < 3, 0, scored), self.lenient.corridor).astype(
            np.int8
        )


def thresholds(judged: Judged, wanted: CorridorShares) -> list[dict[str, float | str]]:
    """Rows for corridors.yaml: one a direction that has enough declarations, the last for the rest.

    What rules demand or exempt is counted first, so the shares hold for everything together.
    """
    rows: list[dict[str, float | str]] = []
    for index, direction in enumerate(DIRECTIONS):
        of = judged.direction == index
        if int(of.sum()) >= LEAST:
            rows.append({"direction": direction, **_levels(judged, of, wanted)})
    rows.append(dict(_levels(judged, np.ones(len(judged.direction), np.bool_), wanted)))
    return rows


def _levels(judged: Judged, of: Array, wanted: CorridorShares) -> dict[str, float]:
    floor = judged.lenient.corridor[of]
    exempt = judged.strict.corridor[of] < 3
    probability = judged.lenient.probability[of]
    cumulated = (
        ("red", 3, wanted.red),
        ("yellow", 2, wanted.red + wanted.yellow),
        ("blue", 1, wanted.red + wanted.yellow + wanted.blue),
    )
    found, above = {}, NEVER
    for name, level, share in cumulated:
        free = probability[~exempt & (floor < level)]
        room = round(share * len(floor)) - int((floor >= level).sum())
        above = min(above, _reached_by(free, room))
        found[name] = above
    return {name: found[name] for name in ("blue", "yellow", "red")}


def _reached_by(probability: Array, room: int) -> float:
    """The threshold that brings the number of those at or above it nearest to `room`."""
    if room <= 0 or not len(probability):
        return NEVER
    values, counts = np.unique(probability, return_counts=True)
    reached = np.append(np.cumsum(counts[::-1])[::-1], 0)
    return float(np.append(values, NEVER)[np.argmin(np.abs(reached - room))])
