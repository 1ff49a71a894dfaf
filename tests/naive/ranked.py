"""Slow twin of kernels/ranked.py: one row, one split after another."""

import bisect
import math

import numpy as np


def rank(forest, g, x):
    """The rank of one value in group g; None if it is missing."""
    begin, size = int(forest.first_edge[g]), 1 << int(forest.steps[g])
    edges = forest.edge[begin : begin + size].tolist()
    if forest.kind[g] == 3:
        category = math.trunc(x) if math.isfinite(x) and -1 < x < 2**31 else -1
        return (
            int(forest.code[begin + edges.index(category)]) if category in edges else int(forest.unknown[g])
        )
    if abs(x) <= float(np.float32(1e-35)) or (math.isnan(x) and forest.kind[g] != 2):
        x = 0.0
    if math.isnan(x) or (forest.kind[g] == 1 and x == 0.0):
        return None
    return bisect.bisect_left(edges, x)


def raw(forest, rows):
    out = np.zeros(len(rows))
    for i, row in enumerate(rows):
        ranks = []
        for g, feature in enumerate(forest.feature):
            found = rank(forest, g, float(row[feature]))
            for column in range(forest.first_column[g], forest.first_column[g + 1]):
                ranks.append(int(forest.missing[column]) if found is None else found)
        for tree, first in enumerate(forest.first_leaf):
            leaf = 0
            for k in range(forest.first_split[tree], forest.first_split[tree + 1]):
                if leaf == forest.start[k] and ranks[forest.column[k]] > forest.above[k]:
                    leaf = int(forest.target[k])
            out[i] += forest.value[first + leaf]
    return out
