"""What `judge` says of a batch: corridors, probabilities and the reasons that may be told."""

from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

Array = NDArray[Any]

REASONS: Final = 5
"""At most so many reasons a decision carries, largest first."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A `notify` rule spoke: told to the monitoring centre by group, never by rule id."""

    declaration: int  # index in the batch
    group: int  # index into groups.GROUPS
    item_no: int
    severity: int  # 0 info, 1 warning, 2 critical


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a candidate would have said of n declarations.

    rulebook: its version; corridor: int8[n], -1 where it was not asked, or failed; failed: on how many.
    """

    rulebook: str
    corridor: Array
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts on n declarations with m goods items, columns aligned with the batch.

    Probabilities are multiples of 1e-9 and contributions of 1e-6, so that their decimal
    text gives back the same bits.
    """

    corridor: Array  # int8[n], index into columns.CORRIDORS
    probability: Array  # float64[n]
    expected_loss: Array  # int64[n], minor units: what inspecting would bring in (see judge)
    basis: Array  # int8[n], index into groups.BASES
    at_random: Array  # bool[n], drawn for the random control group
    inclusion: Array  # float64[n], the probability with which it would be drawn
    item_probability: Array  # float64[m]
    item_corridor: Array  # int8[m]
    reason_group: Array  # int8[n, REASONS], index into groups.GROUPS, -1 for none
    reason_item: Array  # int32[n, REASONS], item_no, 0 for the declaration as a whole
    reason_contribution: Array  # float64[n, REASONS]
    quality: Array  # uint32[n], quality.HEAD_BITS completed by judge
    item_quality: Array  # uint32[m], quality.ITEM_BITS completed by judge
    notices: tuple[Notice, ...]
    rulebook: str
    shadow: Shadow | None = None
