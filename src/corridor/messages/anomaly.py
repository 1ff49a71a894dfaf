"""anomaly.v1: what lies outside the established norms, told to the monitoring centre in two languages."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from corridor.errors import InputError
from corridor.messages.anomaly_texts import known, sentences
from corridor.messages.columns import Declarations
from corridor.messages.moment_text import rfc3339
from corridor.messages.vocabulary import GROUPS, SEVERITIES

if TYPE_CHECKING:
    from corridor.verdicts import Verdicts

Severity = Literal["info", "warning", "critical"]
ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """How far an episode is: several messages may tell of one, and the newest counts. opened_at: microseconds."""

    id: str
    state: Literal["opened", "worsened", "closed"]
    opened_at: int


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly. subject: type and id; event_time: microseconds since 1970, event time.

    observed, expected, low, high: in the kind's own unit (declarations, a share 0-1), None or NaN if it
    has none; start, stop: microseconds, the stretch of time that was looked at; key: what tells this
    anomaly from others of the same kind, subject, office and time, independent of the rulebook; evidence:
    JSON values for a person to start from, never a rule, threshold or coefficient.
    """

    kind: str
    severity: Severity
    subject: tuple[str, str]
    office: str | None
    event_time: int
    observed: float | None = None
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    score: float | None = None
    start: int | None = None
    stop: int | None = None
    key: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    rulebook: str | None = None
    episode: EpisodeState | None = None

    @property
    def anomaly_id(self) -> str:
        """32 hex digits: BLAKE2b-128 of the content's identity, so that a replay gives the same."""
        identity = [self.kind, *self.subject, self.office, self.event_time, self.key]
        if self.episode is not None:
            identity += [self.episode.id, self.episode.state]
        raw = json.dumps(identity, separators=(",", ":")).encode()
        return hashlib.blake2b(raw, digest_size=ID_BYTES).hexdigest()


def document(anomaly: Anomaly) -> dict[str, Any]:
    """anomaly.v1 as JSON values. InputError for a kind without words."""
    if not known(anomaly.kind):
        raise InputError(f"anomaly kind {anomaly.kind!r} has no text; add it to messages.anomaly_texts.KINDS")
    numbers = {
        name: _number(getattr(anomaly, name)) for name in ("observed", "expected", "low", "high", "score")
    }
    evidence = anomaly.evidence | {
        name: rfc3339(at) for name in ("start", "stop") if (at := getattr(anomaly, name)) is not None
    }
    values = anomaly.evidence | numbers | {"start": anomaly.start, "stop": anomaly.stop}
    values |= {"subject_type": anomaly.subject[0], "id": anomaly.subject[1]}
    text = sentences(anomaly.kind, values | {"tail": anomaly.kind.partition(".")[2].replace("_", " ")})
    return {
        "anomaly_id": anomaly.anomaly_id,
        "kind": anomaly.kind,
        "severity": anomaly.severity,
        "subject": {"type": anomaly.subject[0], "id": anomaly.subject[1]},
        "office": anomaly.office,
        "event_time": rfc3339(anomaly.event_time),
        **numbers,
        "text": {"en": text.en, "ru": text.ru},
        "evidence": evidence,
        "rulebook": anomaly.rulebook,
        "episode": None if anomaly.episode is None else _episode(anomaly.episode),
    }


def episode_id(*identity: object) -> str:
    """32 hex digits for an episode: BLAKE2b-128 of what tells it from others, so that a replay gives the same."""
    raw = json.dumps(identity, separators=(",", ":")).encode()
    return hashlib.blake2b(raw, digest_size=ID_BYTES).hexdigest()


def _episode(episode: EpisodeState) -> dict[str, str]:
    return {"id": episode.id, "state": episode.state, "opened_at": rfc3339(episode.opened_at)}


def encode(anomaly: Anomaly) -> bytes:
    """anomaly.v1 without a line end."""
    return json.dumps(document(anomaly), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def key_of(anomaly: Anomaly) -> str:
    """The record's key: the subject as type and id."""
    return f"{anomaly.subject[0]}:{anomaly.subject[1]}"


def conflict(batch: Declarations, i: int) -> Anomaly:
    """Declaration i came with the identity of an earlier one and other content (bad-input 16)."""
    return _consignment(
        "consignment.conflict", "warning", batch, i, f"content {int(batch.heads[i]['content'])}"
    )


def other_declarant(batch: Declarations, i: int) -> Anomaly:
    """Declaration i, an amendment or cancellation, is by another declarant (bad-input 18)."""
    return _consignment("consignment.other_declarant", "critical", batch, i, "")


def notified(batch: Declarations, verdicts: "Verdicts") -> list[Anomaly]:
    """One anomaly for each declaration, item and group of which a `notify` rule spoke, the severest."""
    severest: dict[tuple[int, int, int], int] = {}
    for notice in verdicts.notices:
        place = notice.declaration, notice.item_no, notice.group
        severest[place] = max(notice.severity, severest.get(place, 0))
    return [
        _consignment(
            "consignment.notified",
            SEVERITIES[severity],
            batch,
            i,
            f"{group} {item_no}",
            {"group": GROUPS[group], "item_no": item_no},
            verdicts.rulebook,
        )
        for (i, item_no, group), severity in sorted(severest.items())
    ]


def rulebook_refused(number: int, version: str | None, reason: str, at: int, key: str) -> Anomaly:
    """Publication `number` must not take effect; reason: of a closed list (bad-input 28). The last good one goes on."""
    return _publication("circuit.rulebook_refused", "critical", number, version, at, key, {"reason": reason})


def rulebook_late(number: int, version: str | None, at: int, key: str) -> Anomaly:
    """Publication `number` came when declarations it is for had been judged by the one before."""
    return _publication("circuit.rulebook_late", "critical", number, version, at, key, {})


def registry_silent(since: int, answered: int | None) -> Anomaly:
    """The registry has not answered since a moment (µs); answered: when it did again, which closes it, None if not yet."""
    kind = "circuit.registry_silent"
    state: Literal["opened", "closed"] = "opened" if answered is None else "closed"
    return Anomaly(
        kind=kind,
        severity="warning" if answered is None else "info",
        subject=("registry", "rulebooks"),
        office=None,
        event_time=since if answered is None else answered,
        start=since,
        stop=answered,
        evidence={"state": state},
        episode=EpisodeState(episode_id(kind, since), state, since),
    )


def _publication(
    kind: str, severity: Severity, number: int, version: str | None, at: int, key: str, more: dict[str, Any]
) -> Anomaly:
    return Anomaly(
        kind=kind,
        severity=severity,
        subject=("rulebook", version or f"publication {number}"),
        office=None,
        event_time=at,
        key=key,
        evidence={"number": number} | more,
    )


def _consignment(
    kind: str,
    severity: Severity,
    batch: Declarations,
    i: int,
    key: str,
    evidence: dict[str, Any] | None = None,
    rulebook: str | None = None,
) -> Anomaly:
    identity, office, _ = batch.texts(i)
    version = int(batch.heads[i]["version"])
    return Anomaly(
        kind=kind,
        severity=severity,
        subject=("declaration", identity),
        office=office,
        event_time=int(batch.heads[i]["registered_at"]),
        key=f"version {version} {key}".rstrip(),
        evidence={"version": version} | (evidence or {}),
        rulebook=rulebook,
    )


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
