"""The detectors of a rulebook's versions, one after another: each bin goes by the norms that its time demands."""

from collections.abc import Callable
from pathlib import Path

from corridor.errors import RulebookError
from corridor.messages.anomaly import Anomaly
from corridor.picture.detector import Bin, Detector
from corridor.picture.hourly import BIN
from corridor.picture.norms import PictureNorms
from corridor.picture.state import State
from corridor.rulebook.book import Rulebook


class Successive:
    """A fold as `Detector`, by the norms of the rulebook that is in force as each bin ends; files and streams alike.

    holding: the rulebook with norms of the picture in force at a moment (µs), and its folder; None if there is none.
    refused: told once of each version whose norms cannot be used: the norms used last hold on, if there are any. Without
    it RulebookError, as `PictureNorms.load`.
    """

    def __init__(
        self,
        holding: Callable[[int], tuple[Rulebook, Path] | None],
        refused: Callable[[str, RulebookError], None] | None = None,
    ) -> None:
        self._holding, self._refused = holding, refused
        self._latest: Detector | None = None
        self._unfit: set[str] = set()

    def at(self, number: int) -> Detector | None:
        """The detector for a bin, by its number since 1970; None where no norms are."""
        found = self._holding((number + 1) * BIN - 1)
        if found is None:
            return None
        book, folder = found
        if book.version not in self._unfit and (self._latest is None or self._latest.version != book.version):
            self._take(book, folder)
        return self._latest

    def _take(self, book: Rulebook, folder: Path) -> None:
        """Go by a version's norms from now on."""
        try:
            self._latest = Detector(PictureNorms.load(folder), book.participants, book.version)
        except RulebookError as error:
            if self._refused is None:
                raise
            self._unfit.add(book.version)
            self._refused(book.version, error)

    def fold(self, state: State, found: Bin) -> list[Anomaly]:
        """As `Detector.fold`; without norms nothing is told."""
        detector = self.at(found.at)
        return [] if detector is None else detector.fold(state, found)

    def standing(self, state: State) -> list[Anomaly]:
        """As `Detector.standing`, by the norms that were used last."""
        return [] if self._latest is None else self._latest.standing(state)
