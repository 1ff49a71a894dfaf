"""The open vocabulary of decisions: the names that outputs may carry.

It stands with the messages since schemas and writers need it; `rulebook.groups` passes it on.
"""

from typing import Final

GROUPS: Final = (
    "valuation",
    "weight",
    "origin",
    "classification",
    "participant",
    "procedure",
    "list",
    "model",
    "history",
    "data_quality",
    "random",
)
BASES: Final = ("mandatory", "score", "random", "exempt", "late", "technical")
SEVERITIES: Final = ("info", "warning", "critical")
FINDINGS: Final = ("none", "violation", "critical")
UNKNOWN: Final = "unknown"
"""What outputs write for a class or country that cannot be told."""
