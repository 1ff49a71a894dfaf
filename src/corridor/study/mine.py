"""Rules mined from results: found on the earlier part of the time, judged once on the later part, proposed to officers.

Candidates come from `patterns`. On the earlier part they are chosen by what each adds (a cover, greedy), on
the later part each of the few that were chosen is tested once, and the share of false ones among those
confirmed is held down (Benjamini & Hochberg, 1995). Counted are declarations, since the items of one stand or
fall together; a base rate is that of all inspected ones. Nothing is activated: what is confirmed becomes a
proposal (`proposal`).

A list may have been drawn up from the very results that should test it. So where the rulebook took effect after the
cut, entries of its lists without a first day count from then on only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.history import History
from corridor.judge import active_hits, spoken
from corridor.messages.columns import Array
from corridor.rulebook.book import Rulebook
from corridor.rulebook.lists import CodeList
from corridor.rulebook.load import load
from corridor.rulebook.rules import Rule
from corridor.study.backtest.estimate import share
from corridor.study.conditions import Runner, read_lists, since_known
from corridor.study.history import histories
from corridor.study.material import Material
from corridor.study.model import cut, labelled_columns, registered_at
from corridor.study.patterns import (
    Comparison,
    Features,
    Pattern,
    asked_of,
    condition,
    grown,
    packed,
    unpacked,
)
from corridor.study.train import LEAST_OF_A_KIND, LEAST_ROWS, Examples

HELD_OUT: Final = 0.3
LEAST_ITEMS: Final = 20
LEAST_FINDINGS: Final = 8
LEAST_IMPORTERS: Final = 3
LIFT: Final = 2.0
"""A pattern finds at least so many times the base rate on the earlier part; a rule that does so is effective."""
CONFIRMED_LIFT: Final = 1.5
"""And so many times on the later part: chance alone would pass the test of many hits with a lift near 1."""
PRICE: Final = 0.5
"""Sharp patterns are looked for first: those that bring more than one finding for two items looked into."""
MOST: Final = 30
"""Patterns that are tested; each further one makes the test of all the others harder."""
FALSE_SHARE: Final = 0.05
"""Expected share of false ones among those confirmed, at most."""
SAME: Final = 0.8
"""Hits shared with an existing rule (Jaccard) from which a pattern is known already."""
MOST_BYTES: Final = 128 << 20
"""What the hits of the candidates may take; beyond it those of the least gain are left out."""
_AT_ONCE: Final = 1_000
_PER_COMPARISON: Final = 0.95
"""What a further comparison must bring: a shorter condition wins a near tie."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How far a pattern hits what a rule of the rulebook hits: Jaccard index, and its share that the rule hits too."""

    rule: str
    jaccard: float
    share: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Inspected declarations that a pattern hits, those with a finding in an item it hits, what was recovered."""

    hit: int
    found: int
    recovered: float
    importers: int

    @property
    def precision(self) -> float:
        """Share with a finding."""
        return self.found / self.hit if self.hit else float("nan")


@dataclass(frozen=True, slots=True)
class Mined:
    """One confirmed pattern.

    when: its condition; earlier, later: counts on both parts; base: share of findings among all inspected
    declarations of the later part; low, high: 95 % of the precision there (Wilson); false_share: its adjusted
    p-value; adds: findings of the later part, by declaration, that no effective rule and no pattern before it
    hits; overlaps: with each rule that hits at all, the largest first.
    """

    when: str
    earlier: Counts
    later: Counts
    base: float
    low: float
    high: float
    false_share: float
    adds: int
    overlaps: tuple[Overlap, ...]

    @property
    def lift(self) -> float:
        """Precision on the later part by the base rate."""
        return self.later.precision / self.base if self.base else float("nan")

    @property
    def already(self) -> float:
        """The largest share of its hits that one rule hits too."""
        return max((overlap.share for overlap in self.overlaps), default=0.0)


@dataclass(frozen=True, slots=True)
class Mining:
    """What was mined: how many candidates, how many of them known already, tested, confirmed; at: where the time was cut.

    undated: by list, how many entries counted only from the time on at which the rulebook took effect, after the cut.
    """

    at: int
    end: int
    inspected: tuple[int, int]
    base: tuple[float, float]
    candidates: int
    known: int
    tested: int
    mined: tuple[Mined, ...]
    undated: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """k labelled items of one part of the time: bool[k] hit, float64[k] recovered, int64[k] declaration and importer."""

    runner: Runner
    hit: Array
    recovered: Array
    declaration: Array
    importer: Array
    rules: NDArray[np.bool_]  # bool[R, k]: active rules, then those in shadow

    def counts(self, mask: Array) -> Counts:
        """Count the declarations that bool[k] hits."""
        hit = np.unique(self.declaration[mask])
        found = np.unique(self.declaration[mask & self.hit])
        importers = self.importer[mask & self.hit]
        recovered = float(self.recovered[mask].sum())
        return Counts(len(hit), len(found), recovered, len(np.unique(importers[importers != 0])))

    @property
    def base(self) -> float:
        """Share of inspected declarations with a finding."""
        return len(np.unique(self.declaration[self.hit])) / max(len(np.unique(self.declaration)), 1)


def mine(material: Material, rulebook: Path) -> Mining:
    """Mine the results of `material` beside a rulebook's rules. Raises InputError where there are too few."""
    book, lists = load(rulebook), read_lists(rulebook)
    lived = histories(material.batch, book.policy.histories, material.lines)
    registered, known = registered_at(material), material.results.at
    at = cut(registered, HELD_OUT)
    lists, undated = _as_known(lists, book.effective_from, at)
    first, second = (
        _part(material, lived, book, lists, np.flatnonzero(of))
        for of in ((registered < at) & (known < at), (registered >= at) & (known >= at))
    )
    if not Examples(first.hit, first.hit).enough() or not second.hit.any():
        raise InputError(
            f"too few results: {len(first.hit):,} items with {int(first.hit.sum()):,} findings before the cut, "
            f"{len(second.hit):,} with {int(second.hit.sum()):,} after it; mining needs {LEAST_ROWS} before, "
            f"{LEAST_OF_A_KIND} of them with and {LEAST_OF_A_KIND} without a finding, and findings after it"
        )
    rules = (*book.rules.rules, *book.shadow.rules)
    effective = _effective(first, rules, len(book.rules))
    chosen, candidates, known_already = _chosen(first, material, effective)
    mined = _confirmed(chosen, first, second, rules, effective)
    return Mining(
        at=at,
        end=material.span[1],
        inspected=(len(np.unique(first.declaration)), len(np.unique(second.declaration))),
        base=(first.base, second.base),
        candidates=candidates,
        known=known_already,
        tested=len(chosen),
        mined=tuple(mined),
        undated=undated,
    )


