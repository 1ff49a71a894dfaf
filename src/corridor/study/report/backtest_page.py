"""The back-test as one HTML document, marked as restricted: everything inlined, every text escaped."""

from corridor.messages.columns import CORRIDORS
from corridor.study.backtest.content import Office, Report
from corridor.study.report import backtest_charts, charts
from corridor.study.report.page import environment

SHOWN = 14
"""Offices that are shown without unfolding; those beyond their capacity always are."""


def render(report: Report) -> str:
    """Draw the page."""
    lines = [] if report.rules is None else sorted(report.rules.lines, key=lambda line: (-line.hits, line.id))
    return (
        environment()
        .get_template("backtest.html.j2")
        .render(
            report=report,
            span=report.span,
            charts=charts,
            backtest_charts=backtest_charts,
            corridors=CORRIDORS,
            moved=sum(move.declarations for move in report.moves),
            offices=_offices(report.offices),
            limited=any(office.capacity is not None for office in report.offices),
            over=sum(office.now.over for office in report.offices),
            lines=[line for line in lines if line.hits],
            silent=[line.id for line in lines if not line.hits],
        )
    )


def _offices(offices: list[Office]) -> tuple[list[Office], list[Office]]:
    """Split offices, most controls first, into those shown at once and the rest."""
    shown = [office for i, office in enumerate(offices) if i < SHOWN or office.now.over]
    return shown, [office for office in offices if office not in shown]
