"""Which record of an identity stands, and what an amendment follows: the twin of Flink's views.

Among the records of one (declaration_id, version) the first by (registered_at, content) stands. Another
one with the same content is a duplicate and is dropped; with other content it is a conflict (the
first decision stands).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from corridor.messages.columns import FUNCTIONS, Array, Declarations
from corridor.study.texts import declaration_ids


@dataclass(frozen=True, slots=True)
class Lineage:
    """For n records: bool[n] standing, duplicate, conflict (exactly one is true for each record).

    previous_version: int32[n], the greatest version below this one registered no later (0: none);
    original_declarant: int64[n] token of the declarant of its original, registered no later (0: none).
    """

    standing: NDArray[np.bool_]
    duplicate: NDArray[np.bool_]
    conflict: NDArray[np.bool_]
    previous_version: NDArray[np.int32]
    original_declarant: NDArray[np.int64]

    def take(self, rows: Array) -> "Lineage":
        """The same of the records `rows` only.

        It is their own lineage where they are all that was registered before some moment.
        """
        return Lineage(
            self.standing[rows],
            self.duplicate[rows],
            self.conflict[rows],
            self.previous_version[rows],
            self.original_declarant[rows],
        )


def lineage(batch: Declarations) -> Lineage:
    """Find the lineage of all records of `batch`, whatever their order in it."""
    heads = batch.heads
    identity = identities(batch)
    order = np.lexsort((heads["content"], heads["registered_at"], heads["version"], identity))
    version, content = heads["version"][order], heads["content"][order]
    same_id = identity[order]
    starts = np.ones(len(order), np.bool_)
    starts[1:] = (same_id[1:] != same_id[:-1]) | (version[1:] != version[:-1])
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    standing, duplicate = np.zeros(len(order), np.bool_), np.zeros(len(order), np.bool_)
    standing[order] = starts
    duplicate[order] = ~starts & (content == content[first])
    previous, declarant = _predecessors(heads, identity, standing)
    return Lineage(standing, duplicate, ~standing & ~duplicate, previous, declarant)


def identities(batch: Declarations) -> NDArray[np.int64]:
    """int64[n]: one number for each distinct declaration_id."""
    if not len(batch):
        return np.zeros(0, np.int64)
    encoded = pc.dictionary_encode(declaration_ids(batch))
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)


def _predecessors(
    heads: Array, identity: Array, standing: Array
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Find what stood before each record; only identities with more than one version need a look."""
    previous, declarant = np.zeros(len(heads), np.int32), np.zeros(len(heads), np.int64)
    counts = np.bincount(identity[standing], minlength=int(identity.max(initial=-1)) + 1)
    later = np.flatnonzero((heads["function"] != FUNCTIONS.index("original")) & (counts[identity] > 1))
    if not len(later):
        return previous, declarant
    involved = np.zeros(len(counts), np.bool_)
    involved[identity[later]] = True
    by_identity: dict[int, list[int]] = {}
    rows = np.flatnonzero(standing & involved[identity])
    for row in rows[np.lexsort((heads["version"][rows], heads["registered_at"][rows]))]:
        by_identity.setdefault(int(identity[row]), []).append(int(row))
    for row in later:
        head = heads[row]
        for other in by_identity[int(identity[row])]:
            before = heads[other]
            if before["version"] >= head["version"] or before["registered_at"] > head["registered_at"]:
                continue
            previous[row] = max(previous[row], before["version"])
            if before["function"] == FUNCTIONS.index("original"):
                declarant[row] = before["declarant"]
    return previous, declarant
