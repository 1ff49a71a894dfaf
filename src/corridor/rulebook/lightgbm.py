"""LightGBM's text model, read into the flat arrays that the tree kernels walk.

Format: `Tree::ToString` and `GBDT::SaveModelToString` of LightGBM 4 (src/io/tree.cpp,
src/boosting/gbdt_model_text.cpp). Anything that the kernels would not reproduce bit for bit is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from corridor.errors import RulebookError
from corridor.kernels.trees import CATEGORICAL, FOREST_TYPES, MISSING_NAN, Forest

_LAST_LINE: Final = "end of trees"
_VERSION: Final = "v4"
_MOST_BYTES: Final = 256 << 20
_PER_NODE: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")


@dataclass(frozen=True)
class Tree:
    """One tree as it stands in the file: its name for messages, and its `key=value` lines."""

    where: str
    values: dict[str, str]

    def fail(self, what: str) -> RulebookError:
        """Make the error that names file and tree; the caller raises it."""
        return RulebookError(f"{self.where}: {what}; save the model again with Booster.save_model")

    def number(self, key: str, default: int | None = None) -> int:
        """One integer."""
        if key not in self.values and default is not None:
            return default
        return int(self.array(key, np.int64, 1)[0])

    def array(self, key: str, dtype: Any, size: int) -> Any:
        """`size` numbers parted by blanks."""
        if size == 0:
            return np.empty(0, dtype)
        try:
            values = np.array([dtype(part) for part in self.values[key].split()], dtype)
        except (KeyError, ValueError, OverflowError) as error:
            raise self.fail(f"{key} is missing or not a list of numbers") from error
        if len(values) != size:
            raise self.fail(f"{key} has {len(values)} values, not {size}")
        return values


def read(path: Path, objectives: Sequence[str] = ()) -> tuple[tuple[str, ...], Forest]:
    """Feature names and trees of a LightGBM text model, trained with one of `objectives` if any are given.

    Raises RulebookError for a file that is cut short, inconsistent, or of a kind that is not
    supported: several classes, linear leaves, averaged (random-forest) output, another objective.
    """
    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise RulebookError(f"{path}: {size:,} bytes; a model has at most {_MOST_BYTES:,}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulebookError(f"{path}: cannot be read as a LightGBM text model ({error})") from error
    body, end, _ = text.partition(f"\n{_LAST_LINE}")
    if not body.startswith("tree\n") or not end:
        raise RulebookError(f"{path}: not a whole LightGBM text model; save it with Booster.save_model")
    head, *trees = body.split("\nTree=")
    values = _lines(head)
    if values.get("version") != _VERSION:
        raise RulebookError(
            f"{path}: version {values.get('version', 'none')[:20]!r} of the text format, not {_VERSION!r}; "
            "save it with LightGBM 4"
        )
    _refuse_kinds(path, values, head)
    objective = (values.get("objective", "").split() or ["none"])[0]
    if objectives and objective not in objectives:
        raise RulebookError(
            f"{path}: a model of the objective {objective[:20]!r}; train one with {' or '.join(objectives)}"
        )
    names = tuple(values.get("feature_names", "").split())
    parsed = [Tree(f"{path}: tree {block.split(chr(10), 1)[0]}", _lines(block)) for block in trees]
    return names, _join([_tree(tree, len(names)) for tree in parsed])


def _lines(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.split("\n") if "=" in line)


def _refuse_kinds(path: Path, values: dict[str, str], head: str) -> None:
    if values.get("num_class", "1") != "1" or values.get("num_tree_per_iteration", "1") != "1":
        raise RulebookError(f"{path}: a model of several classes; train one with a binary objective")
    if "average_output" in head.split("\n"):
        raise RulebookError(f"{path}: an averaged (random-forest) model; train one with boosting=gbdt")


def _tree(tree: Tree, features: int) -> Forest:
    """One tree with node and leaf numbers of its own."""
    if tree.number("is_linear", 0):
        raise tree.fail("leaves are linear models, which are not supported; train with linear_tree=false")
    leaves = tree.number("num_leaves")
    if leaves < 1:
        raise tree.fail(f"num_leaves is {leaves}")
    types: dict[str, Callable[[str], Any]] = {"threshold": np.float64}
    feature, threshold, decision, left, right = (
        tree.array(key, types.get(key, np.int64), leaves - 1) for key in _PER_NODE
    )
    if np.any((feature < 0) | (feature >= features)):
        raise tree.fail(f"a split names a feature beyond the {features} of the model")
    if np.any((decision < 0) | (decision > 0b1111) | ((decision >> 2) & 3 > MISSING_NAN)):
        raise tree.fail("decision_type holds an unknown missing type")
    value = tree.array("leaf_value", np.float64, leaves)
    count = np.maximum(tree.array("leaf_count", np.int64, leaves if leaves > 1 else 0), 0)
    if not np.isfinite(value).all() or np.isnan(threshold).any():
        raise tree.fail("a leaf value or threshold is not a number")
    first_word, words, bits = _categories(tree, decision, threshold)
    return Forest.of(
        root=[0 if leaves > 1 else -1], feature=feature, threshold=threshold, decision=decision, left=left,
        right=right, first_word=first_word, words=words, bits=bits, value=value,
        expected=_expected(tree, left, right, value, count),
    )  # fmt: skip


def _categories(tree: Tree, decision: Any, threshold: Any) -> tuple[Any, Any, Any]:
    """For each node the first word and number of words of its category bitset, and all words."""
    categorical = (decision & CATEGORICAL) != 0
    first, words = np.zeros(len(decision), np.int64), np.zeros(len(decision), np.int64)
    sets = tree.number("num_cat", 0)
    if not categorical.any():
        return first, words, np.empty(0, np.uint32)
    bounds = tree.array("cat_boundaries", np.int64, sets + 1)
    if bounds[0] != 0 or np.any(np.diff(bounds) < 0):
        raise tree.fail("cat_boundaries do not rise from 0")
    index = threshold[categorical].astype(np.int64)
    if np.any((index < 0) | (index >= sets)):
        raise tree.fail(f"a categorical split names a set beyond the {sets} of the tree")
    first[categorical] = bounds[index]
    words[categorical] = bounds[index + 1] - bounds[index]
    return first, words, tree.array("cat_threshold", np.uint32, int(bounds[-1]))


def _expected(tree: Tree, left: Any, right: Any, value: Any, count: Any) -> Any:
    """Each node's mean leaf value, weighted by the training rows that reached the leaves.

    The file's internal_value is rounded to six digits, so it is worked out anew.
    """
    nodes = len(left)
    if nodes == 0:
        return np.empty(0)
    order, seen = [0], np.zeros(nodes, bool)
    reached = np.zeros(nodes + 1, np.int64)
    for node in order:
        if seen[node]:
            raise tree.fail("the nodes do not form a tree")
        seen[node] = True
        for child in (left[node], right[node]):
            if not -nodes - 1 <= child < nodes:
                raise tree.fail(f"a child {child} beyond the tree's {nodes} nodes and {nodes + 1} leaves")
            if child >= 0:
                order.append(int(child))
            else:
                reached[~child] += 1
    if not seen.all() or np.any(reached != 1):
        raise tree.fail("the nodes do not form a tree")
    weight, expected = np.zeros(nodes), np.zeros(nodes)
    for node in reversed(order):
        children = left[node], right[node]
        a, b = (weight[c] if c >= 0 else count[~c] for c in children)
        x, y = (expected[c] if c >= 0 else value[~c] for c in children)
        weight[node] = a + b
        expected[node] = (a * x + b * y) / (a + b) if a + b else (x + y) / 2
    return expected


def _join(trees: list[Forest]) -> Forest:
    """All trees in one set of arrays; nodes, leaves and words are numbered through."""
    joined: dict[str, list[Any]] = {name: [] for name in Forest._fields}
    nodes = leaves = words = 0
    for tree in trees:
        shifted = tree._replace(
            root=np.where(tree.root >= 0, tree.root + nodes, tree.root - leaves),
            left=np.where(tree.left >= 0, tree.left + nodes, tree.left - leaves),
            right=np.where(tree.right >= 0, tree.right + nodes, tree.right - leaves),
            first_word=tree.first_word + words,
        )
        for name, values in shifted._asdict().items():
            joined[name].append(values)
        nodes, leaves, words = nodes + len(tree.left), leaves + len(tree.value), words + len(tree.bits)
    arrays = {name: np.concatenate([(), *parts]) for name, parts in joined.items()}
    return Forest.of(**{name: values.astype(FOREST_TYPES[name]) for name, values in arrays.items()})
