"""Why a rulebook is refused: a closed list, since it labels a metric."""

from typing import Final, Literal, get_args

from corridor.errors import RulebookError

Reason = Literal["unreadable", "unsigned", "expired", "chain", "content", "rulebook", "histories"]
"""unreadable: its record is cut short or no record; unsigned: a signature is missing, wrong, of a person who is not
trusted with it, or both are one person's; expired: signed when the key was not valid; chain: not the next after
its predecessor, or one that was known is gone; content: a file is missing or not what was signed; rulebook: not fit
to judge by; histories: it asks for histories that the running job does not keep."""
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)


class RefusedError(RulebookError):
    """A rulebook that must not take effect; `reason` is one of REASONS."""

    def __init__(self, reason: Reason, problem: str) -> None:
        super().__init__(problem)
        self.reason: Reason = reason
