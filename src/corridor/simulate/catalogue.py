"""The goods of the simulated world: about 260 commodity codes with prices, lots, duties and origins.

`catalogue.csv`, one good a row: hs_code; unit (UN/ECE Rec. 20); usd_kg, median price per kg; kg_unit,
median mass of a unit; lot_kg, median mass of a consignment line; duty and vat in per cent; weight and
export, frequency among imports and exports; air, share flown; sigma, dispersion of ln(price); sector;
neighbour, a code close by with less duty; flags AD (anti-dumping), IPR; names.
"""

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.simulate import geography as geo
from corridor.simulate.offices import slots

SLOTS: Final = 4096
VARIANTS: Final = 8
"""Descriptions of a good."""
_BRANDS: Final = (
    "ALMIRA",
    "Nordwind",
    "Jinhua",
    "Vostok-M",
    "Delta Pro",
    "Karat",
    "SUNRAY",
    "Omega-7",
    "Bester",
    "Lotus",
)

_SPREAD: Final = 0.7  # of a cell of good and origin, where the table's sigma is the good's as a whole

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Catalogue:
    """g goods and c countries as columns; money in US dollars, masses in kg, rates as fractions."""

    hs: tuple[str, ...]
    units: tuple[str, ...]  # distinct units; unit[g] = -1 for goods without one
    unit: NDArray[np.int8]
    usd_kg: Floats
    kg_unit: Floats
    lot_kg: Floats
    duty_rate: Floats  # without preference and anti-dumping duty
    vat: Floats
    weight: Floats
    export: Floats
    air: Floats
    sigma: Floats
    sector: NDArray[np.int16]
    neighbour: NDArray[np.int16]  # -1 for none
    anti_dumping: NDArray[np.bool_]
    countries: tuple[str, ...]
    origin: NDArray[np.int16]  # i2[g, SLOTS]: a country for a uniform slot
    sold_by: NDArray[np.bool_]  # bool[g, c]: the origin is usual for the good
    price: Floats  # f8[g, c]: price of the origin by the good's median
    duty: Floats  # f8[g, c]: duty rate with preference and anti-dumping duty
    descriptions: tuple[str, ...]  # VARIANTS texts a good, JSON with quotes


def _descriptions(index: int, english: str, russian: str) -> list[str]:
    brand = _BRANDS[index % len(_BRANDS)], _BRANDS[(index * 7 + 3) % len(_BRANDS)]
    texts = (
        english,
        f"{english}, {brand[0]}",
        f"{english.upper()}, ART. {1000 + index * 37}",
        f"{english}; packed for retail sale, maker {brand[1]}",
        russian,
        f"{russian}, торговая марка «{brand[0]}»",
        f"{russian}, артикул {index * 53 + 210}, изготовитель {brand[1]}",
        f'{english} "{brand[1]}" / {russian}',
    )
    return [json.dumps(text, ensure_ascii=False) for text in texts]


def _countries(sectors: list[str]) -> tuple[str, ...]:
    names = {geo.HOME: None}
    for sector in sectors:
        names |= dict.fromkeys(geo.weights(geo.ORIGINS[sector]))
    for text in (*geo.DISPATCH.values(), geo.DISPATCH_ELSE.format(geo.HOME)):
        names |= dict.fromkeys(geo.weights(text))
    names |= dict.fromkeys(geo.TRANSIT_THROUGH)
    return tuple(names)


@lru_cache(maxsize=1)
def load() -> Catalogue:
    """Read the table and spread it into arrays; prices by origin carry a fixed noise of their own."""
    text = resources.files("corridor.simulate").joinpath("catalogue.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines(), delimiter=";"))

    def column(name: str) -> Floats:
        return np.array([float(row[name]) for row in rows])

    countries = _countries([row["sector"] for row in rows])
    sectors = list(geo.ORIGINS)
    sector = np.array([sectors.index(row["sector"]) for row in rows], np.int16)
    shares = np.zeros((len(sectors), len(countries)))
    for s, name in enumerate(sectors):
        for country, share in geo.weights(geo.ORIGINS[name]).items():
            shares[s, countries.index(country)] = share
    noise = np.random.default_rng(260).normal(0.0, 0.12, (len(rows), len(countries)))
    own = shares[sector] * np.exp(4.0 * noise)  # goods of a sector differ in where they come from
    own[own / own.sum(1, keepdims=True) < 0.004] = 0.0
    anti_dumping = np.array(["AD" in row["flags"] for row in rows])
    duty = column("duty")[:, None] / 100 * np.array([geo.PREFERENCE.get(c, 1.0) for c in countries])
    duty[anti_dumping, countries.index("CN")] += geo.ANTI_DUMPING
    hs = tuple(row["hs_code"] for row in rows)
    units = tuple(sorted({row["unit"] for row in rows} - {""}))
    return Catalogue(
        hs=hs,
        units=units,
        unit=np.array([units.index(row["unit"]) if row["unit"] else -1 for row in rows], np.int8),
        usd_kg=column("usd_kg"),
        kg_unit=column("kg_unit"),
        lot_kg=column("lot_kg"),
        duty_rate=column("duty") / 100,
        vat=column("vat") / 100,
        weight=column("weight"),
        export=column("export"),
        air=column("air"),
        sigma=column("sigma") * _SPREAD,
        sector=sector,
        neighbour=np.array(
            [hs.index(row["neighbour"]) if row["neighbour"] else -1 for row in rows], np.int16
        ),
        anti_dumping=anti_dumping,
        countries=countries,
        origin=np.array([slots(row, SLOTS) for row in own]),
        sold_by=own > 0,
        price=np.array([geo.PRICE_LEVEL.get(c, 1.0) for c in countries]) * np.exp(noise),
        duty=duty,
        descriptions=tuple(t for i, row in enumerate(rows) for t in _descriptions(i, row["en"], row["ru"])),
    )
