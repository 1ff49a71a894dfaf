"""The open vocabulary of decisions: reason groups, responses, bases.

Reasons carry groups only: which rule or indicator spoke is confidential.
"""

from typing import Final

from corridor.messages.vocabulary import BASES, GROUPS

__all__ = ["BASES", "GROUPS", "RESPONSES"]

RESPONSES: Final = ("score", "at_least", "notify", "document", "exempt")
"""score: weight towards the probability; at_least: a corridor as a floor (mandatory); notify: an
anomaly to the monitoring centre; document: yellow as a floor, a document is asked for; exempt: lowers
what is not mandatory to green."""
