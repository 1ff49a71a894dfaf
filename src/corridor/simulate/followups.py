"""What follows originals in a stream: amendments, cancellations, exact duplicates, late arrivals.

Most stay within their day. A small block of every day is *carried*: it is amended, cancelled or arrives
only on the next day; both days draw the same block, so a day's bytes never depend on which days were asked.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from corridor.messages.columns import FUNCTIONS
from corridor.simulate import amounts
from corridor.simulate.batch import Array, Batch, join
from corridor.simulate.draw import DAY_MS, EPOCH
from corridor.simulate.offices import activity
from corridor.simulate.service import Service, clean, number

_AMENDMENT, _CANCELLATION = FUNCTIONS.index("amendment"), FUNCTIONS.index("cancellation")
_CARRIED_FIRST = 7_000_001


@dataclass(frozen=True)
class Mix:
    """Shares of the day's originals that are followed by something."""

    amended: float = 0.015
    cancelled: float = 0.004
    duplicated: float = 0.002
    late: float = 0.003
    carried: float = 0.003


QUIET = Mix(0.0, 0.0, 0.0, 0.0, 0.0)
"""Originals only, each in its time."""


def arrive(rng: np.random.Generator, batch: Batch) -> None:
    """Set arrivals some seconds after registration, so that the file's order is almost that of time."""
    delay = rng.exponential(1_500.0, len(batch)).astype(np.int64) + 50
    batch.heads["arrival"] = batch.heads["registered"] + delay


def followups(service: Service, day: date, n: int, batch: Batch, mix: Mix) -> list[Batch]:
    """Further records of the day besides its originals, whose arrivals may be set back (late ones)."""
    rng = service.rng(day, "followups")
    end = (day.toordinal() - EPOCH + 1) * DAY_MS
    plain = np.flatnonzero((batch.heads["case"] == 0) & (batch.heads["direction"] < 2))
    draws = rng.random(len(plain))
    edges = np.cumsum([mix.amended, mix.cancelled, mix.duplicated, mix.late])
    fate = np.searchsorted(edges, draws, side="right")
    parts = [_changed(service, rng, batch, plain[fate == 0], _AMENDMENT, end)]
    again = np.flatnonzero(rng.random(len(parts[0])) < 0.08)
    parts.append(_changed(service, rng, parts[0], again, _AMENDMENT, end))
    parts.append(_changed(service, rng, batch, plain[fate == 1], _CANCELLATION, end))
    copies = batch.take(plain[fate == 2])
    copies.heads["arrival"] += rng.exponential(90_000.0, len(copies)).astype(np.int64) + 200
    parts.append(copies)
    late = plain[fate == 3]
    batch.heads["arrival"][late] += rng.integers(1_800_000, 8 * 3_600_000, len(late))
    for part in (batch, *parts):
        np.minimum(part.heads["arrival"], end - 1, out=part.heads["arrival"])
    return [*parts, *_carried(service, day, n, mix)]


def _changed(
    service: Service, rng: np.random.Generator, batch: Batch, rows: Array, function: int, end: int
) -> Batch:
    """Amend or cancel some rows some hours later, if that is still on their day."""
    changed = batch.take(rows)
    shift = rng.integers(20 * 60_000, 6 * 3_600_000, len(changed))
    changed.heads["registered"] += shift
    changed = _alter(service, rng, changed, function)
    arrive(rng, changed)
    return changed.take(np.flatnonzero(changed.heads["registered"] < end - 60_000))


def _alter(service: Service, rng: np.random.Generator, batch: Batch, function: int) -> Batch:
    """Next version; an amendment corrects masses, quantities or the price of its first item."""
    batch.heads["version"] += 1
    batch.heads["function"] = function
    if function == _CANCELLATION or len(batch) == 0:
        return batch
    first, items = batch.offsets[:-1], batch.items
    factor = rng.uniform(0.85, 1.15, len(first))
    mass = rng.random(len(first)) < 0.5
    for name in ("net", "gross"):
        items[name][first] = np.maximum(np.rint(items[name][first] * np.where(mass, factor, 1.0)), 1)
    items["gross"] = np.maximum(items["gross"], items["net"])
    counted = items["quantity"][first] > 0
    pieces = np.maximum(np.rint(items["quantity"][first] / 1000 * np.where(mass, factor, 1.0)), 1) * 1000
    items["quantity"][first] = np.where(counted, pieces, -1)
    items["usd_kg"][first] *= np.where(mass, 1.0, factor)
    registered = batch.heads["date"]
    for stamp in np.unique(registered):  # the rate stays that of the original's day
        rows = np.flatnonzero(registered == stamp)
        day = date(2000 + int(stamp) % 100, int(stamp) // 100 % 100, int(stamp) // 10_000)
        part = batch.take(rows)
        amounts.settle(part, service.scene(day).rates)
        batch.items[np.repeat(registered == stamp, np.diff(batch.offsets))] = part.items
    return batch


def _block(service: Service, day: date, n: int, mix: Mix) -> tuple[Batch, Array]:
    """Draw the carried block of a day, and the fate of each: 0 amended, 1 cancelled, 2 late."""
    rng = service.rng(day, "carried fate")
    batch = clean(service, day, round(n * activity(day) * mix.carried), "carried")
    number(batch, _CARRIED_FIRST)
    arrive(rng, batch)
    return batch, np.searchsorted((0.45, 0.65), rng.random(len(batch)))


def _carried(service: Service, day: date, n: int, mix: Mix) -> list[Batch]:
    """Today's block as far as it arrives today, and what comes of yesterday's."""
    today, fate = _block(service, day, n, mix)
    before, old = _block(service, day - timedelta(days=1), n, mix)
    rng = service.rng(day, "carried")
    start = (day.toordinal() - EPOCH) * DAY_MS
    late = before.take(np.flatnonzero(old == 2))
    late.heads["arrival"] = start + rng.integers(0, 6 * 3_600_000, len(late))
    parts = [today.take(np.flatnonzero(fate < 2)), late]
    for function, which in ((_AMENDMENT, 0), (_CANCELLATION, 1)):
        changed = before.take(np.flatnonzero(old == which))
        changed.heads["registered"] = start + rng.integers(5 * 3_600_000, 16 * 3_600_000, len(changed))
        arrive(rng, changed)
        parts.append(_alter(service, rng, changed, function))
    for part in parts[1:]:
        part.heads["carried"] = 1
    return parts


def together(parts: list[Batch]) -> Batch:
    """Everything of a day in order of arrival."""
    batch = join(parts)
    return batch.take(np.argsort(batch.heads["arrival"], kind="stable"))
