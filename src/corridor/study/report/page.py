"""The report as one HTML document: everything inlined, nothing loaded, every text escaped."""

from typing import Any

import jinja2
import numpy as np

from corridor.messages.columns import CORRIDORS
from corridor.study.report import charts
from corridor.study.report.content import AIM, Alert, Office, Planted, Report

SHOWN = 12
"""Offices that are shown without unfolding; those with an anomaly always are."""

KINDS = {
    "picture.silence": "Office silent",
    "picture.drop": "Fewer than usual",
    "picture.spike": "More than usual",
    "picture.share_shift": "Mix has shifted",
    "participant.burst": "Participant's burst",
    "participant.newcomer": "Newcomer of high value",
    "consignment.notified": "Notified by a rule",
    "consignment.other_declarant": "Another declarant",
    "consignment.conflict": "Conflicting declarations",
}


def render(report: Report) -> str:
    """Draw the page; plain strings in the report are data and come out escaped."""
    page = environment().get_template("page.html.j2")
    return page.render(
        report=report,
        day=report.day,
        charts=charts,
        corridors=CORRIDORS,
        aim=AIM,
        offices=_offices(report.day.offices),
        alerts=_alerts(report.day.alerts),
        other_alerts=_others(report.day.alerts),
        reasons=sorted(report.day.reasons.items(), key=lambda r: -r[1]),
        kinds=KINDS,
        inspected=_inspected(report.planted),
    )


def environment() -> jinja2.Environment:
    """Templates of this package; whatever they are given comes out escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("corridor.study.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        count=lambda x: f"{x:,.0f}",
        short=charts.short,
        percent=lambda x, digits=1: f"{100 * x:.{digits}f} %" if np.isfinite(x) else "–",
        figure=lambda x: "–" if x is None or not np.isfinite(x) else charts.short(float(x)),
        band=_band,
    )
    return made


def _band(alert: Alert, x: float | None) -> str:
    """One of an alert's figures: shares as percent, counts as whole numbers."""
    if x is None or not np.isfinite(x):
        return "–"
    if alert.kind == "picture.share_shift":
        return f"{100 * x:.1f} %"
    return f"{x:,.1f}" if 0 < x < 10 and x != int(x) else charts.short(x)


def _offices(offices: list[Office]) -> tuple[list[Office], list[Office]]:
    """Split offices, largest first, into those shown at once and the rest."""
    ranked = sorted(offices, key=lambda o: (-o.declarations, o.code))
    shown = [o for i, o in enumerate(ranked) if i < SHOWN or o.alerts]
    return shown, [o for o in ranked if o not in shown]


def _alerts(alerts: list[Alert]) -> list[Alert]:
    """Choose what has a card: anomalies of the picture and of participants, the gravest first."""
    rank = {"critical": 0, "warning": 1, "info": 2}
    cards = [a for a in alerts if not a.kind.startswith("consignment.")]
    return sorted(cards, key=lambda a: (rank.get(a.severity, 3), a.time, a.subject))


def _others(alerts: list[Alert]) -> dict[str, int]:
    """Anomalies of single consignments, counted by kind."""
    counts: dict[str, int] = {}
    for alert in alerts:
        if alert.kind.startswith("consignment."):
            counts[alert.kind] = counts.get(alert.kind, 0) + 1
    return counts


def _inspected(planted: list[Planted]) -> list[Any]:
    return sorted({share for p in planted for share in p.inspected})
