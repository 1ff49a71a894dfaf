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

_KEYS: Final = (
    '{"declaration_id":"', '","version":', ',"function":"', '","registered_at":"', '","office":"',
    '","direction":"', '","procedure":"', '","transport_mode":', ',"declarant":"', '","importer":"',
    '","exporter":"', '","dispatch_country":"', '","delivery_terms":"', '","items":[', '{"item_no":',
    ',"hs_code":"', '","description":', ',"origin_country":"', '","net_mass_kg":', ',"gross_mass_kg":',
    ',"quantity":', ',"unit":"', '","packages":', ',"packages":', ',"invoice_amount":', ',"currency":"',
    '","customs_value":', ',"duty":', ',"vat":', "},", "}]}\n",
)  # fmt: skip
GROUPS: Final = (
    "keys", "functions", "directions", "procedures", "offices", "countries", "terms", "goods", "units",
    "currencies", "descriptions",
)  # fmt: skip
"""The order of the parts of the pool; `Texts.bases` gives where each begins."""


@dataclass(frozen=True)
class Texts:
    """pool: u1[bytes]; starts: i8[texts + 1]; bases: i8[len(GROUPS)], first text of each group;
    unit: i1[g], unit of each good or -1."""

    pool: NDArray[np.uint8]
    starts: NDArray[np.int64]
    bases: NDArray[np.int64]
    unit: NDArray[np.int8]
    longest_description: int


@lru_cache(maxsize=1)
def load() -> Texts:
    """Build the pool; descriptions are JSON texts with their quotes."""
    table, places = catalogue.load(), offices.load()
    groups = (
        _KEYS, FUNCTIONS, DIRECTIONS, PROCEDURES, places.codes, table.countries, TERM_NAMES, table.hs,
        table.units, CURRENCIES, table.descriptions,
    )  # fmt: skip
    raw = [text.encode() for group in groups for text in group]
    starts = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(text) for text in raw], out=starts[1:])
    bases = np.cumsum([0, *(len(group) for group in groups[:-1])])
    longest = max(len(text.encode()) for text in table.descriptions)
    pool = np.frombuffer(b"".join(raw), np.uint8)
    return Texts(pool, starts, bases.astype(np.int64), table.unit, longest)
