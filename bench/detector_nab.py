"""The detector on NAB for bench/detector.py, beside bands that users of Prometheus run and a published detector.

NAB (numenta/NAB @ ea702d7: realTraffic, artificialWithAnomaly, artificialNoAnomaly), by its windows: a window is found
if an alarm opens in it; alarms outside are false, those within six hours of one counted once; the first 15 % of each
series are probation, as NAB has it. A window begins hours before what it is drawn about (its label), so two delays are
told: from the window's beginning, which is NAB's, and from the label, below 0 where the alarm came first. "NAB" is its
own score by the profile "standard" (Lavin and Ahmad 2015, section II): 100 for each window found at its beginning and
nothing else, 0 for silence; each alarm outside costs 0.11 of a window, each one that is missed a whole.

Every way has one set of settings for all series, and none was tuned on them. Corridor's detector takes a value as the
mean of a bin of five minutes, its norm being the hours of the day learned each midnight on all days before. The bands
are those of grafana/promql-anomaly-detection: an hour's mean or 24 hours' median with two deviations, and the same a
day and a week ago, the widest of them counting; an alarm needs two values outside. HalfSpaceTrees is river's (Tan, Ting,
Liu 2011), with its defaults on the value scaled by MinMaxScaler, at the 99.5 % quantile of its scores so far.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from corridor.kernels import watch
from corridor.kernels.watch_layout import COUNT, LEVEL, OPENED, Kinds, M, N, X
from corridor.picture.norms import ALARMS
from corridor.picture.series import COUNTED, PRICED, limits
from corridor.picture.state import memory_of

Array = np.ndarray
Way = Callable[[Array, Array], Array]
FALSE_WEIGHT = 0.11


@dataclass(frozen=True)
class Series:
    """One of NAB's: times (seconds), values, windows and the moments they are drawn about."""

    at: Array
    x: Array
    windows: list[tuple[int, int]]
    labels: list[int]


@dataclass
class Score:
    """What a way found: windows, false alarms, delays (hours) from windows and from labels, NAB's own score."""

    windows: int = 0
    false: int = 0
    from_window: list[float] = field(default_factory=list)
    from_label: list[float] = field(default_factory=list)
    points: float = 0.0

    def add(self, series: Series, alarms: Array) -> None:
        """Count the alarms (seconds) of one series."""
        alarms = alarms[alarms >= series.at[0] + 0.15 * (series.at[-1] - series.at[0])]
        inside = np.zeros(len(alarms), bool)
        for (a, b), label in zip(series.windows, series.labels, strict=True):
            own = (alarms >= a) & (alarms <= b)
            inside |= own
            self.windows += 1
            position = -(b - alarms[own].min()) / (b - a) if own.any() else 0.0
            self.points += _sigmoid(position) / _sigmoid(-1.0) if own.any() else -1.0
            if own.any():
                self.from_window.append((alarms[own].min() - a) / 3600)
                self.from_label.append((alarms[own].min() - label) / 3600)
        for alarm in alarms[~inside]:
            past = [(alarm - b) / (b - a) for a, b in series.windows if b < alarm]
            self.points += FALSE_WEIGHT * (_sigmoid(past[-1]) if past and past[-1] < 3 else -1.0)
        self.false += int((np.diff(alarms[~inside], prepend=-(10**12)) > 6 * 3600).sum())

    def tell(self, name: str) -> None:
        """Print a line."""
        found = len(self.from_window)
        precision, recall = found / max(found + self.false, 1), found / max(self.windows, 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        delays = (f"{np.median(d):5.1f} h" if d else "    - " for d in (self.from_window, self.from_label))
        score = 50 * (self.points + self.windows) / max(self.windows, 1)
        print(f"  {name:28}{found:3} of {self.windows:3}   {self.false:5}   {precision:9.2f}   {recall:6.2f}   {f1:5.2f}   "
              f"{'       '.join(delays)}   {score:6.1f}")  # fmt: skip


def _sigmoid(position: float) -> float:
    """NAB's scaled sigmoid of a place relative to a window's end, in windows: from 0.987 at its beginning down to -1."""
    return 2 / (1 + math.exp(5 * position)) - 1


def series_of(folder: Path) -> Iterator[Series]:
    """Each series of the three groups."""
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    labels = json.loads((folder / "labels" / "combined_labels.json").read_text())
    for group in ("realTraffic", "artificialWithAnomaly", "artificialNoAnomaly"):
        for path in sorted((folder / "data" / group).glob("*.csv")):
            with path.open() as lines:
                rows = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(lines)]
            name = f"{group}/{path.name}"
            spans = [(_seconds(a), _seconds(b)) for a, b in windows[name]]
            at, x = map(np.array, zip(*rows, strict=True))
            yield Series(at, x, spans, [_seconds(label) for label in labels[name]])


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text.split(".", maxsplit=1)[0]).replace(tzinfo=UTC).timestamp())


