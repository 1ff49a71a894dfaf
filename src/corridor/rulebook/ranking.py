"""From a forest as LightGBM has it to one over ranks (see kernels/ranked.py)."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.ranked import CATEGORY, LANES, UNROLL, RankedForest
from corridor.kernels.trees import CATEGORICAL, DEFAULT_LEFT, MISSING_NAN, MISSING_ZERO, Forest

_UINT16_MAX = 65_535


@dataclass
class _Group:
    """The splits that rank one feature in one way: edges rising, their codes, columns by default side."""

    feature: int
    kind: int
    edges: NDArray[np.float64]
    codes: NDArray[np.int64]
    columns: dict[bool, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps of the binary search; one edge more than needed, so that a rank is an index too."""
        return len(self.edges).bit_length()


@dataclass
class _Splits:
    """Splits in the order in which they are applied; one is (column, above, start, target)."""

    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    first: list[int] = field(default_factory=lambda: [0])

    def close_tree(self, never: int) -> None:
        """Fill up to a multiple of UNROLL with splits that no rank is above."""
        while len(self.rows) % UNROLL:
            self.rows.append((0, never, 0, 0))
        self.first.append(len(self.rows))


def rank(forest: Forest) -> RankedForest:
    """Rank a forest. Raises ValueError beyond 65,535 leaves in a tree or ranks of a feature."""
    kind = np.where(forest.decision & CATEGORICAL, CATEGORY, (forest.decision >> 2) & 3)
    members = {int(node): _members(forest, int(node)) for node in np.flatnonzero(kind == CATEGORY)}
    keys, group_of = np.unique(forest.feature * 4 + kind, return_inverse=True)
    groups = [_group(forest, int(key), np.flatnonzero(group_of == g), members) for g, key in enumerate(keys)]
    ordered = [_preorder(forest, int(root)) for root in forest.root]
    most = max([len(group.edges) + 1 for group in groups] + [len(leaves) for _, leaves in ordered], default=0)
    if most > _UINT16_MAX:
        raise ValueError(
            f"{most} leaves in a tree or thresholds of a feature; at most {_UINT16_MAX} are supported"
        )
    small = np.uint8 if most <= np.iinfo(np.uint8).max else np.uint16
    left = (forest.decision & DEFAULT_LEFT) != 0
    for group, side in sorted({(int(g), _side(int(kind[n]), bool(left[n]))) for n, g in enumerate(group_of)}):
        groups[group].columns[side] = sum(len(other.columns) for other in groups)
    splits = _Splits()
    for nodes, _ in ordered:
        for node, start, target in nodes:
            group = groups[group_of[node]]
            column = group.columns[_side(group.kind, bool(left[node]))]
            if group.kind == CATEGORY:
                splits.rows += _flips(group, members[node], column, start, target)
            else:
                above = int(np.searchsorted(group.edges, forest.threshold[node]))
                splits.rows.append((column, above, start, target))
        splits.close_tree(int(np.iinfo(small).max))
    return _arrays(groups, splits, [leaves for _, leaves in ordered], forest, small)


def _side(kind: int, left: bool) -> bool:
    """Whether a column's missing values go left; where none can be missing one column is enough."""
    return left and kind in (MISSING_ZERO, MISSING_NAN)


