"""A rulebook under trial: what it would have said is told beside the decision, and decides nothing."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import sampling
from corridor.messages.columns import Declarations
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.rules import RuleSet
from corridor.rulebook.snoozes import Snoozes

OWN_RULES: Final = "+shadow"


@dataclass(frozen=True)
class Candidate:
    """A rulebook under trial, and the share of the declarations (0 to 1) that it is asked about.

    Which ones a keyed hash of declaration_id says, apart from that of the random control group: all versions of a
    declaration fall alike, and so does a replay.
    """

    rulebook: Rulebook
    share: float = 1.0

    @classmethod
    def load(cls, folder: Path, share: float, shelf: Shelf, own_rules: bool) -> "Candidate":
        """The rulebook in `folder`, on trial beside those of the shelf. Raises RulebookError.

        own_rules: with its rules of stage shadow active, as version "...+shadow": what a rulebook that is in force itself
        is tried for. That is decided once for a run, since what is a candidate today may be on the shelf tomorrow.
        """
        book = load(folder, shelf.rulebooks)
        return cls(with_shadow_rules(book) if own_rules else book, share)

    def share_of(self, batch: Declarations) -> NDArray[np.int64]:
        """int64[k]: the rows of a batch that it is asked about."""
        if self.share >= 1:
            return np.arange(len(batch))
        lengths = batch.heads["id_length"].astype(np.int64)
        drawn = sampling.draw(batch.text, batch.text_starts, lengths, self._key)
        return np.flatnonzero(drawn < self.share)

    @cached_property
    def _key(self) -> bytes:
        return hashlib.blake2b(
            b"share of a candidate", digest_size=32, key=self.rulebook.sampling_key
        ).digest()


def with_shadow_rules(book: Rulebook) -> Rulebook:
    """A rulebook whose rules of stage shadow are active."""
    rules = sorted((*book.rules.rules, *book.shadow.rules), key=lambda rule: rule.line)
    active = RuleSet.of([replace(rule, stage="active") for rule in rules])
    snoozes = Snoozes(book.snoozes.entries, tuple(active.ids))
    return replace(
        book, version=book.version + OWN_RULES, rules=active, shadow=RuleSet.of([]), snoozes=snoozes
    )
