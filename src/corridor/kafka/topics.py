"""The topics: names, partitions, and what each must be set to."""

from dataclasses import dataclass, field
from typing import Final

TOPICS: Final = {
    "declarations": "customs.declarations.v1",
    "decisions": "customs.decisions.v1",
    "anomalies": "customs.anomalies.v1",
    "picture": "customs.picture.v1",
    "rejects": "customs.rejects.v1",
    "traces": "customs.traces.restricted.v1",
    "conservation": "customs.conservation.v1",
}
"""What a topic holds, and its name."""

_ANY_TIME: Final = str(2**63 - 1)
_LARGEST_RECORD: Final = str(2 * 1024 * 1024)

_EVERY: Final = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.before.max.ms": _ANY_TIME,
    "message.timestamp.after.max.ms": _ANY_TIME,
}
"""Timestamps are event time, in a replay of the past or of a simulated day too: a broker's own limits
(since 4.0 one hour ahead) would refuse them."""
_REPLAYED: Final = {"cleanup.policy": "delete", "retention.ms": "-1"}
"""Retention counts from the record's timestamp: with a limit, what is replayed from the past is deleted at once."""
_LARGE: Final = {"max.message.bytes": _LARGEST_RECORD}
"""A record over 1 MiB must reach us to be rejected by us."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be: partitions (at least) and the broker's settings of it."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


SPECIFICATIONS: Final = (
    Topic(TOPICS["declarations"], 8, _EVERY | _REPLAYED | _LARGE),
    Topic(TOPICS["decisions"], 8, _EVERY | _REPLAYED),
    Topic(TOPICS["anomalies"], 2, _EVERY | _REPLAYED),
    Topic(TOPICS["picture"], 2, _EVERY | {"cleanup.policy": "compact"}),
    Topic(TOPICS["rejects"], 2, _EVERY | _REPLAYED | _LARGE),
    Topic(TOPICS["traces"], 8, _EVERY | _REPLAYED),
    Topic(TOPICS["conservation"], 1, _EVERY | {"cleanup.policy": "compact"}),
)
"""All topics in the order of the way of the data."""
