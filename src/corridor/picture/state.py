"""What the detector remembers between bins: arrays and JSON, so that a stream can keep it as bytes."""

import io
import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import CorridorError
from corridor.kernels.watch import EPISODE, FINE, HOURS, Memory

Array = NDArray[Any]

FORM: Final = 1
"""The layout of the bytes; a job with other bytes starts anew."""
_WIDTHS: Final = {
    "fine": (4, FINE),
    "hours": (4, HOURS),
    "zero": (3,),
    "day": (5,),
    "cusum": (6,),
    "episodes": (4, EPISODE),
}


def memory_of(n: int) -> Memory:
    """Nothing remembered of n series."""
    return Memory(*(np.zeros((n, *width)) for width in _WIDTHS.values()))


@dataclass
class State:
    """The detector's state. at: the next bin, -1 before the first; version: the rulebook of the norms.

    names: rows of `memory`; hushed: episodes "row name|track" that are told with another one; standing: those that are
    open, with the event and the bin in which they were told last; leads: office -> the share's episode that is told
    there; recent: declarations of the last hours by importer, int64[k, 2] of bin and
    count, with `importers`; bursts, newcomers: by importer, see bursts.py and newcomers.py; late: declarations that
    came when their bin was closed.
    """

    at: int = -1
    version: str = ""
    names: list[str] = field(default_factory=list)
    memory: Memory = field(default_factory=lambda: memory_of(0))
    hushed: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    standing: dict[str, list[Any]] = field(default_factory=dict)
    recent: Array = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    importers: list[str] = field(default_factory=list)
    bursts: dict[str, dict[str, Any]] = field(default_factory=dict)
    newcomers: dict[str, dict[str, Any]] = field(default_factory=dict)
    late: int = 0

    def renamed(self, names: list[str]) -> None:
        """Lay the rows out anew: those that stay keep what is remembered, new ones begin with nothing."""
        if names == self.names:
            return
        old = {name: i for i, name in enumerate(self.names)}
        pairs = [(i, old[name]) for i, name in enumerate(names) if name in old]
        memory = memory_of(len(names))
        if pairs:
            to, of = np.array(pairs).T
            for new, kept in zip(memory, self.memory, strict=True):
                new[to] = kept[of]
        fresh = np.array([name not in old for name in names], np.bool_)
        memory.zero[fresh, 0] = self.at
        self.names, self.memory = list(names), memory
        listed = set(names)
        self.hushed = {key: by for key, by in self.hushed.items() if key.rpartition("|")[0] in listed}
        self.standing = {key: as_ for key, as_ in self.standing.items() if key.rpartition("|")[0] in listed}
        self.leads = {of: key for of, key in self.leads.items() if key.rpartition("|")[0] in listed}

    def begin(self, at: int) -> None:
        """Forget what was, and begin with bin `at`."""
        self.at, self.memory = at, memory_of(len(self.names))
        self.memory.zero[:, 0] = at
        self.hushed, self.leads, self.standing = {}, {}, {}

    def dump(self) -> bytes:
        """The state as bytes, the same for the same state."""
        texts = {name: getattr(self, name) for name in _TEXTS} | {"form": FORM}
        buffer = io.BytesIO()
        arrays = {f"memory_{name}": array for name, array in zip(_WIDTHS, self.memory, strict=True)}
        told = np.frombuffer(json.dumps(texts, sort_keys=True).encode(), np.uint8)
        np.savez(buffer, texts=told, recent=self.recent, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, raw: bytes) -> "State":
        """The state of these bytes. CorridorError for bytes of another layout."""
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            texts = json.loads(arrays["texts"].tobytes())
            if texts.pop("form", None) != FORM:
                raise CorridorError(
                    "the detector's state is of another version of Corridor; give the job a new --state"
                )
            memory = Memory(*(arrays[f"memory_{name}"] for name in _WIDTHS))
            return cls(memory=memory, recent=arrays["recent"], **texts)


_TEXTS: Final = (
    "at",
    "version",
    "names",
    "hushed",
    "leads",
    "standing",
    "importers",
    "bursts",
    "newcomers",
    "late",
)
