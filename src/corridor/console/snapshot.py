"""What the page shows of one day or week, as sections of keys and values, so that what changed can be told apart."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from corridor.console.cells import DAY, HOUR, named
from corridor.console.grown import earlier
from corridor.console.history import Row
from corridor.console.hours import by_hour, so_far
from corridor.console.state import State
from corridor.console.windows import Window
from corridor.messages.moment_text import rfc3339

Sections = dict[str, dict[str, Any]]
ANOMALIES: Final = 300
ORIGINS: Final = 12
CHAPTERS: Final = 14
_GRAVE: Final = {"critical": 2, "warning": 1}


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at. start: of the window in µs, None for the newest; until: replayed up to there, None as it stands."""

    period: str = "day"
    start: int | None = None
    until: int | None = None


def snapshot(state: State, view: View, now: int) -> Sections:
    """The sections of a view. now: wall clock in µs, which tells the day that runs from others."""
    with state.lock:
        clock = state.link.clock or (now if state.link.condition == "live" else 0)
        start = state.windows.newest(view.period, clock) if view.start is None else view.start
        window = None if start is None else state.windows.get(view.period, start)
        meta = {
            "period": view.period,
            "start": None if start is None else rfc3339(start),
            "end": None if window is None else rfc3339(window.start + window.length),
            "as_of": None if window is None else rfc3339(_as_of(state, window, view, clock)),
            "newest": view.start is None,
            "replayed": view.until is not None,
            "days": [rfc3339(one)[:10] for one in state.windows.starts("day")],
            "weeks": [rfc3339(one)[:10] for one in state.windows.starts("week")],
        }
        sections: Sections = {"meta": meta, "status": _status(state, now)}
        if window is not None:
            sections |= _Painted(state, window, view, _as_of(state, window, view, clock)).sections()
        else:
            sections["books"] = _books(state, now)
        return sections


def _status(state: State, now: int) -> dict[str, Any]:
    link, backwards = state.link, state.windows.backwards
    newest = max((state.windows.get("day", one).end for one in state.windows.starts("day")), default=0)  # type: ignore[union-attr]
    return {
        "condition": link.condition,
        "source": link.source,
        "since": link.since,
        "received": link.received,
        "missing": dict(sorted(link.missing.items())),
        "ignored": dict(sorted(state.ignored.items())),
        "backwards": [rfc3339(one) for one in backwards] if backwards else None,
        "ahead": link.condition == "live" and newest > now + 600_000_000,
        "norms_problem": bool(state.norms.problem),
    }


def _as_of(state: State, window: Window, view: View, clock: int) -> int:
    """As of when the window is shown: a day is over when there is a newer one to show."""
    if view.until is not None:
        return min(view.until, window.start + window.length)
    newest = state.windows.newest(window.period, clock)
    return window.start + window.length if newest is not None and window.start < newest else window.end


def _books(state: State, at: int) -> dict[str, Any]:
    shown = state.books.shown(at)
    if shown["in_force"] is None and state.judged_by:
        newest = max(state.judged_by, key=lambda version: state.judged_by[version])
        shown["in_force"] = {"version": newest, "starts": None}
    return shown


