"""conservation.v1: what became of the records of a partition, as bytes."""

from collections.abc import Mapping
from typing import Final

import msgspec

from corridor.messages.moment_text import rfc3339

COUNTS: Final = ("read", "decided", "rejected", "duplicates", "conflicts", "tombstones")
"""conflicts are among the duplicates."""


def waiting(counts: Mapping[str, int]) -> int:
    """Records read whose end is not told yet: they lie in the job's windows. Below zero: something was doubled."""
    return counts["read"] - sum(counts[name] for name in ("decided", "rejected", "duplicates", "tombstones"))


def encode(topic: str, partition: int, position: int, counts: Mapping[str, int], told_at: int) -> bytes:
    """One document. position: the greatest offset read; counts: by COUNTS; told_at: microseconds since 1970."""
    document = {"topic": topic, "partition": partition, "position": position}
    document |= {name: counts[name] for name in COUNTS}
    return msgspec.json.encode(document | {"waiting": waiting(counts), "told_at": rfc3339(told_at)})
