"""Charts of a fit's report, as inline SVG in the colours of the page's style sheet."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from corridor.study.report.charts import LEFT, RIGHT, label, short, svg, ticks
from corridor.study.validation import RANKINGS, Bin, Gain

SERIES: Final = {name: f"s{i}" for i, name in enumerate(RANKINGS)}
"""The class of each ranking's line; the oracle's is `oracle`."""
_NARROW: Final = 520.0


def ranking_chart(lines: dict[str, Sequence[float]], shares: Sequence[float], title: str) -> Markup:
    """One line a ranking over the shares inspected, which stand at even distances; values 0 to 1 or NaN."""
    height, head, base = 230.0, 12.0, 202.0
    inner = _NARROW - LEFT - RIGHT
    xs = LEFT + inner * (np.arange(len(shares)) + 0.5) / len(shares)
    parts = _percent_grid(head, base, _NARROW)
    for name, values in lines.items():
        kind, known = SERIES.get(name, "oracle"), np.isfinite(values)
        ys = base - (base - head) * np.asarray(values)[known]
        if not known.any():
            continue
        parts.append(Markup('<path class="line {}" d="{}"/>').format(kind, _path(xs[known], ys)))
        for x, y, share, value in zip(
            xs[known], ys, np.array(shares)[known], np.array(values)[known], strict=True
        ):
            words = f"{name}, {share:.0%} inspected: {value:.1%}"
            parts.append(_point(x, y, kind, words))
    parts += [label(x, base + 18, f"{share:.0%}", "mid dim") for x, share in zip(xs, shares, strict=True)]
    return svg(height, parts, title, _NARROW)


def reliability_chart(series: dict[str, list[Bin]]) -> Markup:
    """Probability told (across) and share found (up) of each bin, with intervals; the diagonal is what should be."""
    height, head, base = 420.0, 12.0, 386.0
    top = max(
        [b.high for bins in series.values() for b in bins]
        + [b.predicted for bins in series.values() for b in bins]
    )
    levels = ticks(min(top, 1.0))
    inner, most = _NARROW - LEFT - RIGHT, levels[-1]
    parts = []
    for level in levels:
        y, x = base - (base - head) * level / most, LEFT + inner * level / most
        parts.append(_line("grid", LEFT, _NARROW - RIGHT, y, y))
        parts.append(label(LEFT - 8, y + 4, f"{level:.0%}", "end dim"))
        parts.append(label(x, base + 18, f"{level:.0%}", "mid dim"))
    parts.append(_line("ideal", LEFT, LEFT + inner, base, head))
    for name, bins in series.items():
        kind = SERIES[name]
        xs = np.array([LEFT + inner * b.predicted / most for b in bins])
        ys = np.array([base - (base - head) * b.found / most for b in bins])
        for x, b in zip(xs, bins, strict=True):
            low, high = (base - (base - head) * min(v, most) / most for v in (b.low, b.high))
            parts.append(_line(f"whisker {kind}", x, x, low, high))
        parts.append(Markup('<path class="line {}" d="{}"/>').format(kind, _path(xs, ys)))
        for x, y, b in zip(xs, ys, bins, strict=True):
            words = f"{name}: told {b.predicted:.1%}, found {b.found:.1%} ({b.low:.1%} to {b.high:.1%}) of {b.items:,}"
            parts.append(_point(x, y, kind, words))
    return svg(height, parts, "Probability told and share found", _NARROW)


def gain_chart(gains: Sequence[Gain], measure: str) -> Markup:
    """Differences with their intervals, a row a share; the line in the middle is no difference."""
    step, head, left = 26.0, 8.0, 54.0
    height = head + step * len(gains) + 24
    reach = max([abs(v) for g in gains for v in g.differences[measure] if np.isfinite(v)] + [0.01])
    reach = ticks(reach, 2)[-1]
    middle, half = (left + _NARROW - RIGHT) / 2, (_NARROW - RIGHT - left) / 2 - 4
    parts = [_line("zero", middle, middle, head, height - 24)]
    for value in (-reach, 0.0, reach):
        parts.append(
            label(
                middle + half * value / reach, height - 6, f"{100 * value:+.0f}" if value else "0", "mid dim"
            )
        )
    for i, gain in enumerate(gains):
        y = head + step * (i + 0.5)
        parts.append(label(left - 8, y + 4, f"{gain.share:.0%}", "end dim"))
        value, low, high = gain.differences[measure]
        if not np.isfinite([value, low, high]).all():
            continue
        kind = "better" if low > 0 else "worse" if high < 0 else "open"
        x, a, b = (middle + half * v / reach for v in (value, low, high))
        parts.append(_line(f"whisker {kind}", a, b, y, y))
        step_text = f"{100 * value:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
        words = f"{gain.name}, {measure} at {gain.share:.0%}: {step_text}"
        parts.append(_point(x, y, kind, words))
    return svg(height, parts, f"Differences of {measure} in percentage points", _NARROW)


def histogram(counts: Sequence[int], name: str) -> Markup:
    """Participants by coefficient from -1 to 1."""
    width, height, head, base = 340.0, 170.0, 10.0, 142.0
    levels = ticks(float(max(counts, default=0)), 3)
    inner = width - LEFT - RIGHT
    wide = inner / max(len(counts), 1)
    parts = []
    for level in levels:
        y = base - (base - head) * level / levels[-1]
        parts += [_line("grid", LEFT, width - RIGHT, y, y), label(LEFT - 8, y + 4, short(level), "end dim")]
    for i, count in enumerate(counts):
        low = -1 + 2 * i / len(counts)
        tall = (base - head) * count / levels[-1]
        parts.append(
            Markup(
                '<rect class="fill" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"><title>{t}</title></rect>'
            ).format(
                x=LEFT + wide * i + 0.5, y=base - tall, w=wide - 1, h=tall,
                t=f"{low:+.1f} to {low + 2 / len(counts):+.1f}: {count:,}",
            )
        )  # fmt: skip
    for value in (-1, 0, 1):
        parts.append(
            label(LEFT + inner * (value + 1) / 2, base + 18, f"{value:+d}" if value else "0", "mid dim")
        )
    return svg(height, parts, name, width)


def bins_chart(bins: Sequence[tuple[str, float, float]], name: str) -> Markup:
    """Pairs of thin bars: each bin's share then and now."""
    width, height = 200.0, 34.0
    top = max([max(then, now) for _, then, now in bins], default=1.0) or 1.0
    wide = width / max(len(bins), 1)
    parts: list[Markup] = []
    for i, (which, then, now) in enumerate(bins):
        for kind, value, shift in (("then", then, 0.08), ("fill", now, 0.5)):
            tall = (height - 2) * value / top
            parts.append(
                Markup('<rect class="{k}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>').format(
                    k=kind, x=wide * (i + shift), y=height - tall, w=wide * 0.4, h=tall
                )
            )
        parts.append(
            Markup(
                '<g class="hit"><rect x="{x:.1f}" y="0" width="{w:.1f}" height="{h:.0f}"/><title>{t}</title></g>'
            ).format(x=wide * i, w=wide, h=height, t=f"{which}: {then:.1%} then, {now:.1%} now")
        )
    return svg(height, parts, f"{name}: shares then and now", width)


def swatch(kind: str) -> Markup:
    """The sign of a series in a legend."""
    return Markup('<svg viewBox="0 0 18 10"><path class="line {}" d="M0 5L18 5"/></svg>').format(kind)


def _percent_grid(head: float, base: float, width: float) -> list[Markup]:
    parts = []
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = base - (base - head) * level
        parts += [_line("grid", LEFT, width - RIGHT, y, y), label(LEFT - 8, y + 4, f"{level:.0%}", "end dim")]
    return parts


def _path(xs: Any, ys: Any) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def _line(kind: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    return Markup('<line class="{k}" x1="{a:.1f}" x2="{b:.1f}" y1="{c:.1f}" y2="{d:.1f}"/>').format(
        k=kind, a=x1, b=x2, c=y1, d=y2
    )


def _point(x: Any, y: Any, kind: str, words: str) -> Markup:
    return Markup(
        '<circle class="point {k}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{t}</title></circle>'
    ).format(k=kind, x=x, y=y, t=words)
