"""Charts of the back-test: what moved from corridor to corridor, controls by the hour, rules over one another."""

import math
from typing import Final

from markupsafe import Markup

from corridor.messages.columns import CORRIDORS
from corridor.study.backtest.content import Office, Rules
from corridor.study.report.charts import WIDTH, label, short, svg

_CELL: Final = 26.0


def matrix(cells: list[list[int]]) -> Markup:
    """Declarations by corridor then (rows) and now (columns); the darker, the more of its row moved there."""
    width, left, head, wide, high = 520.0, 84.0, 40.0, 86.0, 44.0
    parts = [label(left + wide * 2, 14, "now", "mid dim"), label(8, head - 10, "then", "dim")]
    for j, name in enumerate(CORRIDORS):
        parts.append(label(left + wide * (j + 0.5), head - 10, name, "mid"))
        parts.append(label(left - 10, head + high * (j + 0.5) + 4, name, "end"))
        parts.append(
            label(left + wide * 4 + 64, head + high * (j + 0.5) + 4, f"{sum(cells[j]):,}", "end dim")
        )
        whole = sum(row[j] for row in cells)
        parts.append(label(left + wide * (j + 0.5), head + high * 4 + 18, f"{whole:,}", "mid dim"))
    for i, row in enumerate(cells):
        for j, n in enumerate(row):
            share = n / max(sum(row), 1)
            kind = "stays" if i == j else "up" if j > i else "down"
            words = f"{CORRIDORS[i]} then, {CORRIDORS[j]} now: {n:,} ({100 * share:.2f} % of {CORRIDORS[i]})"
            shade = 0.0 if not n else 0.12 if i == j else min(0.2 + 0.75 * math.sqrt(share), 0.95)
            parts.append(
                Markup(
                    '<g><rect class="{k}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="4" '
                    'fill-opacity="{o:.3f}"/>{t}<title>{words}</title></g>'
                ).format(
                    k=kind, x=left + wide * j + 2, y=head + high * i + 2, w=wide - 4, h=high - 4, o=shade,
                    t=label(left + wide * (j + 0.5), head + high * (i + 0.5) + 4, f"{n:,}" if n else "–",
                            "mid" + ("" if n else " dim")),
                    words=words,
                )
            )  # fmt: skip
    return svg(head + high * 4 + 26, parts, "Corridors then and now", width)


def controls(offices: list[Office]) -> Markup:
    """Mean controls an hour now, by office and hour of the day; outlined where the mean is over the capacity."""
    left, head = 96.0, 24.0
    wide = (WIDTH - left - 8) / 24
    top = max((value for office in offices for value in office.clock), default=0.0) or 1.0
    parts = [label(left + wide * (h + 0.5), 14, f"{h:02d}", "mid dim small") for h in range(24)]
    for i, office in enumerate(offices):
        y = head + _CELL * i
        parts.append(label(left - 8, y + _CELL / 2 + 4, office.code, "end"))
        for h, (value, limit) in enumerate(zip(office.clock, office.limits, strict=True)):
            over = math.isfinite(limit) and value > limit
            words = f"{office.code}, {h:02d}:00 UTC: {value:.1f} controls an hour"
            if math.isfinite(limit):
                words += f", capacity {limit:g}"
            shade = math.sqrt(value / top)
            parts.append(
                Markup(
                    '<g><rect class="{k}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="3" '
                    'fill-opacity="{o:.3f}"/>{t}<title>{words}</title></g>'
                ).format(
                    k="cell over" if over else "cell", x=left + wide * h + 1, y=y + 1, w=wide - 2, h=_CELL - 2,
                    o=0.04 + 0.9 * shade, words=words,
                    t=label(left + wide * (h + 0.5), y + _CELL / 2 + 4, _mean(value),
                            "mid small " + ("on" if shade > 0.5 else "dim")) if value else "",
                )
            )  # fmt: skip
    return svg(head + _CELL * len(offices) + 4, parts, "Controls an hour by office and hour of the day")


def _mean(value: float) -> str:
    return short(value) if value >= 10 else f"{value:.1f}"


def overlap(rules: Rules) -> Markup:
    """Jaccard's index of the items that two rules hit: 1 the same items, 0 none in common."""
    n, longest = max(len(rules.names), 1), max(map(len, rules.names), default=0)
    left, head = 14.0 + 7 * longest, 16.0 + 6.5 * longest
    side = min((WIDTH - left - 40) / n, _CELL)
    parts = []
    for i, name in enumerate(rules.names):
        at = side * (i + 0.5)
        parts.append(label(left - 6, head + at + 4, name, "end small"))
        parts.append(
            Markup('<text class="small" transform="translate({:.1f} {:.0f}) rotate(-60)">{}</text>').format(
                left + at + 3, head - 6, name
            )
        )
        for j, other in enumerate(rules.names):
            value = rules.jaccard[i][j]
            if i == j or value <= 0:
                continue
            parts.append(
                Markup(
                    '<rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{w:.1f}" rx="2" '
                    'fill-opacity="{o:.3f}"><title>{t}</title></rect>'
                ).format(
                    x=left + side * j + 0.5, y=head + side * i + 0.5, w=side - 1, o=0.06 + 0.9 * math.sqrt(value),
                    t=f"{name} and {other}: {value:.3f}",
                )
            )  # fmt: skip
    frame = '<rect class="frame" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
    parts.append(Markup(frame).format(left, head, side * n, side * n))
    return svg(head + side * n + 6, parts, "Overlap of rules", left + side * n + 60)
