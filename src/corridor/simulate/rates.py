"""Exchange rates by day: a slow walk that comes back to its mean, the same for a seed."""

from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.simulate.geography import HOME_CURRENCY, RATES

CURRENCIES: Final = tuple(RATES)
FIRST: Final = date(2015, 1, 1).toordinal()
LAST: Final = date(2045, 12, 31).toordinal()
_PULL, _STEP = 0.99, 0.0045


@lru_cache(maxsize=4)
def table(seed: int) -> NDArray[np.float64]:
    """f8[days, currencies]: national currency for one unit, six significant digits."""
    rng = np.random.default_rng([seed, 0x7261])
    noise = rng.standard_normal((LAST - FIRST + 1, len(CURRENCIES))) * _STEP
    noise += noise[:, :1] * 0.8  # most currencies move together against the national one
    level = np.empty_like(noise)
    x = np.zeros(len(CURRENCIES))
    for day in range(len(noise)):
        x = _PULL * x + noise[day]
        level[day] = x
    rates = np.asarray(list(RATES.values())) * np.exp(level)
    digits = 10.0 ** (5 - np.floor(np.log10(rates)))
    rates = np.round(rates * digits) / digits
    rates[:, CURRENCIES.index(HOME_CURRENCY)] = 1.0
    walk: NDArray[np.float64] = rates
    return walk


def on(seed: int, day: date) -> NDArray[np.float64]:
    """f8[currencies]: the rates of one day."""
    index = min(max(day.toordinal(), FIRST), LAST) - FIRST
    row: NDArray[np.float64] = table(seed)[index]
    return row
