"""Conditions in the language of rules, run on goods items by the kernel that the stream runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import ExpressionError
from corridor.features import Columns
from corridor.messages.columns import Array
from corridor.rulebook.language import parse
from corridor.rulebook.lists import ALWAYS, CodeList, read_list
from corridor.rulebook.program import compile_rules
from corridor.rulebook.semantics import Checker, Expr

_AT_ONCE: Final = 2_000
"""Conditions that are compiled into one program."""


@dataclass(frozen=True)
class Runner:
    """Runs conditions on the items `inside` (int64[k]) of `columns`, under the lists of their rulebook."""

    columns: Columns
    inside: Array
    lists: Mapping[str, CodeList]

    def parsed(self, text: str) -> Expr | None:
        """The typed condition; None where the language has no such condition."""
        try:
            return Checker(self.lists).condition(parse(text))
        except ExpressionError:
            return None

    def run(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """bool[len(texts), k]: where each condition is true, as a rule with it would hit.

        Raises ExpressionError for a text that is no condition.
        """
        found = np.empty((len(texts), len(self.inside)), np.bool_)
        for low in range(0, len(texts), _AT_ONCE):
            checker = Checker(self.lists)
            part = [checker.condition(parse(text)) for text in texts[low : low + _AT_ONCE]]
            found[low : low + len(part)] = self._run(part)
        return found

    def _run(self, conditions: list[Expr]) -> NDArray[np.bool_]:
        program = compile_rules(conditions)
        numbers = np.empty((len(program.numbers), len(self.inside)))
        for j, name in enumerate(program.numbers):
            numbers[j] = self.columns.number(name)[self.inside]
        codes = np.empty((len(program.codes), len(self.inside)), np.int64)
        for j, name in enumerate(program.codes):
            codes[j] = self.columns.code(name)[self.inside]
        return np.asarray(program.run(numbers, codes) != 0)


def read_lists(folder: Path) -> dict[str, CodeList]:
    """The lists of a rulebook folder that loads, by name."""
    return {path.stem: read_list(path)[0] for path in sorted((folder / "lists").glob("*.csv"))}


def since_known(found: CodeList, effective_from: int) -> tuple[CodeList, int]:
    """A list whose entries without a first day count from `effective_from` (µs) on, and how many those are.

    Nobody can say that such an entry stood in the list before its rulebook took effect.
    """
    undated = found.since == ALWAYS
    since = np.where(undated, effective_from, found.since)
    kept = since < found.until
    dated = CodeList(found.name, found.tokens[kept], since[kept], found.until[kept])
    return dated, int(undated.sum())
