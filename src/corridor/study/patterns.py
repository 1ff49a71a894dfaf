"""Candidates for rules: what the paths of small boosted trees say of goods items, in the language of rules.

Trees only propose. A path is taken apart into comparisons, thresholds are rounded to what a person would write, every
part of the path is a candidate of its own, and where it holds is asked of the rules' kernel, not of the trees.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import lightgbm
import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import Array
from corridor.messages.tokens import untoken
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.lists import CodeList
from corridor.study.advice import STANDARD_LISTS
from corridor.study.conditions import Runner
from corridor.study.material import Material, code_text

TREES: Final = 120
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "num_leaves": 20,
    "max_depth": 5,
    "learning_rate": 0.15,
    "min_data_in_leaf": 15,
    "feature_fraction": 0.35,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
    "verbose": -1,
    "num_threads": 1,
}
LONGEST: Final = 4
"""Comparisons in a condition: more, and nobody can say what it means."""
CODES_TRIED: Final = 25
"""Of each field the commonest codes of items with findings, and of all items."""
NEVER: Final = (
    *("declaration.registered_at", "declaration.version", "item.item_no", "norm.level", "model.probability"),
    "declaration.transport_mode",
)
"""Numbers that say nothing by their size, or that know the results."""
CODED: Final = (
    *("declaration.direction", "declaration.office", "declaration.procedure", "declaration.delivery_terms"),
    *("declaration.dispatch_country", "item.origin_country", "item.hs2", "item.hs4", "item.hs6", "item.unit"),
    "item.currency",
)
_LISTED: Final = ("declaration.dispatch_country", "item.origin_country")
_WRITABLE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._/-]{0,39}")
"""Codes that can stand in a rule without a doubt; others are left out."""
_HUGE: Final = 1e300
"""LightGBM's threshold between what is known and what is missing lies beyond every number."""


@dataclass(frozen=True, slots=True, order=True)
class Comparison:
    """One part of a condition: what it is of (a field, or a condition without numbers), low or high, and its text."""

    subject: str
    side: str  # low, high, is
    text: str
    bound: float = 0.0


Pattern = tuple[Comparison, ...]
"""What must all hold, in the order of subjects, one bound of a kind for each."""


def condition(pattern: Pattern) -> str:
    """A pattern in the language of rules."""
    return " and ".join(comparison.text for comparison in pattern)


def narrowed(comparisons: Iterable[Comparison]) -> Pattern:
    """A pattern of comparisons: of several bounds of one field the narrowest."""
    kept: dict[tuple[str, str], Comparison] = {}
    for one in comparisons:
        key = one.subject, one.side if one.side != "is" else one.text
        other = kept.get(key)
        if other is None or (one.bound > other.bound if one.side == "low" else one.bound < other.bound):
            kept[key] = one
    return tuple(kept[key] for key in sorted(kept, key=lambda key: (key[0], key[1] != "low", key[1])))


@dataclass(frozen=True)
class Features:
    """What trees may look at: float64[k, F], numbers first, then conditions as 1, 0 and NaN for unknown."""

    numbers: tuple[str, ...]
    conditions: tuple[str, ...]
    rows: Array
    whole: frozenset[str]

    @classmethod
    def of(cls, runner: Runner, material: Material, hit: Array) -> "Features":
        """Fields and codes of the runner's items; hit: bool[k], which of them had a finding."""
        columns, inside = runner.columns, runner.inside
        kept = {f"history.{party}_{bucket}" for party, bucket in columns.rulebook.policy.histories}
        numbers = tuple(name for name in FIELDS if _is_number(name, kept))
        values = np.column_stack([columns.number(name)[inside] for name in numbers])
        conditions = tuple(
            text for text in _conditions(runner, material, hit) if runner.parsed(text) is not None
        )
        true, false = runner.run(conditions), runner.run([f"not ({text})" for text in conditions])
        states = np.where(true, 1.0, np.where(false, 0.0, np.nan)).T
        known = np.where(np.isnan(values), 0.0, values)
        whole = frozenset(n for n, x in zip(numbers, known.T, strict=True) if bool((x == np.floor(x)).all()))
        return cls(numbers, conditions, np.column_stack([values, states.reshape(len(inside), -1)]), whole)


def _is_number(name: str, histories: set[str]) -> bool:
    """Numbers that a rule can compare. What the rulebook knows of participants is left out: it knows their results."""
    field = FIELDS[name]
    if field.kind != "number" or name in NEVER or name.startswith("participant."):
        return False
    return not name.startswith("history.") or name.rpartition("_")[0] in histories