def corridor_alarms(at: Array, x: Array, alarms: float = ALARMS) -> Array:
    """Openings of the detector: a level whose norm is the hour of the day, learned each midnight on the days before."""
    kinds = Kinds(
        np.array([COUNT, LEVEL], np.int8), np.zeros(2, bool), np.array([COUNTED, PRICED]), np.array([False, True]),
        np.zeros((2, 2)), np.full((2, 2), np.nan),
    )  # fmt: skip
    rule, memory = limits(alarms, np.array([COUNTED, PRICED]), 1), memory_of(2)
    rule.excess[PRICED] = 0.0, 1.0
    sums, events, openings, day = np.zeros((2, 9, 4)), np.zeros((2, 4), np.int8), [], -1
    at_bin, norm = at // 300, np.zeros(24)
    for t in range(int(at_bin[0]), int(at_bin[-1]) + 1):
        if t // 288 != day:
            day = t // 288
            norm, kinds.parameter[1] = _norm(at, x, t * 300)
        now = np.zeros((2, 4))
        own = x[at_bin == t]
        now[1, [X, N, M]] = own.sum(), len(own), norm[t // 12 % 24] * len(own)
        watch.step(now, t, kinds, rule, memory, sums, events)
        if (events[1] == OPENED).any():
            openings.append(t * 300 + 299)
    return np.array(openings)


def _norm(at: Array, x: Array, before: int) -> tuple[Array, tuple[float, float]]:
    """Median by hour of the day; deviation between hours and of one value."""
    known = at < before
    if known.sum() < 24:
        return np.zeros(24), (1e9, 1e9)
    hour, value = at[known] // 3600 % 24, x[known]
    norm = np.array(
        [np.median(value[hour == h]) if (hour == h).any() else np.median(value) for h in range(24)]
    )
    rest = value - norm[hour]
    means = pd.Series(rest).groupby(at[known] // 3600).mean().to_numpy()
    least = 0.02 * float(np.median(np.abs(value))) + 1e-9
    within, between = (
        max(1.4826 * float(np.median(np.abs(r))), float(np.std(r)) / 2, least) for r in (rest, means)
    )
    return norm, (between, within)


def adaptive(at: Array, x: Array) -> Array:
    """An hour's mean and two deviations (26 hours' mean of an hour's), with the same of yesterday and last week."""
    s = pd.Series(x, pd.to_datetime(at, unit="s"))
    mean = s.rolling("1h").mean()
    spread = s.rolling("1h").std().fillna(0.0).rolling("26h").mean()
    return _outside(s, mean, 2.0 * spread)


def robust(at: Array, x: Array) -> Array:
    """24 hours' median and two median absolute deviations, with those of yesterday and last week."""
    s = pd.Series(x, pd.to_datetime(at, unit="s"))
    median = s.rolling("24h").median()
    return _outside(s, median, 2.0 * (s - median).abs().rolling("24h").median())


def _outside(s: pd.Series, middle: pd.Series, width: pd.Series) -> Array:
    low, high = [middle - width], [middle + width]
    for offset in ("1D", "7D"):
        then = pd.DataFrame({"m": middle, "w": width})
        then.index = then.index + pd.Timedelta(offset)
        old = then[~then.index.duplicated()].reindex(s.index, method="ffill", tolerance=pd.Timedelta("1h"))
        low.append(old["m"] - old["w"])
        high.append(old["m"] + old["w"])
    out = (s < pd.concat(low, axis=1).min(axis=1)) | (s > pd.concat(high, axis=1).max(axis=1))
    for_ = out & out.shift(1, fill_value=False)
    opened = for_ & ~for_.shift(1, fill_value=False)
    return s.index[opened].astype("int64").to_numpy() // 10**9


def half_space_trees(at: Array, x: Array) -> Array:
    """River's HalfSpaceTrees with its defaults, told at the 99.5 % quantile of the scores so far."""
    from river import anomaly, compose, preprocessing  # noqa: PLC0415  # a peer, perhaps not there

    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=1))
    scores, alarms, was = [], [], False
    for t, value in zip(at.tolist(), x.tolist(), strict=True):
        score = model.score_one({"x": value})
        model.learn_one({"x": value})
        out = len(scores) > 250 and score > 0 and score >= np.quantile(scores[-4000:], 0.995)
        if out and not was:
            alarms.append(t)
        was = out
        scores.append(score)
    return np.array(alarms)


def nab(folder: Path, curve: tuple[float, ...]) -> None:
    """Print a line for each way, and for the detector at other numbers of false alarms."""
    ways: dict[str, Way] = {
        "Corridor": corridor_alarms, "robust median, 2 MAD": robust, "adaptive mean, 2 sigma": adaptive
    }  # fmt: skip
    try:
        from river import anomaly  # noqa: F401, PLC0415  # a peer, perhaps not there

        ways["river HalfSpaceTrees"] = half_space_trees
    except ImportError:
        print("  (river is not there: install bench/requirements-peers.in)")
    ways |= {f"Corridor, --alarms {n:g}": partial(corridor_alarms, alarms=n) for n in curve if n != ALARMS}
    print(
        "  way                       windows found   false   precision   recall      F1   delay from windows, labels     NAB"
    )
    every = list(series_of(folder))
    for name, way in ways.items():
        score = Score()
        for series in every:
            score.add(series, way(series.at, series.x))
        score.tell(name)
