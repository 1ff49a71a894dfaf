"""A candidate beside the rulebook in force, as a job is told of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corridor.rulebook.candidate import Candidate
    from corridor.rulebook.load import Shelf


@dataclass(frozen=True, slots=True)
class Trial:
    """Where the candidate lies, and of how many percent of the declarations it is asked.

    own_rules: whether with its shadow rules; histories: (party, bucket) pairs that it asks for.
    """

    rulebook: str
    percent: int
    own_rules: bool = False
    histories: tuple[tuple[str, str], ...] = ()

    def load(self, shelf: "Shelf") -> "Candidate":
        """The candidate beside the rulebooks of a shelf. Raises RulebookError."""
        from corridor.rulebook.candidate import Candidate  # noqa: PLC0415  # workers: numba needs the true print

        return Candidate.load(Path(self.rulebook), self.percent / 100, shelf, self.own_rules)
