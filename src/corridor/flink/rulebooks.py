"""A worker's rulebooks: a folder's, loaded once, or a registry's, followed while the job runs."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corridor.errors import RulebookError
from corridor.flink.metrics import Metrics
from corridor.messages.anomaly import Anomaly, registry_silent, rulebook_late, rulebook_refused
from corridor.registry.notice import Notice
from corridor.registry.origin import Origin
from corridor.registry.refusal import REASONS
from corridor.registry.shared import follow, leave
from corridor.rulebook.book import Rulebook
from corridor.rulebook.load import Shelf

if TYPE_CHECKING:
    from corridor.flink.answers import Judged


class Rulebooks:
    """What a worker judges by. Raises RulebookError if there is none to begin with.

    Metrics belong to the thread that judges, so what the follower found is told of from there.
    """

    def __init__(self, rulebook: str, origin: Origin | None, metrics: Metrics) -> None:
        self._metrics = metrics
        self._follower = follow(origin) if origin is not None else None
        self._shelf = self._follower.shelf if self._follower else Shelf.load(Path(rulebook))
        self._tell_versions()
        if self._follower:
            for reason in REASONS:
                metrics.count("rulebook_refused", 0, reason=reason)

    def now(self) -> Shelf:
        """The shelf as it stands."""
        return self._follower.shelf if self._follower else self._shelf

    def asked(self, registered_at: Any) -> Shelf:
        """The shelf for declarations of these times (µs), int64[n]: for one batch.

        StoreError if it needs a version that cannot be had now: the job must wait, for another one must not judge.
        """
        if self._follower:
            self._take(self._follower.asked(registered_at))
        return self._shelf

    def holding(self, name: str, at: int) -> tuple[Rulebook, Path] | None:
        """Of the versions with a file of that name the one in force at a moment (µs), and its folder.

        None if no version has it, or none of those is fit. StoreError if it cannot be had now, as in `asked`.
        """
        shelf = self._follower.published if self._follower else self._shelf
        try:
            found = shelf.holding(name, at) if shelf.holds(name) else None
        except RulebookError:  # all that have it were refused
            found = None
        if self._follower:
            self._take(self._follower.shelf)
        return found

    def _take(self, shelf: Shelf) -> None:
        """Use another shelf from now on, and tell of its versions."""
        if shelf is not self._shelf:
            gone = set(self._shelf.versions) - set(shelf.versions)
            self._shelf = shelf
            self._tell_versions(gone)

    def judged(self, found: "Judged") -> None:
        """Note by which rulebook declarations were judged."""
        if self._follower and len(found.rows):
            until = int(found.batch.heads["registered_at"].max())
            self._follower.judged(found.verdicts.rulebook, until)

    def anomalies(self) -> list[Anomaly]:
        """What was refused, came late, or whether the registry is silent, since the last call; once a worker."""
        if not self._follower:
            return []
        self._metrics.tell("registry_silent_seconds", int(time.monotonic() - self._follower.looked_at))
        return [self._told(notice) for notice in self._follower.notices()]

    def close(self) -> None:
        """No longer follow."""
        if self._follower:
            leave(self._follower)
            self._follower = None

    def _told(self, notice: Notice) -> Anomaly:
        if notice.what in ("silent", "answers"):
            return registry_silent(int(notice.key), None if notice.what == "silent" else notice.at)
        if notice.reason is None:
            self._metrics.count("rulebook_late", 1)
            return rulebook_late(notice.number, notice.version, notice.at, notice.key)
        self._metrics.count("rulebook_refused", 1, reason=notice.reason)
        return rulebook_refused(notice.number, notice.version, notice.reason, notice.at, notice.key)

    def _tell_versions(self, gone: Iterable[str] = ()) -> None:
        for version in gone:
            self._metrics.tell("rulebook", 0, version=version)
        for book in self._shelf.rulebooks:
            self._metrics.tell("rulebook", 1, version=book.version)