def _conditions(runner: Runner, material: Material, hit: Array) -> Iterator[str]:
    yield from (name for name in FIELDS if name.startswith("quality."))
    yield "declaration.dispatch_country != item.origin_country"
    for name, found in runner.lists.items():
        yield from (f"{field} in lists.{name}" for field in asked_of(found))
    modes = np.unique(runner.columns.number("declaration.transport_mode")[runner.inside])
    yield from (f"declaration.transport_mode == {mode:g}" for mode in modes if math.isfinite(mode))
    for field in CODED:
        values = runner.columns.code(field)[runner.inside]
        for code in dict.fromkeys([*_commonest(values[hit]), *_commonest(values)]):
            text = code_text(material.reading, code, FIELDS[field].kind)
            if text and _WRITABLE.fullmatch(text):
                yield f'{field} == "{text}"'


def asked_of(found: CodeList) -> tuple[str, ...]:
    """The fields that a condition may look up in a list; none of what knows people, or serves data quality."""
    if found.name in STANDARD_LISTS:
        return ()
    if found.is_hs:
        return ("item.hs_code",)
    countries = all(re.fullmatch(r"[A-Z]{2}", untoken(code) or "") for code in found.tokens.tolist())
    return _LISTED if countries else ()


def _commonest(codes: Array) -> list[int]:
    distinct, counts = np.unique(codes[codes != 0], return_counts=True)
    found: list[int] = distinct[np.argsort(-counts, kind="stable")][:CODES_TRIED].tolist()
    return found


def grown(features: Features, hit: Array, where: Array) -> set[Pattern]:
    """Every part of every path of trees trained on the rows `where` (bool[k])."""
    names = [f"f{i}" for i in range(features.rows.shape[1])]
    data = lightgbm.Dataset(features.rows[where], hit[where], feature_name=names)
    booster = lightgbm.train(PARAMETERS, data, TREES)
    found: set[Pattern] = set()
    for tree in booster.dump_model()["tree_info"]:
        for path in _paths(tree["tree_structure"], (), features):
            whole = narrowed(path)
            for size in range(1, min(len(whole), LONGEST) + 1):
                found.update(combinations(whole, size))
    return found


def _paths(
    node: dict[str, Any], above: tuple[Comparison, ...], features: Features
) -> Iterator[tuple[Comparison, ...]]:
    if "split_feature" not in node:
        yield above
        return
    for side, child in (("high", "left_child"), ("low", "right_child")):
        comparison = _comparison(node["split_feature"], float(node["threshold"]), side, features)
        yield from _paths(node[child], (*above, comparison) if comparison else above, features)


def _comparison(index: int, threshold: float, side: str, features: Features) -> Comparison | None:
    """What it means to go left (side high: at most the threshold) or right; None where it cannot be said."""
    if index >= len(features.numbers):
        text = features.conditions[index - len(features.numbers)]
        if abs(threshold) > _HUGE:
            return None
        return Comparison(text, "is", text if side == "low" else f"not ({text})")
    name = features.numbers[index]
    if abs(threshold) > _HUGE:
        return Comparison(f"has({name})", "is", f"has({name})" if side == "high" else f"not has({name})")
    if name in features.whole:
        bound = rounded(math.floor(threshold) + (side == "low"))
        return Comparison(name, side, f"{name} {'>=' if side == 'low' else '<='} {written(bound)}", bound)
    bound = rounded(threshold)
    return Comparison(name, side, f"{name} {'>' if side == 'low' else '<='} {written(bound)}", bound)


def rounded(x: float) -> float:
    """Three digits, as a person would write it."""
    return float(f"{x:.3g}")


def written(x: float) -> str:
    """A number as rules write it, without an exponent where it can be."""
    return (
        f"{x:.0f}" if x == math.floor(x) and abs(x) < 1e15 else f"{x:.12g}" if abs(x) >= 1e-4 else f"{x:.3g}"
    )


def packed(masks: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """uint64[L, ceil(k / 64)] of bool[L, k]: 64 items a word, the last word filled with zeros."""
    bits = np.packbits(masks, axis=1)
    return np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8))).view(np.uint64)


def unpacked(bits: NDArray[np.uint64], k: int) -> NDArray[np.bool_]:
    """bool[k] of one row of `packed`."""
    return np.asarray(np.unpackbits(bits.view(np.uint8), count=k) != 0)
