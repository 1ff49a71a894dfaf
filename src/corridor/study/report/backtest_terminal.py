"""The back-test in the terminal."""

import math
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from corridor.messages.columns import CORRIDORS
from corridor.study.backtest.content import Move, Office, Report, Results, Rules
from corridor.study.backtest.estimate import Estimate
from corridor.study.report.charts import short
from corridor.study.report.terminal import COLOURS, plain

MOST_OFFICES: Final = 8
MOST_RULES: Final = 15


def show(report: Report, console: Console) -> None:
    """Print the report; texts from messages and rulebooks are printed as they are (no markup is read from them)."""
    parts: list[RenderableType] = [_head(report), _corridors(report)]
    if report.matrix is not None:
        parts.append(_moves(report.moves))
    parts.append(_offices(report))
    if report.results is not None:
        parts += [_inspected(report.results), _estimates(report)]
    if report.rules is not None:
        parts.append(_rules(report.rules))
    parts.append(Text("\n".join(map(plain, report.notes)), style="dim"))
    console.print(Group(*(Padding(part, (0, 0, 1, 0)) for part in parts)))


def _table(*names: str, left: int = 1) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i < left else "right")
    return table


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %" if math.isfinite(share) else "–"


def _estimate(found: Estimate) -> Text:
    if not found.n:
        return Text("–", style="dim")
    low, high = (f"{100 * end:.1f}" for end in (found.low, found.high))
    told = f"{_percent(found.value)} [{low}-{high}] of {found.n:,}"
    return Text(told, style="dim" if found.weak else "")


def _head(report: Report) -> Text:
    span = report.span
    against = f" against {report.then}" if report.then else ""
    text = Text("RESTRICTED ", style="bold red").append(
        f"back-test of {plain(report.now + against)}", style="bold default"
    )
    items = f", {span.items:,} goods items" if span.items else ""
    seconds = ", ".join(f"{step} {spent:.1f} s" for step, spent in report.seconds.items())
    text.append(
        f"\n{span.declarations:,} decisions{items}, {span.first[:16]} to {span.last[:16]} UTC",
        "not bold default",
    )
    return text.append(f"\n{seconds}", style="not bold dim")


def _corridors(report: Report) -> Table:
    then = report.corridors_then
    table = _table("corridor", "now", "share", *(("then", "share", "change") if then else ()))
    total = max(sum(report.corridors_now), 1)
    for i, name in enumerate(CORRIDORS):
        row = [f"{report.corridors_now[i]:,}", _percent(report.corridors_now[i] / total, 2)]
        if then:
            change = report.corridors_now[i] - then[i]
            row += [f"{then[i]:,}", _percent(then[i] / total, 2), f"{change:+,}" if change else "0"]
        table.add_row(Text(name, style=COLOURS[name]), *row)
    return table


def _moves(moves: list[Move]) -> RenderableType:
    if not moves:
        return Text("Nothing moves.", style="dim")
    table = _table("then", "now", "declarations", "payments", left=2)
    table.add_column("why")
    for move in moves:
        why = []
        if move.enough is not None:
            alone = [f"{part} {n:,}" for part, n in move.enough.items() if n]
            alone += [f"only together {move.together:,}"] * bool(move.together)
            why.append(f"alone enough: {', '.join(alone) or 'none'}")
        why += [f"{name} {'now' if now else 'then'} {n:,}" for name, now, n in move.rules[:3]]
        groups = [f"{group.replace('_', ' ')} {n:,}" for group, n in list(move.groups.items())[:2]]
        why += [f"first reason: {', '.join(groups)}"] * bool(groups)
        names = [Text(name, style=COLOURS[name]) for name in (move.then, move.now)]
        table.add_row(*names, f"{move.declarations:,}", short(move.payments), Text(plain("; ".join(why))))
    return table


def _offices(report: Report) -> Table:
    compared = report.then is not None
    columns = ("office", "decisions", "controls", "busiest hour", *(("then",) * compared))
    table = _table(*columns, "capacity", "hours over", "beyond")
    for office in _shown(report.offices):
        limited = office.capacity is not None
        now = office.now
        row = [f"{office.declarations:,}", f"{now.controls:,}", f"{now.busiest:,}"]
        if office.then is not None:
            row.append(f"{office.then.controls:,}")
        over = Text(
            f"{now.over:,} of {office.hours:,}" if limited else "–", style="bold red" if now.over else ""
        )
        capacity = f"{office.capacity:,.1f}" if office.capacity is not None else "–"
        table.add_row(Text(plain(office.code)), *row, capacity, over, f"{now.beyond:,}" if limited else "–")
    return table


def _shown(offices: list[Office]) -> list[Office]:
    return [office for i, office in enumerate(offices) if i < MOST_OFFICES or office.now.over]


def _inspected(results: Results) -> Table:
    table = _table("corridor now", "declarations", "inspected then", "findings", "share", "recovered")
    for row in results.by_corridor:
        counts = (f"{row.declarations:,}", f"{row.inspected:,}", f"{row.hits:,}")
        table.add_row(
            Text(row.corridor, style=COLOURS[row.corridor]),
            *counts,
            _estimate(row.share),
            short(row.recovered),
        )
    return table


def _estimates(report: Report) -> Table:
    results = report.results
    assert results is not None
    chance = results.unbiased
    table = _table("", "inspected then (biased)", "by the random control group")
    table.add_row("with a finding, of all", Text("–"), _estimate(chance.violations))
    for name, known, found in (("now", results.now, chance.now), ("then", results.then, chance.then)):
        if known is None or found is None:
            continue
        table.add_row(f"precision of controls {name}", _estimate(known.precision), _estimate(found.precision))
        table.add_row(f"recall of controls {name}", _estimate(known.recall), _estimate(found.recall))
        table.add_row(f"revenue in controls {name}", _percent(known.revenue), _estimate(found.revenue))
    group = f"{chance.drawn:,} drawn, {chance.inspected:,} with a result"
    table.add_row(Text("random control group", style="dim"), "", Text(group, style="dim"))
    return table


def _rules(rules: Rules) -> Table:
    table = _table(
        "rule", "hits", "rate", "unique", "needed", "precision of items inspected", "by the random group"
    )
    ranked = sorted((line for line in rules.lines if line.hits), key=lambda line: (-line.hits, line.id))
    for line in ranked[:MOST_RULES]:
        figures = (f"{line.hits:,}", _percent(line.rate, 2), f"{line.unique:,}", f"{line.needed:,}")
        table.add_row(Text(plain(line.id)), *figures, _estimate(line.precision), _estimate(line.unbiased))
    silent = sum(not line.hits for line in rules.lines)
    rest = len(ranked) - MOST_RULES
    more = [f"{rest} more in the page"] * (rest > 0) + [f"{silent} without a hit"] * bool(silent)
    table.caption, table.caption_justify = ", ".join(more) or None, "left"
    return table
