"""Both sides of a back-test brought together, a row a declaration: judged now, or read from decisions."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import FUNCTIONS
from corridor.messages.moment_text import rfc3339
from corridor.rulebook.load import Shelf
from corridor.study.backtest.blocks import decode
from corridor.study.backtest.content import Span
from corridor.study.backtest.decided import is_run, read_decisions, verdicts_by_row
from corridor.study.backtest.judging import VERDICT
from corridor.study.backtest.known import Found, Known, read_found
from corridor.study.backtest.moves import MOVE, Moves
from corridor.study.backtest.question import Question, Tell
from corridor.study.backtest.rules import Tally
from corridor.study.backtest.run import Plan, judge_all


@dataclass(frozen=True, slots=True)
class Compared:
    """All that figures are made of.

    frame: declaration_id, version, row, office, registered_at, function, payments, newest, inspected, hit, recovered,
    and the columns of VERDICT now and, with `_then` behind their names, then; parts_known: whether both rulebooks are at
    hand; seconds: by step; fitted_later: whether a rulebook that learned from results takes effect after what it judges.
    """

    frame: pl.DataFrame
    span: Span
    found: Found | None
    moves: Moves | None
    tally: Tally | None
    now: str
    then: str | None
    parts_known: bool
    seconds: dict[str, float]
    fitted_later: bool = False


def of_rulebook(asked: Question, tell: Tell) -> Compared:
    """Judge declarations by a rulebook, and by another one if that is asked."""
    if asked.declarations is None or asked.rulebook is None:
        raise InputError("give declarations and a rulebook to judge by, or the decisions of a run")
    now, run, against = Shelf.load(asked.rulebook), None, None
    if asked.against is not None and is_run(asked.against):
        run = asked.against
    elif asked.against is not None:
        against = Shelf.load(asked.against)
    clock = _Clock()
    with tempfile.TemporaryDirectory(prefix="corridor-backtest-") as folder:
        decoded = decode(
            asked.declarations, Path(folder), asked.threads, lambda read: tell("decoding", read, 0)
        )
        clock.told("decode")
        tell("lineage and histories", 0, 0)
        known = Known.of(decoded, asked.since, asked.until)
        if not known.inside.any():
            raise InputError(
                f"{asked.declarations}: nothing was registered in the time asked for; give another"
            )
        identity = _identity(known)
        then, strange, label = None, 0, None if against is None else versions(against)
        if run is not None:
            decided, books = read_decisions(run)
            then, strange = verdicts_by_row(_within(decided, asked), identity, len(decoded))
            label = _as_decided(books)
        found = read_found(asked.results, known.ids, known.newest) if asked.results else None
        plan = Plan(known, now, against, then, found, asked.use_histories)
        assert len(plan.history.late) == len(decoded)  # computed here, so that its time is told as its own
        clock.told("lineage and histories")
        judged = _judged(plan, asked.threads, lambda done: tell("judging", done, len(decoded)))
        clock.told("judge")
    frame = _with_found(_framed(known, identity, judged), found)
    both = frame if label is None else frame.filter(pl.col("corridor_then") >= 0)
    told = both.filter(pl.col("corridor") >= 0)
    if not len(told):
        raise InputError(
            f"{asked.declarations}: of {len(frame):,} declarations none was judged on both sides; give --against a run on "
            "the same history, and look at `corridor rulebook explain` where judging fails"
        )
    span = replace(
        _span(told),
        items=judged.items,
        rejected=decoded.rejected,
        not_standing=int((~known.lines.standing).sum()),
        failed=len(both) - len(told),
        unmatched=strange + len(frame) - len(both),
    )
    return Compared(
        told,
        span,
        found,
        judged.moves,
        judged.tally,
        versions(now),
        label,
        against is not None,
        clock.seconds,
        fitted_later(told, now, *([against] if against else [])),
    )


def of_decisions(asked: Question, tell: Tell) -> Compared:
    """Take the decisions of a run as they are, and those of another one if that is asked."""
    if asked.decisions is None:
        raise InputError("give the output folder of a run")
    if asked.against is not None and not is_run(asked.against):
        raise InputError(
            f"{asked.against} has no folder decisions: what is compared with decisions must be a run too; "
            "to judge by a rulebook, give it as --rulebook with --history, and the run as --against"
        )
    clock = _Clock()
    tell("reading decisions", 0, 0)
    frame, books = read_decisions(asked.decisions)
    frame, label, unmatched = _within(frame, asked), None, 0
    if asked.against is not None:
        other, then_books = read_decisions(asked.against)
        other, label = _within(other, asked), _as_decided(then_books)
        sides = other.select(
            "declaration_id", "version", *(pl.col(name).alias(f"{name}_then") for name in VERDICT.names or ())
        )
        joined = frame.join(sides, on=["declaration_id", "version"], how="inner", maintain_order="left")
        unmatched = len(frame) + len(other) - 2 * len(joined)
        frame = joined
    if not len(frame):
        raise InputError(
            f"{asked.decisions}: no decision is left to tell of; give the same history on both sides"
        )
    frame = frame.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    frame = frame.with_columns(newest=_newest(frame))
    newest = frame["newest"].to_numpy()
    found = read_found(asked.results, frame["declaration_id"], newest) if asked.results else None
    moved = None if label is None else Moves(_moved(frame))
    clock.told("read decisions")
    span = replace(_span(frame), items=int(frame["items"].sum()), unmatched=unmatched)
    return Compared(
        _with_found(frame, found), span, found, moved, None, _as_decided(books), label, False, clock.seconds
    )


def versions(shelf: Shelf) -> str:
    """The versions of a shelf's rulebooks."""
    return ", ".join(book.version for book in shelf.rulebooks)


