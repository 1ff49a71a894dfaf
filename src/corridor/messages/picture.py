"""picture.v1: one cell of the picture of the day or week, exact to the minor unit and the gram."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.kernels import write_picture
from corridor.kernels._jit import readonly
from corridor.messages.columns import NO_MONEY
from corridor.messages.decision import split
from corridor.messages.moment import moment
from corridor.messages.moment_text import rfc3339

DIMENSIONS: Final = (
    *("service", "office", "direction", "corridor", "hs_chapter", "origin_country"),
    *("transport_mode", "hour", "office_hour", "origin_chapter"),
)
ALL: Final = "all"
"""The one value of the dimension `service`."""
MEASURES: Final = (
    *("declarations", "items", "customs_value", "grams", "duty", "vat"),
    *("green", "blue", "yellow", "red", "late", "flagged", "rejected", "duplicates"),
)
"""The columns of `encode_columns`."""
Period = Literal["day", "week"]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """One (window, dimension, value).

    window_start, window_end: microseconds since 1970; customs_value, duty, vat, plan: minor units; grams:
    net mass; corridors: declarations in green, blue, yellow, red; flagged: with a data-quality flag;
    rejected, duplicates: None where the dimension cannot tell; decide_seconds: p50, p95, p99 or None;
    plan: payments planned for the whole window, None without a plan; forecast: payments expected at its
    end, None where there are no norms.
    """

    window_start: int
    window_end: int
    period: Period
    dimension: str
    value: str
    declarations: int
    items: int
    customs_value: int
    grams: int
    duty: int
    vat: int
    corridors: tuple[int, int, int, int]
    late: int = 0
    flagged: int = 0
    rejected: int | None = None
    duplicates: int | None = None
    decide_seconds: tuple[float, float, float] | None = None
    plan: int | None = None
    forecast: int | None = None

    @property
    def automatic_share(self) -> float | None:
        """The share released without a person (green and blue), to six decimals; None of nothing."""
        total = sum(self.corridors)
        return round((self.corridors[0] + self.corridors[1]) / total, 6) if total > 0 else None

    @property
    def plan_share(self) -> float | None:
        """Duty and VAT by the payments planned, to six decimals, exactly halved up; None without a plan, or of 0."""
        if self.plan is None or self.plan <= 0:
            return None
        return (
            (2 * (self.duty + self.vat) * write_picture.WHOLE + self.plan)
            // (2 * self.plan)
            / write_picture.WHOLE
        )


def encode(row: PictureRow) -> bytes:
    """picture.v1 without a line end; amounts are written from integers, so they are exact."""
    green, blue, yellow, red = row.corridors
    return (
        f'{{"window_start":"{rfc3339(row.window_start)}","window_end":"{rfc3339(row.window_end)}",'
        f'"period":"{row.period}","dimension":"{row.dimension}","value":{_text(row.value)},'
        f'"declarations":{row.declarations},"items":{row.items},'
        f'"customs_value":{_fixed(row.customs_value, 2)},"net_mass_kg":{_fixed(row.grams, 3)},'
        f'"duty":{_fixed(row.duty, 2)},"vat":{_fixed(row.vat, 2)},'
        f'"green":{green},"blue":{blue},"yellow":{yellow},"red":{red},'
        f'"automatic_share":{_number(row.automatic_share)},"rejected":{_number(row.rejected)},'
        f'"duplicates":{_number(row.duplicates)},"late":{row.late},"flagged":{row.flagged},'
        f'"decide_seconds":{_seconds(row.decide_seconds)},"plan":{_plan(row)}}}'
    ).encode()


@dataclass(frozen=True, slots=True)
class Beside:
    """What some of n cells tell beside their sums.

    milliseconds: int64[n, 3], p50, p95 and p99 of decision times, -1 for none; plan: int64[n, 2], payments planned
    and forecast in minor units, NO_MONEY for none. None for both: no cell tells it.
    """

    milliseconds: Any = None
    plan: Any = None

    def of(self, n: int) -> tuple[Any, Any]:
        """Both, of n cells."""
        seconds = np.full((n, 3), -1) if self.milliseconds is None else self.milliseconds
        return seconds, np.full((n, 2), NO_MONEY) if self.plan is None else self.plan


NOTHING: Final = Beside()


def encode_columns(
    period: Period,
    window_start: Any,
    window_end: Any,
    dimension: Sequence[str],
    value: Sequence[str],
    measures: Any,
    known: Any,
    beside: Beside = NOTHING,
) -> list[bytes]:
    """picture.v1 of n cells from columns, byte for byte as `encode` writes them.

    window_start, window_end: int64[n], microseconds since 1970; measures: int64[n, 14], in the order of
    MEASURES; known: bool[n], whether rejected and duplicates are (they stand with the dimension service only).
    """
    table: dict[tuple[str, str], int] = {}
    named = [table.setdefault(pair, len(table)) for pair in zip(dimension, value, strict=True)]
    members = [_members(period, *pair) for pair in table]
    starts = np.cumsum([0, *map(len, members)])
    numbers = readonly(measures, np.int64)
    service = np.array([name == "service" for name, _ in table], np.bool_)
    rows = np.array(named, np.int64)
    share, beyond = _millionths(numbers[:, 6:10])
    seconds, plan = beside.of(len(rows))
    reached, unsure = _reached(numbers[:, 4:6], plan[:, 0])
    beyond |= unsure
    cells = write_picture.Cells(
        readonly(np.stack([window_start, window_end], axis=1), np.int64),
        readonly(rows, np.int64),
        readonly(np.asarray(known, np.bool_) & service[rows], np.bool_),
        numbers,
        readonly(share, np.int64),
        readonly(seconds, np.int64),
        readonly(plan, np.int64),
        readonly(reached, np.int64),
    )
    texts = readonly(np.frombuffer(b"".join(members), np.uint8), np.uint8)
    longest = write_picture.CELL_BYTES + max(map(len, members), default=0)
    out = np.empty(longest * min(len(rows), _AT_ONCE), np.uint8)
    ends = np.empty(min(len(rows), _AT_ONCE), np.int64)
    messages: list[bytes] = []
    for first in range(0, len(rows), _AT_ONCE):
        part = ends[: len(rows) - first]
        write_picture.pictures(cells, texts, readonly(starts, np.int64), first, out, part)
        messages += split(out, part)
    for i in np.flatnonzero(beyond).tolist():
        messages[i] = encode(_row(period, cells, i, dimension[i], value[i]))
    return messages


def key_of(row: PictureRow) -> str:
    """The record's key, equal for the upserts of one cell: window, period, dimension and value."""
    return f"{rfc3339(row.window_start)}/{row.period}/{row.dimension}/{row.value}"


