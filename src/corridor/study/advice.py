"""What is allowed in a rulebook and yet looks like a mistake: from its text, and from a sample of declarations."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.judge import judgement
from corridor.messages.columns import CORRIDORS, Declarations
from corridor.messages.moment_text import rfc3339
from corridor.rulebook.book import Rulebook
from corridor.rulebook.fields import HISTORY_FIELDS
from corridor.rulebook.lists import FOREVER
from corridor.rulebook.rules import Rule
from corridor.rulebook.semantics import Expr

STANDARD_LISTS: Final = {
    "countries": "origin and dispatch that are no countries",
    "hs_nomenclature": "commodity codes that do not exist",
    "offices": "offices that do not exist",
}
"""Lists by which data quality is assessed, and what is not seen without them."""
_DAY: Final = 86_400_000_000
_MANY_SNOOZES: Final = 100
_SOON: Final = 30 * _DAY
_MUCH: Final = 0.2
"""A scored rule that hits a larger share of items fills corridors without telling consignments apart."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to look at: the line in rules.yaml, 0 where it is of the rulebook as a whole."""

    line: int
    text: str


def advise(book: Rulebook, now: int) -> list[Advice]:
    """What its text tells. now: microseconds since 1970, against which ends are held."""
    found = [*_ends(book, now), *_shadowed(book), *_unused(book), *_snoozed(book, now)]
    return sorted(found, key=lambda advice: (advice.line, advice.text))


def _ends(book: Rulebook, now: int) -> Iterator[Advice]:
    for rule in (*book.rules.rules, *book.shadow.rules):
        if rule.valid_until <= max(book.effective_from, now):
            yield Advice(
                rule.line, f"rule {rule.id} ended at {rfc3339(rule.valid_until)}: it never hits; take it out"
            )
        elif rule.valid_until != FOREVER and rule.valid_until <= now + _SOON:
            yield Advice(rule.line, f"rule {rule.id} ends at {rfc3339(rule.valid_until)}")


def _shadowed(book: Rulebook) -> Iterator[Advice]:
    """Rules that hit only where another one hits that does as much, or undoes them."""
    rules = book.rules.rules
    terms = [_terms(rule) for rule in rules]
    for i, rule in enumerate(rules):
        for j, other in enumerate(rules):
            if i == j or not terms[j] <= terms[i] or not _within(rule, other):
                continue
            same = terms[i] == terms[j] and _within(other, rule)
            if same and j > i:
                continue  # told once, of the later one
            text = _relation(rule, other, same)
            if text:
                yield Advice(rule.line, text)


def _relation(rule: Rule, other: Rule, same: bool) -> str:
    demands = ("at_least", "document")
    if rule.response in demands and other.response in demands:
        if CORRIDORS.index(rule.corridor) <= CORRIDORS.index(other.corridor):
            return f"rule {rule.id} is never needed: where it hits, {other.id} hits too and demands {other.corridor}"
    elif rule.response == "exempt" and other.response in demands:
        return f"rule {rule.id} exempts only what {other.id} demands {other.corridor} for: it has no effect"
    elif rule.response == "score" and other.response in demands and other.corridor == "red":
        return f"rule {rule.id} scores only what {other.id} makes red: it has no effect on the corridor"
    elif same and rule.response == other.response:
        return f"rule {rule.id} has the condition of {other.id}: together they count twice"
    return ""


def _terms(rule: Rule) -> frozenset[Expr]:
    """What must all hold for a rule to hit, its validity aside."""
    bounds = (rule.valid_from > 0) + (rule.valid_until < FOREVER)
    terms: list[Expr] = []
    pending = list(rule.condition.args[bounds:])
    while pending:
        term = pending.pop()
        if term.op == "and":
            pending += term.args
        else:
            terms.append(term)
    return frozenset(terms)


def _within(rule: Rule, other: Rule) -> bool:
    return other.valid_from <= rule.valid_from and rule.valid_until <= other.valid_until