class _Painted:
    """A window in the making."""

    def __init__(self, state: State, window: Window, view: View, as_of: int) -> None:
        self.state, self.window, self.view, self.as_of = state, window, view, as_of
        self.book = state.books.in_force(self.as_of - 1)
        for book in (self.book, state.books.next(self.as_of - 1)):
            if book is not None:
                state.norms.there(book)  # asked for; of the next one to be there when it takes effect

    def sections(self) -> Sections:
        curve = self._curve("")
        episodes = list(self.state.episodes.within(self.window.start, self.as_of, self.view.until))
        return {
            "glance": self._glance(curve),
            "curve": curve,
            "split": self._split(),
            "offices": self._offices(),
            "bands": self._bands(),
            "origins": self._margin("origin_country"),
            "chapters": self._margin("hs_chapter"),
            "mix": self._mix(),
            "anomalies": _gravest(episodes),
            "told": _counted(episodes),
            "rejects": dict(
                self.state.rejects.within(self.window.start, self.window.start + self.window.length)
            ),
            "undated": {"rejects": self.state.rejects.undated()},
            "books": _books(self.state, self.as_of),
        }

    def _rows(self, dimension: str) -> dict[str, Row]:
        return dict(self.window.rows(dimension, self.view.until))

    def _glance(self, curve: dict[str, Any]) -> dict[str, Any]:
        row = next(iter(self._rows("service").values()), None)
        if row is None:
            return {}
        counts = {hour: one[0] for hour, one in curve.items() if one[0] is not None}
        peak = max(counts, key=lambda hour: counts[hour], default=None)
        expected = so_far([one[1] for one in curve.values()], self.window.start, self.as_of)
        return named(row) | {
            "expected": expected,
            "peak_hour": peak if peak and counts[peak] else None,
            **earlier(self.state.windows, self.window, self.as_of, row),
        }

    def _curve(self, office: str) -> dict[str, Any]:
        """By hour: declarations, expected, low, high."""
        curve: dict[str, Any] = {}
        for day in range(self.window.start, self.window.start + self.window.length, DAY):
            window = self.window if self.window.period == "day" else self.state.windows.get("day", day)
            counts = (
                [None] * 24
                if window is None
                else by_hour(window, office, self.as_of, self.view.until is not None)
            )
            band = self.state.norms.band(self.book, office, day, 24)
            for hour in range(24):
                curve[rfc3339(day + hour * HOUR)[:13]] = [counts[hour], *(part[hour] for part in band)]
        return curve

    def _split(self) -> dict[str, Any]:
        return {
            f"{dimension}/{value}": named(row)
            for dimension in ("direction", "transport_mode", "corridor")
            for value, row in self._rows(dimension).items()
        }

    def _offices(self) -> dict[str, Any]:
        offices: dict[str, Any] = {}
        for office, row in self._rows("office").items():
            band = self._band(office)
            expected = None if band is None else so_far(band[0], self.window.start, self.as_of)
            offices[office] = named(row) | {"hours": self._hours(office), "expected": expected}
        for office in self._silent(offices):
            offices[office] = named((0,) * 10 + (-1,) * 9) | {"hours": self._hours(office), "expected": None}
        return offices

    def _silent(self, offices: dict[str, Any]) -> list[str]:
        """Offices of other days that have said nothing in this one yet."""
        days = (self.state.windows.get("day", self.window.start - n * DAY) for n in range(1, 8))
        known = {office for day in days if day is not None for office in day.cells.get("office", {})}
        return sorted(known - offices.keys())

    def _hours(self, office: str) -> list[int | None]:
        """A day's 24 hours; of a week its seven days."""
        if self.window.period == "day":
            return by_hour(self.window, office, self.as_of, self.view.until is not None)
        days: list[int | None] = []
        for start in range(self.window.start, self.window.start + self.window.length, DAY):
            day = self.state.windows.get("day", start)
            known = None if day is None else day.cells.get("office", {}).get(office)
            days.append(known.row[0] if known else None)
        return days

    def _band(self, office: str) -> tuple[list[float | None], ...] | None:
        if self.window.period != "day":
            return None
        return self.state.norms.band(self.book, office, self.window.start, 24)

    def _bands(self) -> dict[str, Any]:
        """Expected, low and high by hour of each office that has a norm; they change with the rulebook only."""
        bands = {office: self._band(office) for office in self.window.cells.get("office", {})}
        return {
            office: band
            for office, band in bands.items()
            if band is not None and any(n is not None for n in band[0])
        }

    def _margin(self, dimension: str) -> dict[str, Any]:
        """The largest by items: declarations, items, customs value."""
        most = ORIGINS if dimension == "origin_country" else CHAPTERS
        rows = sorted(self._rows(dimension).items(), key=lambda one: (-one[1][1], one[0]))[:most]
        return {value: [row[0], row[1], row[2] / 100] for value, row in rows if row[1]}

    def _mix(self) -> dict[str, Any]:
        origins, chapters = self._margin("origin_country"), self._margin("hs_chapter")
        found: dict[str, Any] = {}
        for value, row in self._rows("origin_chapter").items():
            origin, _, chapter = value.rpartition("/")
            if origin in origins and chapter in chapters and row[1]:
                found[value] = [row[0], row[1], row[2] / 100]
        return found


def _gravest(episodes: list[dict[str, Any]]) -> dict[str, Any]:
    """At most ANOMALIES, the gravest and then the newest."""
    ordered = sorted(episodes, key=lambda one: (_GRAVE.get(one["severity"], 0), one["at"]), reverse=True)
    return {one["id"]: one for one in ordered[:ANOMALIES]}


def _counted(episodes: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = Counter(one["kind"] for one in episodes)
    return {"all": len(episodes), "kinds": dict(kinds.most_common(40))}
