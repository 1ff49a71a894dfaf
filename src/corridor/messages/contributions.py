"""What the decisions on a batch add to the picture, taken from columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import Declarations
from corridor.messages.quality import HEAD_BITS, flagged
from corridor.messages.sums import amounts, totals

if TYPE_CHECKING:
    from corridor.verdicts import Verdicts

Array = NDArray[Any]

LATE: Final = HEAD_BITS["late"]
_LOOK_ALIKE: Final = HEAD_BITS["look_alike"]


@dataclass(frozen=True, slots=True)
class Contributions:
    """What n decisions add to the picture, a row a declaration.

    registered_at: int64[n], microseconds; office: object[n] of str; direction, corridor, function:
    int8[n], indices into columns.DIRECTIONS, CORRIDORS, FUNCTIONS; version, items: int32[n];
    customs_value, duty, vat: int64[n], minor units; grams: int64[n], net mass; late: bool[n]; flagged:
    bool[n], with a data-quality flag; transport_mode: int8[n], 1 to 9, 0 unknown.
    """

    registered_at: Array
    office: Array
    direction: Array
    corridor: Array
    function: Array
    version: Array
    items: Array
    customs_value: Array
    duty: Array
    vat: Array
    grams: Array
    late: Array
    flagged: Array
    transport_mode: Array


def contributions(batch: Declarations, verdicts: "Verdicts", summands: Array | None = None) -> Contributions:
    """Take from a batch what its decisions add to the picture. summands: `sums.amounts`, if at hand."""
    late = (verdicts.quality & LATE) != 0
    odd = flagged(verdicts.quality, verdicts.item_quality, batch.offsets)
    return contributions_of(batch, verdicts.corridor, late, odd, summands)


def contributions_of(
    batch: Declarations, corridor: Array, late: Array, odd: Array, summands: Array | None = None
) -> Contributions:
    """The same from what is kept of verdicts: corridor int8[n], indices into CORRIDORS; late, odd (flagged) bool[n]."""
    heads = batch.heads
    sums = totals(batch.offsets, amounts(batch.items) if summands is None else summands)
    return Contributions(
        registered_at=heads["registered_at"],
        office=names(batch, "office"),
        direction=heads["direction"],
        corridor=corridor,
        function=heads["function"],
        version=heads["version"],
        items=np.diff(batch.offsets).astype(np.int32),
        customs_value=sums[:, 0],
        duty=sums[:, 2],
        vat=sums[:, 3],
        grams=sums[:, 1],
        late=late,
        flagged=odd,
        transport_mode=heads["transport_mode"],
    )


def names(batch: Declarations, of: Literal["office", "importer"]) -> Array:
    """object[n]: the office or importer of each declaration as its text stands, each distinct one decoded once.

    A token stands for a text and its look-alikes, so declarations flagged for those are read one by one.
    """
    heads, text = batch.heads, batch.text.tobytes()
    starts = batch.text_starts + heads["id_length"]
    if of == "importer":
        starts = starts + heads["office_length"]
    ends = starts + heads[f"{of}_length"]

    def texts(rows: Array) -> list[str]:
        return [text[a:b].decode() for a, b in zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)]

    out = np.empty(len(batch), object)
    odd = (heads["quality"] & _LOOK_ALIKE) != 0
    plain = np.flatnonzero(~odd)
    _, first, at = np.unique(heads[of][plain], return_index=True, return_inverse=True)
    out[plain] = np.array([*texts(plain[first]), None], object)[at]
    out[odd] = np.array([*texts(np.flatnonzero(odd)), None], object)[:-1]
    return out