def fitted_later(told: pl.DataFrame, *shelves: Shelf) -> bool:
    """Whether a rulebook with a model or participants judges what was registered before it takes effect."""
    first = told["registered_at"].quantile(0.01, "lower")  # a few records bear a time that is far off
    return any(
        (book.model is not None or len(book.participants) > 0)
        and first is not None
        and book.effective_from > first
        for shelf in shelves
        for book in shelf.rulebooks[:1]
    )


def _as_decided(books: str) -> str:
    return f"{books} (as decided by a run)"


class _Clock:
    """Seconds of steps, one after another."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.perf_counter()

    def told(self, step: str) -> None:
        """Note the end of a step."""
        now = time.perf_counter()
        self.seconds[step], self._begun = now - self._begun, now


def _within(decided: pl.DataFrame, asked: Question) -> pl.DataFrame:
    if asked.since is not None:
        decided = decided.filter(pl.col("registered_at") >= asked.since)
    return decided if asked.until is None else decided.filter(pl.col("registered_at") < asked.until)


def _identity(known: Known) -> pl.DataFrame:
    rows = np.flatnonzero(known.inside)
    versions_of = known.decoded.heads.heads["version"][rows].copy()
    return pl.DataFrame({"declaration_id": known.ids.gather(rows), "version": versions_of, "row": rows})


@dataclass(frozen=True, slots=True)
class _Judged:
    rows: NDArray[np.int64]
    now: NDArray[np.void]
    then: NDArray[np.void] | None
    tally: Tally
    moves: Moves | None
    items: int


def _judged(plan: Plan, threads: int | None, tell: Callable[[int], None]) -> _Judged:
    tally, moved, items, parts = Tally.of(plan.now), Moves(), 0, []
    compared = plan.against is not None or plan.then is not None
    for outcome in judge_all(plan, threads):
        assert outcome.tally is not None  # the plan asks for it
        tally.add(outcome.tally)
        if outcome.moves is not None:
            moved.add(outcome.moves)
        items += outcome.items
        parts.append((outcome.rows, outcome.now, outcome.then))
        tell(int(outcome.rows[-1]) if len(outcome.rows) else 0)
    rows, now, then = zip(*parts, strict=True)
    return _Judged(
        np.concatenate(rows),
        np.concatenate(now),
        np.concatenate(then) if compared else None,
        tally,
        moved if compared else None,
        items,
    )


def _framed(known: Known, identity: pl.DataFrame, judged: _Judged) -> pl.DataFrame:
    rows, heads, decoded = judged.rows, known.decoded.heads.heads, known.decoded
    office = pl.Series(heads["office"][rows].copy())
    columns = {
        "office": office.replace_strict(decoded.offices, return_dtype=pl.String),
        "registered_at": heads["registered_at"][rows].copy(),
        "function": heads["function"][rows].copy(),
        "payments": decoded.payments[rows] / 100,
        "newest": known.newest[rows],
        **_columns(judged.now, ""),
    }
    if judged.then is not None:
        columns |= _columns(judged.then, "_then")
    assert np.array_equal(rows, identity["row"].to_numpy())  # blocks come in their order
    return pl.concat([identity, pl.DataFrame(columns)], how="horizontal")


def _columns(verdicts: NDArray[np.void], suffix: str) -> dict[str, NDArray[np.generic]]:
    out = {f"{name}{suffix}": verdicts[name].copy() for name in VERDICT.names or ()}
    out[f"expected_loss{suffix}"] = verdicts["expected_loss"] / 100
    return out


def _with_found(frame: pl.DataFrame, found: Found | None) -> pl.DataFrame:
    """With what inspections found of each declaration: a hit if any of its items is one."""
    if found is None:
        return frame
    table = pl.DataFrame({"row": found.row, "hit": found.hit, "recovered": found.recovered})
    table = table.group_by("row").agg(pl.col("hit").any(), pl.col("recovered").sum())
    joined = frame.join(table, on="row", how="left", maintain_order="left")
    return joined.with_columns(
        inspected=pl.col("hit").is_not_null(),
        hit=pl.col("hit").fill_null(value=False),
        recovered=pl.col("recovered").fill_null(0.0),
    )


def _newest(frame: pl.DataFrame) -> pl.Series:
    """Whether a row is the newest version of its declaration, cancellations aside."""
    usable = frame.filter(pl.col("function") != FUNCTIONS.index("cancellation"))
    rows = usable.sort("version").unique("declaration_id", keep="last")["row"]
    return frame["row"].is_in(rows.implode())


def _moved(frame: pl.DataFrame) -> NDArray[np.void]:
    moved = frame.filter(pl.col("corridor") != pl.col("corridor_then"))
    out = np.zeros(len(moved), MOVE)
    names = {"row": "row", "then": "corridor_then", "now": "corridor"}
    names |= {"group_then": "group_then", "group_now": "group"}
    for name, column in names.items():
        out[name] = moved[column].to_numpy()
    return out


def _span(frame: pl.DataFrame) -> Span:
    functions = np.bincount(frame["function"].to_numpy(), minlength=len(FUNCTIONS)).tolist()
    times = frame["registered_at"].to_numpy()
    return Span(
        first=rfc3339(int(times.min())) if len(times) else "",
        last=rfc3339(int(times.max())) if len(times) else "",
        declarations=len(frame),
        items=None,
        amendments=functions[FUNCTIONS.index("amendment")],
        cancellations=functions[FUNCTIONS.index("cancellation")],
        rejected=0,
        not_standing=0,
        failed=0,
        unmatched=0,
    )
