"""What the detector's step takes and keeps: kinds of series, limits, memory, and the columns of its arrays."""

from typing import Any, Final, NamedTuple

COUNT, SHARE, LEVEL = 0, 1, 2
"""Kinds of series."""
X, N, M, S = 0, 1, 2, 3
"""Columns of a sum: observed, of how many (1 for counts), expected, and expected times root of dispersion."""
FINE, HOURS = 12, 24
"""Bins of an hour, and hours that are remembered."""
WINDOWS: Final = (1, 2, 3, 6, 12, 24, 48, 96, 288)
"""Bins over which is summed; from 24 on in hours."""
LOW, HIGH, SLOW_LOW, SLOW_HIGH = 0, 1, 2, 3
"""Tracks of episodes: below and above the norm, suddenly and slowly."""
OPENED, WORSENED, CLOSED = 1, 2, 3
"""Events."""
OPEN, START, SINCE, LAST, SCORE, GRADE, FORM, TOLD, PENDING = 0, 1, 2, 3, 4, 5, 6, 7, 11
"""Columns of an episode: whether it is open, first bin, bin of opening, last bin that was out, largest score,
severity (0 warning, 1 critical), form; from TOLD on four sums up to the last bin out, from PENDING on those since.
Form of LOW: 1 is silence; of the slow tracks: 1 is a shift at once."""
EPISODE: Final = 15
CUSUM_SLACK: Final = 0.5
"""Standard deviations a day that count as none."""
MOST_A_DAY: Final = 3.0
"""One day, however odd, is no new level."""


class Kinds(NamedTuple):
    """S series, the first of them the service.

    kind int8[S]; office bool[S]; rule int64[S], row of the limits; slow bool[S]; parameter float64[S, 2]: of a share
    its intra-class correlation, of a level its deviation between blocks and that of one value; usual float64[S, 2]: a
    whole day's expectation and its deviation, NaN if unknown.
    """

    kind: Any
    office: Any
    rule: Any
    slow: Any
    parameter: Any
    usual: Any


class Limits(NamedTuple):
    """R rules.

    surprise float64[R], -log10 of a tail's probability, over all windows together; ratio
    float64[R, 2], at most and at least; excess float64[R, 2]: least change, least change in hits; windows
    bool[R, 9]; critical float64[R]; slow float64[R], the CUSUM's limit; gap: bins between hits of one episode;
    quiet: expected there (`watch_sudden.expected_since`).
    """

    surprise: Any
    ratio: Any
    excess: Any
    windows: Any
    critical: Any
    slow: Any
    gap: int
    quiet: float


class Memory(NamedTuple):
    """What is kept.

    fine float64[S, 4, 12]; hours float64[S, 4, 24]; zero float64[S, 3]: first bin of a run
    without any, expected and spread since; day float64[S, 5]: four sums, and 1 if it was out; cusum float64[S, 6]:
    low, high, their first days, days of calm; episodes float64[S, 4, 15].
    """

    fine: Any
    hours: Any
    zero: Any
    day: Any
    cusum: Any
    episodes: Any
