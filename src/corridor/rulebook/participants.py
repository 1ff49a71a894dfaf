"""What the rulebook knows of participants, by role."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import lookup
from corridor.kernels.participants import ParticipantRows, gather
from corridor.rulebook.parquet import Columns

ROLES: Final = ("importer", "declarant", "exporter")
_COLUMNS: Final = ("role", "code", "coefficient", "declarations", "first_seen", "daily", "inspected", "hits")


@dataclass(frozen=True)
class Records:
    """The k participants of one role.

    table: hash table of codes; numbers float64[k, 2]: coefficient, daily; times int64[k, 2]:
    declarations, first_seen in microseconds.
    """

    table: NDArray[np.int64]
    numbers: NDArray[np.float64]
    times: NDArray[np.int64]


@dataclass(frozen=True)
class ParticipantTable:
    """Participants by role (see ROLES)."""

    roles: dict[str, Records]

    @classmethod
    def empty(cls) -> "ParticipantTable":
        """Make a table without participants."""
        nothing = lookup.build([])[0]
        return cls({role: Records(nothing, np.empty((0, 2)), np.empty((0, 2), np.int64)) for role in ROLES})

    @classmethod
    def load(cls, path: Path) -> "ParticipantTable":
        """Read participants.parquet; raises RulebookError naming file, column or row."""
        columns = Columns(path, _COLUMNS)
        role, coefficient = columns.texts("role"), columns.numbers("coefficient")
        columns.refuse(~np.isin(role, ROLES), f"role is none of {', '.join(ROLES)}")
        columns.refuse(~(np.abs(coefficient) <= 1), "coefficient is not between -1 and 1")
        columns.refuse(columns.tokens("code") == 0, "code is empty; give the participant's number")
        columns.refuse(columns.integers("declarations") < 0, "declarations is less than 0")
        daily = columns.numbers("daily")
        columns.refuse(~(np.isfinite(daily) & (daily >= 0)), "daily is not a finite number of at least 0")
        return cls({name: _records(columns, role == name) for name in ROLES})

    def __len__(self) -> int:
        return sum(len(records.numbers) for records in self.roles.values())

    def lookup(self, role: str, code: Any) -> ParticipantRows:
        """Look up n participants of a role; code: int64[n] tokens, 0 (missing) is unknown."""
        records = self.roles[role]
        return gather(records.numbers, records.times, lookup.probe(records.table, code))


def _records(columns: Columns, keep: NDArray[np.bool_]) -> Records:
    rows = np.flatnonzero(keep)
    table, repeated = lookup.build(columns.tokens("code")[rows])
    if repeated >= 0:
        raise columns.fail(int(rows[repeated]), "a second row for the same role and code; keep one")
    numbers = np.stack([columns.numbers("coefficient"), columns.numbers("daily")], axis=1)
    times = np.stack([columns.integers("declarations"), columns.times("first_seen")], axis=1)
    return Records(table, numbers[rows], times[rows])
