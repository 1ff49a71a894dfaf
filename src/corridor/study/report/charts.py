"""Charts as inline SVG: colours come from the page's style sheet, so light and dark need no second drawing.

Every text goes through `escape`; marks carry a <title> with their figures for pointers and screen readers.
"""

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from corridor.messages.columns import CORRIDORS
from corridor.picture.hourly import HOUR
from corridor.study.report.chapters import title
from corridor.study.report.content import Curve

Array = NDArray[Any]

WIDTH: Final = 1080.0
LEFT: Final = 54.0
RIGHT: Final = 12.0


def ticks(top: float, about: int = 4) -> list[float]:
    """Round figures from 0 to at least `top`, about so many steps."""
    if not top > 0:
        return [0.0, 1.0]
    step = 10.0 ** math.floor(math.log10(top / about))
    step *= next(f for f in (1, 2, 2.5, 5, 10) if step * f * about >= top * 0.999)
    return [step * i for i in range(math.ceil(top / step - 1e-9) + 1)]


def short(x: float) -> str:
    """Give a figure in at most four signs and a unit: 1.2 k, 34 M, 5.6 bn."""
    for size, unit in ((1e12, " tn"), (1e9, " bn"), (1e6, " M"), (1e4, " k")):
        if abs(x) >= size:
            y = x / (1e3 if unit == " k" else size)
            return f"{y:.0f}{unit}" if abs(y) >= 100 else f"{y:.1f}{unit}"
    return f"{x:,.0f}" if x == int(x) or abs(x) >= 100 else f"{x:.1f}"


def svg(height: float, parts: Iterable[Markup | str], label: str, width: float = WIDTH) -> Markup:
    """A drawing of so many units, told to screen readers by its label."""
    inside = Markup("").join(Markup(p) for p in parts)
    return Markup('<svg viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{label}">{inside}</svg>').format(
        w=width, h=height, label=label, inside=inside
    )


def _path(xs: Array, ys: Array) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def _runs(known: Array) -> list[Array]:
    """Find stretches without a gap."""
    index = np.flatnonzero(known)
    return [run for run in np.split(index, np.flatnonzero(np.diff(index) > 1) + 1) if len(run)]


def label(x: float, y: float, text: object, kind: str = "") -> Markup:
    """A text at a place, with the classes `kind`."""
    return Markup('<text x="{x:.1f}" y="{y:.1f}" class="{c}">{t}</text>').format(x=x, y=y, c=kind, t=text)


def _grid(levels: list[float], y: Any, width: float = WIDTH) -> list[Markup]:
    """Horizontal lines with their figures at the left."""
    out = []
    for level in levels:
        out.append(
            Markup('<line class="grid" x1="{a:.0f}" x2="{b:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                a=LEFT, b=width - RIGHT, y=y(level)
            )
        )
        out.append(label(LEFT - 8, y(level) + 4, short(level), "end dim"))
    return out


def _hours(clock: Array, x: Any, base: float, step: int = 3) -> list[Markup]:
    labels = range(0, len(clock), step if len(clock) <= 30 else 24)
    return [label(x(i), base + 18, f"{int(clock[i]) // HOUR % 24:02d}:00", "mid dim") for i in labels]


def band_chart(curve: Curve, height: float = 300.0) -> Markup:
    """Draw the hourly curve inside its band; hours outside are marked."""
    n, base, head = len(curve.observed), height - 28.0, 12.0
    tops = [float(np.nanmax(c)) for c in (curve.observed, curve.high) if np.isfinite(c).any()]
    levels = ticks(max(tops, default=1.0))
    x, y = _scales(n, base, head, levels[-1])
    parts = _grid(levels, y)
    for run in _runs(np.isfinite(curve.high) & np.isfinite(curve.low)):
        xs = np.array([x(i) for i in run])
        edge = np.concatenate([xs, xs[::-1]]), np.concatenate([y(curve.high[run]), y(curve.low[run])[::-1]])
        parts.append(Markup('<path class="band" d="{}Z"/>').format(_path(*edge)))
        parts.append(Markup('<path class="norm" d="{}"/>').format(_path(xs, y(curve.expected[run]))))
    xs = np.array([x(i) for i in range(n)])
    parts.append(Markup('<path class="curve" d="{}"/>').format(_path(xs, y(curve.observed))))
    step = (WIDTH - LEFT - RIGHT) / max(n, 1)
    for i in range(n):
        parts += _point(curve, i, x(i), y(curve.observed[i]), (step, head, base))
    parts += _hours(curve.clock, x, base)
    return svg(height, parts, "Declarations by hour against their norm")