def _as_known(
    lists: Mapping[str, CodeList], effective_from: int, at: int
) -> tuple[dict[str, CodeList], dict[str, int]]:
    """The lists as far as they were known, and by name how many entries that concerns (see the head of this file)."""
    if effective_from <= at:
        return dict(lists), {}
    dated = {name: since_known(found, effective_from) for name, found in lists.items()}
    tried = {name: count for name, (_, count) in dated.items() if count and asked_of(lists[name])}
    return {name: found for name, (found, _) in dated.items()}, tried


def _part(
    material: Material, lived: History, book: Rulebook, lists: Mapping[str, CodeList], which: Array
) -> Part:
    columns, inside = labelled_columns(material, lived, book, which)
    item, results = material.results.item[which], material.results
    owner = material.declaration[item]
    hits = np.concatenate([active_hits(columns), spoken(columns, book.shadow)])
    return Part(
        Runner(columns, inside, lists),
        results.hit[which],
        results.recovered[which],
        owner,
        material.batch.heads["importer"][owner],
        np.ascontiguousarray(hits[:, inside] != 0),
    )


def _effective(part: Part, rules: tuple[Rule, ...], active: int) -> NDArray[np.bool_]:
    """bool[R]: active rules that demand a corridor, or find LIFT times the base rate where they speak."""
    demands = np.array([rule.response in ("at_least", "document") for rule in rules], np.bool_)
    items, found = part.rules.sum(axis=1), (part.rules & part.hit).sum(axis=1)
    finds = found >= LIFT * part.hit.mean() * np.maximum(items, 1)
    return np.asarray((np.arange(len(rules)) < active) & (demands | finds))


