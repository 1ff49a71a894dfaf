"""Results of inspections: which declarations were looked into, what was found, what was recovered.

A random part and one that the officers chose: by prices and weights they found odd, participants they
knew, origins they doubted, with much noise. Some violations are missed; some findings are about papers only.
"""

from typing import Any, Final

import numpy as np

from corridor.simulate import catalogue
from corridor.simulate.batch import Array, Batch
from corridor.simulate.cases import ITEM_KINDS, Case, declaration_id, moment
from corridor.simulate.draw import Scene

INSPECTED: Final = 0.16
AT_RANDOM: Final = 0.04
FOUND: Final = np.array([0.0, 0.85, 0.92, 0.72, 0.78])
"""Chance that an inspector finds what is planted in an item, by ITEM_KINDS."""
_PAPERS: Final = 0.006
_CRITICAL: Final = 30_000_000  # hundredths of the national currency recovered in one item
_SCHEMES: Final = {
    "importer_burst": (0.4, 0.08),
    "new_importer_high_value": (0.85, 0.25),
    "splitting": (0.7, 0.12),
}


def results(scene: Scene, rng: np.random.Generator, batch: Batch, cases: list[Case]) -> list[dict[str, Any]]:
    """result.v1 for every item of the inspected originals, in the batch's order."""
    chosen = inspected(scene, rng, batch)
    found, recovered = _findings(rng, batch, cases)
    after = rng.lognormal(0.6, 0.8, len(batch)) * 6 * 3_600_000
    lines = []
    for i in np.flatnonzero(chosen):
        name, at = declaration_id(batch.heads[i]), moment(int(batch.heads["registered"][i] + after[i]))
        for j in range(batch.offsets[i], batch.offsets[i + 1]):
            amount = int(recovered[j])
            finding = "none" if not found[j] else "critical" if amount >= _CRITICAL else "violation"
            lines.append(
                {
                    "declaration_id": name,
                    "item_no": int(batch.items["item_no"][j]),
                    "at": at,
                    "finding": finding,
                    "recovered": amount / 100,
                }
            )
    return lines


def inspected(scene: Scene, rng: np.random.Generator, batch: Batch) -> Array:
    """bool[n]: INSPECTED of the declarations, AT_RANDOM of them by chance, the rest by the officers' eye."""
    doubt = np.maximum.reduceat(_doubt(batch), batch.offsets[:-1])
    risk = np.log1p(scene.traders.risk[batch.heads["trader"]])
    odd = doubt + 0.9 * risk + 0.8 * (batch.heads["case"] > 0) + rng.normal(0.0, 1.1, len(batch))
    odd -= 1.2 * (batch.heads["direction"] > 0)
    at_random = rng.random(len(batch)) < AT_RANDOM
    cut = np.quantile(odd[~at_random], 1.0 - (INSPECTED - AT_RANDOM) / (1.0 - AT_RANDOM))
    chosen: Array = at_random | (odd > cut)
    return chosen


def _doubt(batch: Batch) -> Array:
    """f8[m]: how odd an item looks to an officer: cheap, heavy for its number, of an unusual origin."""
    table, items = catalogue.load(), batch.items
    good, origin = items["good"], items["origin"]
    cheap = -np.log(items["usd_kg"] / (table.usd_kg[good] * table.price[good, origin])) / (
        table.sigma[good] + 0.1
    )
    counted = (items["quantity"] > 0) & (table.kg_unit[good] > 0)
    unit_kg = items["net"] / np.where(counted, items["quantity"], 1)
    heavy = np.where(
        counted, np.log(np.maximum(unit_kg, 1e-9) / np.where(counted, table.kg_unit[good], 1.0)), 0
    )
    doubt: Array = np.clip(np.abs(cheap) - 1.0, 0.0, 3.0) * 0.7 + np.clip(heavy * 4.0 - 1.0, 0.0, 3.0) * 0.6
    odd: Array = doubt + 1.2 * ~table.sold_by[good, origin] * (batch.heads["direction"][batch.owner()] == 0)
    return odd


def _findings(rng: np.random.Generator, batch: Batch, cases: list[Case]) -> tuple[Array, Array]:
    """bool[m] found, i8[m] recovered in hundredths: of planted items, of schemes, of papers."""
    items, owner = batch.items, batch.owner()
    paid = items["duty"] + items["vat"]
    found = rng.random(len(items)) < FOUND[items["kind"]]
    recovered = np.where(found, np.maximum(items["due"] - paid, 0), 0)
    weight = found & (items["kind"] == ITEM_KINDS.index("overstated_weight"))
    recovered = np.where(weight, np.rint(paid * 0.1), recovered)  # a fine
    case, draws = batch.heads["case"][owner], rng.random(len(items))
    for index, planted in enumerate(cases, 1):
        if planted.kind in _SCHEMES:
            chance, share = _SCHEMES[planted.kind]
            hit = (case == index) & (draws < chance) & ~found
            found, recovered = found | hit, np.where(hit, np.rint(paid * share), recovered)
    papers = (rng.random(len(items)) < _PAPERS) & ~found
    return found | papers, np.where(papers, np.rint(paid * 0.02), recovered).astype(np.int64)
