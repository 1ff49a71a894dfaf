"""RFC 3339 dates and times to microseconds, exactly as the scanner's kernel reads them."""

import re
from typing import Final, NamedTuple

_FORM: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_MONTH_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
SECOND: Final = 1_000_000
USABLE_FROM: Final = 31_536_000 * SECOND
"""1971-01-01T00:00Z: whatever is older is a default value, not a time of registration."""
USABLE_TO: Final = 7_258_118_400 * SECOND
"""2200-01-01T00:00Z: from here on times are place-holders such as 9999-12-31."""


class Moment(NamedTuple):
    """Microseconds since 1970-01-01T00:00Z; without an offset they are taken as UTC."""

    microseconds: int
    has_offset: bool

    @property
    def usable(self) -> bool:
        """Whether it can serve as event time: an offset, and neither a default nor a place-holder."""
        return self.has_offset and USABLE_FROM <= self.microseconds < USABLE_TO


def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 in the proleptic Gregorian calendar.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    """
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def moment(text: str) -> Moment | None:
    """The moment of an RFC 3339 text, its offset optional; None if it is no date and time.

    A leap second (:60) is the next minute's first second; digits beyond microseconds are cut off.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction, offset = found[7], found[8]
    if not 1 <= month <= 12 or not 1 <= day <= _MONTH_DAYS[month - 1]:
        return None
    if month == 2 and day == 29 and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    if offset and offset not in "Zz":
        shift_hours, shift_minutes = int(offset[1:3]), int(offset[4:6])
        if shift_hours > 23 or shift_minutes > 59:
            return None
        shift = shift_hours * 3_600 + shift_minutes * 60
        seconds += shift if offset[0] == "-" else -shift
    micros = int((fraction or "")[:6].ljust(6, "0"))
    return Moment(seconds * SECOND + micros, offset is not None)
