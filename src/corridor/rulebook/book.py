"""A rulebook: everything the service decides by, as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from corridor.rulebook.encodings import Encodings
from corridor.rulebook.lists import CodeList
from corridor.rulebook.model import Model
from corridor.rulebook.norms import NormTable
from corridor.rulebook.participants import ParticipantTable
from corridor.rulebook.policy import CorridorPolicy
from corridor.rulebook.rates import RateTable
from corridor.rulebook.recovery import Recovery
from corridor.rulebook.rules import RuleSet
from corridor.rulebook.shares import ShareTable
from corridor.rulebook.snoozes import Snoozes

PARTS: Final = frozenset({"norms", "shares", "participants", "model", "encodings", "lists", "rates"})
"""What the fields of a declaration rest on beside it: parts that two rulebooks may have in common."""


@dataclass(frozen=True)
class Rulebook:
    """One published rulebook. It judges declarations registered from `effective_from` on.

    effective_from: µs since 1970; rules: the active ones; shadow: those to be watched only (see `candidate`);
    lists: by name, each entry with its time; recovery: what a finding brings in, None where payments themselves are at
    stake; snoozes: of the active rules; files: name → SHA-256 of what it was read from.
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
    recovery: Recovery | None = None
    snoozes: Snoozes = field(default_factory=Snoozes)
    files: Mapping[str, str] = field(default_factory=dict)
