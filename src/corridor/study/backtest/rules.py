"""What each rule does: hits, overlap, what inspections found where it spoke, and the controls that hang on it.

Restricted: all of it is told by rule id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.judge import Judgement
from corridor.kernels import corridors, integrate
from corridor.kernels.overlap import Overlap, add
from corridor.messages.columns import Array
from corridor.rulebook.groups import GROUPS, RESPONSES
from corridor.rulebook.load import Shelf
from corridor.rulebook.rules import Rule, RuleSet
from corridor.study.backtest.estimate import columns

CONTROL: Final = corridors.YELLOW
"""From this corridor on somebody looks before release: at documents, or at the goods."""
_COUNTED: Final = ("score", "at_least", "document")
_EXEMPT: Final = RESPONSES.index("exempt")
_AT_ONCE: Final = 20_000
"""Declarations judged again at once, each without one rule."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """k items with results, in a batch.

    item, declaration: int64[k], ascending; hit: bool[k]; inclusion: float64[k], NaN where it was not drawn.
    """

    item: Array
    declaration: Array
    hit: Array
    inclusion: Array


@dataclass
class Tally:
    """Sums over all items judged, of the rules of a shelf by id; parts made apart are added together.

    labelled: float64[R, 9]: items with results and hits among them, then `estimate.Sums` of those drawn at random, where
    a declaration is drawn with all its items; needed, spared: int64[R], controls that would not be there
    without the rule, and that would be there.
    """

    rules: tuple[Rule, ...]
    overlap: Overlap
    labelled: NDArray[np.float64]
    needed: NDArray[np.int64]
    spared: NDArray[np.int64]
    items: int = 0
    declarations: int = 0

    @classmethod
    def of(cls, shelf: Shelf) -> "Tally":
        """Nothing seen yet; a rule of several rulebooks is told as the newest has it."""
        newest = {rule.id: rule for book in shelf.rulebooks for rule in book.rules.rules}
        n = len(newest)
        return cls(
            tuple(newest.values()),
            overlap=Overlap.none(n),
            labelled=np.zeros((n, 9)),
            needed=np.zeros(n, np.int64),
            spared=np.zeros(n, np.int64),
        )

    def add(self, other: "Tally") -> None:
        """Add what another tally of the same shelf holds."""
        self.items += other.items
        self.declarations += other.declarations
        for mine, theirs in zip(self.overlap, other.overlap, strict=True):
            np.add(mine, theirs, out=mine)
        self.labelled += other.labelled
        self.needed += other.needed
        self.spared += other.spared

    def see(self, found: Judgement, labelled: Labelled) -> None:
        """Add the hits of one judgement."""
        own = found.columns.rulebook.rules
        hits = self._spread(own, found.hits)
        self.items += hits.shape[1]
        self.declarations += len(found.verdicts.corridor)
        counted = np.array([rule.response in _COUNTED for rule in self.rules], np.bool_)
        add(hits, found.columns.declaration, counted, self.overlap)
        self.labelled += _sums(hits[:, labelled.item], labelled)
        place = self._place(own)
        for out, found_here in zip((self.needed, self.spared), hanging(found), strict=True):
            np.add.at(out, place, found_here)

    def _place(self, own: RuleSet) -> NDArray[np.int64]:
        index = {rule.id: r for r, rule in enumerate(self.rules)}
        return np.array([index[name] for name in own.ids], np.int64)

    def _spread(self, own: RuleSet, hits: Array) -> Array:
        """uint8[R, m] in the order of this tally; no hit of rules that this rulebook has not."""
        place = self._place(own)
        if len(place) == len(self.rules) and np.array_equal(place, np.arange(len(place))):
            return hits
        spread = np.zeros((len(self.rules), hits.shape[1]), np.uint8)
        spread[place] = hits
        return spread


def _sums(hits: Array, labelled: Labelled) -> NDArray[np.float64]:
    """float64[R, 9]: the columns of `Tally.labelled`; hits: uint8[R, k]."""
    out = np.zeros((len(hits), 9))
    spoken = hits != 0
    out[:, 0], out[:, 1] = spoken.sum(axis=1), spoken[:, labelled.hit].sum(axis=1)
    drawn = np.flatnonzero(~np.isnan(labelled.inclusion))
    if len(drawn):
        _, first = np.unique(labelled.declaration[drawn], return_index=True)
        size = np.add.reduceat(spoken[:, drawn].astype(np.float64), first, axis=1)
        found = np.add.reduceat((spoken & labelled.hit)[:, drawn].astype(np.float64), first, axis=1)
        parts = columns(found, labelled.inclusion[drawn][first], size)
        out[:, 2:] = np.stack([part.sum(axis=1) for part in parts], axis=1)
    return out


def hanging(found: Judgement) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """int64[R] each: declarations under control that would not be without the rule, and the other way round.

    Exact: the integrator and the choice of corridors run again without the rule on each declaration that it hit. What
    hangs on two rules, either of which is enough, hangs on neither.
    """
    rules = found.columns.rulebook.rules
    corridor, offsets = found.verdicts.corridor, found.columns.batch.offsets
    exempting = rules.response == _EXEMPT
    needed, spared = np.zeros(len(rules), np.int64), np.zeros(len(rules), np.int64)
    for r, d in _pairs(
        found, np.isin(rules.response, [RESPONSES.index(name) for name in _COUNTED]), exempting
    ):
        counts = np.diff(offsets)[d]
        stops = np.cumsum(counts)
        picked = np.arange(counts.sum()) + np.repeat(offsets[d] - (stops - counts), counts)
        hits = found.hits[:, picked]
        hits[np.repeat(r, counts), np.arange(len(picked))] = 0
        without = _corridors(found, hits, d, picked, np.concatenate([[0], stops]))
        was, now = corridor[d] >= CONTROL, without >= CONTROL
        np.add.at(needed, r[was & ~now], 1)
        np.add.at(spared, r[now & ~was], 1)
    return needed, spared


def _pairs(found: Judgement, counted: Array, exempting: Array) -> Sequence[tuple[Array, Array]]:
    """Rules with declarations whose control may hang on them, int64[k] each, some at a time."""
    declaration, corridor = found.columns.declaration, found.verdicts.corridor
    n, pairs = len(corridor), []
    for of, where in ((counted, corridor >= CONTROL), (exempting, corridor < CONTROL)):
        items = np.flatnonzero(where[declaration])
        rules = np.flatnonzero(of)
        if len(items) and len(rules):
            r, i = np.nonzero(found.hits[np.ix_(rules, items)])
            pairs.append(np.unique(rules[r] * n + declaration[items[i]]))
    keys = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
    return [
        (part // n, part % n) for part in np.split(keys, range(_AT_ONCE, len(keys), _AT_ONCE)) if len(part)
    ]


def _corridors(found: Judgement, hits: Array, d: Array, picked: Array, offsets: Array) -> Array:
    """int8[k]: corridors of the declarations d, with other hits on their items `picked`."""
    rules, policy, around = found.columns.rulebook.rules, found.policy, found.circumstances
    evidence = integrate.integrate(
        hits,
        integrate.RuleColumns(rules.weight, rules.response, rules.floor, rules.group),
        found.columns.model_probability[picked],
        found.shift[d],
        np.repeat(np.arange(len(d)), np.diff(offsets)),
        len(GROUPS),
    )
    chosen = corridors.choose(
        offsets,
        evidence,
        corridors.Policy(policy.thresholds[d], policy.random_rate[d], policy.random_corridor),
        corridors.Circumstances(around.draw[d], around.late[d], around.cancellation[d]),
    )
    return chosen.corridor
