"""What the detector remembers between bins: arrays and JSON, so that a stream can keep it as bytes."""

import io
import logging
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from corridor.errors import CorridorError
from corridor.kernels.watch_layout import EPISODE, FINE, HOURS, Memory

Array = NDArray[Any]

FORM: Final = 3
"""The layout of the bytes; a job with other bytes starts anew."""
FREE: Final = ""
"""In `State.hushed`: who told for it is done."""
Dropped = Literal["categories", "importers", "bursts", "newcomers"]
"""What there may be no room for: invented names must fill no memory."""
_LOG: Final = logging.getLogger(__name__)
_encode: Final = msgspec.json.Encoder(order="deterministic", enc_hook=float).encode
"""Floats may be numpy's."""
_WIDTHS: Final = {
    "fine": (4, FINE),
    "hours": (4, HOURS),
    "zero": (3,),
    "day": (5,),
    "cusum": (6,),
    "episodes": (4, EPISODE),
}


def row_of(key: str) -> tuple[str, int]:
    """Row name and track of an episode's key "row name|track"."""
    name, _, track = key.rpartition("|")
    return name, int(track)


def memory_of(n: int) -> Memory:
    """Nothing remembered of n series."""
    return Memory(*(np.zeros((n, *width)) for width in _WIDTHS.values()))


@dataclass
class State:
    """The detector's state. at: the next bin, -1 before the first; version: the rulebook of the norms.

    names: rows of `memory`; hushed: episodes "row name|track" with the one, or the party, that tells for it (see
    episodes.py); standing: those that were told and are open, with the event and the bin in which they were told last;
    leads: office -> the share's episode that is told
    there; recent: declarations of the last hours by importer, int64[k, 2] of bin and
    count, with `importers`; bursts, newcomers: by importer, see bursts.py and newcomers.py; dropped: what there was no
    room for, by kind.
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
    dropped: dict[str, int] = field(default_factory=dict)

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
        self.standing = {key: as_ for key, as_ in self.standing.items() if row_of(key)[0] in listed}
        gone = {key for key in self.leads.values() if row_of(key)[0] not in listed}
        self.leads = {of: key for of, key in self.leads.items() if key not in gone}
        self.hushed = {
            key: FREE if by in gone else by for key, by in self.hushed.items() if row_of(key)[0] in listed
        }

    def begin(self, at: int) -> None:
        """Forget what was, and begin with bin `at`; what was told and is open must be closed before."""
        self.at, self.memory = at, memory_of(len(self.names))
        self.memory.zero[:, 0] = at
        self.hushed, self.leads, self.standing, self.bursts, self.newcomers = {}, {}, {}, {}, {}
        self.recent, self.importers = np.zeros((0, 2), np.int64), []

    def left_out(self, what: Dropped, n: int) -> None:
        """Count what there is no room for; the log is told of the first."""
        if n and not self.dropped.get(what):
            _LOG.warning("the detector has no room for more %s and leaves some out: see its metrics", what)
        if n:
            self.dropped[what] = self.dropped.get(what, 0) + n

    def dump(self) -> bytes:
        """The state as bytes, the same for the same state."""
        texts = {name: getattr(self, name) for name in _TEXTS} | {"form": FORM}
        told = np.frombuffer(_encode(texts), np.uint8)
        buffer = io.BytesIO()
        for array in (told, self.recent, *self.memory):
            np.save(buffer, array, allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def load(cls, raw: bytes) -> "State":
        """The state of these bytes. CorridorError for bytes of another layout."""
        buffer, texts = io.BytesIO(raw), {}
        if raw.startswith(npy.MAGIC_PREFIX):
            texts = msgspec.json.decode(np.load(buffer, allow_pickle=False).tobytes())
        if texts.pop("form", None) != FORM:
            raise CorridorError(
                "the detector's state is of another version of Corridor; give the job a new --state"
            )
        recent, *memory = (np.load(buffer, allow_pickle=False) for _ in range(1 + len(_WIDTHS)))
        return cls(memory=Memory(*memory), recent=recent, **texts)


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
    "dropped",
)
