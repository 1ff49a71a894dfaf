"""From declared price and mass to invoice, customs value, duty and VAT; and what would have been due."""

import numpy as np

from corridor.simulate import catalogue
from corridor.simulate.batch import Array, Batch
from corridor.simulate.rates import CURRENCIES

_USD = CURRENCIES.index("USD")


def settle(batch: Batch, rates: Array) -> None:
    """Fill invoice, value, duty and vat of every item from usd_kg, net, freight and the codes declared.

    rates: f8 by CURRENCIES. Money in hundredths, rounded half to even, at least one hundredth.
    """
    items = batch.items
    rate = rates[items["currency"]]
    invoice = items["usd_kg"] * (items["net"] / 1000) * (rates[_USD] / rate) * 100
    items["invoice"] = np.maximum(np.rint(invoice), 1).astype(np.int64)
    value = items["invoice"] * rate * (1 + items["freight"])
    items["value"] = np.maximum(np.rint(value), 1).astype(np.int64)
    right = np.rint(items["value"] * items["true_usd_kg"] / items["usd_kg"])
    taxed = batch.heads["direction"][batch.owner()] == 0
    duty, vat = taxes(items["value"], items["good"], items["origin"])
    items["duty"] = np.where(taxed, duty, 0)
    items["vat"] = np.where(taxed, vat, 0)
    items["due"] = np.where(taxed, sum(taxes(right, items["true_good"], items["true_origin"])), 0)


def taxes(value: Array, good: Array, origin: Array) -> tuple[Array, Array]:
    """Duty and VAT (i8, hundredths) on a value of a good of an origin."""
    table = catalogue.load()
    duty = np.rint(value * table.duty[good, origin]).astype(np.int64)
    vat = np.rint((value + duty) * table.vat[good]).astype(np.int64)
    return duty, vat
