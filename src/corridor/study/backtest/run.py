"""A history judged block by block on all cores, a block's columns in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from corridor.history import History
from corridor.judge import Judgement
from corridor.messages import decision
from corridor.messages.columns import Array, Declarations
from corridor.rulebook.load import Shelf
from corridor.study.backtest.blocks import Block, in_order
from corridor.study.backtest.judging import judged, taken, unjudged, verdicts_of
from corridor.study.backtest.known import Found, Known
from corridor.study.backtest.moves import Moves, moves
from corridor.study.backtest.rules import Labelled, Tally


@dataclass(frozen=True)
class Plan:
    """What is judged by which rulebooks.

    against: what it is compared with, judged too; then: in place of that VERDICT of each row as it was decided, by a
    run of the job; found: results; use_histories: false for a study by the declaration alone; tallied: with what
    the rules did and why who moved.
    """

    known: Known
    now: Shelf
    against: Shelf | None = None
    then: NDArray[np.void] | None = None
    found: Found | None = None
    use_histories: bool = True
    tallied: bool = True

    @cached_property
    def history(self) -> History:
        """Histories and lineage of every row."""
        if not self.use_histories:
            return self.known.without_histories()
        return self.known.histories(self.now, *([self.against] if self.against else []))


@dataclass(frozen=True)
class Outcome:
    """A block judged: int64[k] rows of the history, VERDICT[k] now and then, what rules did, who moved."""

    rows: NDArray[np.int64]
    now: NDArray[np.void]
    then: NDArray[np.void] | None
    tally: Tally | None
    moves: Moves | None
    items: int


def judge_all(plan: Plan, threads: int | None = None) -> Iterator[Outcome]:
    """Judge every block, in their order."""
    assert len(plan.history.late) == len(plan.known.decoded)  # computed here, before threads ask for it
    return in_order(lambda block: judge_block(plan, block), plan.known.decoded.blocks, threads)


def judge_block(plan: Plan, block: Block) -> Outcome:
    """Judge one block."""
    local, batch, history = _part(plan, block)
    rows = local + block.first
    then = None if plan.then is None else plan.then[rows]
    if plan.against is not None:
        then = unjudged(len(local))
        for of, found in judged(batch, history, plan.against):
            then[of] = verdicts_of(found)
    now, seen = unjudged(len(local)), []
    for of, found in judged(batch, history, plan.now):
        now[of] = verdicts_of(found)
        seen.append((of, found))
    if not plan.tallied:
        return Outcome(rows, now, then, None, None, len(batch.items))
    tally = Tally.of(plan.now)
    labels = plan.found.within(block, local, batch) if plan.found else _nothing_found()
    for of, found in seen:
        tally.see(found, _labelled(found, of, now if then is None else then, labels, batch))
    moved = None
    if then is not None:
        both = (then["corridor"] >= 0) & (now["corridor"] >= 0)
        of = np.flatnonzero(both & (then["corridor"] != now["corridor"]))
        sides = (then[of], now[of])
        moved = moves(batch.take(of), history.take(of), (plan.against, plan.now), sides, rows[of])
    return Outcome(rows, now, then, tally, moved, len(batch.items))


def decisions(plan: Plan, decided_at: int) -> Iterator[bytes]:
    """decision.v1 of everything by the rulebooks `now`: what `corridor run decide` writes, in the order of the files.

    decided_at: microseconds since 1970.
    """
    assert len(plan.history.late) == len(plan.known.decoded)  # as in `judge_all`

    def work(block: Block) -> list[bytes]:
        _, batch, history = _part(plan, block)
        out: list[bytes] = []
        for of, found in judged(batch, history, plan.now, explained=True):
            out += decision.encode(taken(batch, of), found.verdicts, decided_at)
        return out

    for written in in_order(work, plan.known.decoded.blocks):
        yield from written


def _part(plan: Plan, block: Block) -> tuple[Array, Declarations, History]:
    """The declarations of a block that are asked for, their rows in it, and what was known beside them."""
    local = np.flatnonzero(plan.known.inside[block.rows])
    return local, taken(block.load(), local), plan.history.take(local + block.first)


def _nothing_found() -> tuple[Array, Array]:
    return np.zeros(0, np.int64), np.zeros(0, np.bool_)


def _labelled(
    found: Judgement, of: Array, drawn_by: Array, labels: tuple[Array, Array], batch: Declarations
) -> Labelled:
    """Results on items of one judgement (rows `of` of the batch); drawn_by: VERDICT of the batch, who was drawn then."""
    item, hit = labels
    if len(of) != len(batch):
        inside = np.zeros(len(batch), np.bool_)
        inside[of] = True
        inside = inside[batch.declaration_of_item()]
        here = inside[item]
        item, hit = (np.cumsum(inside) - 1)[item[here]], hit[here]
    declaration = found.columns.declaration[item]
    said = drawn_by[of][declaration]
    drawn = said["at_random"] & (said["inclusion"] > 0)
    return Labelled(item, declaration, hit, np.where(drawn, said["inclusion"], np.nan))
