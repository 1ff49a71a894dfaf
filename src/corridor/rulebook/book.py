"""A rulebook: everything the service decides by, as arrays."""

from dataclasses import dataclass, field

from corridor.rulebook.encodings import Encodings
from corridor.rulebook.lists import CodeList
from corridor.rulebook.model import Model
from corridor.rulebook.norms import NormTable
from corridor.rulebook.participants import ParticipantTable
from corridor.rulebook.policy import CorridorPolicy
from corridor.rulebook.rates import RateTable
from corridor.rulebook.rules import RuleSet
from corridor.rulebook.shares import ShareTable
from corridor.rulebook.snoozes import Snoozes


@dataclass(frozen=True)
class Rulebook:
    """One published rulebook. It judges declarations registered from `effective_from` on.

    effective_from: µs since 1970; rules: the active ones; shadow: those to be watched only, which nothing runs yet;
    lists: by name, each entry with its time; snoozes: of the active rules.
    """

    version: str
    effective_from: int
    rules: RuleSet
    shadow: RuleSet
    norms: NormTable
    shares: ShareTable
    participants: ParticipantTable
    model: Model | None
    encodings: Encodings
    lists: dict[str, CodeList]
    rates: RateTable
    policy: CorridorPolicy
    sampling_key: bytes
    snoozes: Snoozes = field(default_factory=Snoozes)
