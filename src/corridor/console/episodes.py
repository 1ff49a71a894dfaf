"""anomaly.v1 as the page reads it: episodes, each with the messages that told of it."""

from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec

from corridor.console.cells import UnreadableError
from corridor.messages.moment import moment

MOST: Final = 3_000
"""Episodes kept, those told of last."""
MOST_MESSAGES: Final = 16
MOST_CONTRIBUTORS: Final = 12
LONGEST: Final = 600
"""Characters of a sentence, before it is cut."""
_LISTED: Final = ("hs_chapter", "origin_country", "office", "importer", "corridor", "effects")
"""Lists in the evidence of messages that hold no `contributors`."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Subject(msgspec.Struct):
    type: _Name
    id: _Name


class _Text(msgspec.Struct):
    en: str
    ru: str


class _Episode(msgspec.Struct):
    id: _Name
    state: str
    opened_at: str | None = None


class _Message(msgspec.Struct):
    anomaly_id: _Name
    kind: _Name
    severity: str
    subject: _Subject
    event_time: str
    text: _Text
    office: str | None = None
    observed: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    score: float | None = None
    evidence: dict[str, Any] = {}
    rulebook: str | None = None
    episode: _Episode | None = None


@dataclass(frozen=True, slots=True, order=True)
class Telling:
    """One message of an episode. at: event time in µs; told: what the page shows of it."""

    at: int
    told: dict[str, Any] = field(compare=False)


@dataclass(slots=True)
class Episode:
    """start, stop: the stretch that its newest message speaks of, in µs; opened: from when it was out of its norm."""

    opened: int
    stop: int
    tellings: list[Telling]

    def at(self, until: int | None) -> dict[str, Any] | None:
        """What was told of it last, up to `until` (µs)."""
        known = self.tellings if until is None else [one for one in self.tellings if one.at <= until]
        return known[-1].told if known else None


_decode: Final = msgspec.json.Decoder(_Message).decode


class Episodes:
    """All that are kept, by the identity of the episode, or of the anomaly where it has none."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Episode] = OrderedDict()

    def put(self, line: bytes) -> None:
        """Take one message over. UnreadableError for what is no anomaly.v1."""
        try:
            found = _decode(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise UnreadableError("unreadable") from None
        at = _micros(found.event_time)
        if at is None:
            raise UnreadableError("window")
        identity = found.episode.id if found.episode else found.anomaly_id
        told = _told(found, identity)
        opened = _micros(found.episode.opened_at if found.episode else told["start"]) or at
        episode = self._kept.get(identity)
        if episode is None:
            episode = self._kept[identity] = Episode(opened, at, [])
        self._kept.move_to_end(identity)
        episode.opened, episode.stop = (
            min(episode.opened, opened),
            max(episode.stop, _micros(told["stop"]) or at),
        )
        if all(one.told != told for one in episode.tellings):
            insort(episode.tellings, Telling(at, told))
            del episode.tellings[:-MOST_MESSAGES]
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def within(self, start: int, end: int, until: int | None = None) -> Iterator[dict[str, Any]]:
        """What was told of each episode that touches a window (µs), as it was known at `until`."""
        for episode in self._kept.values():
            if episode.opened < end and episode.stop >= start and (told := episode.at(until)) is not None:
                yield told


def _told(found: _Message, identity: str) -> dict[str, Any]:
    evidence = found.evidence
    return {
        "id": identity,
        "kind": found.kind,
        "severity": found.severity if found.severity in {"info", "warning", "critical"} else "info",
        "subject": {"type": found.subject.type, "id": found.subject.id},
        "office": found.office,
        "at": found.event_time,
        "opened": found.episode.opened_at if found.episode else _text(evidence.get("start")),
        "state": found.episode.state if found.episode else None,
        "start": _text(evidence.get("start")),
        "stop": _text(evidence.get("stop")),
        **{name: getattr(found, name) for name in ("observed", "expected", "low", "high")},
        "dimension": _text(evidence.get("dimension")),
        "value": _text(evidence.get("value")),
        "group": _text(evidence.get("group")),
        "en": found.text.en[:LONGEST],
        "ru": found.text.ru[:LONGEST],
        "contributors": _contributors(evidence, found.kind),
        "rulebook": found.rulebook,
    }


def _contributors(evidence: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The evidence's largest contributors, in declarations; where there are none, its lists by dimension and its effects.

    share: whether observed and expected are shares; those lists are in the unit of the anomaly, an effect in its own.
    """
    told = evidence.get("contributors")
    rows = told if isinstance(told, list) else []
    if not rows:
        for name in _LISTED:
            listed = evidence.get(name)
            for one in listed if isinstance(listed, list) else []:
                if isinstance(one, dict):
                    rows.append({"dimension": name, "kind": kind} | one)
    found: list[dict[str, Any]] = []
    for one in rows:
        if isinstance(one, dict) and len(found) < MOST_CONTRIBUTORS:
            effect = _text(one.get("office")) if one.get("dimension") == "effects" else None
            found.append(
                {
                    "dimension": "office" if effect else _text(one.get("dimension")),
                    "value": effect or _text(one.get("value")),
                    "observed": _number(one.get("observed")),
                    "expected": _number(one.get("expected")),
                    "share": "share" in str(one.get("kind", "")),
                }
            )
    return found


_LARGEST: Final = 1e300
"""No figure of an episode is larger; as a whole number one could be more than a float holds."""


def _text(value: Any) -> str | None:
    return value[:100] if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < _LARGEST:
        return None
    return float(value)


def _micros(text: str | None) -> int | None:
    found = moment(text) if text else None
    return found.microseconds if found is not None and found.usable else None
