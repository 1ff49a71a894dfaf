"""All texts that simulated declarations repeat, as one byte pool; a batch holds indices into it."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import DIRECTIONS, FUNCTIONS
from corridor.simulate import catalogue, offices
from corridor.simulate.rates import CURRENCIES
from corridor.simulate.routes import TERM_NAMES

PROCEDURES: Final = ("40", "51", "53", "61", "78", "10", "23", "31", "80")

GROUPS: Final = (
    "functions", "directions", "procedures", "offices", "countries", "terms", "goods", "units",
    "currencies", "descriptions", "keys",
)  # fmt: skip
"""The order of the parts of the pool; `Texts.bases` gives where each begins."""


@dataclass(frozen=True)
class Texts:
    """JSON texts with their quotes; keys without.

    pool: u1[bytes]; starts: i8[texts + 1]; bases: where each
    group begins; longest: bytes of the longest text; unit: i1[g], unit of each good or -1.
    """

    pool: NDArray[np.uint8]
    starts: NDArray[np.int64]
    bases: dict[str, int]
    longest: int
    unit: NDArray[np.int8]


@lru_cache(maxsize=1)
def load(keys: tuple[str, ...]) -> Texts:
    """Build the pool; `keys` are written as they stand."""
    table, places = catalogue.load(), offices.load()
    plain = (
        FUNCTIONS, DIRECTIONS, PROCEDURES, places.codes, table.countries, TERM_NAMES, table.hs,
        table.units, CURRENCIES,
    )  # fmt: skip
    groups = [*([f'"{text}"' for text in group] for group in plain), table.descriptions, keys]
    raw = [text.encode() for group in groups for text in group]
    starts = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(text) for text in raw], out=starts[1:])
    bases = np.cumsum([0, *(len(group) for group in groups[:-1])]).tolist()
    pool = np.frombuffer(b"".join(raw), np.uint8)
    return Texts(pool, starts, dict(zip(GROUPS, bases, strict=True)), max(map(len, raw)), table.unit)
