"""The service as a stream: its records one by one, day after day."""

from collections.abc import Iterator
from typing import Final

from corridor.simulate.day import day
from corridor.simulate.folder import Span
from corridor.simulate.service import Service

_LINES: Final = 2_000
"""Lines that are text at one time; the rest of a day is arrays, some 2.5 kB a declaration."""


def lines(service: Service, span: Span) -> Iterator[tuple[str, bytes]]:
    """Origin and bytes of each record in order of arrival: what `folder.write` puts into files.

    A day is made when the day before it has been taken, so memory does not grow with the span. The origin
    names the place in the files: "2026-11-02.ndjson:1". Raises InputError for a span that cannot be.
    """
    for when, options in span:
        made, number = day(service, when, span.per_day, options), 0
        for block in made.blocks(_LINES):
            for line in block[:-1].split(b"\n"):
                number += 1
                yield f"{when.isoformat()}.ndjson:{number}", line
