"""Slow twin of `kernels.overlap`: one item after another, one rule beside another."""

from collections.abc import Sequence


def overlap(
    hits: Sequence[Sequence[int]], declaration: Sequence[int], counted: Sequence[bool]
) -> tuple[list[list[int]], list[int], list[int]]:
    """together, alone, declarations: as `Overlap`; hits[r][i]."""
    rules = range(len(hits))
    items = [{r for r in rules if hits[r][i]} for i in range(len(declaration))]
    together = [[sum(r in spoken and o in spoken for spoken in items) for o in rules] for r in rules]
    alone = [
        sum(r in spoken and not any(counted[o] for o in spoken if o != r) for spoken in items) for r in rules
    ]
    declarations = [
        len({d for d, spoken in zip(declaration, items, strict=True) if r in spoken}) for r in rules
    ]
    return together, alone, declarations
