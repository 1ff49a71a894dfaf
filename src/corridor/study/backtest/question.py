"""What a back-test is asked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Tell = Callable[[str, int, int], None]
"""Is given the step, how far it is, and the whole (0: not known)."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a rulebook over declarations, or the decisions of a run; against what; by which results.

    against: a rulebook, or the output folder of a run; since, until: microseconds, of what is told, while histories
    are those of all.
    """

    declarations: Path | None = None
    rulebook: Path | None = None
    decisions: Path | None = None
    against: Path | None = None
    results: Path | None = None
    capacity: Path | None = None
    since: int | None = None
    until: int | None = None
    use_histories: bool = True
    threads: int | None = None