def decode(lines: Sequence[bytes]) -> list[PictureRow]:
    """Rows from their bytes. InputError names the line that is no picture.v1."""
    return [_decode(number, line) for number, line in enumerate(lines, 1)]


_AT_ONCE: Final = 256
"""Messages written before they are cut: their buffer stays in the cache and is used again."""
_SMALL: Final = 1 << 32
_LARGE: Final = 1 << 58
"""Ten times as much is an int64 still."""


def _millionths(corridors: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """int64[n]: the automatic share of int64[n, 4] in millionths, -1 for none; bool[n]: where it is not sure.

    Below 2^32 the integers round as `round` does with the float: the nearest tie that is none lies farther
    from the fraction than the float does. Ties, negative and larger numbers are not sure.
    """
    beyond = ((corridors < 0) | (corridors >= _SMALL)).any(axis=1)
    counts = np.where(beyond[:, None], 0, corridors)
    total = counts.sum(axis=1)
    beyond |= total >= _SMALL
    total[beyond] = 0
    quotient, rest = np.divmod((counts[:, 0] + counts[:, 1]) * write_picture.WHOLE, np.maximum(total, 1))
    share = quotient + (2 * rest > total)
    return np.where(total > 0, share, -1), beyond | ((2 * rest == total) & (total > 0))


def _reached(
    payments: NDArray[np.int64], plan: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """int64[n]: duty and VAT, int64[n, 2], by those planned in millionths, -1 for none; bool[n]: where it is not sure.

    Long division, digit by digit, in what int64 holds.
    """
    planned = plan > 0
    beyond = planned & (((payments < 0) | (payments >= _LARGE)).any(axis=1) | (plan >= _LARGE))
    sure = planned & ~beyond
    divisor = np.where(sure, plan, 1)
    share, rest = np.divmod(np.where(sure, payments.sum(axis=1), 0), divisor)
    beyond |= share >= _SMALL
    share = np.where(beyond, 0, share)
    for _ in range(6):
        digit, rest = np.divmod(rest * 10, divisor)
        share = share * 10 + digit
    return np.where(sure, share + (2 * rest >= divisor), -1), beyond


def _members(period: Period, dimension: str, value: str) -> bytes:
    """What stands between the window and the number of declarations."""
    return f',"period":"{period}","dimension":"{dimension}","value":{_text(value)},"declarations":'.encode()


def _row(period: Period, cells: write_picture.Cells, i: int, dimension: str, value: str) -> PictureRow:
    declarations, items, customs_value, grams, duty, vat, *corridors = cells.measures[i, :10].tolist()
    late, flagged, rejected, duplicates = cells.measures[i, 10:].tolist()
    start, end = cells.window[i].tolist()
    p50, p95, p99 = (cells.seconds[i] / 1000).tolist()
    plan, forecast = (None if amount == NO_MONEY else amount for amount in cells.plan[i].tolist())
    return PictureRow(
        window_start=start,
        window_end=end,
        period=period,
        dimension=dimension,
        value=value,
        declarations=declarations,
        items=items,
        customs_value=customs_value,
        grams=grams,
        duty=duty,
        vat=vat,
        corridors=(corridors[0], corridors[1], corridors[2], corridors[3]),
        late=late,
        flagged=flagged,
        rejected=rejected if cells.told[i] else None,
        duplicates=duplicates if cells.told[i] else None,
        decide_seconds=None if p50 < 0 else (p50, p95, p99),
        plan=plan,
        forecast=forecast,
    )


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fixed(value: int, places: int) -> str:
    whole, rest = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{rest:0{places}d}"


def _number(value: float | None) -> str:
    return "null" if value is None or not math.isfinite(value) else json.dumps(value)


def _seconds(quantiles: tuple[float, float, float] | None) -> str:
    if quantiles is None:
        return "null"
    p50, p95, p99 = map(_number, quantiles)
    return f'{{"p50":{p50},"p95":{p95},"p99":{p99}}}'


def _plan(row: PictureRow) -> str:
    if row.plan is None:
        return "null"
    forecast = "null" if row.forecast is None else _fixed(row.forecast, 2)
    return f'{{"payments":{_fixed(row.plan, 2)},"share":{_number(row.plan_share)},"forecast":{forecast}}}'


class _Quantiles(msgspec.Struct):
    p50: float | None
    p95: float | None
    p99: float | None


class _Plan(msgspec.Struct):
    payments: Decimal | None
    forecast: Decimal | None = None


class _Document(msgspec.Struct):
    window_start: str
    window_end: str
    period: Literal["day", "week"]
    dimension: str
    value: str
    declarations: int
    items: int
    customs_value: Decimal
    net_mass_kg: Decimal
    duty: Decimal
    vat: Decimal
    green: int
    blue: int
    yellow: int
    red: int
    late: int
    flagged: int | None = None
    rejected: int | None = None
    duplicates: int | None = None
    decide_seconds: _Quantiles | None = None
    plan: _Plan | None = None


_read = msgspec.json.Decoder(_Document).decode


def _decode(number: int, line: bytes) -> PictureRow:
    try:
        found = _read(line)
        start, end = _time(found.window_start), _time(found.window_end)
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(
            f"line {number} is no picture.v1: {error}; give what `corridor run` wrote to picture/"
        ) from None
    seconds, plan = found.decide_seconds, found.plan
    return PictureRow(
        window_start=start,
        window_end=end,
        period=found.period,
        dimension=found.dimension,
        value=found.value,
        declarations=found.declarations,
        items=found.items,
        customs_value=int(found.customs_value * 100),
        grams=int(found.net_mass_kg * 1000),
        duty=int(found.duty * 100),
        vat=int(found.vat * 100),
        corridors=(found.green, found.blue, found.yellow, found.red),
        late=found.late,
        flagged=found.flagged or 0,
        rejected=found.rejected,
        duplicates=found.duplicates,
        decide_seconds=None if seconds is None else _quantiles(seconds),
        plan=None if plan is None else _minor(plan.payments),
        forecast=None if plan is None else _minor(plan.forecast),
    )


def _minor(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * 100)


def _quantiles(seconds: _Quantiles) -> tuple[float, float, float]:
    p50, p95, p99 = (math.nan if p is None else p for p in (seconds.p50, seconds.p95, seconds.p99))
    return p50, p95, p99


def _time(text: str) -> int:
    found = moment(text)
    if found is None:
        raise ValueError(f"{text!r} is no RFC 3339 time")
    return found.microseconds
