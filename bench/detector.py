"""The picture's detector: how fast it is, and what it finds in simulated weeks and on NAB, beside other ways.

Speed: one core, one step a bin of five minutes over as many series as are named.

Simulated weeks (`corridor.simulate`, 40 offices, --size declarations a working day): norms from --history days; then weeks
without anything, for false alarms, and a week in which episodes are planted, at any second (detector_plant.py): at each
office one, at large as at small. The constants of `picture/series.py` were chosen on seed 1; the figures are of other
seeds, given as --seeds. An episode is found if an anomaly of a kind that answers it opens at its subject while it lasts;
the delay runs in event time from the planted second to the end of the bin in which it was told. It is *visible* if one who
knows its kind, series, start and size is sure after its first fifteen minutes, being wrong as often as the detector
(detector_oracle.py): of an office that lodges two declarations an hour nobody can say so soon that it is silent. Slow ones
show after days. The curve is the same for other numbers of false alarms asked for.

NAB: see detector_nab.py.

    python bench/detector.py --nab NAB [--seeds 11 ...] [--size 25000] [--curve] > bench/results/detector.txt
"""

import argparse
import time
from pathlib import Path

import numpy as np
from detector_nab import nab
from detector_weeks import Found, look, simulated, tell, tell_curve
from side_by_side import machine

from corridor.kernels import watch
from corridor.kernels.watch_layout import COUNT, Kinds
from corridor.picture.norms import ALARMS
from corridor.picture.series import COUNTED, limits
from corridor.picture.state import memory_of

CURVE = (0.02, 0.1, 0.5, 1.0, 3.0)
"""False alarms an office and week."""


def speed(count: int, steps: int = 24) -> float:
    """Seconds a step over `count` series of counts, a hundredth of them out of their norm."""
    rng = np.random.default_rng(1)
    kinds = Kinds(
        np.full(count, COUNT, np.int8), np.zeros(count, bool), np.full(count, COUNTED), np.ones(count, bool),
        np.zeros((count, 2)), np.full((count, 2), np.nan),
    )  # fmt: skip
    rule, memory = limits(ALARMS, np.zeros(count, np.int64), count), memory_of(count)
    mean = rng.gamma(1.0, 4.0, count) + 0.05
    sums, events = np.zeros((count, 9, 4)), np.zeros((count, 4), np.int8)
    seconds = []
    for t in range(steps):
        level = np.where(np.arange(count) % 100 == 1, 0.0 if t > 6 else 1.0, 1.0)
        now = np.stack([rng.poisson(mean * level), np.ones(count), mean, mean * 0.1], axis=1)
        begun = time.perf_counter()
        watch.step(now, t, kinds, rule, memory, sums, events)
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds[4:]))


def weeks(given: argparse.Namespace) -> None:
    """Print what was found in simulated weeks, and the curve if it is asked for."""
    found = {alarms: Found() for alarms in ({*CURVE, ALARMS} if given.curve else {ALARMS})}
    for seed in given.seeds:
        made = simulated(seed, given.clean, given.size, given.history, not given.sudden)
        for alarms, into in found.items():
            look(made, into, alarms)
    tell(found[ALARMS], ALARMS)
    if given.curve:
        tell_curve(sorted(found.items()))


def main() -> None:
    """Print all figures."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--nab", type=Path, help="folder of NAB: data/ and labels/")
    arguments.add_argument("--seeds", type=int, nargs="*", default=[11])
    arguments.add_argument("--clean", type=int, default=1, help="weeks without anything, a seed")
    arguments.add_argument("--size", type=int, default=25_000, help="declarations a working day")
    arguments.add_argument("--history", type=int, default=28, help="days that the norms are learned from")
    arguments.add_argument("--sudden", action="store_true", help="plant sudden episodes only")
    arguments.add_argument("--curve", action="store_true", help="at other numbers of false alarms too")
    arguments.add_argument(
        "--no-speed", action="store_true", help="leave the speed out, which needs a quiet machine"
    )
    given = arguments.parse_args()
    print(machine("numba", "numpy"))
    if not given.no_speed:
        print("\nSpeed, one core")
        for count in (1_000, 10_000, 100_000):
            seconds = speed(count)
            each = f"{seconds * 1e3:8.1f} ms a bin, {count / seconds * 60:,.0f} series a minute"
            print(f"  {count:>7,} series: {each}", flush=True)
    if given.seeds:
        of = f"{given.size:,} declarations a working day, norms of {given.history} days"
        print(f"\nSimulated weeks, {of}, seeds {', '.join(map(str, given.seeds))}", flush=True)
        weeks(given)
    if given.nab:
        print("\nNAB by windows", flush=True)
        nab(given.nab, CURVE)


if __name__ == "__main__":
    main()
