"""The batch detector of the picture: which series left their norms, one anomaly an episode.

It looks at hourly totals of all series at once, at the end of a run over files. Kinds: picture.silence,
picture.drop, picture.spike, picture.share_shift, participant.burst.
"""

from corridor.picture.bursts import bursts
from corridor.picture.finding import Day, Finding
from corridor.picture.hourly import PAIRS, Hourly
from corridor.picture.levels import levels
from corridor.picture.mixes import automatic, mix
from corridor.picture.norms import PictureNorms
from corridor.rulebook.participants import ParticipantTable


def findings(totals: Hourly, norms: PictureNorms, participants: ParticipantTable) -> list[Finding]:
    """Everything out of its norm in the hours that the totals span, by time, kind and subject."""
    day = Day.of(totals, norms)
    if not len(day.clock):
        return []
    found = [*levels(day), *automatic(day), *bursts(day, participants)]
    for pair in PAIRS:
        found += mix(day, pair)
    return sorted(found, key=lambda f: (f.told, f.kind, f.subject))
