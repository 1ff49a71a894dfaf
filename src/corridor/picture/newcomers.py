"""Newcomers of high value: an importer unknown to the rulebook whose first day is unlike other first days.

Most newcomers lodge one declaration. How unlikely so many are (negative binomial) and how unlikely so
large a value of each is (lognormal) are joined by Fisher's method (Fisher 1932, section 21.1).
"""

import math
from typing import Final

import numpy as np

from corridor.kernels.bands import count_tails
from corridor.messages.tokens import token
from corridor.picture.norms import PictureNorms
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable

SURPRISE: Final = 1.3
"""-log10 of the joint probability: about one newcomer in twenty is told."""
LEAST: Final = 2
"""One declaration alone is the business of `judge`."""
MOST: Final = 10_000
"""Newcomers of a day that are remembered; of more, those go that lodged least."""
MOST_TOLD: Final = 1000
"""Newcomers of a day that are told of."""


def newcomer(
    state: State,
    t: int,
    seen: dict[str, tuple[int, int]],
    norms: PictureNorms,
    participants: ParticipantTable,
) -> list[tuple[str, str]]:
    """Take the importers of bin t, each with declarations and their value; (event, importer) of newcomers.

    Of each unknown importer of the day is kept: n, value (minor units), start, last (bins), since (0 until told),
    score. A newcomer's episode is its day; of one whose burst is told that says enough.
    """
    norm, count = norms.importers.get("newcomer_value"), norms.importers.get("newcomer")
    if norm is None or count is None or not len(participants.roles["importer"].numbers):
        return []
    names = sorted(seen)
    known = participants.lookup("importer", np.array([token(name) for name in names], np.int64)).known
    strangers = [name for name, found in zip(names, np.asarray(known, bool), strict=True) if not found]
    events: list[tuple[str, str]] = []
    room = MOST_TOLD - len(ended(state))
    for name in strangers:
        n, value = seen[name]
        day = state.newcomers.setdefault(
            name, {"n": 0, "value": 0, "start": t, "last": t, "since": 0, "score": 0.0}
        )
        day["n"], day["value"], day["last"] = day["n"] + n, day["value"] + value, t
        day["score"] = _score(day["n"], day["value"], norm, count)
        told = day["n"] >= LEAST and day["value"] > norm[0] and day["score"] >= SURPRISE
        if not told or day["since"] or name in state.bursts:
            continue
        if len(events) < room:
            day["since"] = t
            events.append(("opened", name))
        else:
            state.left_out("newcomers", 1)
    if len(state.newcomers) > MOST:
        _bound(state)
    return events


def _bound(state: State) -> None:
    days = sorted(
        state.newcomers.items(), key=lambda of: (of[1]["since"] > 0, of[1]["n"], of[1]["value"], of[0])
    )
    gone = [name for name, day in days[: len(days) - MOST] if not day["since"]]
    state.left_out("newcomers", len(gone))
    for name in gone:
        del state.newcomers[name]


def ended(state: State) -> list[str]:
    """The newcomers that were told of, at the end of their day; `state.newcomers` is theirs to clear."""
    return sorted(name for name, day in state.newcomers.items() if day["since"])


def _score(n: int, value: int, norm: tuple[float, float], count: tuple[float, float]) -> float:
    """-log10 of the joint probability of so many declarations of so much value each."""
    if value <= 0:
        return 0.0
    z = (math.log(value / n) - math.log(norm[0])) / norm[1]
    many = -float(count_tails(n - 1.0, max(count[0] - 1.0, 0.01), count[1])[1][0]) * math.log(10.0)
    joint = many - math.log(max(0.5 * math.erfc(z / math.sqrt(2.0)), 1e-300))
    return (joint - math.log1p(joint)) / math.log(10.0)
