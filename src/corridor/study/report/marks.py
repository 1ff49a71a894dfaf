"""The marks that charts are drawn with: inline SVG, coloured by the page's style sheet, every text escaped."""

import math
from collections.abc import Iterable
from typing import Any, Final

from markupsafe import Markup
from numpy.typing import NDArray

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
    """A picture of `width` by `height`; `label` is what screen readers say of it."""
    inside = Markup("").join(Markup(p) for p in parts)
    return Markup('<svg viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{label}">{inside}</svg>').format(
        w=width, h=height, label=label, inside=inside
    )


def path(xs: Array, ys: Array) -> str:
    """A line through points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))


def text(x: float, y: float, text: object, kind: str = "") -> Markup:
    """A text; `kind`: classes of the style sheet."""
    return Markup('<text x="{x:.1f}" y="{y:.1f}" class="{c}">{t}</text>').format(x=x, y=y, c=kind, t=text)


def grid(levels: list[float], y: Any, width: float = WIDTH) -> list[Markup]:
    """Horizontal lines with their figures at the left."""
    out = []
    for level in levels:
        out.append(
            Markup('<line class="grid" x1="{a:.0f}" x2="{b:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                a=LEFT, b=width - RIGHT, y=y(level)
            )
        )
        out.append(text(LEFT - 8, y(level) + 4, short(level), "end dim"))
    return out