@dataclass(frozen=True)
class Search:
    """What is searched on the earlier part: comparisons and where each is true (packed), findings, rules, base rate."""

    part: Part
    comparisons: list[Comparison]
    masks: NDArray[np.uint64]
    hit: NDArray[np.uint64]
    rules: NDArray[np.uint64]
    base: float

    @classmethod
    def of(cls, part: Part, patterns: Iterable[Pattern]) -> "Search":
        """All comparisons of the patterns, run by the kernel of rules."""
        comparisons = sorted({one for pattern in patterns for one in pattern})
        masks = packed(part.runner.run([one.text for one in comparisons]))
        hit, rules = packed(part.hit[None])[0], packed(part.rules)
        return cls(part, comparisons, masks, hit, rules, float(part.hit.mean()))

    def prices(self) -> list[float]:
        """What looking into an item costs, in findings: PRICE, half of it, and so on down to LIFT times the base rate."""
        least, found = LIFT * self.base, [PRICE]
        while found[-1] / 2 > least:
            found.append(found[-1] / 2)
        return [*(price for price in found if price > least), least]

    def gain(self, bits: Array, lengths: Array, price: float) -> NDArray[np.float64]:
        """float64[P]: findings less what looking into all that is hit costs, a little less for longer conditions.

        Without LEAST_ITEMS, LEAST_FINDINGS or LIFT there is no gain.
        """
        items, found = _count(bits), _count(bits & self.hit)
        gain = (found - price * items) * _PER_COMPARISON ** (lengths - 1)
        enough = (items >= LEAST_ITEMS) & (found >= LEAST_FINDINGS) & (found >= LIFT * self.base * items)
        return np.where(enough, gain, -np.inf)


def _chosen(part: Part, material: Material, effective: Array) -> tuple[list[Pattern], int, int]:
    """At most MOST patterns by what each adds on the earlier part; how many candidates, and how many are known already."""
    features = Features.of(part.runner, material, part.hit)
    open_ = ~part.rules[effective].any(axis=0)
    found = grown(features, part.hit, np.ones(len(part.hit), np.bool_))
    if part.hit[open_].sum() >= LEAST_OF_A_KIND:
        found |= grown(features, part.hit, open_)
    search = Search.of(part, found)
    kept, bits, known = _worthwhile(search, sorted(found))
    return _cover(search, kept, bits, packed(open_[None])[0]), len(found), known


def _worthwhile(search: Search, patterns: list[Pattern]) -> tuple[list[Pattern], NDArray[np.uint64], int]:
    """Patterns with enough hits, findings and lift that are no rule already, where they hold (packed), how many are rules.

    Beyond MOST_BYTES those of the least gain are left out.
    """
    masks, place = search.masks, {one: i for i, one in enumerate(search.comparisons)}
    kept, rows, gains, known = [], [np.zeros((0, masks.shape[1]), np.uint64)], [np.zeros(0)], 0
    for low in range(0, len(patterns), _AT_ONCE):
        some = patterns[low : low + _AT_ONCE]
        bits = np.array(
            [np.bitwise_and.reduce(masks[[place[one] for one in pattern]], axis=0) for pattern in some]
        )
        gain = search.gain(bits, np.array([len(pattern) for pattern in some]), LIFT * search.base)
        good = np.flatnonzero(np.isfinite(gain))
        fresh = good[_fresh(bits[good], search.rules)]
        known += len(good) - len(fresh)
        kept += [some[i] for i in fresh]
        rows.append(bits[fresh])
        gains.append(gain[fresh])
    most = MOST_BYTES // max(8 * masks.shape[1], 1)
    best = np.sort(np.argsort(-np.concatenate(gains), kind="stable")[:most])
    return [kept[i] for i in best], np.concatenate(rows)[best], known


