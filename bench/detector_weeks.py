"""What the detector finds in simulated weeks for bench/detector.py: false alarms of quiet ones, episodes of others."""

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from detector_days import DAY, START, Goods, goods, learned, totals
from detector_oracle import Watcher
from detector_plant import SLOW, SUDDEN, Planted, plant, plant_slowly

from corridor.messages.anomaly import Anomaly
from corridor.picture.detector import Bin, Detector
from corridor.picture.hourly import HOUR
from corridor.picture.norms import PictureNorms
from corridor.picture.replay import bins
from corridor.picture.series import known
from corridor.picture.state import State
from corridor.rulebook.participants import ParticipantTable
from corridor.simulate.offices import load as offices

MINUTES = (15, 30, 60)


@dataclass(frozen=True)
class Weeks:
    """Of one seed: norms, bins of quiet weeks and of one with episodes, these, and the same of days that change slowly."""

    norms: PictureNorms
    quiet: list[Bin]
    sudden: list[Bin]
    planted: list[Planted]
    slow: list[Bin] = field(default_factory=list)
    slowly: list[Planted] = field(default_factory=list)


@dataclass
class Found:
    """What a setting of the detector told: false alarms by kind, in how many office weeks, delays in minutes."""

    false: Counter = field(default_factory=Counter)
    office_weeks: int = 0
    delays: list[tuple[Planted, float | None]] = field(default_factory=list)
    seconds: float = 0.0
    series: int = 0

    @property
    def rate(self) -> float:
        """False alarms an office and week."""
        return sum(self.false.values()) / self.office_weeks


def simulated(seed: int, quiet: int, size: int, history: int, slow: bool) -> Weeks:
    """The weeks of one seed: norms of the history, then `quiet` weeks, then those in which episodes are planted."""
    norms, rng = learned(seed, size, history), np.random.default_rng(seed)
    after = START + timedelta(history)
    clean = _bins([goods(seed, after + timedelta(n), size) for n in range(quiet * 7)])
    week = after + timedelta(7 * quiet)
    days = [goods(seed, week + timedelta(n), size) for n in range(7)]
    planted = plant(days, week, Watcher(norms, known(norms)), rng)
    if not slow:
        return Weeks(norms, clean, _bins(days), planted)
    changed = [goods(seed, week + timedelta(n), size) for n in range(10)]
    slowly = plant_slowly(changed, week, rng)
    return Weeks(norms, clean, _bins(days), planted, _bins(changed), slowly)


def _bins(days: list[Goods]) -> list[Bin]:
    out: list[Bin] = []
    for day in days:
        first = int(day.heads["at"].min() // DAY * 288)
        out += bins(totals(day), (first, first + 287))
    return out


def told(found: list[Bin], norms: PictureNorms) -> tuple[list[Anomaly], float, int]:
    """Openings that the fold tells over some days, seconds a bin, series."""
    state, detector = State(), Detector(norms, ParticipantTable.empty())
    anomalies: list[Anomaly] = []
    taken = []
    for bin_ in found:
        begun = time.perf_counter()
        anomalies += detector.fold(state, bin_)
        taken.append(time.perf_counter() - begun)
    openings = [a for a in anomalies if a.episode and a.episode.state == "opened"]
    return openings, float(np.median(taken)), len(state.names)


def look(weeks: Weeks, into: Found, alarms: float) -> None:
    """Fold the weeks of one seed at so many false alarms an office and week."""
    norms = replace(weeks.norms, alarms=alarms)
    openings, into.seconds, into.series = told(weeks.quiet, norms)
    into.false.update(a.kind for a in openings)
    into.office_weeks += len(weeks.quiet) // 2016 * len(offices().codes)
    into.delays += _delays(weeks.planted, told(weeks.sudden, norms)[0])
    if weeks.slow:
        into.delays += _delays(weeks.slowly, told(weeks.slow, norms)[0])


def _delays(planted: list[Planted], openings: list[Anomaly]) -> list[tuple[Planted, float | None]]:
    out: list[tuple[Planted, float | None]] = []
    for one in planted:
        own = [
            a.event_time
            for a in openings
            if a.subject[1] == one.subject
            and a.kind in one.answers
            and one.begin < a.event_time <= one.end + HOUR
        ]
        out.append((one, (min(own) - one.begin) / 60e6 if own else None))
    return out


def tell(found: Found, asked: float) -> None:
    """Print one setting's figures whole."""
    kinds = ", ".join(f"{kind} {n}" for kind, n in sorted(found.false.items())) or "none"
    print(
        f"  {found.series:,} series; one bin takes {found.seconds * 1e3:.1f} ms with all that is around the kernel"
    )
    print(f"  false alarms: {sum(found.false.values())} in {found.office_weeks} office weeks, {found.rate:.2f} an office "
          f"and week (asked for: at most {asked}); {kinds}")  # fmt: skip
    print(
        f"  {'planted':38} all  found within 15, 30, 60 min, at all   visible  of these within 15, 30 min, at all  median"
    )
    sudden = [pair for pair in found.delays if pair[0].kind in SUDDEN]
    for kind in SUDDEN:
        _row(kind, [pair for pair in sudden if pair[0].kind == kind])
    _row("all of them", sudden)
    for kind in SLOW:
        delays = [delay for one, delay in found.delays if one.kind == kind]
        if delays:
            days = np.array([np.inf if d is None else d / 1440 for d in delays])
            within = ", ".join(f"{(days <= n).sum()} within {n} days" for n in (1, 2, 3, 5, 7))
            print(f"  {kind:38}{len(days):4}  {within}, {np.isfinite(days).sum()} at all")


def _row(kind: str, pairs: list[tuple[Planted, float | None]]) -> None:
    def within(part: list[float]) -> str:
        return ", ".join(f"{sum(delay <= limit for delay in part):3}" for limit in (*MINUTES, 1e9))

    delays = [np.inf if delay is None else delay for _, delay in pairs]
    seen = [np.inf if delay is None else delay for one, delay in pairs if one.visible]
    soon = sum(delay <= 15 for delay in seen)
    share = f"{soon / len(seen):4.0%}" if seen else "   -"
    of_them = f"{soon:3} {share}, {sum(d <= 30 for d in seen):3}, {sum(d <= 1e9 for d in seen):3}"
    hits = [delay for delay in delays if np.isfinite(delay)]
    median = f"{np.median(hits):6.0f} min" if hits else "     -"
    print(
        f"  {kind:38}{len(pairs):4}  {within(delays):>32}       {len(seen):4}   {of_them:>26}         {median}"
    )


def tell_curve(curve: list[tuple[float, Found]]) -> None:
    """Print what each number of false alarms buys."""
    print(
        "  --alarms   false alarms an office and week   found within 15, 30, 60 min of all   within 15 min of the visible"
    )
    for asked, found in curve:
        sudden = [(one, np.inf if d is None else d) for one, d in found.delays if one.kind in SUDDEN]
        shares = ", ".join(f"{np.mean([d <= limit for _, d in sudden]):4.0%}" for limit in MINUTES)
        seen = [d for one, d in sudden if one.visible]
        good = sum(d <= 15 for d in seen)
        print(
            f"  {asked:8}   {found.rate:31.3f}   {shares:>36}   {good} of {len(seen)} ({good / max(len(seen), 1):.0%})"
        )
