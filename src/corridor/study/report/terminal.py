"""The report in the terminal: the hourly curve, corridors, what was found, anomalies, where things lie."""

import math
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from corridor.messages.columns import CORRIDORS
from corridor.picture.hourly import HOUR
from corridor.study.report.charts import short
from corridor.study.report.content import AIM, Alert, Day, Planted, Report
from corridor.study.report.page import KINDS

BAR: Final = 44  # columns of the longest bar
COLOURS: Final = {"green": "green", "blue": "blue", "yellow": "yellow", "red": "red"}
MOST_OFFICES: Final = 8
MOST_ALERTS: Final = 12
LISTS: Final = ("probability\n10 %", "loss\n10 %", "by\nanomaly")


def show(report: Report, console: Console) -> None:
    """Print the report; texts from messages are data and printed as such (no markup is read from them)."""
    console.print(overview(report))


def overview(report: Report) -> RenderableType:
    """Everything, one part below another."""
    day = report.day
    parts: list[RenderableType] = [
        _head(day),
        _curve(day),
        _corridors(report),
        _offices(day),
        _alerts(day.alerts),
    ]
    if report.planted:
        parts.append(_planted(report.planted))
    parts += [_counts(report), _places(report)]
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts))


def plain(text: str) -> str:
    """Without control signs: a terminal must not obey what stands in a declaration."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


def _head(day: Day) -> Text:
    text = Text(f"The picture of {day.date}", style="bold")
    figures = (
        f"{day.declarations:,} declarations, {day.items:,} goods items, customs value "
        f"{short(day.customs_value)}, "
        f"duty and VAT {short(day.duty + day.vat)}, {100 * day.automatic:.1f} % released without a person"
    )
    return text.append("\n" + figures, style="not bold")


def _curve(day: Day) -> Table:
    """One line an hour: the corridors as a bar, the count, its norm, and a mark where it is left."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    table.add_column("UTC")
    table.add_column("declarations by corridor", width=BAR)
    table.add_column("", justify="right")
    table.add_column("norm", justify="right", style="dim")
    curve, top = day.curve, max(float(day.by_corridor.sum(0).max(initial=0.0)), 1.0)
    for i, start in enumerate(curve.clock):
        low, high, seen = curve.low[i], curve.high[i], curve.observed[i]
        known = math.isfinite(low) and math.isfinite(high)
        out = known and not low <= seen <= high
        table.add_row(
            f"{int(start) // HOUR % 24:02d}:00",
            _bar([float(v) / top for v in day.by_corridor[:, i]]),
            Text(f"{seen:,.0f}", style="bold red" if out else ""),
            f"{low:,.0f} to {high:,.0f}" if known else "–",
        )
    return table


def _bar(parts: list[float]) -> Text:
    """A bar of the corridors; a part that is not empty takes at least the place that is left to it."""
    text, at, drawn = Text(), 0.0, 0
    for name, part in zip(CORRIDORS, parts, strict=True):
        at += part
        upto = round(at * BAR)
        text.append("█" * (upto - drawn), style=COLOURS[name])
        drawn = upto
    return text


def _corridors(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("corridor", "declarations", "share", "clean part", "aim"):
        table.add_column(name, justify="left" if name == "corridor" else "right")
    total, clean = max(sum(report.day.corridors), 1), max(sum(report.clean), 1)
    for i, name in enumerate(CORRIDORS):
        count = report.day.corridors[i]
        own = f"{100 * report.clean[i] / clean:.1f} %" if sum(report.clean) else "–"
        share = f"{100 * count / total:.1f} %"
        table.add_row(Text(name, style=COLOURS[name]), f"{count:,}", share, own, f"{100 * AIM[i]:.0f} %")
    return table


def _offices(day: Day) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("office", "declarations", "norm", "automatic", "payments", "anomalies"):
        table.add_column(name, justify="left" if name == "office" else "right")
    ranked = sorted(day.offices, key=lambda o: (-o.declarations, o.code))
    for o in [o for i, o in enumerate(ranked) if i < MOST_OFFICES or o.alerts]:
        expected = f"{o.expected:,.0f}" if math.isfinite(o.expected) else "–"
        flag = Text(str(o.alerts), style="bold red") if o.alerts else Text("")
        table.add_row(
            Text(plain(o.code)),
            f"{o.declarations:,}",
            expected,
            f"{100 * o.automatic:.1f} %",
            short(o.payments),
            flag,
        )
    return table


def _alerts(alerts: list[Alert]) -> RenderableType:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("out of the norm", "time", "what"):
        table.add_column(name)
    cards = [a for a in alerts if not a.kind.startswith("consignment.")]
    if not cards:
        return Text("Nothing left its norm.", style="dim")
    style = {"critical": "bold red", "warning": "yellow"}
    for a in sorted(cards, key=lambda a: (a.severity != "critical", a.severity == "info", a.time))[
        :MOST_ALERTS
    ]:
        table.add_row(
            Text(KINDS.get(a.kind, a.kind), style=style.get(a.severity, "")), a.time, Text(plain(a.text))
        )
    if len(cards) > MOST_ALERTS:
        table.add_row("", "", Text(f"and {len(cards) - MOST_ALERTS} more in the page", style="dim"))
    return table


def _planted(planted: list[Planted]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    shares = sorted({share for p in planted for share in p.inspected})
    table.add_column("planted kind", no_wrap=True)
    for name in ("cases", *(f"one list\n{100 * s:.0f} %" for s in shares), *LISTS, "found"):
        table.add_column(name, justify="right")
    for p in planted:
        seen = [f"{100 * p.inspected[s]:.0f} %" if s in p.inspected else "–" for s in shares]
        lists = (p.by_probability, p.by_loss, p.by_anomaly)
        told = ["–" if x is None else f"{100 * x:.0f} %" for x in lists]
        found = Text(f"{100 * p.found:.0f} %", style="bold green" if p.found >= 0.8 else "bold red")
        table.add_row(Text(plain(p.kind.replace("_", " "))), f"{p.cases:,}", *seen, *told, found)
    return table


def _counts(report: Report) -> Text:
    c = report.day.counts
    text = Text(f"{c['read']:,} read = {c['decided']:,} decided + {c['rejected']:,} rejected + ")
    text.append(f"{c['duplicates']:,} duplicates")
    if math.isfinite(report.rate):
        text.append(f"; {report.rate:,.0f} declarations/s, start-up taken off")
    seconds = ", ".join(f"{plain(step.name)} {step.seconds:.1f} s" for step in report.steps)
    return text.append(f"\n{seconds}", style="dim") if seconds else text


def _places(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, path in report.places:
        table.add_row(plain(what), Text(plain(path), style="bold"))
    return table
