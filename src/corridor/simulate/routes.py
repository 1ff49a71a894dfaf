"""From origin to the border: dispatch countries, modes, delivery terms and currencies as slot tables."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.simulate import catalogue
from corridor.simulate import geography as geo
from corridor.simulate.offices import slots
from corridor.simulate.rates import CURRENCIES

SLOTS: Final = 1024
TERM_NAMES: Final = tuple(dict.fromkeys(name for text in geo.TERMS.values() for name in geo.weights(text)))


@dataclass(frozen=True)
class Routes:
    """Slot tables: a uniform slot gives an index. freight: f8[10] median US dollars a kg by mode."""

    dispatch: NDArray[np.int16]  # [origin, SLOTS] -> country
    mode: NDArray[np.int16]  # [dispatch, SLOTS] -> transport mode
    terms: NDArray[np.int16]  # [mode, SLOTS] -> TERM_NAMES
    currency: NDArray[np.int16]  # [dispatch, SLOTS] -> CURRENCIES
    freight: NDArray[np.float64]
    buyer_pays: NDArray[np.bool_]  # [term]


def _spread(text: str, names: tuple[str, ...]) -> NDArray[np.int16]:
    shares = geo.weights(text)
    weight = np.array([shares.get(name, 0.0) for name in names])
    return slots(weight, SLOTS)


@lru_cache(maxsize=1)
def load() -> Routes:
    """Build the tables once for the countries of the catalogue."""
    countries = catalogue.load().countries
    modes = tuple(str(mode) for mode in range(10))
    freight = np.zeros(10)
    for mode, usd in geo.FREIGHT_USD_KG.items():
        freight[mode] = usd
    return Routes(
        np.array([_spread(geo.DISPATCH.get(c, geo.DISPATCH_ELSE.format(c)), countries) for c in countries]),
        np.array([_spread(geo.MODES.get(c, geo.MODES_ELSE), modes) for c in countries]),
        np.array([_spread(geo.TERMS.get(m, geo.TERMS[3]), TERM_NAMES) for m in range(10)]),
        np.array([_spread(geo.CURRENCY.get(c, geo.CURRENCY_ELSE), CURRENCIES) for c in countries]),
        freight,
        np.array([name in geo.BUYER_PAYS_FREIGHT for name in TERM_NAMES]),
    )