def _members(forest: Forest, node: int) -> NDArray[np.int64]:
    """Unpack the categories that go left, rising."""
    first = int(forest.first_word[node])
    words = forest.bits[first : first + int(forest.words[node])]
    return np.flatnonzero(np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little"))


def _group(forest: Forest, key: int, nodes: NDArray[Any], members: dict[int, NDArray[np.int64]]) -> _Group:
    feature, kind = divmod(key, 4)
    if kind != CATEGORY:
        edges = np.unique(forest.threshold[nodes])
        return _Group(feature, kind, edges, np.arange(len(edges)))
    sets = [members[int(node)] for node in nodes]
    edges, often = np.unique(np.concatenate(sets), return_counts=True)
    codes = np.empty(len(edges), np.int64)
    codes[np.argsort(-often, kind="stable")] = np.arange(1, len(edges) + 1)
    return _Group(feature, kind, edges.astype(np.float64), codes)


def _flips(
    group: _Group, members: NDArray[np.int64], column: int, start: int, target: int
) -> list[tuple[int, int, int, int]]:
    """Write a split by category as a chain of splits by rank, there and back at each end of a run.

    Ranks of categories begin with 1, and the rank behind the last is that of unknown ones, which
    go right. Categories that often go left have low ranks, so that runs are long.
    """
    goes_left = np.zeros(len(group.edges) + 2, bool)
    goes_left[group.codes[np.searchsorted(group.edges, members)]] = True
    goes_left[0] = True
    ends = np.flatnonzero(goes_left[1:] != goes_left[:-1])
    sides = (start, target)
    return [(column, int(end), sides[i % 2], sides[1 - i % 2]) for i, end in enumerate(ends)]


def _preorder(forest: Forest, root: int) -> tuple[list[tuple[int, int, int]], list[int]]:
    """List a tree's nodes as (node, first leaf of its left side, of its right side), and its leaves."""
    nodes: list[tuple[int, int, int]] = []
    leaves: list[int] = []
    stack = [(root, -1)]
    while stack:
        node, parent = stack.pop()
        if parent >= 0:  # the right child of nodes[parent]: all leaves of the left side are numbered
            nodes[parent] = (*nodes[parent][:2], len(leaves))
        if node < 0:
            leaves.append(~node)
            continue
        nodes.append((node, len(leaves), -1))
        stack.append((int(forest.right[node]), len(nodes) - 1))
        stack.append((int(forest.left[node]), -1))
    return nodes, leaves


def _arrays(
    groups: list[_Group], splits: _Splits, leaves: list[list[int]], forest: Forest, small: Any
) -> RankedForest:
    edge, code, missing = [np.empty(0)], [np.empty(0, np.int64)], []
    first_edge = np.cumsum([0] + [1 << group.steps for group in groups])
    for group in groups:
        spare = (1 << group.steps) - len(group.edges)
        edge += [group.edges, np.full(spare, np.inf)]
        code += [group.codes, np.zeros(spare, np.int64)]
        missing += [0 if side else len(group.edges) for side in group.columns]
    rows = np.array(splits.rows, np.int64).reshape(-1, 4)
    order = np.array([leaf for tree in leaves for leaf in tree], np.int64)
    arrays = {
        "feature": [group.feature for group in groups],
        "kind": np.array([group.kind for group in groups], np.int8),
        "steps": [group.steps for group in groups],
        "first_edge": first_edge[:-1],
        "edge": np.concatenate(edge),
        "code": np.concatenate(code),
        "unknown": [len(group.edges) + 1 for group in groups],
        "first_column": np.cumsum([0] + [len(group.columns) for group in groups]),
        "missing": missing,
        "first_split": splits.first,
        "column": rows[:, 0],
        "above": rows[:, 1].astype(small),
        "start": rows[:, 2].astype(small),
        "target": rows[:, 3].astype(small),
        "first_leaf": np.cumsum([0] + [len(tree) for tree in leaves])[:-1],
        "value": forest.value[order],
    }
    return RankedForest.of(**arrays)


def paths(forest: Forest, groups: NDArray[np.int8]) -> NDArray[np.float64]:
    """float64[l, W]: what each group of features in use moves the score on the way to a leaf.

    Leaves stand from left to right, tree by tree, as in the ranked forest; groups: int8[F]; columns are
    the groups in use, rising, filled up with zeros to a multiple of LANES.
    """
    used, column = np.unique(groups, return_inverse=True)
    width = -(-max(len(used), 1) // LANES) * LANES
    moved: list[NDArray[np.float64]] = []
    for root in forest.root:
        stack = [(int(root), np.zeros(width))]
        while stack:
            node, way = stack.pop()
            if node < 0:
                moved.append(way)
                continue
            for child in (int(forest.right[node]), int(forest.left[node])):
                further = way.copy()
                after = forest.expected[child] if child >= 0 else forest.value[~child]
                further[column[forest.feature[node]]] += after - forest.expected[node]
                stack.append((child, further))
    return np.array(moved).reshape(-1, width)