def _fresh(bits: Array, rules: Array) -> NDArray[np.bool_]:
    """bool[P]: patterns that are not near enough to any rule to be the same."""
    fresh, items = np.ones(len(bits), np.bool_), _count(bits)
    for rule in rules:
        both = _count(bits & rule)
        fresh &= both < SAME * (items + int(np.bitwise_count(rule).sum()) - both)
    return fresh


def _cover(search: Search, patterns: list[Pattern], bits: Array, open_: Array) -> list[Pattern]:
    """Greedy: again and again the pattern of the largest gain on what is still open, which is then covered.

    Sharp patterns come first, at the highest price of looking into an item, then broader ones at half of it, and so on.
    What a pattern adds must be of several declarations and importers: the items of one may well be alike.
    """
    part, lengths = search.part, np.array([len(pattern) for pattern in patterns])
    chosen: list[Pattern] = []
    for price in search.prices():
        gain = search.gain(bits & open_, lengths, price)
        while len(chosen) < MOST and (gain > 0).any():
            best = int(gain.argmax())
            found = part.counts(unpacked(bits[best] & open_, len(part.hit)))
            enough = found.found >= LEAST_FINDINGS and found.importers >= LEAST_IMPORTERS
            if not enough or found.precision < LIFT * part.base:
                gain[best] = -np.inf
                continue
            chosen.append(patterns[best])
            open_ = open_ & ~bits[best]
            gain = search.gain(bits & open_, lengths, price)
    return chosen


def _count(bits: Array) -> NDArray[np.int64]:
    return np.asarray(np.bitwise_count(bits).sum(axis=1, dtype=np.int64))


def _confirmed(
    chosen: list[Pattern], first: Part, second: Part, rules: tuple[Rule, ...], effective: Array
) -> list[Mined]:
    """Test each pattern once on the later part; keep what is confirmed, in the order in which it was chosen."""
    from scipy.stats import binom, false_discovery_control  # noqa: PLC0415  # slow to import

    if not chosen:
        return []
    texts = [condition(pattern) for pattern in chosen]
    earlier, later = first.runner.run(texts), second.runner.run(texts)
    base = second.base
    counts = [second.counts(mask) for mask in later]
    p = np.array([float(binom.sf(c.found - 1, c.hit, base)) if c.hit else 1.0 for c in counts])
    q = false_discovery_control(p, method="bh")
    covered = second.rules[effective].any(axis=0)
    mined = []
    for i, (text, mask) in enumerate(zip(texts, later, strict=True)):
        if q[i] > FALSE_SHARE or counts[i].precision < CONFIRMED_LIFT * base:
            continue
        found = share(counts[i].found, counts[i].hit)
        adds = len(np.unique(second.declaration[mask & second.hit & ~covered]))
        mined.append(
            Mined(
                text, first.counts(earlier[i]), counts[i], base, found.low, found.high,
                float(q[i]), adds, _overlaps(mask, second, rules),
            )
        )  # fmt: skip
        covered = covered | mask
    return mined


def _overlaps(mask: Array, part: Part, rules: tuple[Rule, ...]) -> tuple[Overlap, ...]:
    both = (part.rules & mask).sum(axis=1)
    either = (part.rules | mask).sum(axis=1)
    n = max(int(mask.sum()), 1)
    found = [Overlap(rules[r].id, both[r] / either[r], both[r] / n) for r in np.flatnonzero(both)]
    return tuple(sorted(found, key=lambda overlap: (-overlap.jaccard, overlap.rule)))
