"""Shares out of their norm: origins and chapters at an office, and its automatic share."""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import share_tails
from corridor.messages.anomaly import Anomaly
from corridor.messages.columns import CORRIDORS
from corridor.picture.episodes import SHARE_WINDOWS, Episode, Limits, Series, find
from corridor.picture.finding import CRITICAL, Day, largest
from corridor.picture.hourly import HOUR
from corridor.picture.norms import BAND_TAIL, PictureNorms

Array = NDArray[Any]

AUTOMATIC: Final = "office/automatic"
LIMITS: Final = Limits(surprise=7.0, low=0.5, high=1.7, excess=0.08)


def mix(day: Day, pair: str) -> list[Anomaly]:
    """Origins or chapters that take another share of an office's declarations than usual."""
    known = {value.rpartition("/")[0] for d, value in day.norms.shares if d == pair}
    out: list[Anomaly] = []
    for office, (names, hits) in sorted(day.mixes[pair].items()):
        if office in known:
            total = np.where(day.judged, day.offices[office], 0.0)
            series = _series(day.norms, pair, office, names, hits, total)
            out += _anomalies(day, pair, office, names, series, _found(series))
    return out


def automatic(day: Day) -> list[Anomaly]:
    """Offices whose automatic share (green and blue) left its norm."""
    if not any(pair == AUTOMATIC for pair, _ in day.norms.shares):
        return []
    names, tables = day.totals.grid("office", int(day.clock[0]), len(day.clock), CORRIDORS)
    out: list[Anomaly] = []
    for office, (green, blue, yellow, red) in zip(names, np.stack(tables, 1), strict=True):
        if (AUTOMATIC, f"{office}/automatic") in day.norms.shares:
            decided = green + blue + yellow + red
            series = _series(day.norms, AUTOMATIC, office, ["automatic"], (green + blue)[None], decided)
            out += _anomalies(
                day, AUTOMATIC, office, ["automatic"], series, _found(series) or _controls(series)
            )
    return out


def _series(
    norms: PictureNorms, pair: str, office: str, names: list[str], hits: Array, total: Array
) -> Series:
    table = [norms.share(pair, office, name) for name in names]
    p = np.array([share.expected for share in table])[:, None]
    rho = np.array([share.rho + 1.0 / (share.n + 10.0) for share in table])[:, None]
    return Series(hits, p, rho, np.broadcast_to(total, hits.shape))


def _found(series: Series) -> list[Episode]:
    """Shares that rose, or else those that fell."""
    return find(series, 1, LIMITS, SHARE_WINDOWS) or find(series, -1, LIMITS, SHARE_WINDOWS)


def _controls(series: Series) -> list[Episode]:
    """The same asked of the rest: where most is released, controls that stop raise the share by little."""
    assert series.total is not None  # a series of shares always has it
    rest = replace(series, observed=series.total - series.observed, mean=1.0 - series.mean)
    return [replace(episode, side=-episode.side) for episode in _found(rest)]


def _anomalies(
    day: Day, pair: str, office: str, names: list[str], series: Series, found: list[Episode]
) -> list[Anomaly]:
    """Give one anomaly for each stretch of time: its strongest category, the others as evidence."""
    out: list[Anomaly] = []
    for episode in sorted(found, key=lambda e: -e.score):
        begin, end = int(day.clock[episode.start]), int(day.clock[episode.stop]) + HOUR
        if all(end <= (a.start or 0) or begin >= (a.stop or 0) for a in out):
            out.append(_anomaly(pair, office, names, series, episode, day.clock))
    return out


def _anomaly(
    pair: str, office: str, names: list[str], series: Series, episode: Episode, clock: Array
) -> Anomaly:
    assert series.total is not None  # a series of shares always has it
    part = slice(episode.start, episode.stop + 1)
    hits, total = series.observed[:, part].sum(1), float(series.total[0, part].sum())
    p, rho = float(series.mean[episode.series, 0]), float(series.dispersion[episode.series, 0])
    k = np.arange(int(total) + 1)
    lower, upper = share_tails(k, total, p, rho)
    low = int(np.argmax(10.0**lower >= BAND_TAIL))
    high = int(len(k) - 1 - np.argmax((10.0**upper >= BAND_TAIL)[::-1]))
    what, value = (
        ("corridor", "green and blue")
        if pair == AUTOMATIC
        else (pair.partition("/")[2], names[episode.series])
    )
    evidence = {
        "dimension": what,
        "value": value,
        "declarations": int(hits[episode.series]),
        "of": int(total),
        what: largest(names, hits / total, series.mean[:, 0], episode.side),
    }
    return Anomaly(
        kind="picture.share_shift",
        severity="critical" if episode.score >= 2 * CRITICAL else "warning",
        subject=("office", office),
        office=office,
        start=int(clock[episode.start]),
        stop=int(clock[episode.stop]) + HOUR,
        event_time=int(clock[episode.first]) + HOUR,
        observed=round(float(hits[episode.series]) / total, 4),
        expected=round(p, 4),
        low=round(low / total, 4),
        high=round(high / total, 4),
        score=round(episode.score, 2),
        key=f"{what} {value}",
        evidence=evidence,
    )