def _unused(book: Rulebook) -> Iterator[Advice]:
    text = " ".join(rule.when for rule in (*book.rules.rules, *book.shadow.rules))
    features = set(book.model.features) if book.model else set()
    for name in sorted(book.lists):
        if f"lists.{name}" not in text and name not in (*STANDARD_LISTS, "currencies"):
            yield Advice(0, f"lists.{name} is read by no rule")
        elif not len(book.lists[name].valid_at(book.effective_from)):
            yield Advice(0, f"lists.{name} has no entry that is valid when the rulebook takes effect")
    for name, unseen in STANDARD_LISTS.items():
        if name not in book.lists:
            yield Advice(0, f"there is no lists/{name}.csv: {unseen} are not seen")
    for party, bucket in book.policy.histories:
        names = [name for name in HISTORY_FIELDS if name.startswith(f"history.{party}_{bucket}_")]
        if not any(name in text or name in features for name in names):
            yield Advice(0, f"the history {party}/{bucket} is kept and read by nothing: state without use")


def _snoozed(book: Rulebook, now: int) -> Iterator[Advice]:
    """How many snoozes have ended, how many end soon; a rule that many need is itself at fault."""
    entries = book.snoozes.entries
    ended = [one for one in entries if one.until <= max(book.effective_from, now)]
    soon = [one for one in entries if now < one.until <= now + _SOON and one.until > book.effective_from]
    if ended:
        yield Advice(
            0, f"snoozes.csv:{ended[0].line}: snoozes that have ended: {len(ended):,}; take them out"
        )
    if soon:
        first = min(soon, key=lambda one: one.until)
        told = f"the first, of {first.rule} for {first.code}, at {rfc3339(first.until)}"
        yield Advice(0, f"snoozes.csv:{first.line}: snoozes that end within 30 days: {len(soon):,}; {told}")
    counts = Counter(one.rule for one in entries if one.until > max(book.effective_from, now))
    for rule, count in counts.items():
        if count > _MANY_SNOOZES:
            yield Advice(0, f"rule {rule} is snoozed {count:,} times: it may be the rule that is at fault")


class Sample:
    """Hits of the rules on declarations, block by block."""

    def __init__(self, book: Rulebook) -> None:
        n = len(book.rules)
        self._book, self.items, self.declarations = book, 0, 0
        self._together: NDArray[np.int64] = np.zeros((n, n), np.int64)

    def add(self, batch: Declarations) -> None:
        """Judge a block without histories."""
        hits = judgement(batch, None, self._book).hits.astype(np.float32)
        self._together += np.rint(hits @ hits.T).astype(np.int64)  # exact below 2^24 items a block
        self.items += len(batch.items)
        self.declarations += len(batch)

    @property
    def hits(self) -> NDArray[np.int64]:
        """int64[R]: items that each rule hit."""
        return np.diagonal(self._together).copy()

    def advise(self) -> list[Advice]:
        """What the sample tells."""
        rules, hits = self._book.rules.rules, self.hits
        found = []
        for r, rule in enumerate(rules):
            if not hits[r]:
                found.append(
                    Advice(rule.line, f"rule {rule.id} hit none of {self.items:,} items{_needs(rule)}")
                )
            elif rule.response == "score" and hits[r] > _MUCH * self.items:
                share = hits[r] / self.items
                found.append(
                    Advice(
                        rule.line,
                        f"rule {rule.id} hit {share:.0%} of {self.items:,} items: it tells little apart",
                    )
                )
            twins = [o for o in range(r) if hits[r] and hits[r] == hits[o] == self._together[r, o]]
            found += [
                Advice(rule.line, f"rule {rule.id} hit the same {hits[r]:,} items as {rules[o].id}")
                for o in twins
                if rules[o].response == rule.response
            ]
            if rule.response == "exempt" and hits[r]:
                found += self._held(r)
        return sorted(found, key=lambda advice: (advice.line, advice.text))

    def _held(self, r: int) -> Iterable[Advice]:
        rules, hits = self._book.rules.rules, self.hits
        for o, other in enumerate(rules):
            if other.response in ("at_least", "document") and self._together[r, o] == hits[r]:
                held = f"{other.id} demands {other.corridor} for all of them"
                yield Advice(rules[r].line, f"rule {rules[r].id} exempted {hits[r]:,} items, and {held}")


def _needs(rule: Rule) -> str:
    return ", which are judged without histories" if "history." in rule.when else ""
