"""Slow twin of what inspecting a declaration is expected to bring in: an item, a tree, a node after another."""

import math

from tests.naive import trees


def shares(forest, rows):
    """Of each row the share of its payments that a finding brings in."""
    return [share(float(raw)) for raw in trees.raw(forest, rows)]


def share(raw):
    return min(math.exp(min(raw, 700.0)), 20.0)


def loss(probabilities, payments, of_payments):
    """Minor units of one declaration, from each item's probability, payments in minor units and share of them."""
    found = 0
    for p, paid, part in zip(probabilities, payments, of_payments, strict=True):
        found += min(math.floor(p * paid * part + 0.5), 9 * 10**15)
    return found
