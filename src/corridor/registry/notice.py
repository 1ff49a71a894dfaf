"""What a worker's follower has to tell, until the thread that judges sends it on."""

from dataclasses import dataclass
from typing import Literal

from corridor.registry.refusal import Reason


@dataclass(frozen=True, slots=True)
class Notice:
    """What the job is to tell of. number: of the publication; version: None where its record cannot be read.

    at: µs, the moment from which it would have taken effect, or from which the last good one has; key: tells it from
    others. Of the registry itself, with number 0: silent since `at`, or answering again since then.
    """

    what: Literal["refused", "late", "silent", "answers"]
    number: int
    version: str | None
    at: int
    key: str
    reason: Reason | None = None
