"""The picture of the day as the exporter needs it: the newest cells of service, offices, directions and hours."""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from corridor.messages.moment import moment

WANTED: Final = ("service", "office", "direction", "transport_mode", "hour")
Count = Annotated[int, msgspec.Meta(ge=-(1 << 62), le=1 << 62)]
"""What a float can hold: JSON's integers have no end."""
KEPT: Final = 40
"""Days kept, the newest: yesterday's cells still change, and wrong dates may bring days to come."""


MOST_CELLS: Final = 5_000
"""Cells kept of a day; its offices are far fewer, unless somebody invents them."""


class Quantiles(msgspec.Struct, gc=False):
    """Seconds from registration to decision."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Plan(msgspec.Struct, gc=False):
    """Planned payments, the share reached, the forecast at the day's end."""

    payments: float | None = None
    share: float | None = None
    forecast: float | None = None


class Cell(msgspec.Struct):
    """What is read of picture.v1; what is not known yet may be absent."""

    window_start: str
    window_end: str
    period: str
    dimension: str
    value: str
    declarations: Count
    items: Count = 0
    customs_value: float = 0.0
    net_mass_kg: float = 0.0
    duty: float = 0.0
    vat: float = 0.0
    green: Count = 0
    blue: Count = 0
    yellow: Count = 0
    red: Count = 0
    automatic_share: float | None = None
    rejected: Count | None = None
    duplicates: Count | None = None
    late: Count = 0
    flagged: Count | None = None
    decide_seconds: Quantiles | None = None
    plan: Plan | None = None

    @property
    def corridors(self) -> tuple[int, int, int, int]:
        """Declarations in green, blue, yellow, red."""
        return self.green, self.blue, self.yellow, self.red


class _Head(msgspec.Struct, gc=False):
    """Enough to pass over what is not wanted: most cells are of other dimensions."""

    period: str
    dimension: str


_head = msgspec.json.Decoder(_Head).decode
_cell = msgspec.json.Decoder(Cell).decode
Cells = dict[tuple[str, str], Cell]


class Days:
    """The newest cells of the last days. Of one cell the later window counts, of equal ones that which came later."""

    def __init__(self) -> None:
        self.days: dict[str, Cells] = {}

    def take(self, value: bytes) -> bool:
        """Take a message over. False: it was passed over. msgspec.MsgspecError or ValueError if it is no picture.v1."""
        head = _head(value)
        if head.period != "day" or head.dimension not in WANTED:
            return False
        cell = _cell(value)
        if seconds(cell.window_end) <= seconds(cell.window_start):
            raise ValueError("the window ends before it begins")
        if cell.dimension == "hour":
            hour_start(cell)
        cells = self.days.setdefault(cell.window_start, {})
        place = cell.dimension, cell.value
        old = cells.get(place)
        if old.window_end <= cell.window_end if old else len(cells) < MOST_CELLS:
            cells[place] = cell
        if len(self.days) > KEPT:
            del self.days[min(self.days)]
        return True

    def today(self, now: float | None) -> Cells:
        """The cells of the day that is shown; none before the first cell.

        now, seconds since 1970: of a stream it is the newest day that has begun (if all are to come, as with a
        simulated service, the newest). Without it, of a run that is over, the newest on which at least a tenth of the
        busiest day's declarations were registered: a wrong date makes no day.
        """
        if not self.days:
            return {}
        if now is None:
            count = {day: _declarations(cells) for day, cells in self.days.items()}
            chosen = [day for day, n in count.items() if n * 10 >= max(count.values())]
        else:
            chosen = [day for day in self.days if seconds(day) <= now]
        return self.days[max(chosen or self.days)]


def _declarations(cells: Cells) -> int:
    cell = cells.get(("service", "all"))
    return cell.declarations if cell else 0


def seconds(text: str) -> float:
    """An RFC 3339 time as seconds since 1970. ValueError for any other text."""
    found = moment(text)
    if found is None:
        raise ValueError("no RFC 3339 time")
    return found.microseconds / 1e6


def hour_start(cell: Cell) -> int:
    """Microseconds since 1970 of a cell of the dimension `hour`, whose value is such as 2026-11-22T08. ValueError."""
    begins = datetime.strptime(cell.value, "%Y-%m-%dT%H").replace(tzinfo=UTC)
    return int(begins.timestamp()) * 1_000_000
