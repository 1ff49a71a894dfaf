"""The back-test whole: a question in, the report out."""

import time
from typing import Final

from corridor.study.backtest import figures
from corridor.study.backtest.capacity import Capacity, read_capacity
from corridor.study.backtest.compared import Compared, of_decisions, of_rulebook
from corridor.study.backtest.content import Report
from corridor.study.backtest.question import Question, Tell

COVERED: Final = 0.9
"""A random control group of which fewer were inspected says nothing for sure."""


def backtest(asked: Question, tell: Tell = lambda step, done, whole: None) -> Report:
    """Answer a question.

    Raises CorridorError if a path, rulebook, table or message is not fit.
    """
    capacity = read_capacity(asked.capacity) if asked.capacity else None
    of = of_decisions(asked, tell) if asked.decisions else of_rulebook(asked, tell)
    tell("figures", 0, 0)
    begun = time.perf_counter()
    report = _report(of, capacity)
    report.notes.extend(_notes(report, of, capacity))
    spent = of.seconds | {"figures": time.perf_counter() - begun}
    report.seconds.update({step: round(seconds, 3) for step, seconds in spent.items()})
    return report


def _report(of: Compared, capacity: Capacity | None) -> Report:
    compared = of.then is not None
    results = None
    if of.found is not None:
        results = figures.results(of.frame, len(of.found.row), of.found.unmatched, compared)
    return Report(
        now=of.now,
        then=of.then,
        span=of.span,
        corridors_now=figures.counts(of.frame, "corridor"),
        corridors_then=figures.counts(of.frame, "corridor_then") if compared else None,
        matrix=figures.matrix(of.frame) if compared else None,
        moves=figures.moves_told(of.moves, of.frame, of.parts_known) if of.moves is not None else [],
        offices=figures.offices(of.frame, capacity, compared),
        results=results,
        rules=figures.rules(of.tally) if of.tally is not None else None,
    )


def _notes(report: Report, of: Compared, capacity: Capacity | None) -> list[str]:
    """What a reader must know to read the figures right."""
    span = report.span
    notes = [
        "Every decision counts, those on amendments and cancellations too. Controls are yellow and red; precision, recall "
        "and revenue are those of the controls that were chosen, not drawn at random."
    ]
    if of.tally is None:
        notes.append(
            "Decisions tell reasons by group only: figures of rules need judging again, by --rulebook."
        )
    if of.tally is None or (of.then is not None and not of.parts_known):
        notes.append(
            "A run tells of those drawn at random only that they are red: as what they would have been otherwise stands the "
            "corridor of their worst item, which is the least it can be."
        )
    if of.then is not None and not of.parts_known and of.tally is not None:
        notes.append("What alone makes a move needs both rulebooks; of a run there are decisions only.")
    if span.failed:
        notes.append(f"{span.failed:,} declarations could not be judged and are left out.")
    if span.unmatched:
        notes.append(f"{span.unmatched:,} decisions have no counterpart on the other side and are left out.")
    if capacity is not None:
        strange = sorted(capacity.hours.keys() - {office.code for office in report.offices})
        if strange:
            notes.append(f"Capacities of offices that registered nothing: {', '.join(strange[:5])}.")
    if of.fitted_later and report.results is not None:
        notes.append(
            "A rulebook judges here what was registered before it takes effect. If it was fitted on these results, it knows "
            "them: precision and recall are those of a pupil who has seen the answers. Judge later days (--since)."
        )
    return notes + _notes_on_results(report)


def _notes_on_results(report: Report) -> list[str]:
    results = report.results
    if results is None:
        return ["No results were given: nothing is said about findings."]
    chance, notes = results.unbiased, []
    if results.unmatched:
        notes.append(f"{results.unmatched:,} results speak of declarations that are not in the history.")
    if not chance.drawn:
        notes.append("Nobody was drawn at random, so no figure is free of the choice of who was inspected.")
    elif chance.coverage < COVERED:
        notes.append(
            f"Only {chance.coverage:.0%} of the random control group have a result: those that were looked at may differ "
            "from those that were not, so the estimates by the group may be as biased as the others."
        )
    if results.now.seen < COVERED:
        notes.append(
            f"{results.now.seen:.0%} of the controls now have a result; what the others would have found is not known."
        )
    return notes
