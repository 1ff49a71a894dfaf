"""Hourly totals drawn for the tests: offices of all sizes, clean or with a planted episode.

Counts scatter more than Poisson (a factor by office and day), as real ones do.
"""

from dataclasses import dataclass

import numpy as np

from corridor.picture.hourly import HOUR, Hourly

MONDAY = 1_788_134_400_000_000
"""2026-08-31T00:00Z in microseconds."""
ORIGINS = ("CN", "DE", "TR", "IT", "KR", "VN", "PL", "IN")
CHAPTERS = tuple(f"{c:02d}" for c in (8, 17, 22, 39, 61, 62, 64, 72, 84, 85, 87, 94))


@dataclass
class World:
    """A service of `offices` offices; the same seed gives the same service."""

    offices: int = 20
    seed: int = 1

    def __post_init__(self):
        rng = np.random.default_rng(self.seed)
        self.names = [f"1013{i:04d}" for i in range(self.offices)]
        self.size = 600.0 / (1 + np.arange(self.offices)) ** 0.9
        office_hours = np.where((np.arange(24) >= 6) & (np.arange(24) < 18), 1.0, 0.02)
        round_the_clock = 0.5 + 0.5 * np.sin((np.arange(24) - 6) / 24 * 2 * np.pi) ** 2
        shapes = [round_the_clock if i % 4 == 0 else office_hours for i in range(self.offices)]
        self.shape = np.array([s / s.sum() for s in shapes])
        self.weekday = np.array([1.05, 1.1, 1.0, 1.0, 1.05, 0.45, 0.3])
        self.mix = {
            "office/origin_country": (ORIGINS, rng.dirichlet(np.full(len(ORIGINS), 0.8), self.offices)),
            "office/hs_chapter": (CHAPTERS, rng.dirichlet(np.full(len(CHAPTERS), 0.8), self.offices)),
        }

    def mean(self, first, days):
        """float64[offices, days * 24]: what the world means, for a slow twin to compare with."""
        weekday = self.weekday[(first // (24 * HOUR) + 3 + np.arange(days)) % 7]
        return (self.size[:, None, None] * weekday[:, None] * self.shape[:, None, :]).reshape(
            self.offices, -1
        )

    def draw(self, first, days, seed, change=None, mix_change=None, step=HOUR):
        """Totals of `days` days; `change(mean)` and `mix_change(shares, pair, office)` plant episodes, hour by hour.

        step: HOUR, or BIN for what the detector takes: hours fill evenly.
        """
        parts = HOUR // step
        rng = np.random.default_rng(seed)
        mean = self.mean(first, days)
        mean = mean * np.repeat(rng.gamma(100, 0.01, (self.offices, days)), 24, axis=1)
        if change is not None:
            mean = change(mean)
        counts = rng.poisson(np.repeat(mean / parts, parts, axis=1))
        rows = [("service", "all", counts.sum(0))]
        rows += [("office", name, c) for name, c in zip(self.names, counts, strict=True)]
        for pair, (categories, shares) in self.mix.items():
            for i, name in enumerate(self.names):
                p = np.repeat(shares[i][None], days * 24, 0)
                if mix_change is not None:
                    p = mix_change(p, pair, i)
                own = rng.multinomial(counts[i], np.repeat(p, parts, axis=0))
                rows += [(pair, f"{name}/{c}", own[:, j]) for j, c in enumerate(categories)]
        return totals(first, rows, step)


def totals(first, rows, step=HOUR):
    """Hourly from (dimension, value, counts by step); steps without a declaration have no row."""
    hour, dimension, value, count = [], [], [], []
    for d, v, counts in rows:
        for t in np.flatnonzero(counts):
            hour.append(first + int(t) * step)
            dimension.append(d)
            value.append(v)
            count.append(int(counts[t]))
    return Hourly.of(hour, dimension, value, {"declarations": count, "items": count})


def bins(hours):
    """Counts of hours as counts of bins: all of an hour's declarations spread as evenly as whole numbers go."""
    hours = np.asarray(hours, np.int64)
    steps = np.arange(1, 13)
    upto = hours[:, None] * steps // 12
    return np.diff(upto, axis=1, prepend=0).ravel()
