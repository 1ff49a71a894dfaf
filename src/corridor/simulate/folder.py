"""A span of days as files: declarations, rates, offices, results and the truth."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec

from corridor.errors import InputError
from corridor.messages.columns import FUNCTIONS
from corridor.output import filled
from corridor.simulate import offices, rates
from corridor.simulate.day import Day, Options, day
from corridor.simulate.service import Service

Events = Literal["last", "every", "none"]


@dataclass(frozen=True)
class Span:
    """Days from `start` on, `per_day` originals on a mean working day; events: on which days."""

    start: date
    days: int
    per_day: int
    options: Options = Options()  # noqa: RUF009  # frozen
    events: Events = "last"

    def __post_init__(self) -> None:
        end = self.start.toordinal() + self.days - 1
        if self.days < 1 or self.per_day < 1:
            raise InputError("days and declarations a day must be at least 1")
        if self.start.toordinal() < rates.FIRST + 40 or end > rates.LAST:
            raise InputError(
                f"the days {self.start} + {self.days} lie outside {date.fromordinal(rates.FIRST + 40)} .. "
                f"{date.fromordinal(rates.LAST)}: choose another --start or fewer --days"
            )
        if not 0.0 <= self.options.garbage <= 0.5:
            raise InputError(f"garbage is a share from 0 to 0.5, not {self.options.garbage}")

    def __iter__(self) -> Any:
        """Each date with its options."""
        for index in range(self.days):
            last = index == self.days - 1
            events = self.options.planted and (self.events == "every" or (self.events == "last" and last))
            yield self.start + timedelta(days=index), replace(self.options, events=events)


def write(
    service: Service, span: Span, folder: Path, progress: Callable[[date, int], None]
) -> dict[str, int]:
    """Write the span into an empty or new folder; gives totals over its days.

    Files: declarations/YYYY-MM-DD.ndjson, results/YYYY-MM-DD.ndjson (if asked), rates.csv, offices.csv,
    truth/planted.ndjson, truth/garbage.ndjson, truth/days.ndjson. progress(date, records) is called after
    each day. A file appears under its name only when it is whole; nothing is left if a day cannot be written.
    Raises InputError.
    """
    with filled(folder):
        return fill(service, span, folder, progress)


def fill(service: Service, span: Span, folder: Path, progress: Callable[[date, int], None]) -> dict[str, int]:
    """Do the same in an empty folder that is there."""
    for name in ("declarations", "truth", *(["results"] if span.options.results else [])):
        (folder / name).mkdir()
    for name in ("planted", "garbage", "days"):
        (folder / "truth" / f"{name}.ndjson").touch()
    _tables(service, span, folder)
    totals: dict[str, int] = {}
    for when, options in span:
        made = day(service, when, span.per_day, options)
        counts = _day(made, options, folder)
        totals = {key: totals.get(key, 0) + value for key, value in counts.items()}
        progress(when, len(made.records))
    return totals


def _tables(service: Service, span: Span, folder: Path) -> None:
    """Exchange rates from a week before the span on, and the offices."""
    with (folder / "rates.csv").open("w", newline="", encoding="utf-8") as file:
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(["currency", "date", "rate"])
        for shift in range(-7, span.days):
            when = span.start + timedelta(days=shift)
            row = rates.on(service.seed, when)
            sheet.writerows(
                [name, when.isoformat(), f"{rate:.8g}"]
                for name, rate in zip(rates.CURRENCIES, row, strict=True)
            )
    with (folder / "offices.csv").open("w", newline="", encoding="utf-8") as file:
        table, sheet = offices.load(), csv.writer(file, lineterminator="\n")
        sheet.writerow(["code", "kind", "utc_offset"])
        sheet.writerows(zip(table.codes, (offices.KINDS[k] for k in table.kind), table.offset, strict=True))


def _day(made: Day, options: Options, folder: Path) -> dict[str, int]:
    name = f"{made.date.isoformat()}.ndjson"
    _whole(folder / "declarations" / name, made.blocks())
    if options.results:
        _whole(folder / "results" / name, [_lines(made.results)])
    planted, spoiled = made.planted(), made.spoiled()
    counts = _counts(made) | {"planted": len(planted), "results": len(made.results)}
    for topic, rows in (
        ("planted", planted),
        ("garbage", spoiled),
        ("days", [{"date": str(made.date)} | counts]),
    ):
        with (folder / "truth" / f"{topic}.ndjson").open("ab") as file:
            file.write(_lines(rows))
    return counts


def _counts(made: Day) -> dict[str, int]:
    heads = made.records.heads
    honest = heads[heads["garbage"] == 0]
    counts = {f"{name}s": int((honest["function"] == k).sum()) for k, name in enumerate(FUNCTIONS)}
    return {
        "records": len(heads),
        **counts,
        "items": len(made.records.items),
        "late": int((honest["arrival"] - honest["registered"] > 1_800_000).sum()),
        "garbage": len(heads) - len(honest),
    }


def _whole(path: Path, blocks: Iterable[bytes]) -> None:
    """Write beside the name first, so that no half-written file bears it."""
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.writelines(blocks)
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
