"""Which offices have series of their own: those of a list, or the first that come; the rest is `other`."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from corridor.console.exporter.families import OTHER
from corridor.errors import InputError
from corridor.output import reason

MOST: Final = 200
_CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,31}")


class Offices:
    """Offices by label. What a code cannot look like is `other`, so a hostile name makes no series."""

    def __init__(self, listed: Iterable[str] = (), most: int = MOST) -> None:
        self.known = dict.fromkeys(listed)
        self._open = most - len(self.known) if not self.known else 0

    def label(self, office: str | None) -> str:
        """The office itself, or `other`."""
        if office in self.known:
            return str(office)
        if office is None or self._open <= 0 or not _CODE.fullmatch(office) or office == OTHER:
            return OTHER
        self._open -= 1
        self.known[office] = None
        return office


def read_offices(path: Path, most: int = MOST) -> list[str]:
    """The first column of a CSV (a head `office` or `code` is passed over). InputError: too many, none, or no code."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row[0].strip() for row in csv.reader(file) if row and row[0].strip()]
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}; give a CSV of offices") from None
    except (UnicodeError, csv.Error) as error:
        raise InputError(f"{path}: {error}; give a CSV of offices in UTF-8") from None
    found = list(dict.fromkeys(rows[1:] if rows and rows[0] in {"office", "code"} else rows))
    odd = next((office for office in found if not _CODE.fullmatch(office) or office == OTHER), None)
    if odd is not None:
        raise InputError(f"{path}: {odd!r} is no office; write letters, digits, . _ / -, at most 32")
    if not 1 <= len(found) <= most:
        raise InputError(f"{path}: {len(found)} offices; give 1 to {most} (see --most-offices)")
    return found
