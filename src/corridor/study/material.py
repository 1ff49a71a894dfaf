"""What a rulebook is fitted on: one history read, its lineage, its results."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages import result
from corridor.messages.columns import FUNCTIONS, Array, Declarations
from corridor.messages.tokens import hs_text, untoken
from corridor.study.lineage import Lineage, lineage
from corridor.study.read import Reading, read
from corridor.study.results import Results, joined

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True)
class Material:
    """A history: n declarations with m items, and k items with results; told: the results as they were read."""

    reading: Reading
    lines: Lineage
    results: Results
    told: result.Results | None = None

    def before(self, at: int) -> "Material":
        """What was there before `at` (microseconds since 1970): declarations registered, results known by then.

        The same whatever came after: nothing that learns from it can see the future.
        """
        assert self.told is not None, "only a history that was gathered knows what was known when"
        rows = self.registered_before(at)
        batch, lines = self.batch.take(rows), self.lines.take(rows)
        reading = Reading(batch, self.reading.names, self.reading.rejected)
        return Material(reading, lines, joined(self.told, batch, lines, at), self.told)

    def registered_before(self, at: int) -> NDArray[np.int64]:
        """int64[k]: the records registered before `at`."""
        return np.flatnonzero(self.batch.heads["registered_at"] < at)

    @property
    def batch(self) -> Declarations:
        """All decoded records, duplicates and conflicts included."""
        return self.reading.declarations

    @cached_property
    def span(self) -> tuple[int, int]:
        """Midnights (UTC, microseconds) around the history, but for its first and last thousandth.

        A few records bear a time that is far off, or the time of their ingestion.
        """
        times = np.sort(self.batch.heads["registered_at"][self.lines.standing])
        if not len(times):
            return 0, DAY_US
        low, high = times[len(times) // 1000], times[len(times) - 1 - len(times) // 1000]
        return int(low // DAY_US * DAY_US), int((high // DAY_US + 1) * DAY_US)

    @cached_property
    def original(self) -> NDArray[np.bool_]:
        """bool[n]: standing originals within the span; norms, shares and counts see nothing else."""
        times = self.batch.heads["registered_at"]
        inside = (times >= self.span[0]) & (times < self.span[1])
        functions = self.batch.heads["function"] == FUNCTIONS.index("original")
        return np.asarray(self.lines.standing & functions & inside, np.bool_)

    def midnight(self, share: float) -> int:
        """The midnight after about `share` of the span's days; at least one day lies behind it."""
        first, end = self.span
        days = (end - first) // DAY_US
        return first + min(int(days * share), max(days - 1, 0)) * DAY_US

    @cached_property
    def declaration(self) -> Array:
        """int64[m]: the declaration of each item."""
        return self.batch.declaration_of_item()

    def texts(self, codes: Iterable[int]) -> list[str | None]:
        """Texts of tokens; None for one that cannot be told."""
        return [self.reading.text(int(code)) for code in codes]


def gather(declarations: Path, results: Path) -> Material:
    """Read both folders of a history.

    Raises InputError where a folder has nothing to read, or where nothing in it could be decoded.
    """
    reading = _usable(declarations)
    lines = lineage(reading.declarations)
    told = result.read(results)
    return Material(reading, lines, joined(told, reading.declarations, lines), told)


def read_originals(declarations: Path) -> Declarations:
    """The standing originals of a history without results. Raises InputError as `gather` does."""
    reading = _usable(declarations)
    none = np.zeros(0, np.int64)
    nothing = Results(none, none.astype(np.bool_), none, none.astype(np.float64), 0)
    material = Material(reading, lineage(reading.declarations), nothing)
    return material.batch.take(np.flatnonzero(material.original))


def _usable(declarations: Path) -> Reading:
    reading = read(declarations)
    if not len(reading.declarations):
        raise InputError(
            f"{declarations} holds no usable declaration ({reading.rejected} rejected): "
            "look at `corridor run decide` on it, its rejects say why"
        )
    return reading


def code_text(reading: Reading, code: int, kind: str) -> str | None:
    """The text of a token (kind "code") or an hs_token (kind "hs") of a history."""
    if kind == "hs":
        return hs_text(code) or None
    return reading.names.get(code) or untoken(code)
