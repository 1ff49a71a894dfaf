"""Lists and snoozes the slow way: every entry is looked at."""

from collections.abc import Sequence

Entry = tuple[str, int, int]
"""A code, and from when until when it counts, in µs, the end exclusive."""
Snooze = tuple[int, str, int, int]
"""The number of a rule, the code of the party, from when until when."""


def stands(code: str, moment: int, entries: Sequence[Entry], prefix: bool = False) -> bool:
    return any(
        since <= moment < until and (code.startswith(entry) if prefix else code == entry)
        for entry, since, until in entries
        if code
    )


def silenced(
    hits: list[list[int]],
    items: Sequence[int],
    parties: Sequence[str],
    moments: Sequence[int],
    snoozes: Sequence[Snooze],
) -> list[list[int]]:
    """Hits by rule and item without those that are snoozed; items: how many each declaration has."""
    out, first = [list(row) for row in hits], 0
    for count, party, moment in zip(items, parties, moments, strict=True):
        for rule, code, since, until in snoozes:
            if party == code and since <= moment < until:
                for i in range(first, first + count):
                    out[rule][i] = 0
        first += count
    return out
