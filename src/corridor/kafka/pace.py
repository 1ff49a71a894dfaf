"""When a record is due: as fast as it goes, at a rate, or by the data's own clock."""

from typing import Protocol


class Pace(Protocol):
    """Tells when to send."""

    def due(self, sent: int, event_ms: int | None) -> float:
        """Seconds after the start at which the next record is due, after `sent` others."""


class AtOnce:
    """As fast as the broker takes them."""

    def due(self, sent: int, event_ms: int | None) -> float:
        """At once."""
        del sent, event_ms
        return 0.0


class AtRate:
    """So many a second, evenly."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second

    def due(self, sent: int, event_ms: int | None) -> float:
        """The place of the record in an even row."""
        del event_ms
        return sent * self._interval


class AtClock:
    """The data's own clock, `factor` times as fast.

    The clock follows the earlier of two neighbours and never goes back: one wrong registered_at (the year
    2035 in the middle of a day) neither stops the replay nor turns it back.
    """

    def __init__(self, factor: float) -> None:
        self._per_ms = 0.001 / factor
        self._before: int | None = None
        self._start: int | None = None
        self._clock = 0

    def due(self, sent: int, event_ms: int | None) -> float:
        """The distance of the record's time from the first one's, shortened by the factor."""
        del sent
        if event_ms is not None:
            if self._before is not None:
                together = min(self._before, event_ms)
                self._start = together if self._start is None else self._start
                self._clock = max(self._clock, together)
            self._before = event_ms
        return 0.0 if self._start is None else (self._clock - self._start) * self._per_ms
