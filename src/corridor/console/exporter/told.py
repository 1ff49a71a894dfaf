"""Anomalies, rejects, decisions and conservation, folded into what the exporter tells of them."""

import re
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from typing import Final

import msgspec

from corridor.console.exporter.day import Count, seconds
from corridor.console.exporter.families import BUCKETS, MOST_PARTITIONS, OTHER
from corridor.console.exporter.offices import Offices
from corridor.console.sources import reject_code
from corridor.kafka.follow import Message
from corridor.messages.anomaly_texts import KINDS
from corridor.messages.columns import CORRIDORS
from corridor.messages.reject import REJECT_CODES
from corridor.messages.vocabulary import BASES, GROUPS, SEVERITIES

MOST_EPISODES: Final = 10_000
MOST_VERSIONS: Final = 4
_SILENCE: Final = "picture.silence"
_LIVE: Final = 86_400.0
"""Seconds from registration to decision beyond which a stream replays the past, and says nothing of its speed."""


class _Subject(msgspec.Struct):
    type: str
    id: str


class _Episode(msgspec.Struct):
    id: str
    state: str


class _Anomaly(msgspec.Struct):
    kind: str
    severity: str
    subject: _Subject
    office: str | None = None
    episode: _Episode | None = None


_anomaly = msgspec.json.Decoder(_Anomaly).decode


class Anomalies:
    """Totals by kind and severity, and the episodes that are open, by id: kind, severity, office.

    An episode counts once, as it was told first: of a run over files only its newest message is there.
    """

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self.total: Counter[tuple[str, str]] = Counter()
        self.open: dict[str, tuple[str, str, str | None]] = {}

    def take(self, value: bytes) -> None:
        """Take anomaly.v1 over. msgspec.MsgspecError if it is none, ValueError for an unknown severity."""
        told = _anomaly(value)
        if told.severity not in SEVERITIES:
            raise ValueError("a severity that is none")
        kind = told.kind if told.kind in KINDS else OTHER
        if told.episode is None:
            self.total[kind, told.severity] += 1
            return
        name, known = told.episode.id, self._known
        if name not in known:
            self.total[kind, told.severity] += 1
            known[name] = None
        self.open.pop(name, None)
        if told.episode.state != "closed":
            office = told.office or (told.subject.id if told.subject.type == "office" else None)
            self.open[name] = kind, told.severity, office
        for kept in (self.open, known):
            if len(kept) > MOST_EPISODES:
                del kept[next(iter(kept))]

    def by_kind(self) -> Counter[tuple[str, str]]:
        """Open episodes by kind and severity."""
        return Counter((kind, severity) for kind, severity, _ in self.open.values())

    def by_office(self, offices: Offices) -> Counter[str]:
        """Open episodes by office, those a person should look at."""
        told = (office for _, severity, office in self.open.values() if severity != "info" and office)
        return Counter(map(offices.label, told))

    def silent(self, offices: Offices) -> set[str]:
        """Offices with an open episode of silence."""
        told = (office for kind, _, office in self.open.values() if kind == _SILENCE and office)
        return set(map(offices.label, told))


class Rejects:
    """Rejects by code."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()

    def take(self, message: Message) -> None:
        """Take a reject over; a code that is not known is `other`."""
        code = reject_code(message)
        self.total[code if code in REJECT_CODES else OTHER] += 1


class _Reason(msgspec.Struct, gc=False):
    group: str


class _Shadow(msgspec.Struct, gc=False):
    corridor: str


class _Decision(msgspec.Struct, gc=False):
    corridor: str
    basis: str
    rulebook: str
    registered_at: str
    decided_at: str
    reasons: list[_Reason] = []
    selected_at_random: bool = False
    shadow: _Shadow | None = None


_decision = msgspec.json.Decoder(_Decision).decode


class Decisions:
    """What decisions say of the rulebooks that made them; buckets: of BUCKETS, the last one for what is beyond."""

    def __init__(self) -> None:
        self.by_rulebook: dict[str, Counter[str]] = {}
        self.basis: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.shadow: Counter[tuple[str, str]] = Counter()
        self.random = 0
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def take(self, value: bytes) -> None:
        """Take decision.v1 over. msgspec.MsgspecError if it is none, ValueError for what is in no closed list."""
        told = _decision(value)
        if told.corridor not in CORRIDORS or told.basis not in BASES:
            raise ValueError("a corridor or basis that is none")
        self._of(told.rulebook)[told.corridor] += 1
        self.basis[told.basis] += 1
        self.groups.update({reason.group for reason in told.reasons} & _GROUPS)
        self.random += told.selected_at_random
        if told.shadow is not None and told.shadow.corridor in CORRIDORS:
            self.shadow[told.corridor, told.shadow.corridor] += 1
        with suppress(ValueError):
            self._time(seconds(told.decided_at) - seconds(told.registered_at))

    def _of(self, version: str) -> Counter[str]:
        """The counts of a rulebook; when a fifth comes, the series of the first ends.

        Poured into `other` they would look as if they were decided now.
        """
        version = version if _VERSION.fullmatch(version) else OTHER
        if version not in self.by_rulebook and len(self.by_rulebook) > MOST_VERSIONS:
            oldest = next(name for name in self.by_rulebook if name != OTHER)
            del self.by_rulebook[oldest]
        self.by_rulebook.setdefault(OTHER, Counter())
        return self.by_rulebook.setdefault(version, Counter())

    def _time(self, took: float) -> None:
        if 0 <= took <= _LIVE:
            self.buckets[bisect_left(BUCKETS, took)] += 1
            self.seconds += took


_GROUPS: Final = frozenset(GROUPS)
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]{0,63}")


class Partition(msgspec.Struct):
    """What is read of conservation.v1."""

    topic: str
    partition: Count
    position: Count
    read: Count
    decided: Count
    rejected: Count
    duplicates: Count
    tombstones: Count
    waiting: Count
    told_at: str


_MOST_TOLD: Final = 10_000
_partition = msgspec.json.Decoder(Partition).decode


class Conservation:
    """The newest word on each partition."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.told_at = 0.0

    def take(self, value: bytes) -> None:
        """Take conservation.v1 over. msgspec.MsgspecError or ValueError if it is none."""
        told = _partition(value)
        if (told.topic, told.partition) not in self.partitions and len(self.partitions) == _MOST_TOLD:
            raise ValueError("more partitions than there can be")
        self.told_at = max(self.told_at, seconds(told.told_at))
        self.partitions[told.topic, told.partition] = told

    def label(self, partition: int) -> str:
        """The partition's number, or `other` beyond the bound."""
        return str(partition) if 0 <= partition < MOST_PARTITIONS else OTHER
