"""How many controls an office can make in an hour: a CSV of the service, beside the rulebook.

It is no part of `corridors.yaml`, since no decision depends on it.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError

_WANTED = "give a CSV with the columns office, controls and, if hours differ, hour (0 to 23, UTC)"


@dataclass(frozen=True)
class Capacity:
    """Controls an hour, float64[24] by office; NaN for hours that were not given."""

    hours: dict[str, NDArray[np.float64]]

    def of(self, office: str) -> NDArray[np.float64]:
        """float64[24] of an office: its capacity in each hour of the day, UTC."""
        return self.hours.get(office, np.full(24, np.nan))


def read_capacity(path: Path) -> Capacity:
    """Read office,hour,controls; a row without hour is for every hour that has no row of its own.

    Raises InputError with file and line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise InputError(f"{path} cannot be read: {reason}; {_WANTED}") from None
    except csv.Error as error:
        raise InputError(f"{path} is no CSV: {error}; {_WANTED}") from None
    if not rows or not {"office", "controls"} <= rows[0].keys():
        raise InputError(f"{path} has no row with the columns office and controls; {_WANTED}")
    every: dict[str, float] = {}
    own: dict[tuple[str, int], float] = {}
    for line, row in enumerate(rows, 2):
        office, hour, controls = _row(row, f"{path}, line {line}")
        known: dict[str, float] | dict[tuple[str, int], float] = every if hour is None else own
        key = office if hour is None else (office, hour)
        if key in known:
            raise InputError(f"{path}, line {line}: {office} has this hour already; keep one row")
        known[key] = controls  # type: ignore[index]  # the key is of that dictionary's kind
    hours = {office: np.full(24, every.get(office, np.nan)) for office in every.keys() | {o for o, _ in own}}
    for (office, hour), controls in own.items():
        hours[office][hour] = controls
    return Capacity(hours)


def _row(row: dict[str, str | None], where: str) -> tuple[str, int | None, float]:
    office, hour, controls = ((row.get(name) or "").strip() for name in ("office", "hour", "controls"))
    try:
        number, at = float(controls), int(hour) if hour else None
    except ValueError:
        raise InputError(f"{where}: hour {hour!r}, controls {controls!r}: no numbers; {_WANTED}") from None
    if not office or not 0 <= number < 1e9 or not (at is None or 0 <= at < 24):
        raise InputError(f"{where}: office {office!r}, hour {hour!r}, controls {controls!r}; {_WANTED}")
    return office, at, number
