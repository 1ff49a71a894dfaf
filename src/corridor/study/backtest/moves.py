"""Who moves from one corridor to another, and what makes him: judged again with one part of the rulebook exchanged.

Of each declaration that moved, the rulebook before judges with one part of the rulebook after: rules, model,
participants, thresholds or random control. A part that alone leads to the new corridor is enough for the move; for some
moves several are, for some none is.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.history import History
from corridor.judge import Judgement, judgement
from corridor.kernels import corridors, integrate
from corridor.messages.columns import CORRIDORS, Array, Declarations
from corridor.rulebook.groups import GROUPS
from corridor.rulebook.load import Shelf
from corridor.study.backtest.judging import own_history, taken

PARTS: Final = ("rules", "model", "participants", "thresholds", "random control")
MOVE: Final = np.dtype(
    [
        ("row", "i8"),  # of the history
        ("then", "i1"),
        ("now", "i1"),
        ("group_then", "i1"),  # of the first reason, -1: none
        ("group_now", "i1"),
        ("enough", "u1"),  # bit k: PARTS[k] alone makes the move
    ]
)


class Spoken(NamedTuple):
    """A rule that speaks on one side of a move only: the corridors, its id, and whether that is the side of now."""

    then: int
    now: int
    rule: str
    speaks_now: bool


@dataclass
class Moves:
    """MOVE of declarations, and how many of them each rule speaks of on one side only."""

    moved: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, MOVE))
    spoken: Counter[Spoken] = field(default_factory=Counter)

    def add(self, other: "Moves") -> None:
        """Add others of the same history."""
        self.moved = np.concatenate([self.moved, other.moved])
        self.spoken += other.spoken


def moves(
    batch: Declarations,
    history: History,
    shelves: tuple[Shelf | None, Shelf],
    verdicts: tuple[NDArray[np.void], NDArray[np.void]],
    rows: Array,
) -> Moves:
    """Take the moves of k declarations apart.

    Args:
        batch: the k declarations, all of which moved.
        history: what was known beside them.
        shelves: the rulebooks then (None where only decisions tell of it: no parts to exchange) and now.
        verdicts: VERDICT[k] then and now.
        rows: int64[k] of the history.

    """
    then, now = verdicts
    out = np.zeros(len(rows), MOVE)
    out["row"], out["then"], out["now"] = rows, then["corridor"], now["corridor"]
    out["group_then"] = then["group"]
    spoken: Counter[Spoken] = Counter()
    times = np.ascontiguousarray(batch.heads["registered_at"])
    before = np.zeros(len(rows), np.int64) if shelves[0] is None else shelves[0].at(times)
    after = shelves[1].at(times)
    for pair in {(int(b), int(a)) for b, a in zip(before, after, strict=True)}:
        of = np.flatnonzero((before == pair[0]) & (after == pair[1]))
        found = _again(batch, history, shelves[1], pair[1], of)
        out["group_now"][of] = found.verdicts.reason_group[:, 0]
        if shelves[0] is None:
            continue
        was = _again(batch, history, shelves[0], pair[0], of)
        out["group_then"][of] = was.verdicts.reason_group[:, 0]
        for k in range(len(PARTS)):
            alone = _exchanged(was, found, k) == now["corridor"][of]
            out["enough"][of] |= (alone << k).astype(np.uint8)
        spoken += _spoken(was, found, out[of])
    return Moves(out, spoken)


def _again(batch: Declarations, history: History, shelf: Shelf, index: int, rows: Array) -> Judgement:
    known = own_history(history, shelf)
    return judgement(taken(batch, rows), known.take(rows), shelf.rulebooks[index])


def _exchanged(was: Judgement, now: Judgement, part: int) -> Array:
    """int8[n]: the corridors by `was` with one of PARTS by `now`."""
    rules, model, participants, thresholds, random = (now if k == part else was for k in range(len(PARTS)))
    own = rules.columns.rulebook.rules
    evidence = integrate.integrate(
        rules.hits,
        integrate.RuleColumns(own.weight, own.response, own.floor, own.group),
        model.columns.model_probability,
        participants.shift,
        was.columns.declaration,
        len(GROUPS),
    )
    policy = corridors.Policy(
        thresholds.policy.thresholds, random.policy.random_rate, random.policy.random_corridor
    )
    around = corridors.Circumstances(
        random.circumstances.draw, was.circumstances.late, was.circumstances.cancellation
    )
    return corridors.choose(was.columns.batch.offsets, evidence, policy, around).corridor


def _spoken(was: Judgement, now: Judgement, moved: NDArray[np.void]) -> Counter[Spoken]:
    """Rules that speak of a moved declaration on one side only, by the corridors of the move."""
    spoken = {False: _of_declarations(was), True: _of_declarations(now)}
    found: Counter[Spoken] = Counter()
    cell = moved["then"].astype(np.int64) * len(CORRIDORS) + moved["now"]
    for name in spoken[False].keys() | spoken[True].keys():
        silent = np.zeros(len(moved), np.bool_)
        sides = [spoken[side].get(name, silent) for side in (False, True)]
        for side in (False, True):
            counts = np.bincount(cell[sides[side] & ~sides[not side]], minlength=len(CORRIDORS) ** 2)
            for at in np.flatnonzero(counts).tolist():
                then, to = divmod(at, len(CORRIDORS))
                found[Spoken(then, to, name, side)] = int(counts[at])
    return found


def _of_declarations(found: Judgement) -> dict[str, NDArray[np.bool_]]:
    """bool[n] by the id of each rule that spoke of any: of which declarations."""
    rules = found.columns.rulebook.rules
    out = {}
    for r in np.flatnonzero(found.hits.any(axis=1)).tolist():
        spoken = np.zeros(len(found.verdicts.corridor), np.bool_)
        spoken[found.columns.declaration[found.hits[r] != 0]] = True
        out[rules.ids[r]] = spoken
    return out
