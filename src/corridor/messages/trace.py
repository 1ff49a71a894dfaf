"""trace.v1, restricted: what `judge` was given beside the declaration, so that it can be asked again.

The declaration, its trace and the rulebook give the same decision, bit for bit.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.kernels import write
from corridor.kernels._jit import readonly
from corridor.kernels.documents import GIVEN
from corridor.messages.columns import NO_MONEY, Declarations
from corridor.messages.decision import member, source_of, split

if TYPE_CHECKING:
    from corridor.history import History

Array = NDArray[Any]

_FIXED = 256
"""More bytes than a trace takes without its identity, rulebook and histories."""
_LONGEST = 255
_VALUE = 24
"""More bytes than a history's value takes with its comma."""


class Trace(msgspec.Struct, frozen=True):
    """One trace.v1. history: counts, and sums in minor units; None where it was not known."""

    declaration_id: str
    version: int
    rulebook: str
    late: bool
    previous_version: int
    original_declarant_same: bool | None
    history: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Traced:
    """n traces as columns, for a batch of the same n declarations in the same order.

    names: k names; values: int64[k, n], NO_MONEY where null; late: bool[n]; previous_version: int32[n];
    original_declarant: int8[n], 1 the same, 0 another, -1 unknown; rulebooks: n versions.
    """

    names: tuple[str, ...]
    values: Array
    late: Array
    previous_version: Array
    original_declarant: Array
    rulebooks: list[str]


def encode(batch: Declarations, history: "History", rulebook: str) -> list[bytes]:
    """trace.v1 of each declaration, without line ends."""
    given = np.zeros(len(batch), GIVEN)
    given["late"], given["previous_version"] = history.late, history.previous_version
    same = history.original_declarant == batch.heads["declarant"]
    given["same_declarant"] = np.where(history.original_declarant == 0, -1, same)
    values = np.where(history.late, NO_MONEY, history.values).T
    keys, version = _keys(history.names), member("rulebook", rulebook)
    size = len(batch) * (_FIXED + len(version) + keys.size + _VALUE * len(keys))
    size += write.ESCAPED * int(batch.heads["id_length"].sum(dtype=np.int64))
    out, ends = np.empty(size, np.uint8), np.empty(len(batch), np.int64)
    write.traces(
        source_of(batch), readonly(given, GIVEN), readonly(values, np.int64), keys, version, out, ends
    )
    return split(out, ends)


def _keys(names: tuple[str, ...]) -> Array:
    """uint8[k, w + 1]: the histories' names as JSON keys, their lengths in the last byte."""
    keys = [f"{',' if k else ''}{json.dumps(name)}:".encode() for k, name in enumerate(names)]
    out = np.zeros((len(keys), max(map(len, keys), default=0) + 1), np.uint8)
    for row, key in zip(out, keys, strict=True):
        if len(key) > _LONGEST:
            raise InputError(f"the history {key.decode()} has too long a name; give at most {_LONGEST} bytes")
        row[: len(key)], row[-1] = np.frombuffer(key, np.uint8), len(key)
    return readonly(out, np.uint8)


_decode = msgspec.json.Decoder(Trace).decode


def decode(lines: Sequence[bytes]) -> list[Trace]:
    """Traces from their bytes. InputError names the line that is none."""
    traces = []
    for number, line in enumerate(lines, 1):
        try:
            traces.append(_decode(line))
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise InputError(
                f"trace {number} is no trace.v1: {error}; give what `corridor run` wrote"
            ) from None
    return traces


def columns(traces: Sequence[Trace]) -> Traced:
    """Traces as columns; all must carry the same histories."""
    names = tuple(traces[0].history) if traces else ()
    for number, trace in enumerate(traces, 1):
        if tuple(trace.history) != names:
            raise InputError(
                f"trace {number} ({trace.declaration_id!r}) has the histories {list(trace.history)}, "
                f"the first {list(names)}; give traces of one rulebook at a time"
            )
    values = [[NO_MONEY if value is None else value for value in trace.history.values()] for trace in traces]
    same = [-1 if t.original_declarant_same is None else int(t.original_declarant_same) for t in traces]
    return Traced(
        names,
        np.array(values, np.int64).reshape(len(traces), len(names)).T,
        np.array([trace.late for trace in traces], np.bool_),
        np.array([trace.previous_version for trace in traces], np.int32),
        np.array(same, np.int8),
        [trace.rulebook for trace in traces],
    )
