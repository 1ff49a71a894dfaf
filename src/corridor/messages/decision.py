"""decision.v1: the corridor of a declaration and why, as bytes.

What the picture takes from decisions is stated in `contributions` (on the way out, from columns) and
`decided` (from bytes); both are passed on here.
"""

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import write
from corridor.kernels._jit import readonly
from corridor.kernels.documents import ITEM_VERDICT, REASON, VERDICT, Batch, Judged, Same
from corridor.kernels.documents import rows as name_rows
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, HEAD, ITEM, Declarations
from corridor.messages.contributions import LATE, Contributions, contributions
from corridor.messages.decided import Decided, decode_decisions, decode_shadow
from corridor.messages.moment_text import rfc3339
from corridor.messages.quality import flagged
from corridor.messages.sums import Goods, amounts, goods, totals
from corridor.messages.vocabulary import BASES, GROUPS

if TYPE_CHECKING:
    from corridor.verdicts import Verdicts

Array = NDArray[Any]

__all__ = [
    "Contributions",
    "Decided",
    "Goods",
    "contributions",
    "decode_decisions",
    "decode_shadow",
    "encode",
    "goods",
    "split",
]


def encode(batch: Declarations, verdicts: "Verdicts", decided_at: int) -> list[bytes]:
    """decision.v1 of each declaration, without line ends. decided_at: microseconds since 1970."""
    shadow = verdicts.shadow
    same = Same(
        _NAMES,
        member("decided_at", rfc3339(decided_at)),
        member("rulebook", verdicts.rulebook),
        _opened("shadow", {"rulebook": "" if shadow is None else shadow.rulebook}),
    )
    source, judged = source_of(batch), _judged(batch, verdicts, amounts(batch.items))
    sizes = (
        np.diff(batch.offsets) * write.ITEM_BYTES + write.HEAD_BYTES + len(same.rulebook) + len(same.shadow)
    )
    for name in _LENGTHS:
        sizes += write.ESCAPED * batch.heads[name].astype(np.int64)
    firsts = range(0, len(batch), _AT_ONCE)
    out = np.empty(max((int(sizes[first : first + _AT_ONCE].sum()) for first in firsts), default=0), np.uint8)
    ends = np.empty(min(len(batch), _AT_ONCE), np.int64)
    documents: list[bytes] = []
    for first in firsts:
        part = ends[: len(batch) - first]
        write.decisions(source, judged, same, first, out, part)
        documents += split(out, part)
    return documents


def split(block: Array, ends: Array) -> list[bytes]:
    """Cut a buffer into its documents."""
    stops = ends.tolist()
    raw = block[: stops[-1]].tobytes() if stops else b""
    return [raw[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]


_AT_ONCE: Final = 256
"""Declarations written before they are cut: their buffer stays in the cache and is used again."""
_LENGTHS = ("id_length", "office_length", "importer_length")


def source_of(batch: Declarations) -> Batch:
    """Bring the batch into the one form that the writer is compiled for."""
    return Batch(
        readonly(batch.heads, HEAD),
        readonly(batch.items, ITEM),
        readonly(batch.offsets, np.int64),
        readonly(batch.text, np.uint8),
        readonly(batch.text_starts, np.int64),
    )


def _judged(batch: Declarations, verdicts: "Verdicts", summands: Array) -> Judged:
    rows, items = np.zeros(len(batch), VERDICT), np.empty(len(batch.items), ITEM_VERDICT)
    for name in ("probability", "inclusion", "expected_loss", "at_random"):
        rows[name] = getattr(verdicts, name)
    sums = totals(batch.offsets, summands)
    for column, name in enumerate(("customs_value", "grams", "duty", "vat")):
        rows[name] = sums[:, column]
    rows["late"] = (verdicts.quality & LATE) != 0
    rows["flagged"] = flagged(verdicts.quality, verdicts.item_quality, batch.offsets)
    rows["function"] = batch.heads["function"] + _AT["function"]
    rows["direction"] = batch.heads["direction"] + _AT["direction"]
    rows["corridor"] = verdicts.corridor + _AT["corridor"]
    rows["basis"] = verdicts.basis + _AT["basis"]
    asked = np.full(len(batch), -1) if verdicts.shadow is None else verdicts.shadow.corridor
    rows["shadow"] = np.where(asked < 0, -1, asked + _AT["corridor"])
    items["probability"], items["grams"] = verdicts.item_probability, summands[:, 1]
    items["corridor"] = verdicts.item_corridor + _AT["corridor"]
    reasons = np.empty(verdicts.reason_group.shape, REASON)
    reasons["contribution"], reasons["item_no"] = verdicts.reason_contribution, verdicts.reason_item
    reasons["group"] = np.where(verdicts.reason_group < 0, -1, verdicts.reason_group + _AT["group"])
    return Judged(readonly(rows, VERDICT), readonly(items, ITEM_VERDICT), readonly(reasons, REASON))


def member(name: str, text: str) -> Array:
    """uint8[...]: one more member of an object, as JSON from the comma on, ASCII only."""
    return np.frombuffer(f',"{name}":{json.dumps(text)}'.encode(), np.uint8)


def _opened(name: str, inner: dict[str, str]) -> Array:
    """uint8[...]: one more member that is an object, to which the next one is still to be written."""
    return np.frombuffer(f',"{name}":{json.dumps(inner, separators=(",", ":"))[:-1]}'.encode(), np.uint8)


_VOCABULARIES: Final = {
    "function": (',"function":', FUNCTIONS),
    "direction": (',"direction":', DIRECTIONS),
    "corridor": (',"corridor":', CORRIDORS),
    "basis": (',"basis":', BASES),
    "group": ('{"group":', GROUPS),
}
_NAMES: Final = readonly(
    name_rows(*(f'{key}"{name}"' for key, names in _VOCABULARIES.values() for name in names)), np.uint8
)
_AT: Final = dict(
    zip(
        _VOCABULARIES,
        np.cumsum([0, *(len(names) for _, names in _VOCABULARIES.values())]).tolist(),
        strict=False,
    )
)
"""Where each vocabulary begins among the names."""