def _scales(n: int, base: float, head: float, top: float, width: float = WIDTH) -> tuple[Any, Any]:
    inner = width - LEFT - RIGHT
    return (lambda i: LEFT + inner * (i + 0.5) / max(n, 1)), (lambda v: base - (base - head) * v / top)


def _point(curve: Curve, i: int, x: float, y: float, cell: tuple[float, float, float]) -> list[Markup]:
    step, head, base = cell
    out = bool(curve.observed[i] < curve.low[i] or curve.observed[i] > curve.high[i])
    hour = int(curve.clock[i]) // HOUR % 24
    words = f"{hour:02d}:00-{(hour + 1) % 24:02d}:00 UTC: {curve.observed[i]:,.0f} declarations"
    if np.isfinite(curve.expected[i]):
        words += f", expected {curve.expected[i]:,.0f} ({curve.low[i]:,.0f} to {curve.high[i]:,.0f})"
    return [
        Markup(
            '<g class="hit"><rect x="{a:.1f}" y="{h:.0f}" width="{s:.1f}" height="{t:.0f}"/>'
            '<circle class="{c}" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/><title>{w}</title></g>'
        ).format(
            a=x - step / 2, h=head, s=step, t=base - head, c="out" if out else "dot", x=x, y=y,
            r=5 if out else 3, w=words,
        )
    ]  # fmt: skip


def stacked_bars(clock: Array, rows: Array, names: list[str], classes: list[str]) -> Markup:
    """Hourly sums of several kinds one above another: rows float64[kinds, t]."""
    width, height, base, head = 520.0, 230.0, 202.0, 10.0
    n, total = rows.shape[1], rows.sum(0)
    levels = ticks(float(total.max(initial=0.0)))
    x, y = _scales(n, base, head, levels[-1], width)
    wide = (width - LEFT - RIGHT) / max(n, 1) * 0.72
    parts = _grid(levels, y, width)
    for i in range(n):
        floor = 0.0
        hour = int(clock[i]) // HOUR % 24
        words = f"{hour:02d}:00 UTC: " + ", ".join(
            f"{name} {short(float(v))}" for name, v in zip(names, rows[:, i], strict=True)
        )
        bars = []
        for kind, v in zip(classes, rows[:, i], strict=True):
            bars.append(
                Markup('<rect class="{c}" x="{x:.1f}" y="{y:.2f}" width="{w:.1f}" height="{h:.2f}"/>').format(
                    c=kind, x=x(i) - wide / 2, y=y(floor + v), w=wide, h=max(y(floor) - y(floor + v), 0.0)
                )
            )
            floor += v
        parts.append(Markup("<g>{}<title>{}</title></g>").format(Markup("").join(bars), words))
    parts += _hours(clock, x, base)
    return svg(height, parts, ", ".join(names) + " by hour", width)


def corridor_bar(counts: tuple[int, ...], height: float = 30.0, width: float = WIDTH) -> Markup:
    """One bar of four parts: the corridors' shares."""
    total, at = max(sum(counts), 1), 0.0
    parts = []
    for name, count in zip(CORRIDORS, counts, strict=True):
        wide = width * count / total
        parts.append(
            Markup(
                '<rect class="{c}" x="{x:.2f}" width="{w:.2f}" height="{h:.0f}"><title>{t}</title></rect>'
            ).format(
                c=name,
                x=at,
                w=max(wide - 1.0, 0.3),
                h=height,
                t=f"{name}: {count:,} ({100 * count / total:.1f} %)",
            )
        )
        at += wide
    return svg(height, parts, "Corridors", width)


