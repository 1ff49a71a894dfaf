"""The report of a fit: one HTML document with everything inlined, and its figures as JSON. Both are restricted."""

import json
import math
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS
from corridor.output import reason
from corridor.study.drift import MUCH, SOME
from corridor.study.fit import FitReport
from corridor.study.measure import SHARES, Inspection
from corridor.study.report import charts, fit_charts
from corridor.study.report.page import environment
from corridor.study.validation import BOTH, MEASURES, Gain

ORACLE: Final = "oracle"
SHOWN: Final = 20
"""Features that are shown without unfolding."""
RESTRICTED: Final = (
    "Restricted. It names what the model looks at and how the service's goods are spread; "
    "give it only to those who may see risk profiles."
)


def check_place(page: Path, rulebook: Path) -> None:
    """Refuse a place where the page could not be written, before anything is fitted. Raises InputError.

    The rulebook's own folder is sealed by its manifest, so the page cannot lie in it.
    """
    if page.suffix != ".html":
        raise InputError(f"--report {page}: the report is an HTML page, so give a name that ends with .html")
    folder = page.resolve().parent
    if folder == rulebook.resolve() or rulebook.resolve() in folder.parents:
        raise InputError(
            f"--report {page} lies in the rulebook's folder, which its manifest seals: give another place"
        )
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist: make it, or give another --report")
    for path in (page, page.with_suffix(".json")):
        if path.is_dir():
            raise InputError(f"{path} is a folder: give another --report")


def default_place(rulebook: Path) -> Path:
    """Beside the rulebook's folder: RULEBOOK.report.html."""
    whole = rulebook.resolve()
    return rulebook.parent / f"{whole.name}.report.html"


def write(report: FitReport, page: Path) -> None:
    """Write the page and, beside it, its figures as JSON; both whole or as they were before. Raises InputError."""
    texts = {page: render(report), page.with_suffix(".json"): json.dumps(figures(report), indent=2) + "\n"}
    try:
        for path, text in texts.items():
            part = path.with_name(f".{path.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    except OSError as error:
        raise InputError(
            f"{error.filename or page}: {reason(error)}; the rulebook is written, its report is not"
        ) from error


def figures(report: FitReport) -> dict[str, Any]:
    """All figures as JSON values; what has no value (a ratio by zero, an endless edge) is null. Restricted."""
    told = report.validation
    found: dict[str, Any] = {
        "restricted": True,
        "rulebook": report.version,
        "from": report.previous,
        **{name: _day(at) for name, at in report.at.items()},
        "counts": report.counts,
        "model": report.model,
        "corridors": {"declarations": report.judged, **report.corridors},
        "validation": told and {**asdict(told), "since": _day(told.since)},
        "importance": report.importance,
        "participants": report.participants,
        "drift": report.drift,
        "norm_moves": report.norm_moves,
    }
    plain: dict[str, Any] = _plain(found)
    return plain


def _plain(x: Any) -> Any:
    if is_dataclass(x) and not isinstance(x, type):
        x = asdict(x)
    if isinstance(x, dict):
        return {str(key): _plain(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(value) for value in x]
    if isinstance(x, float):
        return round(x, 6) if math.isfinite(x) else None
    return x


def render(report: FitReport) -> str:
    """Draw the page; plain strings in the report are data and come out escaped."""
    told = report.validation
    page = environment().get_template("fit.html.j2")
    return page.render(
        report=report,
        told=told,
        restricted=RESTRICTED,
        charts=fit_charts,
        bars=charts,
        parts=[round(report.judged * report.corridors[name]) for name in CORRIDORS],
        corridors=CORRIDORS,
        shares=SHARES,
        measures=MEASURES,
        begin=_day(report.at["begin"]),
        learned=_day(report.at["learned"]),
        end=_day(report.at["end"]),
        measured=_day(told.since) if told else "",
        rankings={measure: _lines(told.rankings, measure) for measure in MEASURES} if told else {},
        gains=_by_name(told.gains) if told else {},
        both=BOTH,
        shown=SHOWN,
        some=SOME,
        much=MUCH,
        points=_points,
        plain=lambda x: f"{100 * x:.1f}" if np.isfinite(x) else "–",
        sure=_sure,
    )


def _lines(rankings: dict[str, list[Inspection]], measure: str) -> dict[str, list[float]]:
    """By ranking, and for the oracle, the values of one measure at each share."""
    lines = {name: [float(getattr(one, measure)) for one in found] for name, found in rankings.items()}
    first = next(iter(rankings.values()))
    return {ORACLE: [float(getattr(one, f"oracle_{measure}")) for one in first], **lines}


def _by_name(gains: list[Gain]) -> dict[str, list[Gain]]:
    found: dict[str, list[Gain]] = {}
    for gain in gains:
        found.setdefault(gain.name, []).append(gain)
    return found


def _points(x: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * x:+.1f}" if np.isfinite(x) else "–"


def _sure(difference: tuple[float, float, float]) -> str:
    """The class of a difference whose interval does not hold 0."""
    return "better" if difference[1] > 0 else "worse" if difference[2] < 0 else ""


def _day(at: int) -> str:
    """A moment in microseconds since 1970 as its day, with the time where it is not midnight."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%Y-%m-%d %H:%M}"
