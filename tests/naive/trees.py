"""Slow twin of kernels/trees.py: one row, one tree, one node after another."""

import math

import numpy as np


def is_left(forest, node, x):
    decision = int(forest.decision[node])
    if decision & 1:
        if math.isnan(x) or math.isinf(x) or not 0 <= math.trunc(x) < 2**31:
            return False
        word, bit = divmod(math.trunc(x), 32)
        if word >= forest.words[node]:
            return False
        return bool(int(forest.bits[forest.first_word[node] + word]) >> bit & 1)
    missing = ("none", "zero", "nan")[decision >> 2 & 3]
    zero = float(np.float32(1e-35))
    if -zero <= x <= zero or (math.isnan(x) and missing != "nan"):
        x = 0.0
    if (missing == "zero" and x == 0.0) or (missing == "nan" and math.isnan(x)):
        return bool(decision & 2)
    return x <= forest.threshold[node]


def path(forest, tree, row):
    """The nodes of a row's way, its leaf as ~leaf last."""
    node = int(forest.root[tree])
    way = [node]
    while node >= 0:
        left = is_left(forest, node, float(row[forest.feature[node]]))
        node = int(forest.left[node] if left else forest.right[node])
        way.append(node)
    return way


def raw(forest, rows):
    out = np.zeros(len(rows))
    for i, row in enumerate(rows):
        for tree in range(len(forest.root)):
            out[i] += forest.value[~path(forest, tree, row)[-1]]
    return out


def contributions(forest, rows):
    out = np.zeros(rows.shape)
    for i, row in enumerate(rows):
        for tree in range(len(forest.root)):
            way = path(forest, tree, row)
            level = [forest.expected[n] if n >= 0 else forest.value[~n] for n in way]
            for node, before, after in zip(way[:-1], level[:-1], level[1:], strict=True):
                out[i, forest.feature[node]] += after - before
    return out