def spark(curve: Curve, width: float = 168.0, height: float = 34.0) -> Markup:
    """Draw a small curve with its band for a table's row."""
    n = len(curve.observed)
    top = max(
        [float(np.nanmax(c)) for c in (curve.observed, curve.high) if np.isfinite(c).any()], default=1.0
    )
    xs = np.linspace(2, width - 2, max(n, 2))[:n]
    rise = (height - 4) / max(top, 1.0)
    parts = []
    for run in _runs(np.isfinite(curve.high) & np.isfinite(curve.low)):
        ys = height - 2 - np.concatenate([curve.high[run], curve.low[run][::-1]]) * rise
        parts.append(
            Markup('<path class="band" d="{}Z"/>').format(_path(np.concatenate([xs[run], xs[run][::-1]]), ys))
        )
    ys = height - 2 - curve.observed * rise
    parts.append(Markup('<path class="curve thin" d="{}"/>').format(_path(xs, ys)))
    with np.errstate(invalid="ignore"):
        out = np.flatnonzero((curve.observed < curve.low) | (curve.observed > curve.high))
    parts += [
        Markup('<circle class="out" cx="{:.1f}" cy="{:.1f}" r="2.4"/>').format(xs[i], ys[i]) for i in out
    ]
    return svg(height, parts, "By hour, with its norm", width)


def heat_map(origins: list[str], chapters: list[str], mix: Array) -> Markup:
    """Goods items by origin (rows) and chapter (columns): the darker, the more (square root)."""
    left, head, cell = 40.0, 132.0, 30.0
    wide = (WIDTH - left - 64) / max(len(chapters), 1)  # room for the last label
    named = [c != "other" for c in chapters]
    top = max(float(mix[:, named].max(initial=0.0)), 1.0)
    parts = []
    for j, chapter in enumerate(chapters):
        x = left + wide * (j + 0.5)
        parts.append(
            Markup('<text class="dim" transform="translate({:.1f} {:.0f}) rotate(-40)">{}</text>').format(
                x - 4, head - 8, f"{chapter} {title(chapter)}"
            )
        )
    for i, origin in enumerate(origins):
        y = head + cell * i
        parts.append(label(left - 8, y + cell / 2 + 4, origin, "end"))
        for j, chapter in enumerate(chapters):
            shade = min(math.sqrt(float(mix[i, j]) / top), 1.0)
            words = f"{origin}, chapter {chapter} {title(chapter)}: {mix[i, j]:,.0f} items"
            parts.append(
                Markup(
                    '<g><rect class="cell" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="3" '
                    'fill-opacity="{o:.3f}"/>{t}<title>{words}</title></g>'
                ).format(
                    x=left + wide * j + 1, y=y + 1, w=wide - 2, h=cell - 2, o=0.04 + 0.9 * shade, words=words,
                    t=label(left + wide * (j + 0.5), y + cell / 2 + 4, short(float(mix[i, j])),
                            "mid small " + ("on" if shade > 0.5 else "dim")) if mix[i, j] else "",
                )
            )  # fmt: skip
    return svg(head + cell * len(origins) + 4, parts, "Goods items by origin and chapter")


def share_bar(share: float, kind: str = "fill", width: float = 150.0) -> Markup:
    """Draw a bar from 0 to 100 %."""
    return svg(
        10,
        [
            Markup('<rect class="track" width="{:.0f}" height="10" rx="5"/>').format(width),
            Markup('<rect class="{}" width="{:.1f}" height="10" rx="5"/>').format(
                escape(kind), width * min(max(share, 0.0), 1.0)
            ),
        ],
        f"{100 * share:.0f} %",
        width,
    )
