"""Declarations that were read but could not be judged: their original bytes, found again in the input.

Only compact bytes travel through the job, so the few records on which a kernel failed (bad-input 27)
are looked up afterwards; in most runs there is none.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from corridor.messages.declaration import decode
from corridor.messages.reject import encode_reject

_LINES: Final = 4096


def write_failures(failed: list[dict[str, Any]], files: tuple[Path, ...], into: Path) -> int:
    """Write a reject of stage `judge` for each of `failed` as a further file of `into`; how many were found.

    failed: rows with declaration_id, version and content.
    """
    wanted = Counter((row["declaration_id"], row["version"], row["content"]) for row in failed)
    if not wanted:
        return 0
    found = [
        encode_reject(payload, "judge", "", "judge", f"{file}:{number}")
        for file in files
        for payload, number in _search(file, wanted)
    ]
    into.mkdir(parents=True, exist_ok=True)
    (into / "judge.ndjson").write_bytes(b"".join(message + b"\n" for message in found))
    return len(found)


def _search(file: Path, wanted: Counter[tuple[str, int, int]]) -> Iterator[tuple[bytes, int]]:
    """The payloads in `file` that are still wanted, with the numbers of their lines from 1."""
    ingested_at, number = int(file.stat().st_mtime * 1e6), 1
    with file.open("rb") as stream:
        while lines := [line.rstrip(b"\r\n") for line in itertools.islice(stream, _LINES)]:
            decoded = decode(lines, ingested_at)
            batch = decoded.declarations
            for i, row in enumerate(decoded.rows.tolist()):
                key = (batch.texts(i)[0], int(batch.heads["version"][i]), int(batch.heads["content"][i]))
                if wanted[key]:
                    wanted[key] -= 1
                    yield lines[row], number + row
            number += len(lines)
