"""What the decisions on a batch add to the picture, taken from columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import Declarations
from corridor.messages.quality import HEAD_BITS
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
    customs_value, duty, vat: int64[n], minor units; grams: int64[n], net mass; late: bool[n].
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


def contributions(batch: Declarations, verdicts: "Verdicts", summands: Array | None = None) -> Contributions:
    """Take from a batch what its decisions add to the picture. summands: `sums.amounts`, if at hand."""
    heads = batch.heads
    sums = totals(batch.offsets, amounts(batch.items) if summands is None else summands)
    return Contributions(
        registered_at=heads["registered_at"],
        office=offices(batch),
        direction=heads["direction"],
        corridor=verdicts.corridor,
        function=heads["function"],
        version=heads["version"],
        items=np.diff(batch.offsets).astype(np.int32),
        customs_value=sums[:, 0],
        duty=sums[:, 2],
        vat=sums[:, 3],
        grams=sums[:, 1],
        late=(verdicts.quality & LATE) != 0,
    )


def offices(batch: Declarations) -> Array:
    """object[n]: the office of each declaration as its text stands, each distinct one decoded once.

    A token stands for a text and its look-alikes, so declarations flagged for those are read one by one.
    """
    out = np.empty(len(batch), object)
    odd = (batch.heads["quality"] & _LOOK_ALIKE) != 0
    plain = np.flatnonzero(~odd)
    _, first, at = np.unique(batch.heads["office"][plain], return_index=True, return_inverse=True)
    names = np.array([batch.texts(int(plain[i]))[1] for i in first], object)
    if len(plain):
        out[plain] = names[at]
    for i in np.flatnonzero(odd):
        out[i] = batch.texts(int(i))[1]
    return out
