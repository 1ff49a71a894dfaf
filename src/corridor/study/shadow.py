"""What a candidate on trial would have changed, from the decisions beside which it was asked."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages import result
from corridor.messages.columns import CORRIDORS
from corridor.messages.decided import DecidedShadow
from corridor.messages.vocabulary import FINDINGS
from corridor.output import parts
from corridor.study.backtest.estimate import Estimate, share

Corridor = Literal["green", "blue", "yellow", "red"]
EXAMPLES: Final = 3
"""Declarations named of each move: those with the largest expected loss."""
_NOTHING: Final = FINDINGS.index("none")


class _Decision(msgspec.Struct, frozen=True, gc=False):
    declaration_id: str
    version: int
    office: str
    corridor: Corridor
    rulebook: str
    expected_loss: float | None
    shadow: DecidedShadow | None


_decode = msgspec.json.Decoder(_Decision).decode


def _square() -> NDArray[np.int64]:
    return np.zeros((len(CORRIDORS), len(CORRIDORS)), np.int64)


@dataclass
class Pair:
    """A rulebook in force and the candidate beside it; rows of a square: the corridor given, columns: the candidate's.

    moves: int64[4, 4] decisions; by_office: the same by office; checked, found: int64[4, 4] decisions with a result of a
    check, and with a finding; examples: (corridor given, the candidate's) to (expected loss, declaration_id, version).
    """

    moves: NDArray[np.int64] = field(default_factory=_square)
    by_office: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    checked: NDArray[np.int64] = field(default_factory=_square)
    found: NDArray[np.int64] = field(default_factory=_square)
    examples: dict[tuple[int, int], list[tuple[float, str, int]]] = field(default_factory=dict)

    @property
    def moved(self) -> int:
        """Decisions that the candidate would have made otherwise."""
        return int(self.moves.sum() - np.trace(self.moves))

    def corridors(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """int64[4] decisions a corridor: as given, and as the candidate would have given them."""
        return self.moves.sum(1), self.moves.sum(0)

    def offices(self) -> list[tuple[str, int, int]]:
        """Office, controls (all but green) as given and by the candidate; the largest change first."""
        rows = [
            (name, int(moves[1:].sum()), int(moves[:, 1:].sum())) for name, moves in self.by_office.items()
        ]
        return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))

    def precision(self, rows: slice, columns: slice) -> Estimate:
        """The share with a finding of what was checked within a part of the square."""
        return share(int(self.found[rows, columns].sum()), int(self.checked[rows, columns].sum()))


@dataclass
class Told:
    """What decisions say of candidates. pairs: (rulebook, candidate) to what became of them."""

    pairs: dict[tuple[str, str], Pair] = field(default_factory=dict)
    decisions: int = 0
    not_asked: int = 0


def told(lines: Iterable[bytes], findings: Mapping[str, bool] = {}) -> Told:
    """Sum up decision.v1 lines; findings: declaration_id to whether its check found something.

    Raises InputError for a line that is no decision.
    """
    out = Told()
    for line in lines:
        decision = _read(line, out.decisions + 1)
        out.decisions += 1
        shadow = decision.shadow
        if shadow is None or shadow.corridor not in CORRIDORS:
            out.not_asked += 1
            continue
        pair = out.pairs.setdefault((decision.rulebook, shadow.rulebook), Pair())
        cell = CORRIDORS.index(decision.corridor), CORRIDORS.index(shadow.corridor)
        pair.moves[cell] += 1
        pair.by_office.setdefault(decision.office, _square())[cell] += 1
        hit = findings.get(decision.declaration_id)
        if hit is not None:
            pair.checked[cell] += 1
            pair.found[cell] += hit
        if cell[0] != cell[1]:
            _keep(pair.examples.setdefault(cell, []), decision)
    return out


def _read(line: bytes, number: int) -> _Decision:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"line {number} is no decision.v1: {error}; give what `corridor run decide` wrote"
        ) from None


def _keep(kept: list[tuple[float, str, int]], decision: _Decision) -> None:
    one = decision.expected_loss or 0.0, decision.declaration_id, decision.version
    if len(kept) < EXAMPLES:
        heapq.heappush(kept, one)
    else:
        heapq.heappushpop(kept, one)


def findings(path: Path) -> dict[str, bool]:
    """declaration_id to whether any check of it found something. InputError for what is no result.v1."""
    read = result.read(path)
    found: dict[str, bool] = {}
    for identity, finding in zip(read.declaration_id, read.finding.tolist(), strict=True):
        found[identity] = found.get(identity, False) or finding != _NOTHING
    return found


def lines_of(folder: Path) -> Iterator[bytes]:
    """The decisions of a run's output folder, line by line. InputError if it has none."""
    place = folder / "decisions"
    if not place.is_dir():
        raise InputError(f"{place}: there is no such folder; give the output of `corridor run decide`")
    for path in parts(place):
        with path.open("rb") as file:
            yield from (line for line in file if line.strip())


def document(found: Told) -> dict[str, object]:
    """All of it as JSON."""
    return {
        "decisions": found.decisions,
        "not_asked": found.not_asked,
        "pairs": [
            {
                "rulebook": rulebook,
                "candidate": candidate,
                "asked": int(pair.moves.sum()),
                "moved": pair.moved,
                "corridors": dict(zip(CORRIDORS, pair.corridors()[0].tolist(), strict=True)),
                "candidate_corridors": dict(zip(CORRIDORS, pair.corridors()[1].tolist(), strict=True)),
                "moves": [
                    {
                        "from": CORRIDORS[one],
                        "to": CORRIDORS[other],
                        "decisions": int(pair.moves[one, other]),
                        "checked": int(pair.checked[one, other]),
                        "found": int(pair.found[one, other]),
                        "examples": [
                            {"declaration_id": name, "version": version, "expected_loss": loss}
                            for loss, name, version in sorted(
                                pair.examples.get((one, other), []), reverse=True
                            )
                        ],
                    }
                    for one, other in np.argwhere(pair.moves).tolist()
                    if one != other
                ],
                "offices": [
                    {"office": name, "controls": now, "candidate_controls": then}
                    for name, now, then in pair.offices()
                ],
            }
            for (rulebook, candidate), pair in found.pairs.items()
        ],
    }
