"""corridors.yaml: from which probability on which corridor, the random control group, the histories."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.skeleton import skeleton
from corridor.messages.tokens import token
from corridor.rulebook.documents import Entry, Located, Problems
from corridor.rulebook.fields import BUCKETS, PARTIES

CUTS: Final = CORRIDORS[1:]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of thresholds or a stratum: conditions (None = any) and values.

    hours: from the first (inclusive) to the second (exclusive), UTC; 22 to 6 goes over midnight.
    """

    direction: int | None
    office: int | None
    hours: tuple[int, int] | None
    values: tuple[float, ...]

    @property
    def is_general(self) -> bool:
        """Whether it has no conditions."""
        return self.direction is None and self.office is None and self.hours is None

    def matches(self, direction: Any, office: Any, hour: Any) -> NDArray[np.bool_]:
        """bool[n]: the declarations that it is for."""
        fits = np.ones(len(direction), np.bool_)
        if self.direction is not None:
            fits &= direction == self.direction
        if self.office is not None:
            fits &= office == self.office
        if self.hours is not None:
            start, end = self.hours
            inside = (hour >= start) & (hour < end)
            fits &= inside if start <= end else (hour >= start) | (hour < end)
        return fits


_NOBODY: Final = Row(None, None, None, (0.0,))
"""A stratum of all, from which none is drawn."""


class Demands(NamedTuple):
    """What the policy demands of n declarations."""

    thresholds: NDArray[np.float64]  # float64[n, 3]: from which probability on blue, yellow, red
    random_rate: NDArray[np.float64]  # float64[n]
    random_corridor: int  # index into CORRIDORS


@dataclass(frozen=True, slots=True)
class CorridorPolicy:
    """Thresholds and strata, the first matching row serves; n_min of norm cells; histories asked for."""

    thresholds: tuple[Row, ...]
    strata: tuple[Row, ...]
    random_corridor: int
    histories: tuple[tuple[str, str], ...]
    n_min: int

    def resolve(self, direction: Any, office: Any, hour: Any) -> Demands:
        """Find each declaration's row.

        direction: int8[n], index into DIRECTIONS; office: int64[n] tokens; hour: int8[n] of the day, UTC.
        """
        n = len(direction)
        cuts, rate = np.full((n, 3), inf), np.zeros(n)
        for rows, out in ((self.thresholds, cuts), (self.strata, rate[:, None])):
            for row in reversed(rows):  # the first row is laid on last and so serves
                out[row.matches(direction, office, hour)] = row.values
        return Demands(cuts, rate, self.random_corridor)

    def without_random(self) -> "CorridorPolicy":
        """The same without its random control group."""
        return replace(self, strata=(_NOBODY,))


def read_policy(document: Located, file: str, problems: Problems) -> CorridorPolicy:
    """The policy in corridors.yaml; what is wrong goes to `problems`."""
    top = Entry(document, file, problems, "corridors.yaml")
    thresholds = _rows(top, "thresholds", CUTS, required=True)
    _check_order(top, thresholds)
    random = top.get("random")
    strata, corridor = [_NOBODY], "red"
    if random is not None:
        entry = Entry(random, file, problems, "random")
        corridor = entry.choice("corridor", CUTS, default="red")
        rate = entry.number("rate", 0.0, 1.0, required=True)
        strata = [*_rows(entry, "strata", ("rate",)), Row(None, None, None, (rate or 0.0,))]
        entry.done()
    norms = top.get("norms")
    n_min: float | None = None
    if norms is not None:
        entry = Entry(norms, file, problems, "norms")
        n_min = entry.number("n_min", 1, 1e9)
        entry.done()
    histories = _histories(top)
    top.done()
    return CorridorPolicy(
        tuple(thresholds), tuple(strata), CORRIDORS.index(corridor), histories, int(n_min or 30)
    )


def _rows(top: Entry, key: str, names: tuple[str, ...], required: bool = False) -> list[Row]:
    listed = top.get(key, required)
    if listed is None:
        return []
    if not isinstance(listed.value, list) or (required and not listed.value):
        top.fail(f"{key} must be a list of at least one row", listed)
        return []
    rows = []
    for place in listed.value:
        entry = Entry(place, top.file, top.problems, f"a row of {key}")
        direction = entry.choice("direction", DIRECTIONS)
        office = entry.text("office")
        hours = _hours(entry)
        values = tuple(entry.number(name, 0.0, 1.0, required=True) or 0.0 for name in names)
        entry.done()
        if list(values) != sorted(values):
            entry.fail(f"{' <= '.join(names)} must hold, found {', '.join(f'{v:g}' for v in values)}")
        where = DIRECTIONS.index(direction) if direction else None
        rows.append(Row(where, token(skeleton(office)) if office else None, hours, values))
    return rows


def _hours(entry: Entry) -> tuple[int, int] | None:
    found = entry.get("hours")
    if found is None:
        return None
    parts = found.value if isinstance(found.value, list) else []
    hours = [p.value for p in parts if isinstance(p.value, int) and not isinstance(p.value, bool)]
    if len(parts) != 2 or len(hours) != 2 or not (0 <= hours[0] < 24 and 0 <= hours[1] <= 24):
        entry.fail("hours must be [from, to]: hours of the day in UTC, 0 to 24, `to` excluded", found)
        return None
    return hours[0], hours[1]


def _check_order(top: Entry, rows: list[Row]) -> None:
    places = top.values["thresholds"].value if rows else []
    for row, place in zip(rows[:-1], places, strict=False):
        if row.is_general:
            top.fail("this row has no conditions, so the rows below it are never used", place)
            return
    if rows and not rows[-1].is_general:
        top.fail(
            "the last row of thresholds must have no conditions, so that every declaration has one",
            places[-1],
        )


def _histories(top: Entry) -> tuple[tuple[str, str], ...]:
    wanted: list[tuple[str, str]] = []
    for found in top.texts("histories"):
        party, _, bucket = found.value.partition("/")
        if party not in PARTIES or bucket not in BUCKETS:
            known = f"{', '.join(PARTIES)} with {', '.join(BUCKETS)}"
            top.fail(f"{found.value!r} is no history; write importer/day ({known})", found)
        elif (party, bucket) in wanted:
            top.fail(f"{found.value!r} stands twice", found)
        else:
            wanted.append((party, bucket))
    return tuple(wanted)
