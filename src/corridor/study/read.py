"""History from files: folders of NDJSON to columns, with the texts behind the tokens.

Decoding is the stream's own (`messages.declaration.decode_lines`): a record that the stream
rejects is no part of a study either.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import HEAD, ITEM, Array, Declarations
from corridor.messages.declaration import Decoded, decode_lines
from corridor.messages.skeleton import skeleton
from corridor.messages.tokens import token, untoken

BLOCK_BYTES: Final = 16 << 20
PARTIES: Final = ("declarant", "importer", "exporter")
HEAD_CODES: Final = ("office", "procedure", *PARTIES, "dispatch_country", "delivery_terms")
ITEM_CODES: Final = ("origin_country", "unit", "currency")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a folder held: the decoded records, the texts of hashed tokens, and how many were rejected."""

    declarations: Declarations
    names: dict[int, str]
    rejected: int

    def text(self, code: int) -> str | None:
        """Give the text of a token of this history: exact ones unpacked, hashed ones remembered."""
        return self.names.get(code) or untoken(code)


def ndjson_files(path: Path) -> list[Path]:
    """List the NDJSON files of a folder by name, or the one file; InputError where there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path} does not exist: give a folder of *.ndjson files")
    if not os.access(path, os.R_OK | os.X_OK):  # glob would find nothing, and say nothing
        raise InputError(f"{path}: no permission to read it; change its rights or run as another user")
    files = sorted(path.glob("*.ndjson"))
    if not files:
        raise InputError(f"{path} holds no *.ndjson file: give a folder that does")
    return files


def read(path: Path, threads: int | None = None) -> Reading:
    """Decode an NDJSON file or a folder of them, in the order of the files' names.

    `threads`: how many blocks are decoded at once (default: the machine's processors).
    """
    names: dict[int, str] = {}
    files, workers = ndjson_files(path), threads or os.cpu_count() or 1
    parts: list[tuple[Declarations, int]] = []
    waiting: deque[Future[tuple[Declarations, int]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for block in raw_blocks(files):
            waiting.append(pool.submit(_decoded, block, names))
            if len(waiting) > workers:  # so that few blocks are held at once
                parts.append(waiting.popleft().result())
        parts += [future.result() for future in waiting]
    whole = concatenate([part for part, _ in parts])
    return Reading(whole, names, sum(rejected for _, rejected in parts))


def blocks_of(path: Path) -> Iterator[Declarations]:
    """The declarations of an NDJSON file or a folder of them, a block at a time."""
    for block, changed in raw_blocks(ndjson_files(path)):
        yield decode_lines(block, changed).declarations


def concatenate(batches: list[Declarations]) -> Declarations:
    """One batch of all the records of several, in order."""
    if not batches:
        none = np.zeros(0, np.int64)
        return Declarations(
            np.zeros(0, HEAD), np.zeros(0, ITEM), np.zeros(1, np.int64), np.zeros(0, np.uint8), none
        )
    offsets, starts, items, text = [np.zeros(1, np.int64)], [], 0, 0
    for batch in batches:
        offsets.append(batch.offsets[1:] + items)
        starts.append(batch.text_starts + text)
        items, text = items + len(batch.items), text + len(batch.text)
    return Declarations(
        np.concatenate([batch.heads for batch in batches]),
        np.concatenate([batch.items for batch in batches]),
        np.concatenate(offsets),
        np.concatenate([batch.text for batch in batches]),
        np.concatenate(starts),
    )


def raw_blocks(files: list[Path]) -> Iterator[tuple[bytes, int]]:
    """Blocks of whole lines with the file's modification time in microseconds."""
    for path in files:
        changed = path.stat().st_mtime_ns // 1000
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block + file.readline(), changed


def _decoded(part: tuple[bytes, int], names: dict[int, str]) -> tuple[Declarations, int]:
    block, changed = part
    decoded = decode_lines(block, changed)
    names.update(_new_names(block, decoded, names))
    return decoded.declarations, len(decoded.rejects.rows)


def _new_names(block: bytes, decoded: Decoded, known: dict[int, str]) -> dict[int, str]:
    """Texts of hashed tokens: each is read once, from the first record that bears it."""
    batch = decoded.declarations
    declaration = batch.declaration_of_item()
    found: dict[int, str] = {}
    ends: NDArray[Any] | None = None
    for name in (*HEAD_CODES, *ITEM_CODES):
        is_head = name in HEAD_CODES
        codes = (batch.heads if is_head else batch.items)[name]
        for code, row in _firsts(codes):
            if code in known or code in found:
                continue
            ends = _line_ends(block) if ends is None else ends
            head = row if is_head else int(declaration[row])
            line = int(decoded.rows[head])
            document = json.loads(block[ends[line] + 1 : ends[line + 1]].lstrip(b"\xef\xbb\xbf"))
            holder = document if is_head else document["items"][row - int(batch.offsets[head])]
            text = skeleton(holder[name])
            if token(text) == code:
                found[code] = text
    return found


def _firsts(codes: Array) -> Iterator[tuple[int, int]]:
    """Each hashed token with the first row that bears it."""
    rows = np.flatnonzero(codes < 0)
    distinct, first = np.unique(codes[rows], return_index=True)
    yield from zip(distinct.tolist(), rows[first].tolist(), strict=True)


def _line_ends(block: bytes) -> NDArray[Any]:
    """int64[lines + 1]: positions of line feeds, with one before the block and one behind it."""
    feeds = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    return np.concatenate([[-1], feeds, [len(block)]]).astype(np.int64)
